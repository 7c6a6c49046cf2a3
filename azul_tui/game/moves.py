"""Which moves a position allows, as kernels over one position, an int8 vector (see `layout`).

`legality` says the same in words, for people.
"""

from __future__ import annotations

import numpy as np

from azul_tui.game.constants import COLOR_COUNT, FLOOR_ROW, LINE_COUNT, ROW_COUNT
from azul_tui.game.kernel import Int8Array, Int32Array, lean_kernel, small
from azul_tui.game.layout import (
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_WALL,
    MOVING,
    PHASE,
    PLAYERS,
    TO_MOVE,
    board_offset,
    sources_offset,
)
from azul_tui.game.packed import present, read_five
from azul_tui.game.scoring import FULL_ROW

ALL_ROWS = (1 << ROW_COUNT) - 1
"""Mask of the five pattern lines and the floor."""
_FLOOR_OF_EVERY_COLOR = sum(1 << (ROW_COUNT * color + FLOOR_ROW) for color in range(COLOR_COUNT))
_EVERY_SIXTH = np.array(
    [sum((mask >> color & 1) << (ROW_COUNT * color) for color in range(5)) for mask in range(32)]
)


@lean_kernel
def accepting_colors(state: Int8Array, seat: int, row: int) -> int:
    """Mask of the colours that pattern line `row` of `seat` takes: not full, wall cell free."""
    board = board_offset(seat)
    if state[board + BOARD_LINE_TILES + row] > row:
        return 0
    columns = ~small(state[board + BOARD_WALL + row]) & FULL_ROW
    colors = (columns >> row | columns << (COLOR_COUNT - row)) & FULL_ROW
    holds = small(state[board + BOARD_LINE_COLOR + row])
    return colors if holds == 0 else colors & (1 << (holds - 1))


@lean_kernel
def accepting_rows(state: Int8Array, seat: int, color: int) -> int:
    """Mask of the lines of `seat` that take `color`; bit 5, the floor, is always set."""
    mask = 1 << FLOOR_ROW
    for row in range(LINE_COUNT):
        mask |= (accepting_colors(state, seat, row) >> color & 1) << row
    return mask


@lean_kernel
def accepting_rows_by_color(state: Int8Array, seat: int) -> int:
    """`accepting_rows` of all five colours in one number, six bits a colour, colour 0 lowest."""
    rows = _FLOOR_OF_EVERY_COLOR
    for row in range(LINE_COUNT):
        rows |= _EVERY_SIXTH[accepting_colors(state, seat, row)] << row
    return rows


@lean_kernel
def row_count(rows: int) -> int:
    """Number of bits set in a mask of six rows."""
    pairs = (rows & 21) + (rows >> 1 & 21)
    return (pairs & 3) + (pairs >> 2 & 3) + (pairs >> 4 & 3)


@lean_kernel
def legal_count(state: Int8Array) -> int:
    """Number of legal moves; 0 unless the phase is MOVING."""
    if state[PHASE] != MOVING:
        return 0
    at = sources_offset(state)
    sources = 2 * small(state[PLAYERS]) + 2
    rows = accepting_rows_by_color(state, small(state[TO_MOVE]))
    offered = 0
    for source in range(sources):
        offered += present(read_five(state, at + COLOR_COUNT * source))
    count = 0
    for color in range(COLOR_COUNT):
        targets = row_count(rows >> (ROW_COUNT * color) & ALL_ROWS)
        count += targets * (offered >> (8 * color) & 127)
    return count


@lean_kernel
def list_legal(state: Int8Array, actions: Int32Array, distinct: bool) -> int:
    """Write the legal actions in ascending order into `actions` and return their number.

    `actions` is at least `action_count(P)` long. `distinct` leaves out moves from a factory equal
    to the one before it: in canonical order every set of equivalent moves is then listed once.
    """
    if state[PHASE] != MOVING:
        return 0
    at = sources_offset(state)
    seat = small(state[TO_MOVE])
    centre = 2 * small(state[PLAYERS]) + 1
    rows = accepting_rows_by_color(state, seat)
    count = 0
    before = -1
    for source in range(centre + 1):
        tiles = read_five(state, at + COLOR_COUNT * source)
        if distinct and tiles == before and source < centre:
            continue
        before = tiles
        for color in range(COLOR_COUNT):
            if tiles >> (8 * color) & 127 == 0:
                continue
            action = (source * COLOR_COUNT + color) * ROW_COUNT
            mask = rows >> (ROW_COUNT * color) & ALL_ROWS
            # Without a branch: a refused row is overwritten by the next, and the last is the
            # floor, which is never refused.
            for row in range(ROW_COUNT):
                actions[small(count)] = action + row
                count += mask >> row & 1
    return count


@lean_kernel
def is_legal(state: Int8Array, action: int) -> bool:
    """Whether `action` may be applied."""
    sources = 2 * small(state[PLAYERS]) + 2
    if state[PHASE] != MOVING or action < 0 or action >= sources * COLOR_COUNT * ROW_COUNT:
        return False
    source, color, row = action // 30, action // ROW_COUNT % COLOR_COUNT, action % ROW_COUNT
    if state[sources_offset(state) + COLOR_COUNT * source + color] == 0:
        return False
    return accepting_rows(state, small(state[TO_MOVE]), color) >> row & 1 == 1
