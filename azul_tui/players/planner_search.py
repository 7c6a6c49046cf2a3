"""The two-player planner: iterative deepening inside a round, alpha-beta, transposition table.

Values are thousandths of a point, the mover's prospects less the other's. A loop over plies and
no recursion, which numba cannot load from its cache. Shapes: D plies, M moves, T table entries.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from azul_tui.game.canonical import apply_canonical
from azul_tui.game.kernel import Int8Array, Int32Array, Int64Array, Uint64Array, kernel
from azul_tui.game.layout import TABLE_TILES, TO_MOVE
from azul_tui.players.effects import integer
from azul_tui.players.position_key import position_key
from azul_tui.players.prospects import FloatArray, lead, seat_values
from azul_tui.players.replies import list_replies

MOST_PLIES: Final = 25
"""A round has at most 20 tiles to take, one a move."""
MOST_MOVES: Final = 180
TABLE_BITS: Final = 17
INFINITE: Final = 1 << 30
RESOLVED: Final = 100
"""Depth of a value that no line of play was cut short for: it holds at any depth."""
_EXACT, _AT_LEAST, _AT_MOST = 1, 2, 3

DEPTH, ALPHA, BETA, BAR, BEST, BEST_ACTION, NEXT, COUNT, SHORT = range(9)
"""Fields of a frame. `BAR` is what the next move must beat; `SHORT` is 1 once a line was cut."""
FRAME_SIZE: Final = 9
NODES, BUDGET = 0, 1
"""Fields of the effort: positions valued so far, and how many may be."""


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
    rows: Int64Array
    """`(P, 5)` scratch of `seat_values`."""
    available: Int64Array
    """`(5,)` scratch."""
    wanted: Int64Array
    """`(P,)` scratch."""
    values: FloatArray
    """`(P,)` scratch."""
    effort: Int64Array
    """`(2,)`."""


@kernel
def make_child(line: Int8Array, ply: int, action: int) -> None:
    """Make `line[ply + 1]` the position after `action`; the round stays open on its last tile."""
    child = line[ply + 1]
    child[:] = line[ply]
    child[TABLE_TILES] += 1
    apply_canonical(child, action)
    child[TABLE_TILES] -= 1


@kernel
def _leaf_value(work: Workspace, ply: int) -> int:
    """Value of the position at `ply` for its mover, as if the round were resolved now."""
    work.effort[NODES] += 1
    state = work.line[ply]
    seat_values(state, work.rows, work.available, work.wanted, work.values)
    return round(1000.0 * lead(work.values, integer(state[TO_MOVE])))


@kernel
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


@kernel
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


@kernel
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


@kernel
def search_child(work: Workspace, depth: int, alpha: int, beta: int) -> bool:
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
            make_child(work.line, ply, integer(work.actions[ply, frame[NEXT]]))
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


@kernel
def _rank_root(work: Workspace, values: Int64Array, count: int) -> None:
    """Sort the root's actions by the values of the last iteration, equals as they stand."""
    actions = work.actions[0]
    for index in range(1, count):
        action = actions[index]
        value = values[index]
        place = index
        while place > 0 and values[place - 1] < value:
            values[place] = values[place - 1]
            actions[place] = actions[place - 1]
            place -= 1
        values[place] = value
        actions[place] = action


@kernel
def plan(work: Workspace, budget: int, values: Int64Array) -> int:
    """Search `work.line[0]` until the round is resolved or the budget spent.

    Args:
        work: Its table must be empty or belong to this position.
        budget: Positions to value at most.
        values: `(M,)`; the value of the action at the same place of `work.actions[0]`, the
            best first. Exact for every move among the best, else below the best.

    Returns:
        The number of root actions.
    """
    work.effort[NODES] = 0
    work.effort[BUDGET] = budget
    actions = work.actions[0]
    count = list_replies(work.line[0], actions, work.ranks[0], -1)
    fresh = np.empty_like(values)
    values[:count] = 0
    for depth in range(MOST_PLIES - 1):
        best = -INFINITE
        short = 0
        done = 0
        for index in range(count):
            make_child(work.line, 0, integer(actions[index]))
            if not search_child(work, depth, -INFINITE, INFINITE if index == 0 else 1 - best):
                break
            fresh[index] = -work.frames[1, BEST]
            short |= integer(work.frames[1, SHORT])
            best = max(best, integer(fresh[index]))
            done += 1
        if done < count:
            if done > 0:
                fresh[done:count] = -INFINITE
                values[:count] = fresh[:count]
                _rank_root(work, values, count)
            return count
        values[:count] = fresh[:count]
        _rank_root(work, values, count)
        if short == 0:
            break
    return count
