"""Checkpoints: find, verify, compare, resume, evaluate, play, analyse, export, delete.

The wish that it takes is the `Path` of a checkpoint file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Input, Static

from azul_tui.tui.screens.list_place import ListPlace
from azul_tui.tui.widgets.frame import Panel
from azul_tui.views import words
from azul_tui.views.checkpoint_list import CheckpointIndex, checkpoint_facts
from azul_tui.views.table import diff_lines, fact_lines, read_settings

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from azul_tui.views.checkpoint_list import CheckpointRow

VERIFIED_AHEAD = 40
"""Rows of the table that are verified without being chosen."""


class CheckpointsScreen(ListPlace):
    """The checkpoints of all runs, and panels for the chosen one."""

    NOUN = "checkpoint"
    EMPTY = "There are no checkpoints yet.\n\n1 opens the menu; a training writes the first one."
    INDEX = CheckpointIndex
    ON_A_ROW: ClassVar = ListPlace.ON_A_ROW | {"go", "compare", "export", "delete", "verify"}
    BINDINGS: ClassVar = [
        Binding("r", "resume", "resume"),
        Binding("v", "go('evaluate')", "evaluate"),
        Binding("p", "go('play')", "play"),
        Binding("a", "go('analyse')", "analyse"),
        Binding("c", "compare", "compare", show=False),
        Binding("slash", "filter", "filter", show=False),
        Binding("R", "resume_new", "resume as a new run", show=False),
        Binding("x", "export", "export its weights", show=False),
        Binding("delete,D", "delete", "delete", show=False),
        Binding("space", "mark", "mark two to compare", show=False),
        Binding("f", "only_run", "only the run that is open, or all", show=False),
        Binding("y", "verify", "verify again", show=False),
    ]

    def compose_body(self) -> ComposeResult:
        """The table over a panel and the settings."""
        yield from super().compose_body()
        with Horizontal(id="chosen"):
            for name in ("about-checkpoint", "about-settings"):
                with Panel(id=name, classes="panel"):
                    yield Static("", markup=False)

    def show(self) -> None:
        """Go to a checkpoint that somebody wished to see."""
        if isinstance(wish := self.azul.wish("checkpoints"), Path):
            self.wanted = str(wish)
        self.query_one("#about-settings").set_class(len(self.listing.marked) == 2, "hidden")
        super().show()

    def look(self) -> None:
        """The chosen checkpoint, or two compared."""
        item: CheckpointRow | None = self.listing.chosen
        if item is None:
            return
        self.index.ahead = [item, *list(self.listing.items.values())[:VERIFIED_AHEAD]]
        if (wrong := self.index.wrong(item)) is None:
            self._wake.set()
        items, width = self.listing.items, self.room("#about-checkpoint")
        marked = [items[key] for key in self.listing.marked if key in items]
        if len(marked) == 2:
            values = [
                self.facts(row, checkpoint_facts(row)) | read_settings(row.paths.config)
                for row in marked
            ]
            rows = diff_lines([f"{r.run} {r.iteration:,}" for r in marked], values, width)
            self.say("#about-checkpoint", "compared", rows)
            return
        verified = "not yet" if wrong is None else "no" if wrong else "whole"
        known = self.facts(item, checkpoint_facts(item) | {"verified": verified, "whole": ""})
        rows = fact_lines(known, width)
        if wrong:
            said = words.wrapped(f"damaged: {wrong}", width)
            rows = [*(((text, "alert"),) for text in said), *rows]
        self.say("#about-checkpoint", words.shortened(item.name, width - 4), rows)
        width = self.room("#about-settings")
        title = f"settings of {words.shortened(item.run, width - 18)}"
        rows = fact_lines(read_settings(item.paths.config), width, "")
        self.say("#about-settings", title, rows)

    # -- what is done with a checkpoint

    def action_compare(self) -> None:
        """Mark the first, then the second; once more ends it."""
        if len(self.listing.marked) == 2:
            self.action_unmark()
        elif self.listing.chosen.key not in self.listing.marked:
            self.action_mark()
            if len(self.listing.marked) == 1:
                self.notify("now c on the one to compare it with")

    def action_only_run(self) -> None:
        """Only the checkpoints of the run that is open, or all again."""
        line, feed = self.query_one("#filter", Input), self.azul.feed
        line.value = "" if line.value or feed is None else feed.name

    def action_verify(self) -> None:
        """Verify the chosen file again."""
        self.index.forget(self.listing.chosen)
        self.show_all()

    def action_go(self, mode: str) -> None:
        """Evaluate it, play against it, analyse with it; two that are marked meet each other."""
        two, one = tuple(map(Path, self.listing.marked)), self.listing.chosen.file
        self.azul.go_with(mode, two if len(two) == 2 and mode != "play" else one)

    def action_export(self) -> None:
        """Write its weights as safetensors, in a process of its own."""
        from azul_tui.jobs.registry import find_job
        from azul_tui.views.settings import toml_value

        named = f"checkpoint={toml_value(str(self.listing.chosen.file))}"
        if (job := self.azul.jobs.start(find_job("export"), [named])) is not None:
            self.azul.show_job(job)

    def action_delete(self) -> None:
        """Delete the file after asking; the last good one of a run is asked about twice."""
        item: CheckpointRow = self.listing.chosen
        others = [row for row in self.index.rows if row.run == item.run and row.key != item.key]

        def delete() -> None:
            item.file.unlink(missing_ok=True)

        def agreed() -> None:
            if not all(self.index.wrong(row) for row in others):
                return delete()
            question = f"It is the last good checkpoint of {item.run}. Delete it all the same?"
            detail = "Without it the run cannot be resumed and its weights are gone."
            self.ask(question, detail, {"y": ("delete the last one", delete)}, "keep it")
            return None

        best = " It is the best of its run." if item.best else ""
        detail = f"{words.size(item.size_bytes)} are removed from the disk.{best}"
        self.ask(f"Delete {item.name}?", detail, {"y": ("delete it", agreed)}, "keep it")
