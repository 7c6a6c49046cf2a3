"""Which moves a position allows, and in words why it does not allow the others.

The kernels in `moves` answer the first question faster; this is for people, who want the reason,
and for programs that only look at positions (see `view`) and must not load the compiler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.game.constants import (
    COLOR_NAMES,
    FLOOR_ROW,
    action_count,
    decode_action,
    factory_count,
)
from azul_tui.game.view import wall_column

if TYPE_CHECKING:
    from azul_tui.game.view import PositionView


def legal_moves(view: PositionView) -> list[int]:
    """The legal actions of `view`, ascending; none unless somebody is to move."""
    actions = range(action_count(view.players))
    return [action for action in actions if why_illegal(view, action) is None]


def why_illegal(view: PositionView, action: int) -> str | None:
    """What the rules hold against `action`, or None if it is legal."""
    if view.phase == "over":
        return "the game is over" + (f" ({view.end_reason})" if view.end_reason else "")
    if view.phase == "afterstate":
        return f"round {view.round} is scored and the factories wait for their refill"
    if not 0 <= view.to_move < view.players:
        return f"player {view.to_move + 1} is to move, but there are {view.players} players"
    if not 0 <= action < action_count(view.players):
        return (
            f"with {view.players} players actions are numbers "
            f"from 0 to {action_count(view.players) - 1}"
        )
    source, color, row = decode_action(action)
    if not view.sources[source][color]:
        centre = source == factory_count(view.players)
        place = "the centre" if centre else f"factory {source + 1}"
        if not any(view.sources[source]):
            return f"{place} is empty"
        return f"{place} holds no {COLOR_NAMES[color]} tile"
    return None if row == FLOOR_ROW else _why_line_refuses(view, color, row)


def _why_line_refuses(view: PositionView, color: int, row: int) -> str | None:
    """What keeps `color` from pattern line `row` of the player to move."""
    board = view.boards[view.to_move]
    line = board.lines[row]
    if board.wall[row][wall_column(row, color)]:
        return f"wall row {row + 1} already has its {COLOR_NAMES[color]} tile"
    if line.tiles > row:
        return f"line {row + 1} is full"
    if line.color is not None and line.color != color:
        return f"line {row + 1} already holds {COLOR_NAMES[line.color]}"
    return None
