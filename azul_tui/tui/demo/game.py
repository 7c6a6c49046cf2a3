"""The game that a demo plays: a board and the moves before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azul_tui.runs.events import number, text
from azul_tui.runs.text import plain_text
from azul_tui.tui.picture import Line, Picture, shorten, text_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.demo.state import Block
    from azul_tui.tui.signs import Signs


def _moves_line(moves: Sequence[dict[str, Any]], width: int, signs: Signs) -> Line:
    """The newest moves that fit, whole; a mark where there were others before."""
    names = [text(move, "move", 12) for move in moves[-30:]]
    shown: list[str] = []
    used = len(signs.ellipsis)
    while names and used + 2 + len(names[-1]) <= width:
        used += 2 + len(names[-1])
        shown.insert(0, names.pop())
    if names or len(moves) > 30:
        shown.insert(0, signs.ellipsis)
    return text_line("  ".join(shown), "quiet")


def board_block(record: dict[str, Any], moves: Sequence[dict[str, Any]], signs: Signs) -> Block:
    """The board of `record`, and the `moves` that led to it."""

    def draw(width: int, height: int) -> Picture:
        from azul_tui.errors import AzulError
        from azul_tui.game.notation import parse_position
        from azul_tui.tui.board.draw import draw_board

        try:
            position = parse_position(str(record.get("position"))[:2000])
        except AzulError as error:
            return [text_line(shorten(plain_text(str(error)), width), "warning")]
        lines = draw_board(position, width, height - 2, signs=signs)
        told = text(record, "told", 60) or text(record, "move", 60)
        lines.append(text_line(f"last move {told}" if told else "", "quiet"))
        if len(lines) < height:
            lines.append(_moves_line(moves, width, signs))
        return lines

    game, number_ = number(record, "game"), number(record, "number")
    title = "board"
    if game is not None and number_ is not None:
        title = f"game {game + 1:,.0f}, move {number_:,.0f}"
    return title, 15, draw
