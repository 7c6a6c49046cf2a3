"""What a move does to the mover's board, before it is made.

Words of the rules below: a move takes k tiles; row r holds r + 1; `placed` of them fit on it and
the rest fall to the floor.
"""

from __future__ import annotations

from typing import Final

from azul_tui.game.constants import COLOR_COUNT, FLOOR_ROW, MAX_PLAYERS, ROW_COUNT, action_count
from azul_tui.game.kernel import Int8Array, integer, lean_kernel
from azul_tui.game.layout import (
    BOARD_LINE_TILES,
    BOARD_SIZE,
    BOARD_WALL,
    BOARDS,
    TABLE_TILES,
    TO_MOVE,
    sources_offset,
)
from azul_tui.game.rules import apply_move

MAX_ACTIONS: Final = action_count(MAX_PLAYERS)
"""Room for the legal moves of any position."""


@lean_kernel
def tiles_taken(state: Int8Array, action: int) -> int:
    """Tiles that `action` takes from its source."""
    return integer(state[sources_offset(state) + action // ROW_COUNT])


@lean_kernel
def line_tiles(state: Int8Array, action: int) -> int:
    """Tiles that already lie on the mover's line that `action` goes to; 0 for the floor."""
    row = action % ROW_COUNT
    if row == FLOOR_ROW:
        return 0
    board = BOARDS + BOARD_SIZE * integer(state[TO_MOVE])
    return integer(state[board + BOARD_LINE_TILES + row])


@lean_kernel
def tiles_placed(state: Int8Array, action: int) -> int:
    """Tiles of `action` that find room on its line; 0 for the floor."""
    row = action % ROW_COUNT
    if row == FLOOR_ROW:
        return 0
    return min(tiles_taken(state, action), row + 1 - line_tiles(state, action))


@lean_kernel
def wall_neighbours(state: Int8Array, action: int) -> int:
    """Filled cells of the mover's wall orthogonally next to the cell that `action` aims at.

    Only for actions that go to a pattern line.
    """
    row = action % ROW_COUNT
    column = (action // ROW_COUNT % COLOR_COUNT + row) % 5
    wall = BOARDS + BOARD_SIZE * integer(state[TO_MOVE]) + BOARD_WALL
    here = integer(state[wall + row])
    filled = (here << 1 >> column & 1) + (here >> (column + 1) & 1)
    if row > 0:
        filled += integer(state[wall + row - 1]) >> column & 1
    if row + 1 < COLOR_COUNT:
        filled += integer(state[wall + row + 1]) >> column & 1
    return filled


@lean_kernel
def apply_unscored(state: Int8Array, action: int) -> None:
    """Apply a legal `action`, leaving the round open even when it takes the last tile.

    Full lines and floors stay as they are, so that `earned_points` compares positions before
    and after on equal terms.
    """
    state[TABLE_TILES] += 1
    apply_move(state, action)
    state[TABLE_TILES] -= 1
