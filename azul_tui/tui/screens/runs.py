"""Runs: every run, the newest on top; the marked ones over each other, and how they differ."""

from __future__ import annotations

import asyncio
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import ChartExported, RowOpened
from azul_tui.tui.modals import AskValue, Choose
from azul_tui.tui.screens.list_place import ListPlace
from azul_tui.tui.widgets.chart import Chart
from azul_tui.tui.widgets.listing import Listing
from azul_tui.views import comparing, words
from azul_tui.views.ratings import RatingsFile, anchor_name, over_training, rating_words
from azul_tui.views.resuming import newest_iteration
from azul_tui.views.run_list import RunIndex, run_columns, run_rank, run_row, score_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from azul_tui.runs.paths import RunPaths
    from azul_tui.views.run_list import ListedRun
    from azul_tui.views.table import Column, Row
    from azul_tui.views.words import Spans

GAMES = "azul_tui.tui.screens.games"
SLICE_S = 0.012
"""Seconds of reading between two looks at the keyboard."""
ON_A_RUN = frozenset({"resume", "mark", "games", "rename", "archive", "delete"})


class RunsScreen(ListPlace):
    """The table of runs over a chart and a panel."""

    NOUN = "run"
    EMPTY = "There are no runs yet.\n\n1 opens the menu; enter there trains the first one."
    BINDINGS: ClassVar = [
        Binding("r", "resume", "resume"),
        Binding("space", "mark", "mark"),
        Binding("slash", "filter", "filter"),
        Binding("g", "games", "games"),
        Binding("n", "rename", "rename"),
        Binding("z", "archive", "archive"),
        Binding("delete,D", "delete", "delete"),
        Binding("t", "chart(1)", "next chart", show=False),
        Binding("T", "chart(-1)", "previous chart", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.curves = comparing.RunCurves()
        self.chart = next(iter(comparing.OVERLAYS))
        self._looked: object = None
        self._reading = False

    def compose_rest(self) -> ComposeResult:
        """The table over a chart and a panel."""
        yield Listing(id="runs")
        with Horizontal(id="chosen"):
            yield Chart(id="overlay")
            with VerticalScroll(id="about-run", classes="panel"):
                yield Static("", id="run-words", markup=False)

    # -- the rows

    def make_index(self) -> RunIndex:
        """The runs in the folder."""
        return RunIndex(self.azul.runs_root)

    def read(self, now: float, seconds: float) -> bool:
        """Read what changed in the folder of runs."""
        return cast("RunIndex", self.index).refresh(now, seconds)

    def columns(self) -> Sequence[Column]:
        """With the opponent of the scores in a title."""
        return run_columns(self.opponent)

    def rank_of(self, item: ListedRun, column: str) -> Any:
        """What a column sorts by."""
        return run_rank(item, column, self.opponent)

    def row_of(self, item: ListedRun, columns: Sequence[Column], now: float) -> Row:
        """The cells."""
        del columns
        return run_row(item, self.opponent, now, self.azul.signs)

    # -- chart and panel

    def curve_names(self) -> list[str]:
        """The runs whose curves are drawn: the marked ones, or the chosen one."""
        if self.marked:
            return self.marked[: comparing.MOST_CURVES]
        chosen = self.query_one(Listing).chosen
        return [chosen] if chosen else []

    def look(self) -> None:
        """Curves and words of the chosen run, or of the marked ones."""
        names = self.curve_names()
        if not names:
            return
        for name in names:
            self.curves.open(self.azul.runs_root / name)
        if not self._reading:
            self._reading = True
            self.run_worker(self._read_curves, name="curves")
        self._draw()

    async def _read_curves(self) -> None:
        """Read on in the runs that are drawn, in slices that leave the keyboard alone."""
        try:
            while self.is_current and self.query(Listing):
                feeds = [self.curves.feeds[n] for n in self.curve_names() if n in self.curves.feeds]
                for feed in feeds:
                    feed.tick(SLICE_S)
                    await asyncio.sleep(0)
                if all(feed.at_end for feed in feeds):
                    break
        finally:
            self._reading = False
        if self.query(Chart):  # none while the app ends
            self._draw()

    def _draw(self) -> None:
        """The chart and the panel, where they show something new."""
        from azul_tui.views.charts import View

        chart = self.query_one("#overlay", Chart)
        names = self.curve_names()
        view = chart.view or View(show_band=False)
        chart.view = view
        item = self.chosen()
        panel = self.query_one("#about-run")
        key = (
            names, self.curves.version(names), view, self.chart, self.opponent, chart.size,
            panel.size, item, self.azul.clock() // 10,
        )  # fmt: skip
        if key == self._looked:
            return
        self._looked = key
        opponent = self.opponent if len(names) > 1 or item is None else item.opponent
        drawn = self.curves.content(
            self.chart, names, opponent or self.opponent, view, chart.size.width
        )
        live = any(self.items[n].run.state == "running" for n in names if n in self.items)
        chart.draw([drawn], growing=live)
        width = max(20, panel.scrollable_content_region.width - 2)
        if len(self.marked) > 1:
            title, rows = "settings that differ", self._differences(names, width)
        elif item is not None:
            title, rows = words.shortened(item.name, width - 4), self._about(item, width)
        else:
            title, rows = "", []
        self.say_panel(panel, title, rows)

    def _differences(self, names: Sequence[str], width: int) -> list[Spans]:
        settings = [comparing.read_settings(self.azul.runs_root / n / "config.toml") for n in names]
        return comparing.diff_lines([plain_text(n, 64) for n in names], settings, width)

    def _about(self, item: ListedRun, width: int) -> list[Spans]:
        """What is known of one run, and its last words."""
        run, status, now = item.run, item.run.status, self.azul.clock()
        newest = newest_iteration(run.paths)
        rows: list[Spans] = []
        if run.reason:
            rows += [((text, "alert"),) for text in words.wrapped(run.reason, width)]
        facts = [
            ("started", words.ago(now - status.started) if status.started else ""),
            ("left", words.duration(status.left_s) if status.left_s and run.state == "running"
             else ""),
            ("best score", f"{score_words(status.best_score, item.half)} against {item.opponent}"
             if status.best_score is not None else ""),
            ("rating", self._rating(run.paths)),
            ("losses", f"policy {words.loss(status.policy_loss)}  "
             f"value {words.loss(status.value_loss)}" if status.total_loss is not None else ""),
            ("checkpoints", f"{run.checkpoints:,}, the newest of iteration {newest:,}"
             if run.checkpoints else "none"),
        ]  # fmt: skip
        for name, text in facts:
            if text:
                rows.append(
                    ((f"{name:<12}", "quiet"), (words.shortened(text, width - 12), "strong"))
                )
        feed = self.curves.feeds.get(run.paths.name)
        if feed is not None:
            said = feed.log_lines()[0][-12:]
            rows += [(), *(((words.shortened(plain_text(t, 300), width), "quiet"),) for t in said)]
        return rows

    def _rating(self, paths: RunPaths) -> str:
        rated = RatingsFile(paths).refresh()
        own = over_training(rated)
        over = anchor_name(rated)
        return (rating_words(own[-1]) + (f" over {over}" if over else "")) if own else ""

    def on_resize(self) -> None:
        """Chart and panel fit their new places."""
        self.call_after_refresh(self.look)

    @on(ChartExported)
    def write_chart(self, message: ChartExported) -> None:
        """Write the overlay into the folder of runs."""
        message.stop()
        self.azul.write_export(self.azul.runs_root, message)

    def action_chart(self, direction: int) -> None:
        """Lay another column over each other."""
        names = list(comparing.OVERLAYS)
        self.chart = names[(names.index(self.chart) + direction) % len(names)]
        self._draw()

    # -- what is done to a run

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a run nothing can be done to it; games need a screen that shows them."""
        if action in ON_A_RUN and self.is_mounted and self.chosen() is None:
            return False
        if action == "games":
            return has_games()
        return super().check_action(action, parameters)

    @on(RowOpened)
    def open_chosen(self) -> None:
        """Look at the chosen run."""
        if (item := self.chosen()) is not None:
            self.azul.open_run(item.run.paths)

    def action_mark(self) -> None:
        """Mark the chosen run, or unmark it, and go on to the next."""
        listing = self.query_one(Listing)
        if listing.chosen in self.marked:
            self.marked.remove(listing.chosen)
        else:
            self.marked.append(listing.chosen)
        self.show()
        at = listing.rows.highlighted
        if at is not None and at + 1 < len(listing.keys):
            listing.rows.highlighted = at + 1
        self.look()

    def action_games(self) -> None:
        """The games that the chosen run has kept."""
        if (item := self.chosen()) is not None:
            module = import_module(GAMES)
            self.azul.push_screen(module.GamesScreen(item.run.paths))

    def action_resume(self) -> None:
        """Let the chosen run go on, after asking; a finished one is asked how far."""
        from azul_tui.views import resuming

        item: ListedRun | None = self.chosen()
        if item is None:
            return
        paths, now = item.run.paths, self.azul.clock()
        newest = newest_iteration(paths)
        reason = resuming.why_not(paths, now)
        refused = reason and not reason.endswith(resuming.ENDING)
        if refused or resuming.further_limit(paths, newest, now) is not None:
            self.azul.resume(paths)  # says why not, or asks how many iterations more
            return
        most = resuming.config_of(paths).max_iterations
        begins = f"from the checkpoint of iteration {newest:,}" if newest else "from its beginning"

        def answered(answer: str | None) -> None:
            if answer == "y":
                self.azul.resume(paths)

        self.azul.push_screen(
            Choose(
                f"Resume {item.name}?",
                f"It goes on {begins}, to {most:,} iterations, with the settings that it had.",
                (("y", "resume it"), ("n", "back")),
                "n",
            ),
            answered,
        )

    def action_rename(self) -> None:
        """Ask for another name."""
        from azul_tui.views.resuming import name_problem
        from azul_tui.views.run_changes import refuse_live, rename_run

        item: ListedRun | None = self.chosen()
        if item is None:
            return
        paths = item.run.paths

        def check(text: str) -> str:
            return "" if text == paths.name else name_problem(self.azul.runs_root, text)

        def entered(text: str | None) -> None:
            if text in {None, paths.name}:
                return
            if self.did(lambda: rename_run(paths, str(text), self.azul.clock())):
                self._gone(paths, paths.directory.with_name(str(text)).name)

        if self.did(lambda: refuse_live(paths, self.azul.clock(), "rename")):
            self.azul.push_screen(
                AskValue(f"Another name for {item.name}", item.name, check=check), entered
            )

    def action_archive(self) -> None:
        """Move the run out of sight, after asking."""
        from azul_tui.views.run_changes import archive_run

        self._ask(
            "archive",
            "Archive {name}?",
            "It moves into the hidden folder .archive beside the runs; nothing is lost.",
            ("archive it", "leave it"),
            archive_run,
        )

    def action_delete(self) -> None:
        """Delete the run with everything in it, after asking."""
        from azul_tui.views.run_changes import delete_run

        if (item := self.chosen()) is None:
            return
        held = words.plural(item.run.checkpoints, "checkpoint")
        self._ask(
            "delete",
            "Delete {name} for good?",
            f"{words.size(item.run.size_bytes)} with {held} are removed from the disk.",
            ("delete it", "keep it"),
            delete_run,
        )

    def _ask(
        self, verb: str, question: str, detail: str, answers: tuple[str, str], deed: Any
    ) -> None:
        from azul_tui.views.run_changes import refuse_live

        item: ListedRun | None = self.chosen()
        if item is None:
            return
        paths = item.run.paths

        def answered(answer: str | None) -> None:
            if answer == "y" and self.did(lambda: deed(paths, self.azul.clock())):
                self._gone(paths, "")

        if self.did(lambda: refuse_live(paths, self.azul.clock(), verb)):
            choices = (("y", answers[0]), ("n", answers[1]))
            self.azul.push_screen(
                Choose(question.format(name=item.name), detail, choices, "n"), answered
            )

    def _gone(self, paths: RunPaths, renamed: str) -> None:
        """A run is not where it was: nothing here goes on looking there."""
        from azul_tui.runs.paths import RunPaths as Paths

        self.curves.forget(paths.name)
        if renamed:
            self.chosen_first = renamed
            self.marked = [renamed if name == paths.name else name for name in self.marked]
        feed = self.azul.feed
        if feed is not None and feed.directory == paths.directory:
            if renamed:
                self.azul.follow(Paths(paths.directory.with_name(renamed)))
            else:
                self.azul.follower.forget()


@cache
def has_games() -> bool:
    """Whether there is a screen that shows a run's games."""
    return find_spec(GAMES) is not None
