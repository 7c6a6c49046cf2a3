"""What a job that was started here says and makes: its output, panels, a chart, a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from azul_tui.runs.text import plain_text
from azul_tui.tui.jobs import last_words
from azul_tui.tui.screens.place import FramedScreen
from azul_tui.tui.spans import lines
from azul_tui.tui.widgets.board import Board, Table
from azul_tui.tui.widgets.chart import Chart
from azul_tui.tui.widgets.log import GrowingLog
from azul_tui.views import words
from azul_tui.views.signs import bar

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.timer import Timer

    from azul_tui.tui.jobs import StartedJob

LOOK_EVERY_S = 0.5


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
        """A line, the output left, what was made right."""
        yield Static("", id="job-state", classes="line", markup=False)
        yield Static("", id="job-settings", classes="line", markup=False)
        with Horizontal(id="job"):
            log = GrowingLog(id="output", classes="panel")
            log.border_title = Content.styled("output", "bold")
            yield log
            with VerticalScroll(id="made", classes="hidden"):
                yield Chart(id="losses", classes="hidden")
                yield Board(id="position", classes="hidden")

    def on_mount(self) -> None:
        """Look often while the job runs; no more once it has ended."""
        self._timer = self.set_interval(LOOK_EVERY_S, self.show)
        settings = ", ".join(self.job.overrides) or "as it comes"
        text = Content.styled(f"settings: {plain_text(settings, 300)}", "$foreground 60%")
        self.query_one("#job-settings", Static).update(text)

    def on_job_ended(self) -> None:
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
        self._say_state()
        texts, total, source = self.feed.log.lines, self.feed.log.total, "log"
        if not texts:
            texts, total, source = self.feed.log_lines()
        waiting = "starting" if job.running else "it has written nothing"
        self.query_one(GrowingLog).show_lines(texts or [waiting], total, source if texts else "")
        self._show_made()

    def _say_state(self) -> None:
        job, status, signs = self.job, self.feed.status, self.azul.signs
        line = Content.styled(job.spec.title, "bold") + Content("   ")
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
        state = self.query_one("#job-state", Static)
        if state.content != line:
            state.update(line, layout=False)

    def _show_made(self) -> None:
        """Panels, chart and board, each when its records are there."""
        from azul_tui.views.demo import panels, position_of

        data = self.feed.data
        made = self.query_one("#made")
        width = max(20, (made.size.width or self.size.width // 2) - 6)
        found = panels(data, width, self.azul.signs)
        for number, (title, rows) in enumerate(found):
            widgets = self.query(f"#panel-{number}")
            text = lines(rows)
            if widgets:
                widget = widgets.first(Static)
                if widget.content != text:
                    widget.update(text)
            else:
                widget = Static(text, id=f"panel-{number}", classes="panel made", markup=False)
                widget.border_title = Content.styled(title, "bold")
                made.mount(widget, before="#losses")
        chart = self.query_one(Chart)
        has_losses = data.steps.records > 1 or data.iterations.records > 1
        chart.set_class(not has_losses, "hidden")
        if has_losses:
            self._draw_losses(chart)
        shown = position_of(data)
        board = self.query_one(Board)
        board.set_class(shown is None, "hidden")
        if shown is not None:
            self._draw_board(board, *shown)
        made.set_class(not (found or has_losses or shown), "hidden")

    def _draw_losses(self, chart: Chart) -> None:
        from azul_tui.views.charts import View
        from azul_tui.views.run_charts import ChartSource

        data = self.feed.data
        if chart.view is None:
            # Only training steps are numbered; without them an iteration is a point.
            kind = "step" if data.last_step else "iteration"
            chart.look(View(x_kind=kind, smoothing=0.5 if data.steps.records < 200 else 0.9))
        view = chart.view or View()
        chart.draw([ChartSource(data).content("loss", view)], growing=self.job.running)

    def _draw_board(self, board: Board, title: str, notation: str, last: str) -> None:
        from azul_tui.errors import AzulError
        from azul_tui.game.notation import parse_position

        try:
            position = parse_position(notation)
        except AzulError as error:
            board.show(None, plain_text(str(error)), title=title)
            return
        notes = (f"last move  {last}",) if last else ()
        board.show(Table(position=position, notes=notes), title=title)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A job that runs can be cancelled, one that has ended run again."""
        if action == "cancel":
            return self.job.running
        if action == "again":
            return not self.job.running
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
