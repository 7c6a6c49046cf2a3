"""`planner` and `alphabeta-LEVEL`: one search inside the round, with two values and two budgets.

`planner`, the strong classical yardstick, values a position by `planner_value` and deepens, one
move more each time, the best moves first. Two players: fail-soft alpha-beta with a transposition
table and 256,000 positions a move. Three and four: max-n (Luckhardt and Irani, 1986), every seat
making the move that is best for itself, with 4,000; without bounds to cut by, two or three moves
ahead are seen and a table would hit next to nothing, so there is none.

`alphabeta-LEVEL`, for two, counts nothing but points earned and looks a fixed number of moves
ahead, or to the end of the round once few (source, colour) pairs are left on the table.

One loop over plies does all, since numba cannot load recursion from its cache. Values are whole
thousandths of a point, which compare exactly: the mover's less those of the best other. No line
goes on behind a refill.
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
from azul_tui.game.random import PLAYER, derive, mix
from azul_tui.game.rules import (
    apply_canonical,
    copy_state,
    earned_points,
    floor_slots,
    list_legal,
    sources_offset,
)
from azul_tui.players.planner_value import (
    BOARD_FIELDS,
    WORTH_FIELDS,
    FloatArray,
    carry_boards,
    describe_board,
    lead,
    list_replies,
    seat_values,
)
from azul_tui.players.scripted import (
    ThreadedPlayer,
    earned_change,
    insert_ranked,
    pick_best,
)

TWO_PLAYER_BUDGET: Final = 256_000
"""Positions valued a move."""
MANY_PLAYER_BUDGET: Final = 4_000
LEVELS: Final = {"easy": (1, 4), "medium": (2, 6), "hard": (3, 8), "extreme": (4, 10)}
"""Depth in moves, and the number of pairs at which the whole rest of the round is searched."""
TABLE_BITS: Final = 17
POINTS_TABLE_BITS: Final = 14
"""A table has 2 to the power of this many entries; touching new memory costs more than a node."""
INFINITE: Final = 1 << 30
RESOLVED: Final = 100
"""Depth of a value that no line of play was cut short for: it holds at any depth."""
_EXACT, _AT_LEAST, _AT_MOST = 1, 2, 3
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)

DEPTH, ALPHA, BETA, BAR, BEST, BEST_ACTION, NEXT, COUNT, SHORT = range(9)
"""Fields of a frame. `BAR` is what the next move must beat; `SHORT` is 1 once a line was cut."""
NODES, BUDGET, POINTS_ONLY, SHIFT = range(4)
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
    """`(D, P)` in points: values of a leaf; in max-n the best found; points earned at each ply."""
    effort: Int64Array
    """`(4,)`: positions valued, how many may be, whether only points count, key to table slot."""


def create_workspace(players: int, points_only: bool = False) -> Workspace:
    """Memory for one search at a table of that many; the table of positions is empty."""
    plies = TILES_PER_FACTORY * factory_count(players) + 2
    moves = action_count(players)
    bits = 0 if players > 2 else POINTS_TABLE_BITS if points_only else TABLE_BITS
    return Workspace(
        line=np.zeros((plies, state_size(players)), np.int8),
        frames=np.zeros((plies, 9), np.int64),
        actions=np.zeros((plies, moves), np.int32),
        ranks=np.zeros((plies, moves), np.int64),
        keys=np.zeros(1 << bits, np.uint64),
        found=np.zeros((1 << bits, 4), np.int32),
        boards=np.zeros((plies, players, BOARD_FIELDS), np.int64),
        worth=np.zeros((plies, players, WORTH_FIELDS), np.float64),
        available=np.zeros(COLOR_COUNT, np.int64),
        results=np.zeros((plies, players), np.float64),
        effort=np.array([0, INFINITE, points_only, 64 - bits], np.int64),
    )


@lean_kernel
def _position_key(state: Int8Array) -> np.uint64:
    """64-bit hash of every byte of a position: scattered words, each with its place, added up."""
    words = state.view(np.uint64)
    key = np.uint64(0)
    place = np.uint64(0)
    for index in range(words.shape[0]):
        place += _ODD
        key += mix(words[index] ^ place)
    return mix(key)


@lean_kernel
def _table_key(work: Workspace, ply: int) -> np.uint64:
    """Key of the node at `ply`; a value of points only holds for its own depth."""
    key = _position_key(work.line[ply])
    return mix(key + np.uint64(work.frames[ply, DEPTH])) if work.effort[POINTS_ONLY] else key


@lean_kernel
def _lead_of_mover(work: Workspace, ply: int, below: int) -> int:
    """What the values at ply `below` say for the mover at `ply`, in thousandths of a point."""
    return round(1000.0 * lead(work.results[below], integer(work.line[ply, TO_MOVE])))


@lean_kernel
def _best_change(work: Workspace, ply: int) -> int:
    """The most points that the mover at `ply` can earn by one move, without making it."""
    state = work.line[ply]
    seat = integer(state[TO_MOVE])
    earned = integer(work.results[ply, seat])
    slots = floor_slots(state, seat)
    best = -INFINITE
    for index in range(list_legal(state, work.actions[ply], True)):
        action = integer(work.actions[ply, index])
        best = max(best, earned_change(state, action, earned, slots))
    return best


@lean_kernel
def make_root(work: Workspace, state: Int8Array) -> None:
    """Make `state` the position at ply 0."""
    copy_state(state, work.line[0])
    for seat in range(work.boards.shape[1]):
        if work.effort[POINTS_ONLY]:
            work.results[0, seat] = earned_points(state, seat)
        else:
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
    if work.effort[POINTS_ONLY]:
        work.results[ply + 1, seat] = earned_points(child, seat)
        work.results[ply + 1, 1 - seat] = work.results[ply, 1 - seat]
    else:
        carry_boards(child, work.boards, work.worth, ply, seat, action % ROW_COUNT)


@lean_kernel
def _open_node(work: Workspace, ply: int, two: bool) -> bool:
    """Begin the node at `ply`, whose frame holds depth, alpha and beta.

    True when it is answered at once, as a leaf or by the table: then `BEST` (in max-n `results`)
    and `SHORT` are set.
    """
    frame = work.frames[ply]
    state = work.line[ply]
    points = work.effort[POINTS_ONLY] != 0
    work.effort[NODES] += 1
    if state[TABLE_TILES] == 0 or frame[DEPTH] <= points:
        change = 0
        if not points:
            seat_values(state, work.boards, work.worth, ply, work.available, work.results[ply])
        elif state[TABLE_TILES] > 0 and frame[DEPTH] == 1:
            change = 1000 * _best_change(work, ply)
        frame[BEST] = _lead_of_mover(work, ply, ply) + change
        frame[SHORT] = 1 if state[TABLE_TILES] > 0 else 0
        return True
    first = -1
    if two:
        key = _table_key(work, ply)
        slot = integer(key >> np.uint64(work.effort[SHIFT]))
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
    frame[COUNT] = list_replies(state, work.actions[ply], work.ranks[ply], first, points)
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
    key = _table_key(work, ply)
    slot = integer(key >> np.uint64(work.effort[SHIFT]))
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
def plan(work: Workspace, first: int, values: Int64Array, fresh: Int64Array) -> int:
    """Search `work.line[0]` until the round is resolved or the budget spent.

    Args:
        work: Its table must be empty or belong to this position.
        first: Moves to look at behind the first one, to begin with.
        values: `(M,)`; the value of the action at the same place of `work.actions[0]`, the
            best first. Exact for every move among the best, else below the best.
        fresh: `(M,)` scratch.

    Returns:
        The number of root actions.
    """
    work.effort[NODES] = 0
    points = work.effort[POINTS_ONLY] != 0
    actions = work.actions[0]
    count = list_replies(work.line[0], actions, work.ranks[0], -1, points)
    two = work.boards.shape[1] == 2
    values[:count] = 0
    for depth in range(first, first + 1 if points else work.line.shape[0] - 1):
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
        if done > 0:  # sort by value; a move that the budget did not reach counts as the worst
            for index in range(count):
                action = integer(actions[index])
                value = integer(fresh[index]) if index < done else -INFINITE
                insert_ranked(actions, values, index, action, value)
        if done < count or short == 0:
            break
    return count


@kernel
def _choose(
    states: Int8Array,
    seeds: Uint64Array,
    deterministic: bool,
    depth: int,
    threshold: int,
    work: Workspace,
    chosen: Int32Array,
) -> None:
    """Choose in each game; see `Player.choose`. Depth and threshold are those of `LEVELS`."""
    values = np.empty(work.actions.shape[1], np.int64)
    fresh = np.empty(work.actions.shape[1], np.int64)
    stream = np.empty(1, np.uint64)
    points = work.effort[POINTS_ONLY] != 0
    for game in range(states.shape[0]):
        make_root(work, states[game])
        at = sources_offset(work.line[0])
        pairs = np.count_nonzero(work.line[0, at : at + 6 * COLOR_COUNT])
        first = work.line.shape[0] - 2 if points and pairs <= threshold else depth - 1
        if not points:  # a value found at a greater depth would decide in another game's stead
            work.keys[:] = 0
        count = plan(work, first, values, fresh)
        stream[0] = derive(seeds[game], PLAYER, 0)
        equals = 1
        while equals < count and values[equals] == values[0]:
            equals += 1
        if points or deterministic:  # moves stand by value, and so as they promised before
            work.actions[0, :equals].sort()
        chosen[game] = work.actions[0, pick_best(values, equals, deterministic, stream)]


class PlannerPlayer(ThreadedPlayer):
    """Iterative deepening inside the round with the value of `planner_value`."""

    name: str = "planner"

    def __init__(self, players: int, budget: int | None = None, threads: int | None = None) -> None:
        super().__init__(threads)
        self.players = players
        self.budget = budget or (TWO_PLAYER_BUDGET if players == 2 else MANY_PLAYER_BUDGET)

    def choose_part(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool, chosen: Int32Array
    ) -> None:
        """See `ThreadedPlayer`."""
        work = create_workspace(self.players)
        work.effort[BUDGET] = self.budget
        _choose(states, seeds, deterministic, 1, 0, work, chosen)


class AlphaBetaPlayer(ThreadedPlayer):
    """Points alone, a fixed number of moves ahead; see `LEVELS`."""

    def __init__(self, level: str, threads: int | None = None) -> None:
        super().__init__(threads)
        self.name: str = f"alphabeta-{level}"
        self.depth, self.threshold = LEVELS[level]

    def choose_part(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool, chosen: Int32Array
    ) -> None:
        """See `ThreadedPlayer`."""
        work = create_workspace(2, points_only=True)
        _choose(states, seeds, deterministic, self.depth, self.threshold, work, chosen)
