"""The settings of several runs side by side, only where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.config import read_toml
from azul_tui.errors import ConfigError
from azul_tui.runs.text import plain_text
from azul_tui.tui.table import Column, Row, draw_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.tui.picture import Picture
    from azul_tui.tui.signs import Signs


def read_settings(config: Path) -> dict[str, str]:
    """The settings in a run's `config.toml` as text; empty when it cannot be read."""
    try:
        values = read_toml(config)
    except ConfigError:
        return {}  # a run without readable settings has none to compare
    return {plain_text(key, 60): plain_text(_text(value), 60) for key, value in values.items()}


def differing(settings: Sequence[dict[str, str]]) -> list[str]:
    """Names of the settings that are not the same everywhere, in the order of the first."""
    names: list[str] = []
    for values in settings:
        names.extend(name for name in values if name not in names)
    return [name for name in names if len({values.get(name) for values in settings}) > 1]


def draw_diff(
    names: Sequence[str],
    settings: Sequence[dict[str, str]],
    roles: Sequence[str],
    width: int,
    height: int,
    signs: Signs,
) -> Picture:
    """One line a differing setting, one column a run."""
    different = differing(settings)
    room = max(6, (width - 16) // max(1, len(names)) - 3)
    columns = [Column(title="setting", least=8, stretch=True)]
    columns.extend(
        Column(title=plain_text(name, min(20, room)), align_right=True, gives_way=index)
        for index, name in enumerate(names)
    )
    rows = [
        Row(
            (
                (name, ""),
                *(
                    (values.get(name, "–"), role)
                    for values, role in zip(settings, roles, strict=True)
                ),
            )
        )
        for name in different
    ]
    return draw_table(columns, rows, width, height, signs=signs, empty="the settings are the same")


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(str(word) for word in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)
