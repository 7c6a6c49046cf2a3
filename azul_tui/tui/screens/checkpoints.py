"""Checkpoints: find, verify, compare, resume, evaluate, play, analyse, export, delete.

The wish that it takes is the `Path` of a checkpoint file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from azul_tui.runs.paths import RunPaths
from azul_tui.tui.messages import RowOpened
from azul_tui.tui.modals import Choose
from azul_tui.tui.screens.list_place import ListPlace
from azul_tui.tui.widgets.listing import Listing
from azul_tui.views import comparing, words
from azul_tui.views.checkpoint_list import (
    CheckpointIndex,
    CheckpointRow,
    Verification,
    checkpoint_columns,
    checkpoint_rank,
    checkpoint_row,
    facts,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from azul_tui.views.table import Column, Row
    from azul_tui.views.words import Spans

OF_A_RUN = frozenset({"resume", "resume_new", "delete"})
"""What needs the run of a checkpoint; what came with the program has none."""
ON_A_ROW = OF_A_RUN | {"evaluate", "mark", "compare", "export", "play", "analyse", "verify"}
VERIFIED_AHEAD = 40
"""Rows of the table that are verified without being chosen."""


class CheckpointsScreen(ListPlace):
    """The checkpoints of all runs, and a panel for the chosen one."""

    NOUN = "checkpoint"
    EMPTY = "There are no checkpoints yet.\n\n1 opens the menu; a training writes the first one."
    BINDINGS: ClassVar = [
        Binding("r", "resume", "resume"),
        Binding("v", "evaluate", "evaluate"),
        Binding("p", "play", "play"),
        Binding("a", "analyse", "analyse"),
        Binding("c", "compare", "compare", show=False),
        Binding("slash", "filter", "filter", show=False),
        Binding("R", "resume_new", "resume as a new run", show=False),
        Binding("x", "export", "export its weights", show=False),
        Binding("delete,D", "delete", "delete", show=False),
        Binding("space", "mark", "mark two to compare", show=False),
        Binding("f", "only_run", "only the run that is open, or all", show=False),
        Binding("y", "verify", "verify again", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.verification = Verification()
        self._looked: object = None
        self._ahead: list[CheckpointRow] = []

    def compose_rest(self) -> ComposeResult:
        """The table over a panel and the settings."""
        yield Listing(id="checkpoints")
        with Horizontal(id="chosen"):
            with VerticalScroll(id="about-checkpoint", classes="panel"):
                yield Static("", id="checkpoint-words", markup=False)
            with VerticalScroll(id="about-settings", classes="panel"):
                yield Static("", id="settings-words", markup=False)

    # -- the rows

    def make_index(self) -> CheckpointIndex:
        """The checkpoints under the folder of runs."""
        return CheckpointIndex(self.azul.runs_root)

    def version(self) -> object:
        """Of the rows, and of what was verified."""
        found = self.verification.found
        return self.index.version, len(found), tuple(filter(None, found.values()))

    def read(self, now: float, seconds: float) -> bool:
        """List again; when nothing is left to read, verify the next file."""
        del now
        index = cast("CheckpointIndex", self.index)
        done = index.refresh(seconds * 500, seconds * 1000)
        return done and not self.verification.look_at_next(self._ahead)

    def columns(self) -> Sequence[Column]:
        """Those that have something to show."""
        return checkpoint_columns(self.index.rows, self.opponent)

    def wrong(self, item: CheckpointRow) -> str | None:
        """What is wrong with the file; None while that is not known."""
        return self.verification.found.get(item.key)

    def rank_of(self, item: CheckpointRow, column: str) -> Any:
        """What a column sorts by."""
        return checkpoint_rank(item, column, self.opponent, self.wrong(item))

    def row_of(self, item: CheckpointRow, columns: Sequence[Column], now: float) -> Row:
        """The cells."""
        wrong = self.wrong(item)
        return checkpoint_row(item, columns, self.opponent, now, wrong, self.azul.signs)

    def wished(self) -> bool:
        """A checkpoint that somebody wished to see."""
        wish = self.azul.wish("checkpoints")
        if isinstance(wish, Path):
            self.chosen_first = str(wish)
        return isinstance(wish, Path)

    # -- the panel

    def look(self) -> None:
        """The chosen checkpoint, or two compared."""
        item: CheckpointRow | None = self.chosen()
        ahead = list(self.items.values())[:VERIFIED_AHEAD]
        self._ahead = [item, *ahead] if item is not None else ahead
        if item is not None and item.key not in self.verification.found:
            self.read_soon()
        panel, side = self.query_one("#about-checkpoint"), self.query_one("#about-settings")
        marked = [self.items[key] for key in self.marked if key in self.items]
        wrong = None if item is None else self.wrong(item)
        key = (item, wrong, [row.key for row in marked], panel.size, self.azul.clock() // 30)
        if key == self._looked:
            return
        self._looked = key
        side.set_class(len(marked) == 2, "hidden")
        width = max(20, panel.scrollable_content_region.width - 2)
        if len(marked) == 2:
            self.say_panel(panel, "compared", self._compared(marked, width))
        elif item is not None:
            title = words.shortened(item.name, width - 4)
            self.say_panel(panel, title, self._about(item, wrong, width))
            width = max(20, side.scrollable_content_region.width - 2)
            title = f"settings of {words.shortened(item.run, width - 18)}"
            self.say_panel(side, title, _settings(item, width))

    def _about(self, item: CheckpointRow, wrong: str | None, width: int) -> list[Spans]:
        rows: list[Spans] = []
        if wrong:
            rows += [((text, "alert"),) for text in words.wrapped(f"damaged: {wrong}", width)]
        known = facts(item, self.azul.clock())
        known["verified"] = "not yet" if wrong is None else "no" if wrong else "whole"
        size = min(max(map(len, known)) + 2, max(14, width // 2))
        for name, text in known.items():
            label = f"{words.shortened(name, size - 1):<{size}}"
            rows.append(((label, "quiet"), (words.shortened(text, width - size), "strong")))
        return rows

    def _compared(self, marked: Sequence[CheckpointRow], width: int) -> list[Spans]:
        values = [
            facts(row, self.azul.clock()) | comparing.read_settings(row.file.parent / "config.toml")
            for row in marked
        ]
        return comparing.diff_lines([f"{r.run} {r.iteration:,}" for r in marked], values, width)

    def on_resize(self) -> None:
        """The panel fits its new place."""
        self.call_after_refresh(self.look)

    # -- what is done with a checkpoint

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What came with the program cannot be resumed or deleted; without a row nothing can."""
        if action in ON_A_ROW and self.is_mounted:
            item: CheckpointRow | None = self.chosen()
            return item is not None and not (item.shipped and action in OF_A_RUN)
        return super().check_action(action, parameters)

    @on(RowOpened)
    def open_run(self) -> None:
        """Look at the run of the chosen checkpoint."""
        item: CheckpointRow | None = self.chosen()
        if item is not None and not item.shipped:
            self.azul.open_run(RunPaths(item.file.parent))

    def action_mark(self) -> None:
        """Mark up to two checkpoints; a third replaces the first."""
        item: CheckpointRow | None = self.chosen()
        if item is None:
            return
        if item.key in self.marked:
            self.marked.remove(item.key)
        else:
            self.marked = [*self.marked, item.key][-2:]
        self.show()
        self.look()

    def action_compare(self) -> None:
        """Mark the first, then the second; once more ends it."""
        item: CheckpointRow | None = self.chosen()
        if len(self.marked) == 2:
            self.action_unmark()
        elif item is not None and item.key not in self.marked:
            self.action_mark()
            if len(self.marked) == 1:
                self.notify("now c on the one to compare it with", markup=False)

    def action_only_run(self) -> None:
        """Only the checkpoints of the run that is open, or all again."""
        from textual.widgets import Input

        feed = self.azul.feed
        line = self.query_one("#filter", Input)
        if line.value or feed is None:
            self.action_clear()
        else:
            line.remove_class("hidden")
            line.value = feed.name

    def action_verify(self) -> None:
        """Verify the chosen file again."""
        if (item := self.chosen()) is not None:
            self.verification.forget(item.key)
            self.show()
            self.look()
            self.read_soon()

    def action_evaluate(self) -> None:
        """Choose an opponent for it; two that are marked play each other."""
        self._go("evaluate")

    def _go(self, mode: str) -> None:
        if (item := self.chosen()) is not None:
            two = [Path(key) for key in self.marked]
            self.azul.go_with(mode, (two[0], two[1]) if len(two) == 2 else item.file)

    def action_play(self) -> None:
        """Play against it."""
        if (item := self.chosen()) is not None:
            self.azul.go_with("play", item.file)

    def action_analyse(self) -> None:
        """Look at a position with it; two that are marked are compared."""
        self._go("analyse")

    def action_resume(self) -> None:
        """Go on with the run from this checkpoint, after asking."""
        from azul_tui.views import resuming

        item: CheckpointRow | None = self.chosen()
        if item is None:
            return
        paths, now = RunPaths(item.file.parent), self.azul.clock()
        newest = resuming.newest_iteration(paths)
        older = item.iteration < newest
        limit = resuming.further_limit(paths, item.iteration, now)
        reason = resuming.why_not(paths, now)
        refused = reason and not reason.endswith(resuming.ENDING)
        if refused or (limit is not None and not older):
            self.azul.resume(paths, item.file, item.iteration)
            return
        detail = (
            f"It goes on from there, to {resuming.config_of(paths).max_iterations:,} iterations."
        )
        if older:
            detail = (
                f"It goes back there: what came after it, up to iteration {newest:,}, is given up. "
                "A new run keeps both."
            )

        def answered(answer: str | None) -> None:
            if answer == "y":
                self.azul.resume(paths, item.file, item.iteration)
            elif answer == "R":
                self.action_resume_new()

        choices = [("y", "go back" if older else "resume it"), ("n", "back")]
        if older:
            choices.insert(1, ("R", "begin a new run from it"))
        self.azul.push_screen(Choose(f"Resume {item.name}?", detail, choices, "n"), answered)

    def action_resume_new(self) -> None:
        """Start a new run from this checkpoint, under a name and with settings that are asked."""
        from azul_tui.tui.screens.resume_form import ResumeForm

        if (item := self.chosen()) is not None:
            self.azul.push_screen(ResumeForm(item))

    def action_export(self) -> None:
        """Write its weights as safetensors, in a process of its own."""
        from azul_tui.jobs.registry import find_job
        from azul_tui.views.settings import toml_value

        if (item := self.chosen()) is not None:
            named = f"checkpoint={toml_value(str(item.file))}"
            job = self.azul.jobs.start(find_job("export"), [named])
            if job is not None:
                self.azul.show_job(job)

    def action_delete(self) -> None:
        """Delete the file after asking; the last good one of a run is asked about twice."""
        item: CheckpointRow | None = self.chosen()
        if item is None:
            return
        last = not any(
            row.run == item.run and row.key != item.key and not self.wrong(row)
            for row in self.index.rows
        )

        def delete() -> None:
            if self.did(lambda: item.file.unlink(missing_ok=True)):
                self.verification.forget(item.key)

        def surely(answer: str | None) -> None:
            if answer == "y":
                delete()

        def answered(answer: str | None) -> None:
            if answer != "y":
                return
            if not last:
                delete()
                return
            question = f"It is the last good checkpoint of {item.run}. Delete it all the same?"
            detail = "Without it the run cannot be resumed and its weights are gone."
            choices = (("y", "delete the last one"), ("n", "keep it"))
            self.azul.push_screen(Choose(question, detail, choices, "n"), surely)

        best = " It is the best of its run." if item.best else ""
        detail = f"{words.size(item.size_bytes)} are removed from the disk.{best}"
        choices = (("y", "delete it"), ("n", "keep it"))
        self.azul.push_screen(Choose(f"Delete {item.name}?", detail, choices, "n"), answered)


def _settings(item: CheckpointRow, width: int) -> list[Spans]:
    """The settings that its run has, one a line."""
    settings = comparing.read_settings(item.file.parent / "config.toml")
    size = max(12, min(max(map(len, settings), default=0) + 2, width - 10))
    return [
        (
            (f"{words.shortened(name, size - 1):<{size}}", "quiet"),
            (words.shortened(text, width - size), ""),
        )
        for name, text in settings.items()
    ]
