"""`planner`: the strong classical yardstick, a hand-written value and a search inside the round.

Iterative deepening, one move deeper each time, the best moves first. Two players: fail-soft
alpha-beta with a transposition table and 256,000 positions a move. Three and four: max-n (Luckhardt
and Irani, 1986), every seat making the move that is best for itself, with 4,000; without bounds to
cut by, two or three moves ahead are seen and a table would hit next to nothing, so there is none.

One loop over plies does both, since numba cannot load recursion from its cache. Values are whole
thousandths of a point, which compare exactly: the mover's prospects less those of the best other.
Shapes: D plies, M moves, P seats, S bytes of a position, T table entries.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from azul_tui.game.constants import (
    COLOR_COUNT,
    ROW_COUNT,
    TABLE_TILES,
    TILES_PER_FACTORY,
    TO_MOVE,
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
    kernel,
    lean_kernel,
)
from azul_tui.game.random import PLAYER, derive
from azul_tui.game.rules import apply_canonical, copy_state
from azul_tui.players.planner_value import (
    BOARD_FIELDS,
    WORTH_FIELDS,
    FloatArray,
    carry_boards,
    count_table,
    describe_board,
    lead,
    list_replies,
    seat_values,
)
from azul_tui.players.scripted import pick_best, position_key, share_out

TWO_PLAYER_BUDGET: Final = 256_000
"""Positions valued a move."""
MANY_PLAYER_BUDGET: Final = 4_000
TABLE_BITS: Final = 17
"""The table has 2 to the power of this many entries."""
INFINITE: Final = 1 << 30
RESOLVED: Final = 100
"""Depth of a value that no line of play was cut short for: it holds at any depth."""
_EXACT, _AT_LEAST, _AT_MOST = 1, 2, 3

DEPTH, ALPHA, BETA, BAR, BEST, BEST_ACTION, NEXT, COUNT, SHORT = range(9)
"""Fields of a frame. `BAR` is what the next move must beat; `SHORT` is 1 once a line was cut."""
NODES, BUDGET = 0, 1
"""Fields of the effort."""


class Workspace(NamedTuple):
    """Memory of one search."""

    line: Int8Array
    """`(D, S)` the position at each ply."""
    frames: Int64Array
    """`(D, 9)`."""
    actions: Int32Array
    """`(D, M)` replies at each ply."""
    ranks: Int64Array
    """`(D, M)` scratch."""
    keys: Uint64Array
    """`(T,)` positions in the table."""
    found: Int32Array
    """`(T, 4)`: value, depth, what the value is (exact, at least, at most), best action."""
    boards: Int64Array
    """`(D, P, BOARD_FIELDS)`, see `planner_value`."""
    worth: FloatArray
    """`(D, P, WORTH_FIELDS)`, see `planner_value`."""
    available: Int64Array
    """`(5,)` scratch."""
    results: FloatArray
    """`(D, P)` values of a leaf, in points; in max-n the best found at each ply."""
    effort: Int64Array
    """`(2,)`: positions valued so far, and how many may be."""


def create_workspace(players: int) -> Workspace:
    """Memory for one search at a table of that many; the table of positions is empty."""
    plies = TILES_PER_FACTORY * factory_count(players) + 2
    moves = action_count(players)
    entries = 1 << (TABLE_BITS if players == 2 else 0)
    return Workspace(
        line=np.zeros((plies, state_size(players)), np.int8),
        frames=np.zeros((plies, 9), np.int64),
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
def _lead_of_mover(work: Workspace, ply: int, below: int) -> int:
    """What the values at ply `below` say for the mover at `ply`, in thousandths of a point."""
    return round(1000.0 * lead(work.results[below], integer(work.line[ply, TO_MOVE])))


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


@lean_kernel
def _open_node(work: Workspace, ply: int, two: bool) -> bool:
    """Begin the node at `ply`, whose frame holds depth, alpha and beta.

    True when it is answered at once, as a leaf or by the table: then `BEST` (in max-n `results`)
    and `SHORT` are set.
    """
    frame = work.frames[ply]
    state = work.line[ply]
    work.effort[NODES] += 1
    if state[TABLE_TILES] == 0 or frame[DEPTH] == 0:
        count_table(state, work.available)
        seat_values(state, work.boards, work.worth, ply, work.available, work.results[ply])
        frame[BEST] = _lead_of_mover(work, ply, ply)
        frame[SHORT] = 1 if state[TABLE_TILES] > 0 else 0
        return True
    first = -1
    if two:
        key = position_key(state)
        slot = integer(key >> np.uint64(64 - TABLE_BITS))
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
def _remember(work: Workspace, ply: int) -> None:
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
def _take_value(work: Workspace, ply: int, two: bool) -> None:
    """Count what lies behind the last move of the node at `ply`; past beta no more are."""
    frame = work.frames[ply]
    below = work.frames[ply + 1]
    frame[SHORT] |= below[SHORT]
    value = -integer(below[BEST]) if two else _lead_of_mover(work, ply, ply + 1)
    if value > frame[BEST]:
        frame[BEST] = value
        frame[BEST_ACTION] = work.actions[ply, frame[NEXT] - 1]
        if not two:
            for seat in range(work.results.shape[1]):
                work.results[ply, seat] = work.results[ply + 1, seat]
    if two and value > frame[BAR]:
        frame[BAR] = value
        if value >= frame[BETA]:
            frame[NEXT] = frame[COUNT]


@lean_kernel
def _search(work: Workspace, depth: int, alpha: int, beta: int) -> bool:
    """Search `work.line[1]` that deep; False when the budget ran out before there was an answer.

    Of two players the answer is `BEST` of `work.frames[1]`, exact between `alpha` and `beta`, seen
    by the mover there; of more it is `work.results[1]`. `SHORT` says whether a line was cut short.
    """
    two = work.boards.shape[1] == 2
    frames = work.frames
    frames[1, DEPTH] = depth
    frames[1, ALPHA] = alpha
    frames[1, BETA] = beta
    if _open_node(work, 1, two):
        return True
    ply = 1
    while True:
        frame = frames[ply]
        if frame[NEXT] == frame[COUNT]:
            if two:
                _remember(work, ply)
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
            if not _open_node(work, ply + 1, two):
                ply += 1
                continue
        _take_value(work, ply, two)


@lean_kernel
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


@lean_kernel
def plan(work: Workspace, budget: int, values: Int64Array, fresh: Int64Array) -> int:
    """Search `work.line[0]` until the round is resolved or the budget spent.

    Args:
        work: Its table must be empty or belong to this position.
        budget: Positions to value at most.
        values: `(M,)`; the value of the action at the same place of `work.actions[0]`, the
            best first. Exact for every move among the best, else below the best.
        fresh: `(M,)` scratch.

    Returns:
        The number of root actions.
    """
    work.effort[NODES] = 0
    work.effort[BUDGET] = budget
    actions = work.actions[0]
    count = list_replies(work.line[0], actions, work.ranks[0], -1)
    two = work.boards.shape[1] == 2
    values[:count] = 0
    for depth in range(work.line.shape[0] - 1):
        best = -INFINITE
        short = 0
        done = 0
        for index in range(count):
            make_child(work, 0, integer(actions[index]))
            if not _search(work, depth, -INFINITE, INFINITE if index == 0 else 1 - best):
                break
            fresh[index] = -work.frames[1, BEST] if two else _lead_of_mover(work, 0, 1)
            short |= integer(work.frames[1, SHORT])
            best = max(best, integer(fresh[index]))
            done += 1
        if done > 0:
            for index in range(count):
                values[index] = fresh[index] if index < done else -INFINITE
            _rank_root(work, values, count)
        if done < count or short == 0:
            break
    return count


@kernel
def _choose(
    states: Int8Array,
    seeds: Uint64Array,
    deterministic: bool,
    budget: int,
    work: Workspace,
    chosen: Int32Array,
) -> None:
    """Choose in each game; see `Player.choose`."""
    values = np.empty(work.actions.shape[1], np.int64)
    fresh = np.empty(work.actions.shape[1], np.int64)
    stream = np.empty(1, np.uint64)
    for game in range(states.shape[0]):
        make_root(work, states[game])
        work.keys[:] = 0
        count = plan(work, budget, values, fresh)
        stream[0] = derive(seeds[game], PLAYER, 0)
        actions = work.actions[0]
        best = pick_best(values, count, deterministic, stream)
        chosen[game] = actions[best]
        if deterministic:  # the actions stand by value here: of equals the lowest
            for index in range(count):
                if values[index] == values[best]:
                    chosen[game] = min(chosen[game], actions[index])


class PlannerPlayer:
    """Iterative deepening inside the round with the value of `planner_value`."""

    name: str = "planner"

    def __init__(self, players: int, budget: int | None = None, threads: int | None = None) -> None:
        self.players = players
        self.budget = budget or (TWO_PLAYER_BUDGET if players == 2 else MANY_PLAYER_BUDGET)
        self._threads = threads

    def choose(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool = False
    ) -> Int32Array:
        """See `Player.choose`."""
        chosen = np.empty(len(states), np.int32)

        def work(part: slice) -> None:
            memory = create_workspace(self.players)
            _choose(states[part], seeds[part], deterministic, self.budget, memory, chosen[part])

        share_out(len(states), self._threads, work)
        return chosen
