"""The game being played, as large as the screen allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.text import plain_text
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.picture import Picture, text_line
from azul_tui.tui.screens.place import PictureScreen
from azul_tui.tui.training.game import board_title

if TYPE_CHECKING:
    from azul_tui.tui.picture import Line


class BoardScreen(PictureScreen):
    """The self-play game of the followed run."""

    PLACE = "training"
    BINDINGS: ClassVar = [
        Binding("escape,b,enter,q", "close", "back", priority=True),
        Binding("a", "analyse", "analyse"),
    ]

    def body(self, width: int, height: int) -> Picture:
        """The board in a frame."""
        from azul_tui.errors import AzulError
        from azul_tui.game.notation import parse_position
        from azul_tui.tui.board.draw import draw_board

        feed = self.azul.feed
        notation = feed.live.get("position") if feed is not None else None
        title: Line = (("game", "title"),)
        last: Line = ()
        if feed is None or not isinstance(notation, str):
            content = [text_line(" no game is shown while none is played", "quiet")]
        else:
            try:
                position = parse_position(notation[:2000])
                board = draw_board(position, width - 4, height - 3, signs=self.azul.signs)
                content = [(("  ", ""), *line) for line in board]
            except AzulError as error:
                content = [text_line(" " + plain_text(str(error)), "warning")]
            title = board_title(feed.live)
            words = plain_text(str(feed.live.get("last_move") or ""), 60)
            value = feed.live.get("value")
            told = f"   value {value:+.2f}" if isinstance(value, (int, float)) else ""
            last = text_line(f"last move {words}{told}" if words else "", "quiet")
        return panel(content, title, last, width, height, self.azul.signs)

    def action_analyse(self) -> None:
        """Look at the position in the Analyse place, with the run's own network if it has one."""
        from azul_tui.tui.analyse.entry import open_analyse, player_name

        feed = self.azul.feed
        notation = feed.live.get("position") if feed is not None else None
        if feed is None or not isinstance(notation, str):
            self.notify("there is no position to analyse", severity="warning")
            return
        files = [file for _, file in checkpoint_files(feed.paths)]
        best = feed.paths.best_model
        file = best if best.is_file() else (files[-1] if files else None)
        name = player_name(file, self.azul.runs_root) if file is not None else ""
        self.dismiss(None)
        open_analyse(self.azul, notation=notation[:2000], checkpoint=name)

    def action_close(self) -> None:
        """Back to the training screen."""
        self.dismiss(None)
