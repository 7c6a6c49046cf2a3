"""Evaluate: choose two sides, watch the score with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding

from azul_tui.jobs.registry import find_job, job_settings
from azul_tui.players.names import SCRIPTED_PLAYERS
from azul_tui.runs.events import text
from azul_tui.runs.text import plain_text
from azul_tui.tui.evaluate_picture import EvaluateState, evaluate_body
from azul_tui.tui.forms.settings import SettingsForm
from azul_tui.tui.screens.place import PictureScreen

if TYPE_CHECKING:
    from azul_tui.tui.following.feed import RunFeed
    from azul_tui.tui.messages import RunAdvanced
    from azul_tui.tui.picture import Picture


class EvaluateScreen(PictureScreen):
    """A match between a checkpoint and an opponent."""

    PLACE = "evaluate"
    BINDINGS: ClassVar = [
        Binding("g", "start", "start"),
        Binding("enter", "edit", "change"),
        Binding("space", "cycle", "next opponent or checkpoint"),
        Binding("x", "cancel", "cancel"),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.spec = find_job("evaluate")
        self.form = SettingsForm.of(job_settings(self.spec), {})
        self.feed: RunFeed | None = None
        self.checkpoints: list[str] = []
        self.played: tuple[str, str] | None = None
        """What the form said when the match that `feed` reads was started, or found here."""

    def on_screen_resume(self) -> None:
        """Take over the checkpoint that was chosen in the browser, and a started match."""
        if self.azul.evaluate_checkpoint:
            self.form.set("checkpoint", self.azul.evaluate_checkpoint)
            self.azul.evaluate_checkpoint = ""
        paths = self.azul.evaluating
        if paths is not None and (self.feed is None or self.feed.directory != paths.directory):
            from azul_tui.tui.following.feed import RunFeed

            self.feed = RunFeed(paths.directory)
            self.played = self.sides()
        self.redraw()

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """Read on in the match."""
        if self.feed is not None:
            self.feed.tick(0.012)
        self.redraw()

    def match_goes_on(self) -> bool:
        """Whether the match goes on."""
        if self.feed is None:
            return False
        process = self.azul.processes.get(self.feed.name)
        return process is not None and process.returncode is None

    def record(self) -> dict[str, Any]:
        """The newest result so far."""
        if self.feed is None:
            return {}
        data = self.feed.data
        if data.result.get("score") is not None:
            return data.result
        return data.last_evaluation

    def body(self, width: int, height: int) -> Picture:
        """The form, the bar and the words."""
        sides = self.sides()
        # Another match than the one that was played last shows none of its results.
        shown = self.feed if self.match_goes_on() or self.played == sides else None
        if shown is not None:
            sides = self.names_of(shown)
        state = EvaluateState(
            form=self.form,
            side_a=sides[0],
            side_b=sides[1],
            record=self.record() if shown is not None else {},
            status=shown.status if shown is not None else None,
            judgement=shown.state(self.azul.clock()) if shown is not None else None,
            running=self.match_goes_on(),
            finished=shown is not None and bool(shown.data.result),
            log=shown.log.lines if shown is not None else [],
            earlier=self.earlier(),
            signs=self.azul.signs,
        )
        return evaluate_body(state, width, height)

    def sides(self) -> tuple[str, str]:
        """The names of A and B as the form has them."""
        checkpoint = str(self.form.value("checkpoint"))
        name = "the best of the newest run" if not checkpoint else _short(checkpoint)
        return name, _short(str(self.form.value("opponent")))

    def names_of(self, feed: RunFeed) -> tuple[str, str]:
        """The names of A and B in the match that `feed` reads, as its result has them."""
        result = feed.data.result
        a, b = text(result, "checkpoint", 200), text(result, "opponent", 60)
        return (_short(a), _short(b)) if a and b else self.played or self.sides()

    def earlier(self) -> list[str]:
        """Evaluations that the followed run has recorded."""
        feed = self.azul.feed
        if feed is None:
            return []
        run = plain_text(feed.paths.name, 30)
        return [
            f"{run}, iteration {e.iteration:,} against {e.opponent}: {e.score * 100:.1f}%"
            f" ({e.low * 100:.0f} to {e.high * 100:.0f}), {e.games} games"
            for e in list(feed.data.evaluations)[-40:]
        ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Start while nothing runs, cancel while something does."""
        if action == "start":
            return not self.match_goes_on()
        if action == "cancel":
            return self.match_goes_on()
        return super().check_action(action, parameters)

    def refusal(self, action: str) -> str:
        """Why a key of the match does nothing now."""
        return {
            "start": "a match is going on; x cancels it",
            "cancel": "no match is going on; g starts one",
        }.get(action, "")

    def action_move(self, step: int) -> None:
        """Move the pointer."""
        self.form.move(step)
        self.redraw()

    def action_cycle(self) -> None:
        """The next opponent, checkpoint or choice."""
        spec = self.form.current()
        if spec is None or self.form.cycle(1):
            self.redraw()
            return
        if spec.name == "opponent":
            self._next_of(spec.name, list(SCRIPTED_PLAYERS))
        elif spec.name == "checkpoint":
            from azul_tui.tui.checkpoints.listing import CheckpointIndex

            index = CheckpointIndex(self.azul.runs_root)
            index.refresh(4.0)
            rows = sorted(index.rows, key=lambda row: row.changed, reverse=True)
            self._next_of(spec.name, ["", *(str(row.file) for row in rows)])
        else:
            self.action_edit()
        self.redraw()

    def _next_of(self, name: str, values: list[str]) -> None:
        now = str(self.form.value(name))
        place = values.index(now) if now in values else -1
        self.form.set(name, values[(place + 1) % len(values)])

    def action_edit(self) -> None:
        """Type the chosen value."""
        from azul_tui.tui.screens.value_prompt import ask_value

        ask_value(self.azul, self.form, lambda _spec, _value: self.redraw())

    def action_start(self) -> None:
        """Start the match in the background."""
        self.run_worker(self._start(), name="evaluate", exclusive=True)

    async def _start(self) -> None:
        from azul_tui.tui.following.feed import RunFeed
        from azul_tui.tui.starting import start_spec

        sides = self.sides()
        paths = await start_spec(self.azul, self.spec, self.form.overrides())
        if paths is not None:
            self.azul.evaluating = paths
            self.played = sides
            self.feed = RunFeed(paths.directory)
            self.redraw()

    def action_cancel(self) -> None:
        """End the match; what was played so far is shown."""
        process = self.azul.processes.get(self.feed.name) if self.feed is not None else None
        if process is not None and process.returncode is None:
            process.terminate()


def _short(path: str) -> str:
    """The last two parts of a path: run and file."""
    parts = plain_text(path, 200).rstrip("/").split("/")
    return "/".join(parts[-2:])
