"""What a move earns its maker at once, without making it."""

from __future__ import annotations

from azul_tui.game.constants import COLOR_COUNT, FLOOR_ROW, FLOOR_SLOTS, ROW_COUNT
from azul_tui.game.kernel import Int8Array, Int32Array, integer, lean_kernel
from azul_tui.game.layout import (
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_SIZE,
    BOARDS,
    MARKER_IN_CENTRE,
    PLAYERS,
    TO_MOVE,
    sources_offset,
)
from azul_tui.game.scoring import FLOOR_COST, earned_points, floor_slots


@lean_kernel
def earned_change(state: Int8Array, action: int, earned: int, slots: int) -> int:
    """Change of the mover's `earned_points` by a legal `action`, the round left open.

    Only a completed line and the floor change what is earned, so most moves cost a look-up.
    Writes to the mover's line for a moment; `state` is as before afterwards.

    Args:
        state: `(S,)` with a move to make.
        action: A legal action.
        earned: `earned_points` of the mover now.
        slots: `floor_slots` of the mover now.
    """
    row = action % ROW_COUNT
    taken = integer(state[sources_offset(state) + action // ROW_COUNT])
    spilled = taken
    gain = 0
    seat = integer(state[TO_MOVE])
    if row != FLOOR_ROW:
        at = BOARDS + BOARD_SIZE * seat + row
        held = integer(state[at + BOARD_LINE_TILES])
        spilled = max(0, held + taken - row - 1)
        if held + taken > row:
            color = state[at + BOARD_LINE_COLOR]
            state[at + BOARD_LINE_TILES] = row + 1
            state[at + BOARD_LINE_COLOR] = action // ROW_COUNT % COLOR_COUNT + 1
            gain = earned_points(state, seat) - earned
            state[at + BOARD_LINE_TILES] = held
            state[at + BOARD_LINE_COLOR] = color
    if state[MARKER_IN_CENTRE] and action // 30 == 2 * integer(state[PLAYERS]) + 1:
        spilled += 1
    cost = FLOOR_COST[min(FLOOR_SLOTS, slots + spilled)] - FLOOR_COST[slots]
    return gain - integer(cost)


@lean_kernel
def best_change(state: Int8Array, actions: Int32Array, count: int, seat: int) -> int:
    """Largest `earned_change` among the first `count` of `actions`; `seat` is to move."""
    earned = earned_points(state, seat)
    slots = floor_slots(state, seat)
    best = -1000
    for index in range(count):
        best = max(best, earned_change(state, integer(actions[index]), earned, slots))
    return best
