"""Each seat's board as if the round were resolved now, kept for every ply of planner's search.

What changes seldom in a search is carried from ply to ply: walls with the full lines laid, what
their rows, columns and colours promise, what a begun line would earn. Shapes: D plies, P seats.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import COLOR_BONUS, COLOR_COUNT, COLUMN_BONUS, LINE_COUNT, ROW_BONUS
from azul_tui.game.kernel import Int8Array, Int64Array, integer, lean_kernel
from azul_tui.game.layout import BOARD_LINE_COLOR, BOARD_LINE_TILES, BOARD_SIZE, BOARD_WALL, BOARDS
from azul_tui.game.scoring import FULL_ROW, floor_cost, run_points

FloatArray = npt.NDArray[np.float64]

_NEIGHBOUR: Final = 0.25
_NEIGHBOUR_FALL: Final = 0.3

_COUNTS: Final = np.arange(6) / 5.0
ROW_POTENTIAL: Final = ROW_BONUS * _COUNTS**4
COLUMN_POTENTIAL: Final = COLUMN_BONUS * _COUNTS**3
COLOR_POTENTIAL: Final = COLOR_BONUS * _COUNTS**4


def _bit_tables() -> tuple[Int64Array, Int64Array, Int64Array]:
    """For each row mask: tiles; filled cells beside empty ones; a byte a column, added up later."""
    tiles = np.zeros(32, np.int64)
    beside = np.zeros(32, np.int64)
    spread = np.zeros(32, np.int64)
    for mask in range(32):
        cells = [mask >> column & 1 for column in range(5)]
        tiles[mask] = sum(cells)
        spread[mask] = sum(cell << 8 * column for column, cell in enumerate(cells))
        beside[mask] = sum(cells[c] != cells[c + 1] for c in range(4))
    return tiles, beside, spread


TILES, BESIDE, SPREAD = _bit_tables()

# Fields of `boards` `(D, P, BOARD_FIELDS)`: what is known of a seat's board at a ply.
ROWS: Final = 0
"""Five fields: wall with the full lines laid."""
POINTS: Final = 5
"""Points for laying them."""
FINISHED: Final = 6
"""1 when a row of that wall is complete: the game ends with the round."""
FLOOR: Final = 7
"""Points that the floor line costs."""
WANTED: Final = 8
"""Mask of the colours of the begun and unfinished lines."""
BOARD_FIELDS: Final = 9

# Fields of `worth` `(D, P, WORTH_FIELDS)`, in points.
OPEN_SETS: Final = 0
"""What the wall promises while the game goes on: rows, columns, colours, neighbours."""
FINAL_SETS: Final = 1
"""Its bonuses when the game ends."""
PLACED: Final = 2
"""Five fields: placement points of each begun and unfinished line."""
WORTH_FIELDS: Final = 7


@lean_kernel
def _column(boards: Int64Array, ply: int, seat: int, column: int) -> int:
    """Mask, bit `row` set where `column` of the laid wall holds a tile."""
    mask = 0
    for row in range(LINE_COUNT):
        mask |= (integer(boards[ply, seat, ROWS + row]) >> column & 1) << row
    return mask


@lean_kernel
def _describe_sets(boards: Int64Array, worth: FloatArray, ply: int, seat: int) -> None:
    """Write `OPEN_SETS`, `FINAL_SETS` and `FINISHED` of a wall whose `ROWS` are known."""
    columns = 0
    colors = 0
    opened = 0.0
    final = 0.0
    above = 0
    finished = 0
    for row in range(LINE_COUNT):
        mask = integer(boards[ply, seat, ROWS + row])
        below = integer(boards[ply, seat, ROWS + row + 1]) if row + 1 < LINE_COUNT else 0
        columns += integer(SPREAD[mask])
        colors += integer(SPREAD[(mask >> row | mask << (COLOR_COUNT - row)) & FULL_ROW])
        if mask == FULL_ROW:
            final += ROW_BONUS
            finished = 1
        near = integer(BESIDE[mask]) + integer(TILES[above & ~mask]) + integer(TILES[below & ~mask])
        opened += ROW_POTENTIAL[TILES[mask]] + _NEIGHBOUR * near / (1.0 + _NEIGHBOUR_FALL * row)
        above = mask
    for index in range(COLOR_COUNT):
        column = columns >> 8 * index & 7
        color = colors >> 8 * index & 7
        opened += COLUMN_POTENTIAL[column] + COLOR_POTENTIAL[color]
        final += COLUMN_BONUS if column == LINE_COUNT else 0
        final += COLOR_BONUS if color == LINE_COUNT else 0
    worth[ply, seat, OPEN_SETS] = opened
    worth[ply, seat, FINAL_SETS] = final
    boards[ply, seat, FINISHED] = finished


@lean_kernel
def _describe_line(
    state: Int8Array, boards: Int64Array, worth: FloatArray, ply: int, seat: int, row: int
) -> None:
    """Write `PLACED` of a begun and unfinished line: its points if it were laid now."""
    board = BOARDS + BOARD_SIZE * seat
    tiles = integer(state[board + BOARD_LINE_TILES + row])
    if 0 < tiles <= row:
        color = integer(state[board + BOARD_LINE_COLOR + row]) - 1
        column = (color + row) % 5
        across = integer(boards[ply, seat, ROWS + row]) | 1 << column
        down = _column(boards, ply, seat, column) | 1 << row
        worth[ply, seat, PLACED + row] = run_points(across, down, row, column)


@lean_kernel
def _describe_floor(state: Int8Array, boards: Int64Array, ply: int, seat: int) -> None:
    """Write `FLOOR` and `WANTED`."""
    board = BOARDS + BOARD_SIZE * seat
    mask = 0
    for row in range(LINE_COUNT):
        tiles = state[board + BOARD_LINE_TILES + row]
        if 0 < tiles <= row:
            mask |= 1 << (integer(state[board + BOARD_LINE_COLOR + row]) - 1)
    boards[ply, seat, WANTED] = mask
    boards[ply, seat, FLOOR] = floor_cost(state, seat)


@lean_kernel
def describe_board(
    state: Int8Array, boards: Int64Array, worth: FloatArray, ply: int, seat: int
) -> None:
    """Write all that is kept of the board of `seat` in `state` at `ply`."""
    board = BOARDS + BOARD_SIZE * seat
    points = 0
    for row in range(LINE_COUNT):
        boards[ply, seat, ROWS + row] = state[board + BOARD_WALL + row]
    for row in range(LINE_COUNT):
        if state[board + BOARD_LINE_TILES + row] == row + 1:
            column = (integer(state[board + BOARD_LINE_COLOR + row]) - 1 + row) % 5
            boards[ply, seat, ROWS + row] |= 1 << column
            across = integer(boards[ply, seat, ROWS + row])
            points += run_points(across, _column(boards, ply, seat, column), row, column)
    boards[ply, seat, POINTS] = points
    _describe_sets(boards, worth, ply, seat)
    _describe_floor(state, boards, ply, seat)
    for row in range(LINE_COUNT):
        _describe_line(state, boards, worth, ply, seat, row)


@lean_kernel
def carry_boards(
    state: Int8Array, boards: Int64Array, worth: FloatArray, ply: int, seat: int, row: int
) -> None:
    """Write what is kept of all boards at `ply + 1`, where `seat` has just moved.

    Args:
        state: The position after the move.
        boards: Known at `ply`.
        worth: Known at `ply`.
        ply: The one before the move.
        seat: Who moved.
        row: The line it moved to, 5 for the floor.
    """
    for other in range(boards.shape[1]):
        for field in range(BOARD_FIELDS):
            boards[ply + 1, other, field] = boards[ply, other, field]
        for field in range(WORTH_FIELDS):
            worth[ply + 1, other, field] = worth[ply, other, field]
    full = BOARDS + BOARD_SIZE * seat + BOARD_LINE_TILES + row
    if row < LINE_COUNT and state[full] == row + 1:
        describe_board(state, boards, worth, ply + 1, seat)
        return
    _describe_floor(state, boards, ply + 1, seat)
    if row < LINE_COUNT:
        _describe_line(state, boards, worth, ply + 1, seat, row)
