"""One part of the training place on a screen of its own: a chart, the board, the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.content import Content

from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import ChartExported, ChartViewed
from azul_tui.tui.screens.place import FramedScreen
from azul_tui.tui.widgets.board import Board, Table
from azul_tui.tui.widgets.chart import Chart
from azul_tui.tui.widgets.log import GrowingLog

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult

    from azul_tui.tui.screens.training import TrainingScreen

MOST_BYTES = 4_000_000


class FullChart(FramedScreen[None]):
    """One chart of the run as large as the terminal."""

    BINDINGS: ClassVar = [
        Binding("escape,enter,q", "back", "back"),
        Binding("tab", "next(1)", "next chart"),
        Binding("shift+tab", "next(-1)", "previous chart", show=False),
        Binding("v", "chart('cursor')", "cursor"),
        Binding("l", "chart('switch', 'log_y')", "log y"),
        Binding("right_square_bracket", "chart('smooth', 1)", "smooth more"),
        Binding("m", "apart", "losses apart or together", show=False),
    ]

    def __init__(self, training: TrainingScreen, name: str) -> None:
        super().__init__()
        self.training, self.chart_name = training, name

    def compose_body(self) -> ComposeResult:
        """The chart."""
        yield Chart(id="full")

    def show(self) -> None:
        """Draw what is known."""
        from azul_tui.views.charts import View

        run = self.azul.run_now()
        if run is None:
            return
        chart = self.query_one(Chart)
        view = chart.view or self.training.query_one("#main", Chart).view or View()
        chart.look(view)
        self.training.draw(chart, self.chart_name, view, run)

    @on(ChartViewed)
    def redraw(self, message: ChartViewed) -> None:
        """Another view may need other columns; the place below sees the same."""
        message.stop()
        self.show()
        for chart in self.training.query(Chart):
            chart.look(message.view)

    @on(ChartExported)
    def write_chart(self, message: ChartExported) -> None:
        """As the place below does."""
        self.training.write_chart(message)

    def action_next(self, direction: int) -> None:
        """The next of the run's charts."""
        from azul_tui.views.run_charts import CHARTS

        at = CHARTS.index(self.chart_name)
        self.chart_name = CHARTS[(at + direction) % len(CHARTS)]
        self.show()

    def action_apart(self) -> None:
        """The losses on one axis or on three."""
        self.training.apart = not self.training.apart
        self.show()

    def action_chart(self, action: str, *arguments: Any) -> None:
        """What the chart itself does at that key; here for the line of keys."""
        getattr(self.query_one(Chart), f"action_{action}")(*arguments)

    def action_back(self) -> None:
        """Back to the place."""
        self.dismiss(None)


class FullBoard(FramedScreen[None]):
    """The game that is being played, as large as the terminal."""

    BINDINGS: ClassVar = [Binding("escape,b,q", "back", "back")]

    def compose_body(self) -> ComposeResult:
        """The table."""
        yield Board()

    def show(self) -> None:
        """The position as it is now."""
        feed = self.azul.feed
        if feed is not None:
            title, table, notice = live_game(feed.live)
            self.query_one(Board).show(table, notice, title=title)

    def action_back(self) -> None:
        """Back to the place."""
        self.dismiss(None)


class FullLog(FramedScreen[None]):
    """All that a job has written, the end of it where it is very long."""

    BINDINGS: ClassVar = [Binding("escape,f,q", "back", "back")]

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def compose_body(self) -> ComposeResult:
        """The log."""
        yield GrowingLog(classes="panel")

    def on_mount(self) -> None:
        """Begin to read."""
        from azul_tui.views.following import LogTail

        self.tail = LogTail(self.path, keep=5000)
        log = self.query_one(GrowingLog)
        log.border_title = Content(str(self.path))
        log.focus()

    def show(self) -> None:
        """What has been added."""
        self.tail.read(MOST_BYTES)
        self.query_one(GrowingLog).show_lines(self.tail.lines, self.tail.total, "whole")

    def action_back(self) -> None:
        """Back to the place."""
        self.dismiss(None)


def live_game(live: dict[str, Any]) -> tuple[str, Table | None, str]:
    """Title, table and notice of the game that a run shows."""
    from azul_tui.errors import AzulError
    from azul_tui.game.notation import parse_position

    notation, game, move = live.get("position"), live.get("game"), live.get("move")
    if not isinstance(notation, str):
        return "game", None, "no game is being played"
    title = f"game {game:,}" if isinstance(game, int) and game >= 0 else "evaluation game"
    title += f", move {move:,}" if isinstance(move, int) and move >= 0 else ""
    try:
        position = parse_position(notation[:2000])
    except AzulError as error:
        return title, None, plain_text(str(error))
    last, value = plain_text(str(live.get("last_move") or ""), 60), live.get("value")
    notes: list[str] = []
    if last:
        valued = f"   value {value:+.2f}" if isinstance(value, (int, float)) else ""
        notes.append(f"last move  {last}{valued}")
    return title, Table(position=position, notes=tuple(notes)), ""
