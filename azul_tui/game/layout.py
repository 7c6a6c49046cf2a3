"""Reading a position inside compiled code: the offsets, and the kernels that use them.

What each byte means is written down in `offsets`, whose names are repeated here.
"""

from __future__ import annotations

from azul_tui.game.kernel import Int8Array, lean_kernel, small
from azul_tui.game.offsets import (
    AFTERSTATE,
    BAG,
    BOARD_FLOOR,
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_MARKER,
    BOARD_SCORE,
    BOARD_SIZE,
    BOARD_WALL,
    BOARDS,
    END_REASON,
    LID,
    MARKER_IN_CENTRE,
    MOVING,
    NEXT_FIRST,
    NO_TILES,
    NOT_ENDED,
    OVER,
    PHASE,
    PLAYERS,
    ROUND,
    ROUND_LIMIT,
    ROW_COMPLETE,
    TABLE_TILES,
    TO_MOVE,
)

__all__ = [
    "AFTERSTATE",
    "BAG",
    "BOARDS",
    "BOARD_FLOOR",
    "BOARD_LINE_COLOR",
    "BOARD_LINE_TILES",
    "BOARD_MARKER",
    "BOARD_SCORE",
    "BOARD_SIZE",
    "BOARD_WALL",
    "END_REASON",
    "LID",
    "MARKER_IN_CENTRE",
    "MOVING",
    "NEXT_FIRST",
    "NOT_ENDED",
    "NO_TILES",
    "OVER",
    "PHASE",
    "PLAYERS",
    "ROUND",
    "ROUND_LIMIT",
    "ROW_COMPLETE",
    "TABLE_TILES",
    "TO_MOVE",
    "board_offset",
    "score_of",
    "set_score",
    "sources_offset",
]


@lean_kernel
def sources_offset(state: Int8Array) -> int:
    """Byte at which the first factory begins."""
    return BOARDS + BOARD_SIZE * small(state[PLAYERS])


@lean_kernel
def board_offset(seat: int) -> int:
    """Byte at which the board of `seat` begins."""
    return BOARDS + BOARD_SIZE * small(seat)


@lean_kernel
def score_of(state: Int8Array, seat: int) -> int:
    """Points of `seat`."""
    at = board_offset(seat) + BOARD_SCORE
    return small(state[at]) + 100 * small(state[at + 1])


@lean_kernel
def set_score(state: Int8Array, seat: int, points: int) -> None:
    """Write the points of `seat`."""
    at = board_offset(seat) + BOARD_SCORE
    state[at] = points % 100
    state[at + 1] = points // 100


@lean_kernel
def copy_state(source: Int8Array, target: Int8Array) -> None:
    """Copy one position `(S,)` over another; assigning a slice would allocate."""
    for byte in range(len(source)):
        target[byte] = source[byte]
