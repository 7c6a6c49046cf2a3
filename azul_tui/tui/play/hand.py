"""From keys and clicks to a move: what a person has in hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.game.constants import COLOR_LETTERS, FLOOR_ROW

if TYPE_CHECKING:
    from azul_tui.tui.board.marks import Move
    from azul_tui.tui.board.surface import Target
    from azul_tui.tui.play.pick import Pick


def press(pick: Pick, key: str) -> tuple[bool, Move | None]:
    """Heed one key: factory or `c`, colour, line or `f`.

    Returns:
        Whether the key belongs to a move, and the move once it is whole.
    """
    if len(key) != 1:
        return False, None
    if key in "123456789":
        digit = int(key)
        if not pick.complete:
            pick.choose_source(digit - 1)
        elif digit <= FLOOR_ROW:
            return True, pick.lay(digit - 1)
        return True, None
    if key == "f":
        return True, pick.lay(FLOOR_ROW)
    if key == "c":
        if pick.complete:
            pick.source = pick.color = None
        pick.choose_source(len(pick.position.factories))
        return True, None
    if key.upper() in COLOR_LETTERS:
        color = COLOR_LETTERS.index(key.upper())
        if pick.complete and color != pick.color:
            pick.color = None
        pick.choose_color(color)
        return True, None
    return False, None


def click(pick: Pick, target: Target) -> Move | None:
    """Heed a click on tiles, or on a line of the own board once tiles are in hand."""
    if target.kind == "tiles":
        pick.take(target.first, target.second)
    elif pick.complete and target.first == pick.position.to_move:
        return pick.lay(target.second)
    return None
