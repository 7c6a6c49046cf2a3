"""What a job that was started here says and makes: its output, panels, a chart, a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from azul_tui.runs.events import number, text
from azul_tui.runs.text import plain_text
from azul_tui.tui.jobs import last_words
from azul_tui.tui.screens.place import FramedScreen
from azul_tui.tui.spans import lines, say
from azul_tui.tui.widgets.board import Board, Table
from azul_tui.tui.widgets.chart import Chart
from azul_tui.tui.widgets.log import GrowingLog
from azul_tui.views import words
from azul_tui.views.signs import bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.timer import Timer

    from azul_tui.runs.events import Record
    from azul_tui.tui.jobs import StartedJob
    from azul_tui.views.following import RunData
    from azul_tui.views.signs import Signs
    from azul_tui.views.words import Spans

LOOK_EVERY_S = 0.5
PANELS = ("parts", "policy loss by temperature", "how outcomes are spread")


class DemoScreen(FramedScreen[None]):
    """One job, while it runs and after it has ended."""

    BINDINGS: ClassVar = [
        Binding("escape", "back", "back"),
        Binding("x", "cancel", "cancel"),
        Binding("r", "again", "run it again"),
    ]

    def __init__(self, job: StartedJob) -> None:
        super().__init__()
        from azul_tui.views.following import RunFeed

        self.job = job
        self.feed = RunFeed(job.paths.directory)
        self._timer: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """Two lines, the output left, what was made right."""
        settings = ", ".join(self.job.overrides) or "as it comes"
        told = Content.styled(f"settings: {plain_text(settings, 300)}", "$foreground 60%")
        yield Static("", id="job-state", classes="line", markup=False)
        yield Static(told, classes="line", markup=False)
        with Horizontal(id="job"):
            log = GrowingLog(id="output", classes="panel")
            log.border_title = Content.styled("output", "bold")
            yield log
            with VerticalScroll(id="made"):
                for title in PANELS:
                    panel = Static("", classes="panel made", markup=False)
                    panel.border_title = Content.styled(title, "bold")
                    yield panel
                yield Chart(id="losses")
                yield Board(id="position")

    def on_mount(self) -> None:
        """Look often while the job runs; no more once it has ended."""
        self._timer = self.set_interval(LOOK_EVERY_S, self.show)

    def on_resize(self) -> None:
        """Bars fill their new width."""
        self.call_after_refresh(self.show)

    def on_job_changed(self) -> None:
        """The last look."""
        self.show()
        self.refresh_bindings()

    def show(self) -> None:
        """Everything that the job's folder tells."""
        job = self.job
        job.seen = job.seen or not job.running
        while self.feed.tick() and not self.feed.at_end:
            pass
        if not job.running and self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._tell_state()
        texts, total, source = self.feed.log_lines()
        if not texts:
            texts, source = ["starting" if job.running else "it has written nothing"], ""
        self.query_one(GrowingLog).show_lines(texts, total, source)
        self._show_made()

    def _tell_state(self) -> None:
        job, status, signs = self.job, self.feed.status, self.azul.signs
        line = Content.styled(f"{job.spec.title}   ", "bold")
        if job.running:
            spent = words.duration(self.azul.clock() - job.started)
            line += Content.styled(f"{signs.running} running, {spent}", "$text-success")
            if status is not None and status.total:
                done = status.done or 0.0
                full, empty = bar(done / status.total, 20, signs)
                line += Content("   ") + Content.styled(full, "$primary") + Content(empty)
                line += Content(f" {done:,.0f}/{status.total:,.0f} {plain_text(status.unit, 20)}")
        elif job.code == 0:
            line += Content.styled(f"{signs.finished} finished", "$text-success")
        else:
            line += Content.styled(f"{signs.crashed} {last_words(job)}", "$text-error")
        self.show_text("#job-state", line)

    def _show_made(self) -> None:
        """Panels, chart and board, each when its records are there."""
        data, made = self.feed.data, self.query_one("#made")
        width = max(20, self.size.width // (1 if self.has_class("-narrow") else 2) - 6)
        rows = panels(data, width, self.azul.signs)
        for panel, found in zip(self.query(".made").results(Static), rows, strict=True):
            panel.display = bool(found)
            say(panel, lines(found))
        chart, board = self.query_one(Chart), self.query_one(Board)
        chart.display = data.steps.records > 1 or data.iterations.records > 1
        if chart.display:
            self._draw_losses(chart, data)
        moves = [record for record in data.others if record["event"] == "move"]
        board.display = bool(moves)
        if moves:
            self._draw_board(board, moves[-1])
        made.display = any(rows) or chart.display or board.display

    def _draw_losses(self, chart: Chart, data: RunData) -> None:
        from azul_tui.views.charts import View, run_chart

        if chart.view is None:
            # Only training steps are numbered; without them an iteration is a point.
            kind = "step" if data.last_step else "iteration"
            chart.look(View(x_kind=kind, smoothing=0.5 if data.steps.records < 200 else 0.9))
        view = chart.view or View()
        chart.draw([run_chart(data, "loss", view)], growing=self.job.running)

    @staticmethod
    def _draw_board(board: Board, move: Record) -> None:
        from azul_tui.game.notation import parse_position

        notes = (f"last move  {text(move, 'told', 60)}",)
        table = Table(position=parse_position(move["position"]), notes=notes)
        board.show(table, title=f"game {move['game'] + 1:,}, move {move['number']:,}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A job that runs can be cancelled, one that has ended run again."""
        if action in {"cancel", "again"}:
            return self.job.running == (action == "cancel")
        return super().check_action(action, parameters)

    def action_cancel(self) -> None:
        """End the job."""
        self.azul.jobs.cancel(self.job)

    def action_again(self) -> None:
        """The same once more."""
        job = self.azul.jobs.start(self.job.spec, self.job.overrides)
        if job is not None:
            self.dismiss(None)
            self.azul.show_job(job)

    def action_back(self) -> None:
        """Back to where one was."""
        self.dismiss(None)


def panels(data: RunData, width: int, signs: Signs) -> list[list[Spans]]:
    """The lines of each of `PANELS` in `width` cells; none where its records are missing."""
    newest = {(record["event"], record.get("name")): record for record in data.others}
    batch = newest.get(("batch", None), {})
    bins = zip(batch.get("outcome_bins", ()), batch.get("outcome_histogram", ()), strict=False)
    losses = [
        (f"temperature {record['temperature']:<5g}", loss, f"{loss:.3f} nats")
        for record in data.others
        if record["event"] == "temperature" and (loss := number(record, "policy_loss")) is not None
    ]
    return [
        [_part(record, signs) for (kind, _), record in newest.items() if kind == "part"],
        _bars(losses, width, 0),
        _bars([(f"{low:+.1f} to {high:+.1f}", n, f"{n:,}") for (low, high), n in bins], width, 2),
    ]


def _part(record: Record, signs: Signs) -> Spans:
    """One part of demo 0: its state, and how long it took."""
    title, state, seconds = record["title"], record["state"], number(record, "seconds")
    sign, role = {
        "running": (signs.running, "good"),
        "done": (signs.finished, "good"),
        "failed": (signs.crashed, "alert"),
    }.get(state, (signs.empty_cell, "quiet"))
    took = f"  {words.duration(seconds)}" if seconds is not None else ""
    return (f"{sign} ", role), (f"{title:<28}", ""), (state, role), (took, "quiet")


def _bars(values: Sequence[tuple[str, float, str]], width: int, series: int) -> list[Spans]:
    """A bar for each `(name, value, words)`."""
    largest = max([*(value for _, value, _ in values), 1e-9])
    room = max(4, width - 3 - max((len(name) + len(told) for name, _, told in values), default=0))
    return [
        (
            (f"{name} ", "quiet"), ("█" * round(value / largest * room), f"series.{series}"),
            (f" {told}", "strong"),
        )
        for name, value, told in values
    ]  # fmt: skip
