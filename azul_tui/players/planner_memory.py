"""Memory of the planner's search, and how it walks from a position to the next.

Shapes: D plies, M moves, P seats, S bytes of a position, T table entries.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from azul_tui.game.canonical import apply_canonical
from azul_tui.game.constants import (
    COLOR_COUNT,
    ROW_COUNT,
    TILES_PER_FACTORY,
    action_count,
    factory_count,
    state_size,
)
from azul_tui.game.kernel import (
    Int8Array,
    Int32Array,
    Int64Array,
    Uint64Array,
    integer,
    lean_kernel,
)
from azul_tui.game.layout import TABLE_TILES, TO_MOVE, copy_state
from azul_tui.players.laid_boards import (
    BOARD_FIELDS,
    WORTH_FIELDS,
    FloatArray,
    carry_boards,
    describe_board,
)

TABLE_BITS: Final = 17
"""The table has 2 to the power of this many entries."""
INFINITE: Final = 1 << 30

DEPTH, ALPHA, BETA, BAR, BEST, BEST_ACTION, NEXT, COUNT, SHORT = range(9)
"""Fields of a frame. `BAR` is what the next move must beat; `SHORT` is 1 once a line was cut."""
FRAME_SIZE: Final = 9
NODES, BUDGET = 0, 1
"""Fields of the effort."""


class Workspace(NamedTuple):
    """Memory of one search."""

    line: Int8Array
    """`(D, S)` the position at each ply."""
    frames: Int64Array
    """`(D, FRAME_SIZE)`."""
    actions: Int32Array
    """`(D, M)` replies at each ply."""
    ranks: Int64Array
    """`(D, M)` scratch."""
    keys: Uint64Array
    """`(T,)` positions in the table."""
    found: Int32Array
    """`(T, 4)`: value, depth, what the value is (exact, at least, at most), best action."""
    boards: Int64Array
    """`(D, P, BOARD_FIELDS)`, see `prospects`."""
    worth: FloatArray
    """`(D, P, WORTH_FIELDS)`, see `prospects`."""
    available: Int64Array
    """`(5,)` scratch."""
    results: FloatArray
    """`(D, P)` best values found at each ply, in points (max-n)."""
    effort: Int64Array
    """`(2,)`: positions valued so far, and how many may be."""


def create_workspace(players: int) -> Workspace:
    """Memory for one search at a table of that many; the table of positions is empty."""
    plies = TILES_PER_FACTORY * factory_count(players) + 2
    moves = action_count(players)
    entries = 1 << (TABLE_BITS if players == 2 else 0)
    return Workspace(
        line=np.zeros((plies, state_size(players)), np.int8),
        frames=np.zeros((plies, FRAME_SIZE), np.int64),
        actions=np.zeros((plies, moves), np.int32),
        ranks=np.zeros((plies, moves), np.int64),
        keys=np.zeros(entries, np.uint64),
        found=np.zeros((entries, 4), np.int32),
        boards=np.zeros((plies, players, BOARD_FIELDS), np.int64),
        worth=np.zeros((plies, players, WORTH_FIELDS), np.float64),
        available=np.zeros(COLOR_COUNT, np.int64),
        results=np.zeros((plies, players), np.float64),
        effort=np.zeros(2, np.int64),
    )


@lean_kernel
def thousandths(points: float) -> int:
    """Points as a whole number of thousandths, which compare exactly."""
    return round(1000.0 * points)


@lean_kernel
def make_root(work: Workspace, state: Int8Array) -> None:
    """Make `state` the position at ply 0."""
    copy_state(state, work.line[0])
    for seat in range(work.boards.shape[1]):
        describe_board(state, work.boards, work.worth, 0, seat)


@lean_kernel
def make_child(work: Workspace, ply: int, action: int) -> None:
    """Make the position at `ply + 1` that after `action`; its last tile leaves the round open."""
    child = work.line[ply + 1]
    copy_state(work.line[ply], child)
    child[TABLE_TILES] += 1
    apply_canonical(child, action)
    child[TABLE_TILES] -= 1
    seat = integer(work.line[ply, TO_MOVE])
    carry_boards(child, work.boards, work.worth, ply, seat, action % ROW_COUNT)
