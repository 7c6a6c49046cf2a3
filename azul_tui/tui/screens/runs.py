"""All runs: find, compare, attach, rename, archive, delete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.errors import AzulError
from azul_tui.runs.listing import list_runs
from azul_tui.runs.text import plain_text
from azul_tui.tui import phrases
from azul_tui.tui.runs_picture import COLUMNS, RunsState, runs_body
from azul_tui.tui.screens.chart_keys import ChartKeysScreen
from azul_tui.tui.settings_diff import read_settings
from azul_tui.tui.table import first_visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azul_tui.runs.listing import RunSummary
    from azul_tui.tui.follow import RunFeed
    from azul_tui.tui.messages import RunAdvanced
    from azul_tui.tui.picture import Picture
    from azul_tui.tui.training_charts import ChartContent, ChartSource

LIST_EVERY_S = 4.0
OVERLAYS = ("total_loss", "policy_loss", "value_loss", "score", "sims_per_s")
MOST_FEEDS = 8


def _keys() -> list[Callable[[RunSummary], object]]:
    """What each column sorts by."""
    return [
        lambda run: run.name.lower(),
        lambda run: run.state,
        lambda run: run.status.iteration,
        lambda run: run.status.total_loss if run.status.total_loss is not None else 1e9,
        lambda run: run.status.best_score or 0.0,
        lambda run: run.status.games_total,
        lambda run: run.changed,
        lambda run: run.size_bytes,
    ]


class RunsScreen(ChartKeysScreen):
    """The table of runs, and the marked ones over each other."""

    PLACE = "runs"
    BINDINGS: ClassVar = [
        Binding("enter", "attach", "look at it"),
        Binding("r", "resume", "resume"),
        Binding("space", "mark", "mark to compare"),
        Binding("g", "games", "games"),
        Binding("slash", "filter", "filter"),
        Binding("n", "rename", "rename"),
        Binding("delete,D", "delete", "delete"),
        Binding("z", "archive", "archive"),
        Binding("s", "sort", "sort by the next column", show=False),
        Binding("S", "reverse", "reverse the order", show=False),
        Binding("tab", "next_overlay", "next chart", show=False),
        Binding("u", "unmark", "unmark all", show=False),
        Binding("escape", "clear", "clear the filter", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "move(-10)", "up ten", show=False),
        Binding("pagedown", "move(10)", "down ten", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.all_runs: list[RunSummary] = []
        self.chosen_name = ""
        self.first = 0
        self.marked: list[str] = []
        self.filter = ""
        self.sorted_by = 6
        self.descending = True
        self.overlay = 0
        self.listed_at = -1e9
        self.feeds: dict[str, RunFeed] = {}
        self.sources: dict[str, ChartSource] = {}
        self.view = replace(self.view, show_band=False)

    # -- what is listed

    def shown(self) -> list[RunSummary]:
        """The runs that match the filter, in order."""
        words = self.filter.lower().split()
        found = [
            run
            for run in self.all_runs
            if all(word in f"{run.name} {run.state}".lower() for word in words)
        ]
        key = _keys()[self.sorted_by]
        return sorted(found, key=key, reverse=self.descending)  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownVariableType]

    def chosen_index(self, runs: list[RunSummary]) -> int:
        """Where the pointer is; it stays with its run when the order changes."""
        for index, run in enumerate(runs):
            if run.name == self.chosen_name:
                return index
        if runs:
            self.chosen_name = runs[0].name
        return 0

    def chosen(self) -> RunSummary | None:
        """The run under the pointer."""
        runs = self.shown()
        return runs[self.chosen_index(runs)] if runs else None

    def list_again(self, *, force: bool = False) -> None:
        """Read the folder again when it is time."""
        now = self.azul.clock()
        if force or now - self.listed_at >= LIST_EVERY_S or now < self.listed_at:
            self.listed_at = now
            self.all_runs = list_runs(self.azul.runs_root, now)
            names = {run.name for run in self.all_runs}
            self.marked = [name for name in self.marked if name in names]

    def on_screen_resume(self) -> None:
        """Read the folder when the place is entered."""
        self.list_again(force=True)
        self.redraw()

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """List again now and then, and read on in the runs whose curves are shown."""
        self.list_again()
        for name in self.curve_names():
            feed = self.feed_of(name)
            if feed is not None:
                feed.tick(0.012)
                if not feed.at_end:
                    self.azul.look_now()
        self.redraw()

    def curve_names(self) -> list[str]:
        """The runs whose curves are drawn: the marked ones, or the chosen one."""
        if self.marked:
            return self.marked[:6]
        run = self.chosen()
        return [run.name] if run is not None else []

    def feed_of(self, name: str) -> RunFeed | None:
        """What is read of the run `name`, opened when it is first asked for."""
        if name not in self.feeds:
            from azul_tui.tui.follow import RunFeed

            run = next((run for run in self.all_runs if run.name == name), None)
            if run is None:
                return None
            while len(self.feeds) >= MOST_FEEDS:
                oldest = next(iter(self.feeds))
                self.feeds.pop(oldest)
                self.sources.pop(oldest, None)
            self.feeds[name] = RunFeed(run.paths.directory)
            self.azul.look_now()
        return self.feeds[name]

    # -- drawing

    def body(self, width: int, height: int) -> Picture:
        """Table, chart and differences."""
        runs = self.shown()
        index = self.chosen_index(runs)
        room = max(1, height - 2 - (height * 45 // 100 if height >= 14 else 0))
        self.first = first_visible(index, len(runs), room, self.first)
        chosen = runs[index] if runs else None
        log: list[str] = []
        if chosen is not None and not self.marked:
            feed = self.feed_of(chosen.name)
            log = feed.log.lines if feed is not None else []
        settings: list[tuple[str, dict[str, str]]] = []
        if len(self.marked) >= 2:
            by_name = {run.name: run for run in self.all_runs}
            settings = [
                (name, read_settings(by_name[name].paths.config))
                for name in self.marked[:6]
                if name in by_name
            ]
        state = RunsState(
            runs=runs,
            total=len(self.all_runs),
            chosen=index,
            first=self.first,
            marked=self.marked,
            filter=plain_text(self.filter, 40),
            sorted_by=self.sorted_by,
            descending=self.descending,
            now=self.azul.clock(),
            settings=settings,
            log=log,
            chart=self.draw_chart,
            signs=self.azul.signs,
        )
        return runs_body(state, width, height)

    def main_chart(self) -> str:
        """The overlaid chart."""
        return OVERLAYS[self.overlay].replace("_", " ").replace("sims per s", "simulations/s")

    def draw_chart(self, width: int, height: int) -> Picture:
        """One column of the marked runs over each other."""
        from azul_tui.tui.chart_panel import chart_panel

        content = self.overlay_content()
        return chart_panel(
            content,
            self.view,
            width,
            height,
            memory=self.memory,
            signs=self.azul.signs,
            patterns=self.azul.patterns,
            empty_text="nothing was recorded yet",
        )

    def overlay_content(self) -> ChartContent:
        """The overlaid curves of the marked runs, or of the chosen one."""
        from azul_tui.tui.overlay import overlay_content
        from azul_tui.tui.training_charts import ChartSource

        sources: list[ChartSource] = []
        for name in self.curve_names():
            feed = self.feed_of(name)
            if feed is None:
                continue
            source = self.sources.get(name)
            if source is None or source.data is not feed.data:
                source = self.sources[name] = ChartSource(feed.data, name=name)
            sources.append(source)
        return overlay_content(
            self.main_chart(), OVERLAYS[self.overlay], sources, self.view, self.azul.signs
        )

    def export_content(self) -> tuple[Path, ChartContent] | None:
        """The overlay, written into the runs folder."""
        return self.azul.runs_root, self.overlay_content()

    # -- keys

    def action_move(self, step: int) -> None:
        """Move the pointer."""
        runs = self.shown()
        if runs:
            index = min(max(self.chosen_index(runs) + step, 0), len(runs) - 1)
            self.chosen_name = runs[index].name
            if not self.marked:
                self.memory.limits.clear()
                self.view = replace(self.view.whole(), cursor=None)
            self.redraw()

    def action_attach(self) -> None:
        """Look at the chosen run."""
        run = self.chosen()
        if run is not None:
            self.azul.follow(run.paths.directory)
            self.azul.action_go("training")

    def action_resume(self) -> None:
        """Let the chosen run go on; a finished one is asked how far."""
        from azul_tui.tui.going_on import go_on

        run = self.chosen()
        if run is not None:
            self.run_worker(go_on(self.azul, run.paths), name="resume", exclusive=True)

    def action_games(self) -> None:
        """The games that the chosen run has kept."""
        from azul_tui.tui.games_open import open_games

        run = self.chosen()
        if run is not None:
            open_games(self.azul, run.paths)

    def action_mark(self) -> None:
        """Mark the chosen run, or unmark it, and go on to the next."""
        run = self.chosen()
        if run is None:
            return
        if run.name in self.marked:
            self.marked.remove(run.name)
        else:
            self.marked.append(run.name)
        self.memory.limits.clear()
        self.action_move(1)
        self.redraw()

    def action_unmark(self) -> None:
        """Unmark all."""
        self.marked.clear()
        self.redraw()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self.sorted_by = (self.sorted_by + 1) % len(COLUMNS)
        self.redraw()

    def action_reverse(self) -> None:
        """Reverse the order."""
        self.descending = not self.descending
        self.redraw()

    def action_next_overlay(self) -> None:
        """Overlay the next column."""
        self.overlay = (self.overlay + 1) % len(OVERLAYS)
        self.redraw()

    def action_clear(self) -> None:
        """Clear the filter."""
        self.filter = ""
        self.redraw()

    def action_filter(self) -> None:
        """Filter as one types."""
        from azul_tui.tui.screens.prompt import PromptScreen

        def typed(text: str) -> None:
            self.filter = text
            self.redraw()

        self.azul.push_screen(
            PromptScreen(
                "show runs that contain", "words of the name or the state", self.filter, None, typed
            )
        )

    def action_rename(self) -> None:
        """Ask for another name."""
        from azul_tui.runs.paths import run_paths
        from azul_tui.tui.run_actions import rename_run
        from azul_tui.tui.screens.prompt import PromptScreen

        run = self.chosen()
        if run is None:
            return

        def check(text: str) -> str | None:
            try:
                taken = run_paths(self.azul.runs_root, text).directory.exists()
            except AzulError as error:
                return str(error)
            return "there is a run of that name" if taken and text != run.name else None

        def done(text: str | None) -> None:
            if text is None or text == run.name:
                return
            if self._try(lambda: rename_run(run.paths, text, self.azul.clock())):
                self.chosen_name = text

        self.azul.push_screen(
            PromptScreen(f"another name for {run.name}", "", run.name, check), done
        )

    def action_archive(self) -> None:
        """Move the run out of sight."""
        from azul_tui.tui.run_actions import archive_run
        from azul_tui.tui.screens.ask import AskScreen

        run = self.chosen()
        if run is None:
            return

        def answered(answer: str | None) -> None:
            if answer == "y":
                self._try(lambda: archive_run(run.paths, self.azul.clock()))

        self.azul.push_screen(
            AskScreen(
                f"Archive {run.name}?",
                "It moves into the hidden folder .archive beside the runs; nothing is lost.",
                (("y", "archive it"), ("n", "leave it")),
                safe="n",
            ),
            answered,
        )

    def action_delete(self) -> None:
        """Delete the run, after asking with its size; a live one is refused."""
        from azul_tui.tui.run_actions import delete_run, refuse_live
        from azul_tui.tui.screens.ask import AskScreen

        run = self.chosen()
        if run is None or not self._try(
            lambda: refuse_live(run.paths, self.azul.clock(), "delete"), quiet=True
        ):
            return

        def answered(answer: str | None) -> None:
            if answer == "y":
                self._try(lambda: delete_run(run.paths, self.azul.clock()))

        self.azul.push_screen(
            AskScreen(
                f"Delete {run.name} for good?",
                f"{phrases.size(run.size_bytes)} with "
                f"{phrases.plural(run.checkpoints, 'checkpoint')} are removed from the disk.",
                (("y", "delete it"), ("n", "keep it")),
                safe="n",
            ),
            answered,
        )

    def _try(self, deed: Callable[[], object], *, quiet: bool = False) -> bool:
        """Do something to the folder; whether it worked."""
        try:
            deed()
        except AzulError as error:
            self.notify(str(error), severity="error", markup=False, timeout=8)
            return False
        if not quiet:
            self.list_again(force=True)
            self.redraw()
        return True
