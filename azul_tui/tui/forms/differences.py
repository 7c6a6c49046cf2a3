"""The settings of several runs side by side, only where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from azul_tui.config import read_toml
from azul_tui.errors import ConfigError
from azul_tui.runs.text import plain_text
from azul_tui.tui.phrases import plural
from azul_tui.tui.picture import shorten_middle, text_line
from azul_tui.tui.table import with_marks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.tui.picture import Picture
    from azul_tui.tui.signs import Signs


GAP = 2
"""Cells between two columns."""
LEAST_NAME = 12
"""Cells that a name of a setting or of a run keeps."""
UNSET = "–"
LEAST_VALUE = 6
MOST_VALUE = (24, 16, 12, 8)
"""Cells that a value takes at most, the first with which every run has room; numbers need eight."""


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
    """One line a differing setting, one column a run, as many runs as there is room for.

    Values stay whole as long as they can; names of settings and of runs give way in the middle.

    Args:
        names: Of the runs.
        settings: Of each run.
        roles: Of each run's values.
        width: Cells.
        height: Lines.
        signs: The characters.
    """
    different = differing(settings)
    if not different:
        return [text_line(" the settings are the same", "quiet")][:height]
    columns = [[values.get(name, UNSET) for name in different] for values in settings]
    widest = max(len(name) for name in different)
    room = width - 2 - min(widest, max(LEAST_NAME, width // 3))
    shown: list[int] = []
    for most in MOST_VALUE:
        sizes = [_column_width(n, column, most) for n, column in zip(names, columns, strict=True)]
        shown = _fitting(sizes, room)
        if len(shown) == len(names):
            break
    hidden = len(names) - len(shown)
    left = width - 2 - sum(size + GAP for size in shown)
    name_width = min(widest, max(LEAST_NAME, left))
    shown = _with_spare(names, shown, left - name_width)
    head: list[tuple[str, str]] = [(f" {'setting':<{name_width}}", "title")]
    for name, size, role in zip(names, shown, roles, strict=False):
        short = shorten_middle(name, size, signs.ellipsis)
        head.append((" " * (GAP + size - cell_len(short)) + short, role))
    lines: Picture = []
    for row, name in enumerate(different):
        line: list[tuple[str, str]] = [
            (f" {shorten_middle(name, name_width, signs.ellipsis):<{name_width}}", "")
        ]
        for column, size in zip(columns, shown, strict=False):
            value = shorten_middle(column[row], size, signs.ellipsis)
            line.append((" " * (GAP + size - cell_len(value)) + value, "strong"))
        lines.append(tuple(line))
    foot: Picture = [text_line(f" {plural(hidden, 'more run')} beside these", "quiet")]
    room = max(0, height - 1 - (len(foot) if hidden else 0))
    below = len(lines) - room + 1 if len(lines) > room else 0
    body = with_marks(lines[:room], 0, below, width, signs)
    return [tuple(head), *body, *(foot if hidden else [])][:height]


def _column_width(name: str, values: Sequence[str], most: int) -> int:
    """Cells of a column whose values take at most that many, and its name what tells it apart."""
    widest = max(cell_len(value) for value in values)
    return max(LEAST_VALUE, min(widest, most), min(cell_len(name), LEAST_NAME, most))


def _fitting(sizes: Sequence[int], room: int) -> list[int]:
    """The widths of as many columns as there is room for, at least one; the rest is shared."""
    shown: list[int] = []
    for size in sizes:
        if shown and sum(shown) + len(shown) * GAP + GAP + size > room:
            break
        shown.append(size)
    return [max(LEAST_VALUE, min(shown[0], room - GAP)), *shown[1:]]


def _with_spare(names: Sequence[str], sizes: Sequence[int], spare: int) -> list[int]:
    """The widths with `spare` cells given to columns whose run's name is longer."""
    grown: list[int] = []
    for name, size in zip(names, sizes, strict=False):
        more = min(max(0, spare), max(0, cell_len(name) - size))
        grown.append(size + more)
        spare -= more
    return grown


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(str(word) for word in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)
