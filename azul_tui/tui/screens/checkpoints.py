"""The checkpoint browser: find, verify, compare, resume, evaluate, play, export, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding

from azul_tui.runs.paths import RunPaths
from azul_tui.runs.text import plain_text
from azul_tui.tui.checkpoints.listing import CheckpointIndex
from azul_tui.tui.checkpoints.picture import (
    COLUMNS,
    CheckpointsState,
    checkpoints_body,
    rows_shown,
    shown_columns,
)
from azul_tui.tui.checkpoints.verification import Verification
from azul_tui.tui.forms.differences import read_settings
from azul_tui.tui.forms.settings import toml_value
from azul_tui.tui.screens.table_keys import TableKeysScreen
from azul_tui.tui.table import first_marked

if TYPE_CHECKING:
    from azul_tui.tui.checkpoints.row import CheckpointRow
    from azul_tui.tui.picture import Picture

OF_A_RUN = frozenset({"resume", "resume_new", "delete"})
"""What needs the run of a checkpoint; what came with the program has none."""
ON_A_ROW = OF_A_RUN | {"evaluate", "mark", "export", "play", "analyse", "verify"}
AGE = next(i for i, column in enumerate(COLUMNS) if column.title == "age")


class CheckpointsScreen(TableKeysScreen["CheckpointRow"]):
    """Checkpoints of one run or of all."""

    PLACE = "checkpoints"
    FILTER_TITLE = "show checkpoints that contain"
    FILTER_NOTE = "words"
    BINDINGS: ClassVar = [
        Binding("r", "resume", "resume"),
        Binding("v", "evaluate", "evaluate"),
        Binding("space", "mark", "mark two to compare"),
        Binding("x", "export", "export"),
        Binding("delete,D", "delete", "delete"),
        Binding("p", "play", "play against it", show=False),
        Binding("a", "analyse", "analyse with it; with two marked, compare them", show=False),
        Binding("R", "resume_new", "resume as a new run", show=False),
        Binding("o", "only_run", "only the run that is looked at", show=False),
        Binding("enter", "verify", "verify again", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(sorted_by=AGE)
        self.index: CheckpointIndex | None = None
        self.verification = Verification()

    @property
    def verified(self) -> dict[str, str]:
        """What is wrong with a file, "" for a whole one, by its key."""
        return self.verification.found

    # -- what is listed

    def rows(self) -> list[CheckpointRow]:
        """All checkpoints."""
        return self.index.rows if self.index is not None else []

    def key_of(self, row: CheckpointRow) -> str:
        """The file."""
        return row.key

    def words_of(self, row: CheckpointRow) -> str:
        """Run and file name."""
        return f"{row.run} {row.file.name}"

    def rank_of(self, row: CheckpointRow) -> Any:
        """What the column sorts by; what is not known is the smallest."""
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
        ][self.sorted_by]

    def shown_columns(self) -> list[int]:
        """The columns that have something to show."""
        return shown_columns(self.shown())

    def read_rows(self, now: float) -> None:
        """Read the folders; when there is more to read, again soon."""
        del now
        if self.index is None:
            self.index = CheckpointIndex(self.azul.runs_root)
        if not self.index.refresh():
            self.listed_at = -1e9
            self.azul.look_now()

    def list_again(self, *, force: bool = False) -> None:
        """Read the folders again when it is time, and verify the next file."""
        super().list_again(force=force)
        self.run_worker(self._verify_next, thread=True, name="verify", exclusive=True)

    def _verify_next(self) -> None:
        """Verify the chosen checkpoint, or the next that was not looked at; in a thread."""
        chosen = self.chosen()
        rows = ([chosen] if chosen is not None else []) + self.shown()
        if self.verification.look_at_next(rows):
            self.azul.call_from_thread(self.redraw)

    def body(self, width: int, height: int) -> Picture:
        """Table and panel."""
        rows = self.shown()
        index = self.chosen_index(rows)
        self.first = first_marked(index, len(rows), rows_shown(width, height), self.first)
        marked = [row for row in rows if row.key in self.marked]
        looked_at = [*marked, *([rows[index]] if rows else [])]
        settings = {
            row.run: read_settings(row.file.parent / "config.toml") for row in looked_at[:3]
        }
        state = CheckpointsState(
            rows=rows,
            total=len(self.rows()),
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

    def action_verify(self) -> None:
        """Verify the chosen file again."""
        row = self.chosen()
        if row is not None:
            self.verification.forget(row.key)
            self.list_again()
            self.redraw()

    def action_only_run(self) -> None:
        """Only the checkpoints of the run that is looked at, or all again."""
        name = self.azul.feed.name if self.azul.feed is not None else ""
        self.filter = "" if self.filter == name else name
        self.redraw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What came with the program cannot be resumed or deleted; without a row nothing can."""
        if action in ON_A_ROW:
            row = self.chosen()
            return row is not None and not (row.shipped and action in OF_A_RUN)
        return super().check_action(action, parameters)

    def refusal(self, action: str) -> str:
        """Why a key does nothing for the chosen row."""
        if action not in ON_A_ROW:
            return ""
        if self.chosen() is None:
            return "there is no checkpoint here to do this with"
        if action == "delete":
            return "a checkpoint that came with the program stays"
        return "it came as weights alone and cannot be resumed; v evaluates, p plays against it"

    def action_resume(self) -> None:
        """Go on with the run from this checkpoint."""
        row = self.chosen()
        if row is not None:
            self.run_worker(self._resume(row), name="resume")

    async def _resume(self, row: CheckpointRow) -> None:
        from azul_tui.tui.going_on import go_on

        await go_on(self.azul, RunPaths(row.file.parent), row.file)

    def action_resume_new(self) -> None:
        """Start a new run from this checkpoint, under a name and with settings that are asked."""
        from azul_tui.tui.going_on import go_on_as_new

        row = self.chosen()
        if row is not None:
            go_on_as_new(self.azul, RunPaths(row.file.parent), row.file)

    def action_evaluate(self) -> None:
        """Choose an opponent for it."""
        row = self.chosen()
        if row is not None:
            self.azul.evaluate_checkpoint = str(row.file)
            self.azul.action_go("evaluate")

    def action_play(self) -> None:
        """Go to the Play place with it as the opponent."""
        from azul_tui.tui.play.open import open_play
        from azul_tui.tui.play.setup import player_of

        row = self.chosen()
        if row is not None:
            open_play(self.azul, opponent=player_of(row))

    def action_analyse(self) -> None:
        """Look at a position with it, or with the two that are marked."""
        from azul_tui.tui.analyse.entry import open_analyse, player_name

        row = self.chosen()
        if row is None:
            return
        marked = [r for key in self.marked for r in self.rows() if r.key == key]
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
        from azul_tui.tui.screens.checkpoint_questions import ask_to_delete

        row = self.chosen()
        if row is None:
            return
        good = [other for other in self.rows() if not self.verified.get(other.key)]
        last = not any(other.run == row.run and other.key != row.key for other in good)

        def deleted() -> None:
            self.list_again(force=True)
            self.redraw()

        ask_to_delete(self.azul, row, deleted, is_last=last)
