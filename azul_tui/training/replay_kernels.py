"""Drawing positions from the replay buffer's arrays, compiled.

Shapes: N positions drawn out of C stored, S bytes of a position, A actions, V values.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import (
    COLOR_COUNT,
    FLOOR_SLOTS,
    LINE_COUNT,
    TILES_PER_COLOR,
)
from azul_tui.game.kernel import Float32Array, Int8Array, Int64Array, integer, kernel
from azul_tui.game.layout import (
    BAG,
    BOARD_FLOOR,
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_SCORE,
    BOARD_WALL,
    LID,
    NEXT_FIRST,
    OVER,
    PHASE,
    PLAYERS,
    TABLE_TILES,
    TO_MOVE,
    board_offset,
    sources_offset,
)
from azul_tui.game.moves import list_legal
from azul_tui.game.observation import write_observation

Uint16Array = npt.NDArray[np.uint16]

NO_POSITION: Final = -1
NOT_FINITE: Final = -2
"""A probability is not finite, or negative."""
NOT_A_DISTRIBUTION: Final = -3
_SUM_TOLERANCE: Final = 1e-3
"""Twice what rounding to float16 may change the sum of a policy by."""

_GROUP: Final = 16
_LINE_BYTES: Final = 64
"""Of a cache line."""
_SMALLEST_NORMAL: Final = np.int32(0x400)
_SUBNORMAL_UNIT: Final = np.float32(2.0**-24)
_MANTISSA_SHIFT: Final = np.int32(13)
_EXPONENT_BIAS: Final = np.int32((127 - 15) << 23)


@kernel
def gather_samples(
    states: Int8Array,
    policy_bits: Uint16Array,
    outcomes: Float32Array,
    rows: Int64Array,
    observation_out: Int8Array,
    policy_out: Float32Array,
    outcome_out: Float32Array,
) -> int:
    """Observation, policy and outcome of the positions at `rows`.

    Rows lie anywhere in a buffer that no cache holds. They are touched in groups before they are
    read, so that the memory fetches a whole group at once: a third less time for 200,000 rows.

    Args:
        states: `(C, S)`.
        policy_bits: `(C, A)` float16 bits, none negative.
        outcomes: `(C, V)`.
        rows: `(N,)` which positions.
        observation_out: `(N, F)`, written.
        policy_out: `(N, A)`, written.
        outcome_out: `(N, V)`, written.

    Returns:
        A number that means nothing and keeps the touching from being optimised away.
    """
    seats = outcome_out.shape[1]
    touched = np.int64(0)
    for first in range(0, len(rows), _GROUP):
        last = min(first + _GROUP, len(rows))
        for index in range(first, last):
            row = rows[index]
            for action in range(0, policy_bits.shape[1], _LINE_BYTES // 2):
                touched += np.int64(policy_bits[row, action])
            for byte in range(0, states.shape[1], _LINE_BYTES):
                touched += np.int64(states[row, byte])
        for index in range(first, last):
            row = rows[index]
            write_observation(states[row], observation_out[index])
            _widen(policy_bits[row], policy_out[index])
            for seat in range(seats):
                outcome_out[index, seat] = outcomes[row, seat]
    return int(touched)


@kernel
def _widen(bits: Uint16Array, out: Float32Array) -> None:
    """Half floats from their bits, none negative; numba has no such type on processors.

    Two exact formulas, one for subnormal halves: as float32 they would be subnormal too, and a
    product with one of those takes a hundred cycles.
    """
    for index in range(len(out)):
        half = np.int32(bits[index])
        normal = np.int32((half << _MANTISSA_SHIFT) + _EXPONENT_BIAS).view(np.float32)
        subnormal = np.float32(half) * _SUBNORMAL_UNIT
        out[index] = normal if half >= _SMALLEST_NORMAL else subnormal


@kernel
def find_fault(states: Int8Array, policies: Float32Array, players: int) -> tuple[int, int]:
    """The first row that is no sample, and what is wrong with it; `(-1, 0)` when all are right.

    Args:
        states: `(N, S)`, any bytes.
        policies: `(N, A)`.
        players: P.

    Returns:
        The row, and `NO_POSITION`, `NOT_FINITE`, `NOT_A_DISTRIBUTION`, or the action that has a
        probability and is not legal.
    """
    actions = np.empty(policies.shape[1], np.int32)
    legal = np.zeros(policies.shape[1], np.bool_)
    for row in range(len(states)):
        state, policy = states[row], policies[row]
        if not _is_position(state, players):
            return row, NO_POSITION
        count = list_legal(state, actions, False)
        for index in range(count):
            legal[actions[index]] = True
        total = 0.0
        for action in range(len(policy)):
            probability = policy[action]
            if not 0.0 <= probability < np.inf:
                return row, NOT_FINITE
            total += probability
            if probability > 0.0 and not legal[action]:
                return row, action
            legal[action] = False
        if total != 0.0 and abs(total - 1.0) > _SUM_TOLERANCE:
            return row, NOT_A_DISTRIBUTION
    return -1, 0


@kernel
def _is_position(state: Int8Array, players: int) -> bool:
    """Whether the numbers lie in their ranges and every colour has its tiles.

    `violations` says more, in words and a thousand times slower.
    """
    for byte in range(len(state)):
        if state[byte] < 0:
            return False
    if state[PLAYERS] != players or state[PHASE] > OVER:
        return False
    for seat in range(players):
        if not _is_board(state, board_offset(seat)):
            return False
    on_table = 0
    for color in range(COLOR_COUNT):
        tiles = state[BAG + color] + state[LID + color]
        for source in range(2 * players + 2):
            here = state[sources_offset(state) + COLOR_COUNT * source + color]
            on_table += here
            tiles += here
        for seat in range(players):
            tiles += _tiles_on_board(state, board_offset(seat), color)
        if tiles != TILES_PER_COLOR:
            return False
    seats_exist = state[TO_MOVE] < players and state[NEXT_FIRST] < players
    return seats_exist and on_table == state[TABLE_TILES]


@kernel
def _is_board(state: Int8Array, board: int) -> bool:
    """Whether lines, wall, floor line and score of the board at `board` hold what they can."""
    on_floor = 0
    for line in range(LINE_COUNT):
        color = state[board + BOARD_LINE_COLOR + line]
        held = state[board + BOARD_LINE_TILES + line]
        if color > COLOR_COUNT or held > line + 1 or (color == 0) != (held == 0):
            return False
        if state[board + BOARD_WALL + line] >= 1 << LINE_COUNT:
            return False
        on_floor += state[board + BOARD_FLOOR + line]
    return on_floor <= FLOOR_SLOTS and state[board + BOARD_SCORE] < 100


@kernel
def _tiles_on_board(state: Int8Array, board: int, color: int) -> int:
    """Tiles of a colour on the board at `board`."""
    tiles = integer(state[board + BOARD_FLOOR + color])
    for line in range(LINE_COUNT):
        if state[board + BOARD_LINE_COLOR + line] == color + 1:
            tiles += state[board + BOARD_LINE_TILES + line]
        tiles += state[board + BOARD_WALL + line] >> ((color + line) % COLOR_COUNT) & 1
    return tiles
