"""The curves of several runs over each other, read as they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.tui.charts.view import View
    from azul_tui.tui.following.feed import RunFeed
    from azul_tui.tui.signs import Signs
    from azul_tui.tui.training.charts import ChartContent, ChartSource

OVERLAYS = ("total_loss", "policy_loss", "value_loss", "score", "sims_per_s")
"""Columns that can be laid over each other."""
MOST_FEEDS = 8
"""Runs that are kept in memory; the one that was opened first goes first."""
SLICE_S = 0.012


class RunCurves:
    """What was read of the runs whose curves are shown."""

    def __init__(self) -> None:
        self.feeds: dict[str, RunFeed] = {}
        self.overlay = 0
        """Index of the column that is shown."""
        self._sources: dict[str, ChartSource] = {}

    def title(self) -> str:
        """The column that is shown, in words."""
        return OVERLAYS[self.overlay].replace("_", " ").replace("sims per s", "simulations/s")

    def next_overlay(self) -> None:
        """Show the next column."""
        self.overlay = (self.overlay + 1) % len(OVERLAYS)

    def open(self, name: str, directory: Path) -> RunFeed:
        """Begin to read the run `name`."""
        from azul_tui.tui.following.feed import RunFeed

        while len(self.feeds) >= MOST_FEEDS:
            oldest = next(iter(self.feeds))
            self.feeds.pop(oldest)
            self._sources.pop(oldest, None)
        self.feeds[name] = RunFeed(directory)
        return self.feeds[name]

    def read_on(self, names: Sequence[str]) -> bool:
        """Read what is new of the named runs; whether any has more."""
        more = False
        for name in names:
            feed = self.feeds.get(name)
            if feed is not None:
                feed.tick(SLICE_S)
                more = more or not feed.at_end
        return more

    def content(self, names: Sequence[str], view: View, signs: Signs) -> ChartContent:
        """The curves of the named runs, those that are being read."""
        from azul_tui.tui.runs.overlay import overlay_content
        from azul_tui.tui.training.charts import ChartSource

        sources: list[ChartSource] = []
        for name in names:
            feed = self.feeds.get(name)
            if feed is None:
                continue
            source = self._sources.get(name)
            if source is None or source.data is not feed.data:
                source = self._sources[name] = ChartSource(feed.data, name=name)
            sources.append(source)
        return overlay_content(self.title(), OVERLAYS[self.overlay], sources, view, signs)
