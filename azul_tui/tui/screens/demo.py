"""One demo job as it goes: its records as pictures, its words beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.tui.chart_panel import ChartMemory, chart_panel, with_samples
from azul_tui.tui.charts.view import View
from azul_tui.tui.demo.picture import demo_body
from azul_tui.tui.demo.state import DemoState
from azul_tui.tui.following.feed import RunFeed
from azul_tui.tui.picture import fit
from azul_tui.tui.screens.place import PictureScreen
from azul_tui.tui.training.charts import ChartSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.jobs.registry import JobSpec
    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.messages import RunAdvanced
    from azul_tui.tui.picture import Picture

TICK_S = 0.5


class DemoScreen(PictureScreen):
    """A job that is no training.

    Args:
        spec: The job.
        paths: The folder that it records to.
        overrides: The settings that it was started with, `key=value` each.
        place: The place that it covers.
    """

    BINDINGS: ClassVar = [
        Binding("escape,enter", "close", "back"),
        Binding("x", "cancel", "cancel"),
        Binding("g", "again", "run it again"),
        Binding("up,k", "scroll_log(-1)", "scroll up", show=False),
        Binding("down,j", "scroll_log(1)", "scroll down", show=False),
        Binding("pageup", "scroll_log(-10)", "scroll up ten", show=False),
        Binding("pagedown", "scroll_log(10)", "scroll down ten", show=False),
        Binding("end", "scroll_end", "to the end", show=False),
    ]

    def __init__(
        self, spec: JobSpec, paths: RunPaths, overrides: Sequence[str] = (), place: str = "menu"
    ) -> None:
        super().__init__()
        self.PLACE = place  # pyright: ignore[reportAttributeAccessIssue] - as it was opened
        self.overrides = tuple(overrides)
        self.spec = spec
        self.paths = paths
        self.demo_feed = RunFeed(paths.directory)
        self.memory = ChartMemory()
        self.first_line: int | None = None
        self._source: ChartSource | None = None

    def on_mount(self) -> None:
        """Look twice a second while it goes on: demos are short."""
        self.set_interval(TICK_S, self.tick)

    def tick(self) -> None:
        """Read what is new."""
        if self.demo_feed.tick(0.012):
            self.redraw()

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """The state may have changed although nothing was written."""
        self.tick()
        self.redraw()

    def body(self, width: int, height: int) -> Picture:
        """The demo."""
        feed = self.demo_feed
        state = DemoState(
            title=self.spec.title,
            description=self.spec.description,
            data=feed.data,
            status=feed.status,
            judgement=feed.state(self.azul.clock()),
            log=feed.log.lines,
            first_line=self.first_line,
            chart=self.draw_chart,
            signs=self.azul.signs,
        )
        return demo_body(state, width, height)

    def draw_chart(self, width: int, height: int) -> Picture:
        """The losses of the job."""
        if self._source is None or self._source.data is not self.demo_feed.data:
            self._source = ChartSource(self.demo_feed.data)
        view = View(smoothing=0.5)
        content = self._source.content("loss", view, self.azul.signs)
        # The frame is that of the demo's blocks: which curve is which stands in the first line.
        signs, patterns = self.azul.signs, self.azul.patterns
        legend = with_samples(content.title[1:], content.curves, signs, patterns)
        chart = chart_panel(
            content,
            view,
            width,
            height - 1,
            memory=self.memory,
            signs=signs,
            patterns=patterns,
            empty_text="no losses yet",
            framed=False,
        )
        return [fit(legend, width), *chart]

    def job_goes_on(self) -> bool:
        """Whether the job goes on."""
        process = self.azul.processes.get(self.paths.name)
        return process is not None and process.returncode is None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Cancel while it runs, again once it has ended."""
        if action == "cancel":
            return self.job_goes_on()
        if action == "again":
            return not self.job_goes_on()
        return super().check_action(action, parameters)

    def refusal(self, action: str) -> str:
        """Why a key of the job does nothing now."""
        return {
            "cancel": "it has ended; g runs it again",
            "again": "it is still running; x cancels it",
        }.get(action, "")

    def action_cancel(self) -> None:
        """End the job."""
        process = self.azul.processes.get(self.paths.name)
        if process is not None and process.returncode is None:
            process.terminate()

    def action_again(self) -> None:
        """Start it once more."""
        self.run_worker(self._again(), name="again", exclusive=True)

    async def _again(self) -> None:
        from azul_tui.tui.starting import start_spec

        paths = await start_spec(self.azul, self.spec, self.overrides)
        if paths is not None:
            self.paths, self.demo_feed, self.first_line = paths, RunFeed(paths.directory), None
            self.redraw()

    def action_scroll_log(self, step: int) -> None:
        """Scroll what it says."""
        count = len(self.demo_feed.log.lines)
        first = self.first_line if self.first_line is not None else max(0, count - self.size.height)
        self.first_line = min(max(0, first + step), max(0, count - 1))
        self.redraw()

    def action_scroll_end(self) -> None:
        """Follow the newest line again."""
        self.first_line = None
        self.redraw()

    def action_close(self) -> None:
        """Back; the job goes on."""
        self.dismiss(None)
