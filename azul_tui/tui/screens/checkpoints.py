"""The checkpoint browser: find, verify, compare, resume, evaluate, play, export, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding

from azul_tui.runs.paths import RunPaths
from azul_tui.runs.text import plain_text
from azul_tui.tui import phrases
from azul_tui.tui.checkpoint_list import CheckpointIndex, verify_file
from azul_tui.tui.checkpoints_picture import (
    COLUMNS,
    CheckpointsState,
    checkpoints_body,
    shown_columns,
)
from azul_tui.tui.screens.place import PictureScreen
from azul_tui.tui.settings_diff import read_settings
from azul_tui.tui.settings_form import toml_value
from azul_tui.tui.table import first_visible

if TYPE_CHECKING:
    from azul_tui.tui.checkpoint_list import CheckpointRow
    from azul_tui.tui.messages import RunAdvanced
    from azul_tui.tui.picture import Picture

LIST_EVERY_S = 4.0
AGE = next(i for i, column in enumerate(COLUMNS) if column.title == "age")


def _sort_key(row: CheckpointRow, column: int) -> Any:
    unknown = -1.0
    return [
        row.run.lower(),
        row.best,
        row.iteration,
        row.score if row.score is not None else unknown,
        row.rating.elo if row.rating is not None else -1e9,
        row.total_loss if row.total_loss is not None else unknown,
        row.policy_loss if row.policy_loss is not None else unknown,
        row.value_loss if row.value_loss is not None else unknown,
        row.changed,
        row.size_bytes,
        row.changed,
    ][column]


class CheckpointsScreen(PictureScreen):
    """Checkpoints of one run or of all."""

    PLACE = "checkpoints"
    BINDINGS: ClassVar = [
        Binding("r", "resume", "resume"),
        Binding("v", "evaluate", "evaluate"),
        Binding("space", "mark", "mark two to compare"),
        Binding("x", "export", "export"),
        Binding("delete,D", "delete", "delete"),
        Binding("p", "play", "play against it", show=False),
        Binding("a", "analyse", "analyse with it; with two marked, compare them", show=False),
        Binding("R", "resume_new", "resume as a new run", show=False),
        Binding("slash", "filter", "filter", show=False),
        Binding("o", "only_run", "only the run that is looked at", show=False),
        Binding("s", "sort", "sort by the next column", show=False),
        Binding("S", "reverse", "reverse the order", show=False),
        Binding("u", "unmark", "unmark all", show=False),
        Binding("enter", "verify", "verify again", show=False),
        Binding("escape", "clear", "clear the filter", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "move(-10)", "up ten", show=False),
        Binding("pagedown", "move(10)", "down ten", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.index: CheckpointIndex | None = None
        self.chosen_key = ""
        self.first = 0
        self.marked: list[str] = []
        self.filter = ""
        self.sorted_by = AGE
        self.descending = True
        self.listed_at = -1e9
        self.verified: dict[str, str] = {}
        self._stamps: dict[str, tuple[float, int]] = {}

    def shown(self) -> list[CheckpointRow]:
        """The checkpoints that match the filter, in order."""
        rows = self.index.rows if self.index is not None else []
        words = self.filter.lower().split()
        found = [
            row
            for row in rows
            if all(word in f"{row.run} {row.file.name}".lower() for word in words)
        ]
        return sorted(
            found, key=lambda row: _sort_key(row, self.sorted_by), reverse=self.descending
        )

    def chosen_index(self, rows: list[CheckpointRow]) -> int:
        """Where the pointer is."""
        for index, row in enumerate(rows):
            if row.key == self.chosen_key:
                return index
        if rows:
            self.chosen_key = rows[0].key
        return 0

    def chosen(self) -> CheckpointRow | None:
        """The checkpoint under the pointer."""
        rows = self.shown()
        return rows[self.chosen_index(rows)] if rows else None

    def list_again(self, *, force: bool = False) -> None:
        """Read the folders again when it is time, and verify the next file."""
        if self.index is None:
            self.index = CheckpointIndex(self.azul.runs_root)
        now = self.azul.clock()
        if force or now - self.listed_at >= LIST_EVERY_S or now < self.listed_at:
            self.listed_at = now
            if not self.index.refresh():
                self.listed_at = -1e9
                self.azul.look_now()
        self.run_worker(self._verify_next, thread=True, name="verify", exclusive=True)

    def _verify_next(self) -> None:
        """Verify the chosen checkpoint, or the next that was not looked at; in a thread."""
        chosen = self.chosen()
        rows = ([chosen] if chosen is not None else []) + self.shown()
        for row in rows:
            stamp = (row.changed, row.size_bytes)
            if self._stamps.get(row.key) == stamp:
                continue
            wrong = verify_file(row.file)
            self._stamps[row.key] = stamp
            self.verified[row.key] = wrong
            self.azul.call_from_thread(self.redraw)
            return

    def on_screen_resume(self) -> None:
        """Read the folders when the place is entered."""
        self.list_again(force=True)
        self.redraw()

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """List again now and then."""
        self.list_again()
        self.redraw()

    def body(self, width: int, height: int) -> Picture:
        """Table and panel."""
        rows = self.shown()
        index = self.chosen_index(rows)
        room = max(1, height - 2 - (12 if width < 110 and height >= 15 else 0))
        self.first = first_visible(index, len(rows), room, self.first)
        marked = [row for row in rows if row.key in self.marked]
        looked_at = [*marked, *([rows[index]] if rows else [])]
        settings = {
            row.run: read_settings(row.file.parent / "config.toml") for row in looked_at[:3]
        }
        state = CheckpointsState(
            rows=rows,
            total=len(self.index.rows) if self.index is not None else 0,
            chosen=index,
            first=self.first,
            filter=plain_text(self.filter, 40),
            sorted_by=self.sorted_by,
            descending=self.descending,
            now=self.azul.clock(),
            marked=marked,
            verified=self.verified,
            settings=settings,
            signs=self.azul.signs,
        )
        return checkpoints_body(state, width, height)

    # -- keys

    def action_move(self, step: int) -> None:
        """Move the pointer."""
        rows = self.shown()
        if rows:
            index = min(max(self.chosen_index(rows) + step, 0), len(rows) - 1)
            self.chosen_key = rows[index].key
            self.redraw()

    def action_mark(self) -> None:
        """Mark up to two checkpoints; a third replaces the first."""
        row = self.chosen()
        if row is None:
            return
        if row.key in self.marked:
            self.marked.remove(row.key)
        else:
            self.marked = [*self.marked, row.key][-2:]
        self.redraw()

    def action_unmark(self) -> None:
        """Unmark all."""
        self.marked.clear()
        self.redraw()

    def action_verify(self) -> None:
        """Verify the chosen file again."""
        row = self.chosen()
        if row is not None:
            self._stamps.pop(row.key, None)
            self.verified.pop(row.key, None)
            self.list_again()
            self.redraw()

    def action_sort(self) -> None:
        """Sort by the next column."""
        shown = shown_columns(self.shown())
        later = [column for column in shown if column > self.sorted_by]
        self.sorted_by = later[0] if later else shown[0]
        self.redraw()

    def action_reverse(self) -> None:
        """Reverse the order."""
        self.descending = not self.descending
        self.redraw()

    def action_clear(self) -> None:
        """Clear the filter."""
        self.filter = ""
        self.redraw()

    def action_only_run(self) -> None:
        """Only the checkpoints of the run that is looked at, or all again."""
        name = self.azul.feed.name if self.azul.feed is not None else ""
        self.filter = "" if self.filter == name else name
        self.redraw()

    def action_filter(self) -> None:
        """Filter as one types."""
        from azul_tui.tui.screens.prompt import PromptScreen

        def typed(text: str) -> None:
            self.filter = text
            self.redraw()

        self.azul.push_screen(
            PromptScreen("show checkpoints that contain", "words", self.filter, None, typed)
        )

    def action_resume(self) -> None:
        """Go on with the run from this checkpoint."""
        row = self.chosen()
        if row is None:
            return
        if self._refuse_shipped(row):
            return
        self.run_worker(self._resume(row), name="resume")

    async def _resume(self, row: CheckpointRow) -> None:
        from azul_tui.tui.going_on import go_on

        await go_on(self.azul, RunPaths(row.file.parent), row.file)

    def action_resume_new(self) -> None:
        """Start a new run from this checkpoint, under a name and with settings that are asked."""
        from azul_tui.tui.going_on import go_on_as_new

        row = self.chosen()
        if row is not None and not self._refuse_shipped(row):
            go_on_as_new(self.azul, RunPaths(row.file.parent), row.file)

    def _refuse_shipped(self, row: CheckpointRow) -> bool:
        """A shipped player holds weights alone: say so instead of starting what must fail."""
        if row.shipped:
            words = "it came with the program as weights alone; v evaluates it, p plays against it"
            self.notify(words, severity="warning")
        return row.shipped

    def action_evaluate(self) -> None:
        """Choose an opponent for it."""
        row = self.chosen()
        if row is not None:
            self.azul.evaluate_checkpoint = str(row.file)
            self.azul.action_go("evaluate")

    def action_play(self) -> None:
        """Go to the Play place with it as the opponent."""
        from azul_tui.tui.play_open import open_play
        from azul_tui.tui.play_setup import player_of

        row = self.chosen()
        if row is not None:
            open_play(self.azul, opponent=player_of(row))

    def action_analyse(self) -> None:
        """Look at a position with it, or with the two that are marked."""
        from azul_tui.tui.analyse_entry import open_analyse, player_name

        row = self.chosen()
        if row is None:
            return
        rows = self.index.rows if self.index is not None else []
        marked = [r for key in self.marked for r in rows if r.key == key]
        names = [player_name(r.file, self.azul.runs_root) for r in marked] if marked[1:] else []
        first, second = names or (player_name(row.file, self.azul.runs_root), "")
        open_analyse(self.azul, checkpoint=first, compare=second)

    def action_export(self) -> None:
        """Write its weights as safetensors, in a process of its own."""
        row = self.chosen()
        if row is not None:
            self.run_worker(self._export(row), name="export")

    async def _export(self, row: CheckpointRow) -> None:
        from azul_tui.errors import AzulError
        from azul_tui.jobs.registry import find_job
        from azul_tui.tui.starting import start_spec

        try:
            spec = find_job("export")
        except AzulError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        paths = await start_spec(self.azul, spec, [f"checkpoint={toml_value(str(row.file))}"])
        if paths is not None:
            self.azul.show_job(spec, paths)

    def action_delete(self) -> None:
        """Delete the file after asking; the last good one of a run is asked about twice."""
        from azul_tui.tui.screens.ask import AskScreen

        row = self.chosen()
        if row is None:
            return
        if row.shipped:
            self.notify("a checkpoint that came with the program stays", severity="warning")
            return
        rows = self.index.rows if self.index is not None else []
        others = [
            other
            for other in rows
            if other.run == row.run and other.key != row.key and not self.verified.get(other.key)
        ]

        def surely(answer: str | None) -> None:
            if answer == "y":
                self._delete(row)

        def answered(answer: str | None) -> None:
            if answer != "y":
                return
            if others:
                self._delete(row)
                return
            self.azul.push_screen(
                AskScreen(
                    f"It is the last good checkpoint of {row.run}. Delete it all the same?",
                    "Without it the run cannot be resumed and its weights are gone.",
                    (("y", "delete the last one"), ("n", "keep it")),
                    safe="n",
                ),
                surely,
            )

        best = " It is the best of its run." if row.best else ""
        self.azul.push_screen(
            AskScreen(
                f"Delete {row.file.name} of {row.run}?",
                f"{phrases.size(row.size_bytes)} are removed from the disk.{best}",
                (("y", "delete it"), ("n", "keep it")),
                safe="n",
            ),
            answered,
        )

    def _delete(self, row: CheckpointRow) -> None:
        try:
            row.file.unlink(missing_ok=True)
        except OSError as error:
            self.notify(f"{row.file.name} cannot be deleted: {error.strerror}", severity="error")
        self.list_again(force=True)
        self.redraw()
