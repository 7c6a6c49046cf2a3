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
    from azul_tui.views.following import RunFeed
    from azul_tui.views.run_charts import ChartContent, ChartSource

LEAST_VALUE, MOST_VALUE = 8, 26
"""Cells that a value takes: numbers need eight."""
LEAST_NAME = 12


def read_settings(config: Path) -> dict[str, str]:
    """The settings in a run's `config.toml` as text; empty when it cannot be read."""
    try:
        values = read_toml(config)
    except ConfigError:
        return {}  # a run without readable settings has none to compare
    return {plain_text(key, 60): plain_text(_text(value), 60) for key, value in values.items()}


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(str(word) for word in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)


def differing(settings: Sequence[Mapping[str, str]]) -> list[str]:
    """Names of the settings that are not the same everywhere, in the order of the first."""
    names = dict.fromkeys(name for values in settings for name in values)
    return [name for name in names if len({values.get(name) for values in settings}) > 1]


def diff_lines(
    names: Sequence[str], settings: Sequence[Mapping[str, str]], width: int
) -> list[Spans]:
    """A title and one line a differing setting; as many columns as there is room for, at least two.

    Args:
        names: What stands above each column.
        settings: The values of each column.
        width: Cells.
    """
    different = differing(settings)
    if not different:
        return [(("the settings are the same", "quiet"),)]
    longest = max(len(name) for name in different)
    shown = max(2, min(len(names), (width - LEAST_NAME) // (LEAST_VALUE + 2)))
    wanted = [
        min(MOST_VALUE, max(LEAST_VALUE, *(len(values.get(name, "–")) for name in different)))
        for values in settings[:shown]
    ]
    name_width = min(longest, max(LEAST_NAME, width - sum(wanted) - 2 * shown))
    most = max(1, (width - name_width) // shown - 2)
    sizes = [
        min(most, max(size, min(MOST_VALUE, len(name))))
        for size, name in zip(wanted, names, strict=False)
    ]
    head: list[tuple[str, str]] = [(f"{'':<{name_width}}", "")]
    for index, size in enumerate(sizes):
        head.append((f"  {shortened(names[index], size):>{size}}", f"series.{index % 6}"))
    lines: list[Spans] = [tuple(head)]
    for name in different:
        row: list[tuple[str, str]] = [(f"{shortened(name, name_width):<{name_width}}", "quiet")]
        for values, size in zip(settings, sizes, strict=False):
            row.append((f"  {shortened(values.get(name, '–'), size):>{size}}", ""))
        lines.append(tuple(row))
    if shown < len(names):
        lines.append(((f"and {plural(len(names) - shown, 'more run')} beside these", "quiet"),))
    return lines


OVERLAYS = {
    "total loss": "total_loss",
    "policy loss": "policy_loss",
    "value loss": "value_loss",
    "score": "",
    "simulations/s": "sims_per_s",
}
"""What can be laid over each other, by its title."""
MOST_CURVES = 6
"""Runs that are drawn and compared."""
MOST_FEEDS = 8
"""Runs that are kept in memory; the one that was opened first goes first."""


class RunCurves:
    """What was read of the runs whose curves are shown."""

    def __init__(self) -> None:
        self.feeds: dict[str, RunFeed] = {}
        self._sources: dict[str, ChartSource] = {}

    def open(self, directory: Path) -> RunFeed:
        """The feed of a run, opened when it is first asked for."""
        from azul_tui.views.following import RunFeed

        name = directory.name
        if name not in self.feeds:
            while len(self.feeds) >= MOST_FEEDS:
                self.forget(next(iter(self.feeds)))
            self.feeds[name] = RunFeed(directory)
        return self.feeds[name]

    def forget(self, name: str) -> None:
        """A run that is gone, or has another name."""
        self.feeds.pop(name, None)
        self._sources.pop(name, None)

    def version(self, names: Sequence[str]) -> tuple[int, ...]:
        """Another one whenever something was read of the named runs."""
        return tuple(self.feeds[name].data.version for name in names if name in self.feeds)

    def content(
        self, title: str, names: Sequence[str], opponent: str, view: View, width: int
    ) -> ChartContent:
        """One of `OVERLAYS` for the named runs, those that are being read.

        Args:
            title: Which one.
            names: The runs, in the order of their colours.
            opponent: Whom scores are against.
            view: How it is looked at.
            width: Cells of the chart, whose title names every run.
        """
        import numpy as np

        from azul_tui.views.run_charts import LOSSES, ChartContent, ChartSource

        column = OVERLAYS[title]
        shown = title if column else f"score against {opponent}" if opponent else "score"
        curves: list[Curve] = []
        said: list[tuple[str, str]] = [(shown, "title")]
        room = (width - len(shown) - 8) // max(1, len(names)) - 9
        for index, name in enumerate(names):
            feed = self.feeds.get(name)
            if feed is None:
                continue
            source = self._sources.get(name)
            if source is None or source.data is not feed.data:
                source = self._sources[name] = ChartSource(feed.data)
            label = shortened(plain_text(name, 64), max(5, min(24, room)))
            said.append((f"  {label} ", f"series.{index % 6}"))
            curve = _curve(source, column, opponent, view, label, index)
            if curve is None or len(curve.x) == 0:
                said.append(("–", "quiet"))
                continue
            curves.append(curve)
            known = curve.y[np.isfinite(curve.y)]
            said.append((short_float(round(float(known[-1]), 3)) if len(known) else "–", "strong"))
        return ChartContent(
            name=title,
            title=tuple(said),
            curves=curves,
            limits=None if column else (0.0, 100.0),
            unit="" if column else "%",
            smoothed=column in LOSSES,
            empty="nothing was recorded yet" if column else f"no {shown} yet",
        )


def _curve(
    source: ChartSource, column: str, opponent: str, view: View, label: str, index: int
) -> Curve | None:
    if not column:
        found = source.content("score", view).curves
        chosen = next((curve for curve in found if curve.name == opponent.partition(",")[0]), None)
        return replace(chosen, name=label, series=index) if chosen is not None else None
    table = "self_play" if column == "sims_per_s" else "steps"
    if table == "steps" and not source.data.steps.records:
        table = "iterations"
    return source.curve(table, column, view, label, index)
