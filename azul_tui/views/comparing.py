"""Runs and checkpoints side by side: settings that differ, and curves over each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from azul_tui.config import read_toml
from azul_tui.errors import ConfigError
from azul_tui.runs.text import plain_text
from azul_tui.views.words import Spans, plural, short_float, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from azul_tui.views.charts import Curve, View
    from azul_tui.views.run_charts import ChartContent
    from azul_tui.views.run_data import RunData

LEAST_NAME, LEAST_VALUE, MOST_VALUE = 12, 8, 26
"""Cells that a setting's name and a value take: numbers need eight."""


def read_settings(config: Path) -> dict[str, str]:
    """The settings in a run's `config.toml` as text; empty when it cannot be read."""
    try:
        values = read_toml(config)
    except ConfigError:
        return {}  # a run without readable settings has none to compare
    return {plain_text(key, 60): plain_text(_text(value), 60) for key, value in values.items()}


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return f"{value:g}" if isinstance(value, float) else str(value)


def fact_lines(facts: Mapping[str, str], width: int, role: str = "strong") -> list[Spans]:
    """One line a fact, what it is called before it, in `width` cells."""
    size = max(LEAST_NAME, min(max(map(len, facts), default=0) + 2, width // 2))
    return [
        ((f"{shortened(name, size - 1):<{size}}", "quiet"), (shortened(text, width - size), role))
        for name, text in facts.items()
    ]


def diff_lines(
    names: Sequence[str], settings: Sequence[Mapping[str, str]], width: int
) -> list[Spans]:
    """A title and one line a differing setting; as many columns as there is room for, at least two.

    Args:
        names: What stands above each column.
        settings: The values of each column.
        width: Cells.
    """
    every = dict.fromkeys(name for values in settings for name in values)
    different = [name for name in every if len({values.get(name) for values in settings}) > 1]
    if not different:
        return [(("the settings are the same", "quiet"),)]
    shown = max(2, min(len(names), (width - LEAST_NAME) // (LEAST_VALUE + 2)))
    rows = [("", names), *((n, [v.get(n, "–") for v in settings]) for n in different)]
    first = min(max(map(len, different)), max(LEAST_NAME, width * 2 // 5))
    size = min(MOST_VALUE, max(1, (width - first) // shown - 2))
    lines: list[Spans] = []
    for label, texts in rows:
        row = [(f"{shortened(label, first):<{first}}", "quiet")]
        for at, text in enumerate(texts[:shown]):
            said = f"  {shortened(text, size):>{size}}"
            row.append((said, "" if label else f"series.{at}"))
        lines.append(tuple(row))
    if shown < len(names):
        lines.append(((f"and {plural(len(names) - shown, 'more run')} beside these", "quiet"),))
    return lines


OVERLAYS = {
    "total loss": ("loss", "total"),
    "policy loss": ("loss", "policy"),
    "value loss": ("loss", "value"),
    "score": ("score", ""),
    "simulations/s": ("simulations/s", "simulations/s"),
}
"""What can be laid over each other, by its title: a run's chart, and the curve in it."""


def overlay(
    title: str, runs: Mapping[str, RunData], opponent: str, view: View, width: int
) -> ChartContent:
    """One of `OVERLAYS` for some runs, at least one.

    Args:
        title: Which one.
        runs: What was read of the runs, by name, in the order of their colours.
        opponent: Whom scores are against.
        view: How it is looked at.
        width: Cells of the chart, whose title names every run.
    """
    import numpy as np

    from azul_tui.views.run_charts import ChartSource

    chart, wanted = OVERLAYS[title]
    curves: list[Curve] = []
    shown = f"score against {opponent}" if opponent and chart == "score" else title
    wanted = wanted or opponent.partition(",")[0]
    said = [(shown, "title")]
    room = max(5, min(24, (width - len(shown) - 8) // len(runs) - 9))
    whole = [ChartSource(data).content(chart, view) for data in runs.values()]
    for index, (name, one) in enumerate(zip(runs, whole, strict=True)):
        label = shortened(plain_text(name, 64), room)
        found = [curve for curve in one.curves if curve.name == wanted and len(curve.x)]
        curves += [replace(curve, name=label, series=index) for curve in found]
        known = [y for curve in found for y in curve.y[np.isfinite(curve.y)][-1:]]
        newest = (short_float(round(float(known[-1]), 3)), "strong") if known else ("–", "quiet")
        said += [(f"  {label} ", f"series.{index}"), newest]
    return replace(
        whole[0], name=title, title=tuple(said), curves=curves, levels=[], marks=[],
        empty=f"no {shown} yet",
    )  # fmt: skip
