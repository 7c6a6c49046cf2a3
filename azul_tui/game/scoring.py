"""Points: one tile on the wall, a floor line, the bonuses at the end, who has won.

A wall is five row masks, bit `column` set where a tile lies.
Rules: Azul rulebook (Plan B Games, 2017), "Wall-tiling", "End of the game".
"""

from __future__ import annotations

from typing import Final

import numpy as np

from azul_tui.game.constants import (
    COLOR_BONUS,
    COLOR_COUNT,
    COLUMN_BONUS,
    FLOOR_PENALTIES,
    FLOOR_SLOTS,
    LINE_COUNT,
    ROW_BONUS,
)
from azul_tui.game.kernel import Int8Array, lean_kernel, small
from azul_tui.game.layout import board_offset, score_of
from azul_tui.game.offsets import (
    BOARD_FLOOR,
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_MARKER,
    BOARD_WALL,
    PLAYERS,
)

FULL_ROW: Final = 31


def _run_table() -> np.ndarray[tuple[int, int], np.dtype[np.int8]]:
    """`(32, 5)`: length of the unbroken run through `column` of a mask, that cell included."""
    table = np.zeros((32, 5), dtype=np.int8)
    for mask in range(32):
        for column in range(5):
            low = high = column
            while low > 0 and mask >> (low - 1) & 1:
                low -= 1
            while high < 4 and mask >> (high + 1) & 1:
                high += 1
            table[mask, column] = high - low + 1
    return table


RUN_LENGTH: Final = _run_table()
RUN_POINTS: Final = np.where(RUN_LENGTH > 1, RUN_LENGTH, 0).astype(np.int8)
"""`(32, 5)`: points of that run; one of a single tile adds nothing."""
_FIRST_COLUMN: Final = sum(1 << (5 * row) for row in range(LINE_COUNT))
COLOR_CELLS: Final = np.array(
    [sum(1 << (5 * row + (color + row) % 5) for row in range(LINE_COUNT)) for color in range(5)]
)
"""`(5,)`: the cells of each colour in a wall packed five bits a row."""
FLOOR_COST: Final = np.cumsum(np.array((0, *FLOOR_PENALTIES), dtype=np.int8), dtype=np.int8)
"""`(8,)`: points lost by that many filled floor slots."""


@lean_kernel
def column_mask(state: Int8Array, wall: int, column: int) -> int:
    """Mask, bit `row` set where `column` of the wall at byte `wall` holds a tile."""
    mask = 0
    for row in range(LINE_COUNT):
        mask |= (small(state[wall + row]) >> column & 1) << row
    return mask


@lean_kernel
def run_points(row_mask: int, column_mask: int, row: int, column: int) -> int:
    """Points for a tile at `(row, column)` in runs given by its row's and its column's masks.

    Horizontal run plus vertical run, a run of one adding nothing, unless both are one: 1 point.
    """
    across = small(RUN_LENGTH[row_mask, column])
    down = small(RUN_LENGTH[column_mask, row])
    points = (across if across > 1 else 0) + (down if down > 1 else 0)
    return points if points > 0 else 1


@lean_kernel
def placement_points(state: Int8Array, seat: int, row: int, column: int) -> int:
    """Points `seat` earns by a tile laid at `(row, column)` of its wall as it stands."""
    wall = board_offset(seat) + BOARD_WALL
    return run_points(small(state[wall + row]), column_mask(state, wall, column), row, column)


@lean_kernel
def floor_slots(state: Int8Array, seat: int) -> int:
    """Filled floor slots of `seat`, the marker's included, at most 7."""
    board = board_offset(seat)
    filled = small(state[board + BOARD_MARKER])
    for color in range(COLOR_COUNT):
        filled += small(state[board + BOARD_FLOOR + color])
    return min(filled, FLOOR_SLOTS)


@lean_kernel
def floor_cost(state: Int8Array, seat: int) -> int:
    """Points that the floor line of `seat` costs, 0 to 14."""
    return small(FLOOR_COST[floor_slots(state, seat)])


@lean_kernel
def complete_rows(state: Int8Array, seat: int) -> int:
    """Complete horizontal wall rows of `seat`."""
    wall = board_offset(seat) + BOARD_WALL
    rows = 0
    for row in range(LINE_COUNT):
        if state[wall + row] == FULL_ROW:
            rows += 1
    return rows


@lean_kernel
def packed_column(wall: int, column: int) -> int:
    """Mask of the rows with a tile in `column` of a wall packed five bits a row."""
    bits = wall >> column
    return bits & 1 | bits >> 4 & 2 | bits >> 8 & 4 | bits >> 12 & 8 | bits >> 16 & 16


@lean_kernel
def _packed_bonus(wall: int) -> int:
    """Bonus points of a wall packed five bits a row."""
    points = 0
    for line in range(LINE_COUNT):
        if wall >> (5 * line) & FULL_ROW == FULL_ROW:
            points += ROW_BONUS
        if wall >> line & _FIRST_COLUMN == _FIRST_COLUMN:
            points += COLUMN_BONUS
        if wall & COLOR_CELLS[line] == COLOR_CELLS[line]:
            points += COLOR_BONUS
    return points


@lean_kernel
def end_bonus(state: Int8Array, seat: int) -> int:
    """Bonus points: 2 a complete row, 7 a complete column, 10 a colour with all five tiles."""
    packed = 0
    for row in range(LINE_COUNT):
        packed |= small(state[board_offset(seat) + BOARD_WALL + row]) << (5 * row)
    return _packed_bonus(packed)


@lean_kernel
def earned_points(state: Int8Array, seat: int) -> int:
    """Points of `seat` if the round were tiled now: full lines, floor, secured bonuses.

    Not clamped at 0, so that a deeper floor always counts as worse.
    """
    board = board_offset(seat)
    points = score_of(state, seat) - floor_cost(state, seat)
    wall = 0
    for row in range(LINE_COUNT):
        wall |= small(state[board + BOARD_WALL + row]) << (5 * row)
    for row in range(LINE_COUNT):
        if state[board + BOARD_LINE_TILES + row] == row + 1:
            column = (small(state[board + BOARD_LINE_COLOR + row]) - 1 + row) % 5
            wall |= 1 << (5 * row + column)
            points += run_points(
                wall >> (5 * row) & FULL_ROW, packed_column(wall, column), row, column
            )
    return points + _packed_bonus(wall)


@lean_kernel
def winner_mask(state: Int8Array) -> int:
    """Mask of the seats that have won a finished game: score, then complete rows, then shared."""
    best = -1
    mask = 0
    for seat in range(small(state[PLAYERS])):
        rank = score_of(state, seat) * 8 + complete_rows(state, seat)
        if rank > best:
            best = rank
            mask = 0
        if rank == best:
            mask |= 1 << seat
    return mask
