"""All runs: find, compare, attach, rename, archive, delete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding

from azul_tui.runs.listing import list_runs
from azul_tui.runs.text import plain_text
from azul_tui.tui.forms.differences import read_settings
from azul_tui.tui.runs.curves import RunCurves
from azul_tui.tui.runs.picture import COLUMNS, RunsState, rows_shown, runs_body
from azul_tui.tui.screens.chart_keys import ChartKeysScreen
from azul_tui.tui.screens.table_keys import TableKeysScreen
from azul_tui.tui.table import first_marked

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.runs.listing import RunSummary
    from azul_tui.tui.following.feed import RunFeed
    from azul_tui.tui.messages import RunAdvanced
    from azul_tui.tui.picture import Picture
    from azul_tui.tui.training.charts import ChartContent

MOST_CURVES = 6
"""Marked runs that are drawn and compared."""
AGE = next(i for i, column in enumerate(COLUMNS) if column.title == "age")


class RunsScreen(TableKeysScreen["RunSummary"], ChartKeysScreen):
    """The table of runs, and the marked ones over each other."""

    PLACE = "runs"
    FILTER_TITLE = "show runs that contain"
    FILTER_NOTE = "words of the name or the state"
    BINDINGS: ClassVar = [
        Binding("enter", "attach", "look at it"),
        Binding("r", "resume", "resume"),
        Binding("space", "mark", "mark to compare"),
        Binding("g", "games", "games"),
        Binding("slash", "filter", "filter"),
        Binding("n", "rename", "rename"),
        Binding("delete,D", "delete", "delete"),
        Binding("z", "archive", "archive"),
        Binding("tab", "next_overlay", "next chart", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(sorted_by=AGE)
        self.all_runs: list[RunSummary] = []
        self.curves = RunCurves()
        self.view = replace(self.view, show_band=False)

    # -- what is listed

    def rows(self) -> list[RunSummary]:
        """All runs."""
        return self.all_runs

    def key_of(self, row: RunSummary) -> str:
        """The run's name."""
        return row.name

    def words_of(self, row: RunSummary) -> str:
        """Name and state."""
        return f"{row.name} {row.state}"

    def rank_of(self, row: RunSummary) -> Any:
        """What the column sorts by; an unknown loss is the largest."""
        status = row.status
        return [
            row.name.lower(),
            row.state,
            status.iteration,
            status.total_loss if status.total_loss is not None else 1e9,
            status.best_score or 0.0,
            status.games_total,
            row.changed,
            row.size_bytes,
        ][self.sorted_by]

    def shown_columns(self) -> range:
        """Every column."""
        return range(len(COLUMNS))

    def read_rows(self, now: float) -> None:
        """Read the folder of runs."""
        self.all_runs = list_runs(self.azul.runs_root, now)
        names = {run.name for run in self.all_runs}
        self.marked = [name for name in self.marked if name in names]

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """Read on in the runs whose curves are shown."""
        self.list_again()
        for name in self.curve_names():
            self.feed_of(name)
        if self.curves.read_on(self.curve_names()):
            self.azul.look_now()
        self.redraw()

    def curve_names(self) -> list[str]:
        """The runs whose curves are drawn: the marked ones, or the chosen one."""
        if self.marked:
            return self.marked[:MOST_CURVES]
        run = self.chosen()
        return [run.name] if run is not None else []

    def feed_of(self, name: str) -> RunFeed | None:
        """What is read of the run `name`, opened when it is first asked for."""
        if name in self.curves.feeds:
            return self.curves.feeds[name]
        run = next((run for run in self.all_runs if run.name == name), None)
        if run is None:
            return None
        self.azul.look_now()
        return self.curves.open(name, run.paths.directory)

    # -- drawing

    def body(self, width: int, height: int) -> Picture:
        """Table, chart and differences."""
        runs = self.shown()
        index = self.chosen_index(runs)
        self.first = first_marked(
            index, len(runs), rows_shown(width, height, len(self.marked)), self.first
        )
        chosen = runs[index] if runs else None
        log: list[str] = []
        if chosen is not None and not self.marked:
            feed = self.feed_of(chosen.name)
            log = feed.log.lines if feed is not None else []
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
            settings=self._compared_settings(),
            log=log,
            chart=self.draw_chart,
            signs=self.azul.signs,
        )
        return runs_body(state, width, height)

    def _compared_settings(self) -> list[tuple[str, dict[str, str]]]:
        """Name and settings of the marked runs, when there are two or more."""
        if len(self.marked) < 2:
            return []
        by_name = {run.name: run for run in self.all_runs}
        return [
            (name, read_settings(by_name[name].paths.config))
            for name in self.marked[:MOST_CURVES]
            if name in by_name
        ]

    def main_chart(self) -> str:
        """The overlaid chart."""
        return self.curves.title()

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
        names = self.curve_names()
        for name in names:
            self.feed_of(name)
        return self.curves.content(names, self.view, self.azul.signs)

    def export_content(self) -> tuple[Path, ChartContent] | None:
        """The overlay, written into the runs folder."""
        return self.azul.runs_root, self.overlay_content()

    # -- keys

    def pointer_moved(self) -> None:
        """Another run's curve begins whole."""
        if not self.marked:
            self.memory.limits.clear()
            self.view = replace(self.view.whole(), cursor=None)

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
        from azul_tui.tui.games.open import open_games

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

    def action_next_overlay(self) -> None:
        """Overlay the next column."""
        self.curves.next_overlay()
        self.redraw()

    def action_rename(self) -> None:
        """Ask for another name."""
        from azul_tui.tui.screens.run_questions import ask_name

        def renamed(name: str) -> None:
            self._changed()
            self.chosen_key = name

        run = self.chosen()
        if run is not None:
            ask_name(self.azul, run, renamed)

    def action_archive(self) -> None:
        """Move the run out of sight."""
        from azul_tui.tui.screens.run_questions import ask_to_archive

        run = self.chosen()
        if run is not None:
            ask_to_archive(self.azul, run, self._changed)

    def action_delete(self) -> None:
        """Delete the run, after asking; a live one is refused."""
        from azul_tui.tui.screens.run_questions import ask_to_delete

        run = self.chosen()
        if run is not None:
            ask_to_delete(self.azul, run, self._changed)

    def _changed(self) -> None:
        """The folder is another now."""
        self.list_again(force=True)
        self.redraw()
