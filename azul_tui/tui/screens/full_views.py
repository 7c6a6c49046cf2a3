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

MOST_BYTES, MOST_LINES = 4_000_000, 5000


class LargeChart(Chart):
    """A chart whose keys stand in the bottom line."""

    BINDINGS: ClassVar = [
        Binding("v", "look('cursor')", "cursor"),
        Binding("l", "look('log_y')", "log y"),
        Binding("right_square_bracket", "look('smooth', 1)", "smooth more"),
    ]


class FullChart(FramedScreen[None]):
    """One chart of the run as large as the terminal."""

    BINDINGS: ClassVar = [
        Binding("escape,enter,q", "app.pop_screen", "back"),
        Binding("tab", "next(1)", "next chart"),
        Binding("shift+tab", "next(-1)", "previous chart", show=False),
        Binding("m", "apart", "losses apart or together", show=False),
    ]

    def __init__(self, training: TrainingScreen, name: str) -> None:
        super().__init__()
        self.training, self.chart_name = training, name

    def compose_body(self) -> ComposeResult:
        """The chart."""
        yield LargeChart()

    def show(self) -> None:
        """Draw what is known."""
        from azul_tui.views.charts import View

        run = self.azul.run_now()
        if run is not None:
            chart = self.query_one(Chart)
            view = chart.view or self.training.query_one("#main", Chart).view or View()
            chart.look(view)
            self.training.draw(chart, self.chart_name, view, run)

    @on(ChartViewed)
    def redraw(self, message: ChartViewed) -> None:
        """Another view may need other columns; the place below sees the same."""
        self.show()
        self.training.share_view(message)

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


class FullBoard(FramedScreen[None]):
    """The game that is being played, as large as the terminal."""

    BINDINGS: ClassVar = [Binding("escape,b,q", "app.pop_screen", "back")]

    def compose_body(self) -> ComposeResult:
        """The table."""
        yield Board()

    def show(self) -> None:
        """The position as it is now."""
        if self.azul.feed is not None:
            show_game(self.query_one(Board), self.azul.feed.live)


class FullLog(FramedScreen[None]):
    """All that a job has written, the end of it where it is very long."""

    BINDINGS: ClassVar = [Binding("escape,f,q", "app.pop_screen", "back")]

    def __init__(self, path: Path) -> None:
        super().__init__()
        from azul_tui.views.following import LogTail

        self.tail = LogTail(path, keep=MOST_LINES)

    def compose_body(self) -> ComposeResult:
        """The log."""
        log = GrowingLog(classes="panel")
        log.border_title = Content(str(self.tail.path))
        yield log

    def show(self) -> None:
        """What has been added."""
        self.tail.read(MOST_BYTES)
        self.query_one(GrowingLog).show_lines(self.tail.lines, self.tail.total, "whole")


def show_game(board: Board, live: dict[str, Any]) -> None:
    """Show on a board the game that a run's `live.json` tells of."""
    from azul_tui.errors import AzulError
    from azul_tui.game.notation import parse_position

    notation, game, move = live.get("position"), live.get("game"), live.get("move")
    if not isinstance(notation, str):
        board.show(None, "no game is being played", title="game")
        return
    title = f"game {game:,}" if isinstance(game, int) and game >= 0 else "evaluation game"
    title += f", move {move:,}" if isinstance(move, int) and move >= 0 else ""
    try:
        position = parse_position(notation[:2000])
    except AzulError as error:
        board.show(None, plain_text(str(error)), title=title)
        return
    last, value = plain_text(str(live.get("last_move") or ""), 60), live.get("value")
    valued = f"   value {value:+.2f}" if isinstance(value, (int, float)) else ""
    notes = (f"last move  {last}{valued}",) if last else ()
    board.show(Table(position=position, notes=notes), title=title)
