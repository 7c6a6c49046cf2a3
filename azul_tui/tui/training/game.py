"""The self-play game that is being played, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.text import plain_text
from azul_tui.tui.picture import Line, Picture, join, shorten, text_line

if TYPE_CHECKING:
    from azul_tui.tui.training.state import TrainingState


def board_title(live: dict[str, object]) -> Line:
    """Which game is shown."""
    game, move = live.get("game"), live.get("move")
    if not isinstance(game, int) or not isinstance(move, int):
        return (("game", "title"),)
    return (("game ", "title"), (f"{game:,}", "strong"), (f"  move {move:,}", "quiet"))


def board_lines(state: TrainingState, width: int, height: int) -> Picture:
    """The position being played, and its last move."""
    from azul_tui.errors import AzulError
    from azul_tui.game.notation import parse_position
    from azul_tui.tui.board.draw import draw_board

    notation = state.live.get("position")
    if not isinstance(notation, str):
        return [text_line("no game is shown while none is played", "quiet")]
    try:
        position = parse_position(notation[:2000])
    except AzulError as error:
        return [text_line(shorten(plain_text(str(error)), width), "warning")]
    board = draw_board(position, width, height - 2, signs=state.signs)
    lines: Picture = [((" ", ""), *line) for line in board]
    spare = height - len(lines) - 1
    lines.extend([()] * min(1, max(0, spare)))
    last = plain_text(str(state.live.get("last_move") or ""), 60)
    value = state.live.get("value")
    parts: list[Line] = []
    if last:
        parts.append(((" last move  ", "quiet"), (last, "strong")))
    if isinstance(value, (int, float)):
        parts.append((("value ", "quiet"), (f"{value:+.2f}", "strong")))
    lines.append(join(parts))
    return lines
