"""Runs: every run, the newest on top; the marked ones over each other, and how they differ."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Static

from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import ChartExported
from azul_tui.tui.modals import AskValue
from azul_tui.tui.screens.list_place import ListPlace
from azul_tui.tui.widgets.chart import Chart
from azul_tui.tui.widgets.frame import Panel
from azul_tui.views import resuming, run_list, words
from azul_tui.views.table import OVERLAYS, diff_lines, fact_lines, overlay, read_settings

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from azul_tui.runs.paths import RunPaths
    from azul_tui.views.following import RunFeed
    from azul_tui.views.run_list import ListedRun

SLICE_S = 0.012
"""Seconds of reading between two looks at the keyboard."""


class RunsScreen(ListPlace):
    """The table of runs over a chart and a panel."""

    NOUN = "run"
    EMPTY = "There are no runs yet.\n\n1 opens the menu; enter there trains the first one."
    INDEX = run_list.RunIndex
    MOST_MARKED = 6
    ON_A_ROW: ClassVar = ListPlace.ON_A_ROW | {"games", "rename", "remove"}
    BINDINGS: ClassVar = [
        Binding("r", "resume", "resume"),
        Binding("space", "mark", "mark"),
        Binding("slash", "filter", "filter"),
        Binding("g", "games", "games"),
        Binding("n", "rename", "rename"),
        Binding("z", "remove('archive')", "archive"),
        Binding("delete,D", "remove('delete')", "delete"),
        Binding("t", "chart(1)", "next chart", show=False),
        Binding("T", "chart(-1)", "previous chart", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.feeds: dict[str, RunFeed] = {}
        """What was read of the runs whose curves are drawn, by name."""
        self.chart = next(iter(OVERLAYS))
        self._looked: object = None

    def compose_body(self) -> ComposeResult:
        """The table over a chart and a panel."""
        yield from super().compose_body()
        with Horizontal(id="chosen"):
            yield Chart(id="overlay")
            with Panel(id="about-run", classes="panel"):
                yield Static("", markup=False)

    # -- chart and panel

    def look(self) -> None:
        """Curves and words of the chosen run, or of the marked ones."""
        from azul_tui.views.following import RunFeed

        if (item := self.listing.chosen) is not None:
            names, kept = self.listing.marked or [item.key], self.feeds
            root = self.azul.runs_root
            self.feeds = {name: kept.get(name) or RunFeed(root / name) for name in names}
            self.run_worker(self._read, group="curves", exclusive=True)
            self.draw()

    async def _read(self) -> None:
        """Read on in the runs that are drawn, in slices that leave the keyboard alone."""
        feeds, at_end = list(self.feeds.values()), False
        while self.is_current and not at_end:
            for feed in feeds:
                feed.tick(SLICE_S)
                await asyncio.sleep(0)
            at_end = all(feed.at_end for feed in feeds)
        self.draw()

    def draw(self) -> None:
        """The chart and the panel, where they show something new."""
        from azul_tui.views.charts import View

        if not self.query(Chart):
            return  # the app is ending
        chart, width = self.query_one(Chart), self.room("#about-run")
        item, marked = self.listing.chosen, self.listing.marked
        view = chart.view = chart.view or View(show_band=False)
        looked = (
            [(name, feed.data.version) for name, feed in self.feeds.items()], view, self.chart,
            self.opponent, chart.size, width, item, self.azul.clock() // 10,
        )  # fmt: skip
        if item is None or not self.feeds or looked == self._looked:
            return
        self._looked = looked
        runs = {name: feed.data for name, feed in self.feeds.items()}
        opponent = self.opponent
        if len(runs) == 1 and opponent not in item.results:
            opponent = next(iter(item.results), opponent)
        live = any(row.state == "running" for row in self.index.rows if row.key in runs)
        drawn = overlay(self.chart, runs, opponent, view, chart.size.width)
        chart.draw([drawn], growing=live)
        if len(marked) > 1:
            settings = [
                read_settings(self.azul.runs_root / name / "config.toml") for name in marked
            ]
            rows = diff_lines([plain_text(name, 64) for name in marked], settings, width)
            self.say("#about-run", "settings that differ", rows)
            return
        facts = self.facts(item, run_list.run_facts(item, self.azul.clock()))
        reason = words.wrapped(item.summary.reason, width) if item.summary.reason else []
        rows = [((text, "alert"),) for text in reason] + fact_lines(facts, width)
        if (feed := self.feeds.get(item.key)) is not None:
            said = [plain_text(text, 300) for text in feed.log_lines()[0][-12:]]
            rows += [(), *(((words.shortened(text, width), "quiet"),) for text in said)]
        self.say("#about-run", words.shortened(item.name, width - 4), rows)

    @on(ChartExported)
    def write_chart(self, message: ChartExported) -> None:
        """Write the overlay into the folder of runs."""
        message.stop()
        self.azul.write_export(self.azul.runs_root, message)

    def action_chart(self, direction: int) -> None:
        """Lay another column over each other."""
        names = list(OVERLAYS)
        self.chart = names[(names.index(self.chart) + direction) % len(names)]
        self.draw()

    # -- what is done to a run

    def action_games(self) -> None:
        """The games that the chosen run has kept."""
        from azul_tui.tui.screens.games import GamesScreen

        self.azul.push_screen(GamesScreen(self.listing.chosen.paths))

    def action_rename(self) -> None:
        """Ask for another name."""
        item: ListedRun = self.listing.chosen
        paths, now = item.paths, self.azul.clock()

        def check(text: str) -> str:
            return "" if text == paths.name else resuming.name_problem(self.azul.runs_root, text)

        def entered(text: str | None) -> None:
            if text is not None and text != paths.name:
                self.did(lambda: self._moved(paths, run_list.rename_run(paths, text, now)))

        if self.did(lambda: run_list.refuse_live(paths, now, "rename")):
            question = f"Another name for {item.name}"
            self.azul.push_screen(AskValue(question, item.name, check=check), entered)

    def action_remove(self, verb: str) -> None:
        """Archive the run, or delete it with everything in it, after asking."""
        item: ListedRun = self.listing.chosen
        paths = item.paths
        if not self.did(lambda: run_list.refuse_live(paths, self.azul.clock(), verb)):
            return
        if verb == "archive":
            question, remove = f"Archive {item.name}?", run_list.archive_run
            detail = "It moves into the hidden folder .archive beside the runs; nothing is lost."
        else:
            question, remove = f"Delete {item.name} for good?", run_list.delete_run
            held = words.plural(item.summary.checkpoints, "checkpoint")
            detail = f"{words.size(item.size_bytes)} with {held} are removed from the disk."

        def agreed() -> None:
            remove(paths, self.azul.clock())
            self._moved(paths, None)

        self.ask(question, detail, {"y": (f"{verb} it", agreed)}, "keep it")

    def _moved(self, paths: RunPaths, to: RunPaths | None) -> None:
        """A run is not where it was: nothing goes on looking there."""
        if to is not None:
            marked = self.listing.marked
            self.listing.marked = [to.name if name == paths.name else name for name in marked]
            self.wanted = to.name
        feed = self.azul.feed
        if feed is not None and feed.directory == paths.directory:
            self.azul.follow(to)
