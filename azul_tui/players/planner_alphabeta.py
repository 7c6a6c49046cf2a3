"""The planner of two players: fail-soft alpha-beta with a transposition table.

Values are thousandths of a point, the mover's prospects less the other's. A loop over plies and
no recursion, which numba cannot load from its cache.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from azul_tui.game.kernel import Int64Array, integer, lean_kernel
from azul_tui.game.layout import TABLE_TILES, TO_MOVE
from azul_tui.players.planner_memory import (
    ALPHA,
    BAR,
    BEST,
    BEST_ACTION,
    BETA,
    BUDGET,
    COUNT,
    DEPTH,
    INFINITE,
    NEXT,
    NODES,
    SHORT,
    TABLE_BITS,
    Workspace,
    make_child,
    thousandths,
)
from azul_tui.players.position_key import position_key
from azul_tui.players.prospects import count_table, lead, seat_values
from azul_tui.players.replies import list_replies

RESOLVED: Final = 100
"""Depth of a value that no line of play was cut short for: it holds at any depth."""
_EXACT, _AT_LEAST, _AT_MOST = 1, 2, 3


@lean_kernel
def _leaf_value(work: Workspace, ply: int) -> int:
    """Value of the position at `ply` for its mover, as if the round were resolved now."""
    work.effort[NODES] += 1
    state = work.line[ply]
    count_table(state, work.available)
    seat_values(state, work.boards, work.worth, ply, work.available, work.results[ply])
    return thousandths(lead(work.results[ply], integer(state[TO_MOVE])))


@lean_kernel
def _open_node(work: Workspace, ply: int) -> bool:
    """Begin the node at `ply`, whose frame holds depth, alpha and beta.

    True when it is answered at once: the frame's `BEST` and `SHORT` are set.
    """
    frame = work.frames[ply]
    state = work.line[ply]
    if state[TABLE_TILES] == 0 or frame[DEPTH] == 0:
        frame[BEST] = _leaf_value(work, ply)
        frame[SHORT] = 1 if state[TABLE_TILES] > 0 else 0
        return True
    work.effort[NODES] += 1
    key = position_key(state)
    slot = integer(key >> np.uint64(64 - TABLE_BITS))
    first = -1
    if work.keys[slot] == key:
        entry = work.found[slot]
        value = integer(entry[0])
        if entry[1] >= frame[DEPTH] and (
            entry[2] == _EXACT
            or (entry[2] == _AT_LEAST and value >= frame[BETA])
            or (entry[2] == _AT_MOST and value <= frame[ALPHA])
        ):
            frame[BEST] = value
            frame[SHORT] = 0 if entry[1] == RESOLVED else 1
            return True
        first = integer(entry[3])
    frame[COUNT] = list_replies(state, work.actions[ply], work.ranks[ply], first)
    frame[NEXT] = 0
    frame[BEST] = -INFINITE
    frame[BEST_ACTION] = -1
    frame[BAR] = frame[ALPHA]
    frame[SHORT] = 0
    return False


@lean_kernel
def _close_node(work: Workspace, ply: int) -> None:
    """Write the finished node at `ply` into the table."""
    frame = work.frames[ply]
    key = position_key(work.line[ply])
    slot = integer(key >> np.uint64(64 - TABLE_BITS))
    best = integer(frame[BEST])
    work.keys[slot] = key
    entry = work.found[slot]
    entry[0] = best
    entry[1] = frame[DEPTH] if frame[SHORT] else RESOLVED
    if best >= frame[BETA]:
        entry[2] = _AT_LEAST
    else:
        entry[2] = _EXACT if best > frame[ALPHA] else _AT_MOST
    entry[3] = frame[BEST_ACTION]


@lean_kernel
def _take_value(frame: Int64Array, action: int, value: int, short: int) -> None:
    """Count the value of one move at its node; past beta no other move is looked at."""
    frame[SHORT] |= short
    if value > frame[BEST]:
        frame[BEST] = value
        frame[BEST_ACTION] = action
    if value > frame[BAR]:
        frame[BAR] = value
        if value >= frame[BETA]:
            frame[NEXT] = frame[COUNT]


@lean_kernel
def search_two(work: Workspace, depth: int, alpha: int, beta: int) -> bool:
    """Search `work.line[1]` that deep: fail-soft alpha-beta.

    The answer is in `work.frames[1]`: `BEST`, exact between `alpha` and `beta`, seen by the
    mover there, and `SHORT`. False when the budget ran out before there was one.
    """
    frames = work.frames
    frames[1, DEPTH] = depth
    frames[1, ALPHA] = alpha
    frames[1, BETA] = beta
    if _open_node(work, 1):
        return True
    ply = 1
    while True:
        frame = frames[ply]
        if frame[NEXT] == frame[COUNT]:
            _close_node(work, ply)
            if ply == 1:
                return True
            ply -= 1
        else:
            if work.effort[NODES] >= work.effort[BUDGET]:
                return False
            make_child(work, ply, integer(work.actions[ply, frame[NEXT]]))
            frame[NEXT] += 1
            below = frames[ply + 1]
            below[DEPTH] = frame[DEPTH] - 1
            below[ALPHA] = -frame[BETA]
            below[BETA] = -frame[BAR]
            if not _open_node(work, ply + 1):
                ply += 1
                continue
        made = integer(work.actions[ply, frames[ply, NEXT] - 1])
        below = frames[ply + 1]
        _take_value(frames[ply], made, -integer(below[BEST]), integer(below[SHORT]))
