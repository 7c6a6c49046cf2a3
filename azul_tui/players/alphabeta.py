"""`alphabeta-LEVEL`: looks a few moves ahead inside the round, for two players.

A move is worth the change of its maker's earned points, a line of play the sum over its moves,
plus for the one who chooses and minus for the other. A line ends at its depth or with the round,
never behind a refill. When few (source, colour) pairs are left on the table, the rest of the
round is searched to its end. Fail-soft alpha-beta with a transposition table, as a loop over
plies: numba cannot load recursion from its cache.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from azul_tui.game.constants import COLOR_COUNT, FLOOR_ROW, ROW_COUNT, TABLE_TILES, TO_MOVE
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
from azul_tui.players.scripted import (
    earned_change,
    insert_ranked,
    line_tiles,
    pick_best,
    position_key,
    share_out,
    tiles_taken,
)

LEVELS: Final = {"easy": (1, 4), "medium": (2, 6), "hard": (3, 8), "extreme": (4, 10)}
"""Depth in moves, and the number of pairs at which the whole rest of the round is searched."""
_MOST_MOVES: Final = 180
MOST_PLIES: Final = 25
"""A round has at most 20 tiles to take, one a move."""
TABLE_BITS: Final = 16
INFINITE: Final = 10_000
_EXACT, _AT_LEAST, _AT_MOST = 1, 2, 3

DEPTH, ALPHA, BETA, BAR, BEST, GAIN, NEXT, COUNT, EARNED, SLOT, FLOOR_TILES = range(11)
"""Fields of a frame. `BAR` is what the next move must beat; `GAIN` what the last one earned."""


@lean_kernel
def best_change(state: Int8Array, actions: Int32Array, count: int, seat: int) -> int:
    """Largest `earned_change` among the first `count` of `actions`; `seat` is to move."""
    earned = earned_points(state, seat)
    slots = floor_slots(state, seat)
    best = -1000
    for index in range(count):
        best = max(best, earned_change(state, integer(actions[index]), earned, slots))
    return best


@lean_kernel
def order_moves(state: Int8Array, actions: Int32Array, count: int, ranks: Int64Array) -> None:
    """Sort `actions`: line-completing moves first, largest line first, the floor last."""
    for index in range(count):
        action = integer(actions[index])
        row = action % ROW_COUNT
        taken = tiles_taken(state, action)
        if row == FLOOR_ROW:
            rank = -100 - taken
        else:
            over = line_tiles(state, action) + taken - row - 1
            rank = 100 + row - 8 * over if over >= 0 else taken
        insert_ranked(actions, ranks, index, action, rank)


@lean_kernel
def make_child(states: Int8Array, ply: int, action: int) -> bool:
    """Make `states[ply + 1]` the position after `action`; whether the round goes on."""
    copy_state(states[ply], states[ply + 1])
    left = integer(states[ply, TABLE_TILES]) - tiles_taken(states[ply], action)
    if left == 0:
        return False
    apply_canonical(states[ply + 1], action)
    return True


@lean_kernel
def _key_at(state: Int8Array, depth: int) -> np.uint64:
    """Table key of a position searched that deep."""
    return mix(position_key(state) + np.uint64(depth))


@lean_kernel
def _open_node(
    states: Int8Array,
    ply: int,
    frames: Int64Array,
    actions: Int32Array,
    ranks: Int64Array,
    keys: Uint64Array,
    found: Int32Array,
) -> bool:
    """Begin the node at `ply`; True when it is answered at once, its `BEST` set.

    Its frame holds depth, alpha and beta already. See `search` for the arguments.
    """
    state = states[ply]
    frame = frames[ply]
    count = list_legal(state, actions[ply], True)
    seat = integer(state[TO_MOVE])
    if frame[DEPTH] == 1:
        frame[BEST] = best_change(state, actions[ply], count, seat)
        return True
    key = _key_at(state, integer(frame[DEPTH]))
    slot = integer(key >> np.uint64(64 - TABLE_BITS))
    if keys[slot] == key:
        value = integer(found[slot, 0])
        kind = found[slot, 1]
        if (
            kind == _EXACT
            or (kind == _AT_LEAST and value >= frame[BETA])
            or (kind == _AT_MOST and value <= frame[ALPHA])
        ):
            frame[BEST] = value
            return True
    order_moves(state, actions[ply], count, ranks[ply])
    frame[SLOT] = slot
    frame[COUNT] = count
    frame[NEXT] = 0
    frame[BEST] = -INFINITE
    frame[BAR] = frame[ALPHA]
    frame[EARNED] = earned_points(state, seat)
    frame[FLOOR_TILES] = floor_slots(state, seat)
    return False


@lean_kernel
def _take_value(frame: Int64Array, value: int) -> None:
    """Count the value of one move at its node; past beta no other move is looked at."""
    frame[BEST] = max(integer(frame[BEST]), value)
    frame[BAR] = max(integer(frame[BAR]), value)
    if frame[BAR] >= frame[BETA]:
        frame[NEXT] = frame[COUNT]


@lean_kernel
def search(
    states: Int8Array,
    depth: int,
    alpha: int,
    beta: int,
    frames: Int64Array,
    actions: Int32Array,
    ranks: Int64Array,
    keys: Uint64Array,
    found: Int32Array,
) -> int:
    """Value of `states[1]` for its mover.

    Args:
        states: `(plies, S)`, one position a ply.
        depth: Moves to look ahead, at least 1.
        alpha: Lower values need no exact answer.
        beta: Higher ones neither.
        frames: `(plies, 11)` scratch, the fields above.
        actions: `(plies, moves)` scratch.
        ranks: `(plies, moves)` scratch.
        keys: `(T,)` positions in the table, mixed with the depth.
        found: `(T, 2)` their values and what these are: exact, at least, at most.
    """
    ply = 1
    frames[1, DEPTH] = depth
    frames[1, ALPHA] = alpha
    frames[1, BETA] = beta
    if _open_node(states, 1, frames, actions, ranks, keys, found):
        return integer(frames[1, BEST])
    while True:
        frame = frames[ply]
        if frame[NEXT] == frame[COUNT]:
            best = integer(frame[BEST])
            slot = integer(frame[SLOT])
            exact = _EXACT if best > frame[ALPHA] else _AT_MOST
            keys[slot] = _key_at(states[ply], integer(frame[DEPTH]))
            found[slot, 0] = best
            found[slot, 1] = _AT_LEAST if best >= frame[BETA] else exact
            if ply == 1:
                return best
            ply -= 1
            _take_value(frames[ply], integer(frames[ply, GAIN]) - best)
            continue
        action = integer(actions[ply, frame[NEXT]])
        frame[NEXT] += 1
        gain = earned_change(
            states[ply], action, integer(frame[EARNED]), integer(frame[FLOOR_TILES])
        )
        if not make_child(states, ply, action):
            _take_value(frame, gain)
            continue
        frame[GAIN] = gain
        frames[ply + 1, DEPTH] = frame[DEPTH] - 1
        frames[ply + 1, ALPHA] = gain - frame[BETA]
        frames[ply + 1, BETA] = gain - frame[BAR]
        if _open_node(states, ply + 1, frames, actions, ranks, keys, found):
            _take_value(frame, gain - integer(frames[ply + 1, BEST]))
        else:
            ply += 1


@lean_kernel
def pairs_on_table(state: Int8Array) -> int:
    """(source, colour) pairs that hold tiles."""
    pairs = 0
    for byte in range(sources_offset(state), sources_offset(state) + 6 * COLOR_COUNT):
        pairs += 1 if state[byte] > 0 else 0
    return pairs


@lean_kernel
def _root_values(
    states: Int8Array,
    depth: int,
    values: Int64Array,
    frames: Int64Array,
    actions: Int32Array,
    ranks: Int64Array,
    keys: Uint64Array,
    found: Int32Array,
) -> int:
    """Write the value of each legal move of `states[0]`, actions ascending; return their number.

    Exact for every move that is among the best, else an upper bound below the best.
    """
    state = states[0]
    count = list_legal(state, actions[MOST_PLIES], True)
    for index in range(count):
        actions[0, index] = actions[MOST_PLIES, index]
    order_moves(state, actions[0], count, ranks[0])
    seat = integer(state[TO_MOVE])
    earned = earned_points(state, seat)
    slots = floor_slots(state, seat)
    best = -INFINITE
    for index in range(count):
        action = integer(actions[0, index])
        value = earned_change(state, action, earned, slots)
        if depth > 1 and make_child(states, 0, action):
            value -= search(
                states, depth - 1, -INFINITE, value - best + 1,
                frames, actions, ranks, keys, found,
            )  # fmt: skip
        best = max(best, value)
        place = 0
        while actions[MOST_PLIES, place] != action:
            place += 1
        values[place] = value
    return count


@kernel
def _choose(
    states: Int8Array,
    seeds: Uint64Array,
    deterministic: bool,
    depth: int,
    threshold: int,
    chosen: Int32Array,
) -> None:
    """Choose in each game; all arrays are the games' own, see `Player.choose`."""
    line = np.empty((MOST_PLIES, states.shape[1]), np.int8)
    frames = np.empty((MOST_PLIES, 11), np.int64)
    actions = np.empty((MOST_PLIES + 1, _MOST_MOVES), np.int32)
    ranks = np.empty((MOST_PLIES, _MOST_MOVES), np.int64)
    values = np.empty(_MOST_MOVES, np.int64)
    keys = np.zeros(1 << TABLE_BITS, np.uint64)
    found = np.zeros((1 << TABLE_BITS, 2), np.int32)
    stream = np.zeros(1, np.uint64)
    for game in range(states.shape[0]):
        line[0] = states[game]
        keys[:] = 0
        looks = depth if pairs_on_table(line[0]) > threshold else MOST_PLIES
        count = _root_values(line, looks, values, frames, actions, ranks, keys, found)
        stream[0] = derive(seeds[game], PLAYER, 0)
        chosen[game] = actions[MOST_PLIES, pick_best(values, count, deterministic, stream)]


class AlphaBetaPlayer:
    """Searches (depth) moves ahead, or to the end of the round once (threshold) pairs are left."""

    def __init__(self, level: str, threads: int | None = None) -> None:
        self.name: str = f"alphabeta-{level}"
        self.depth, self.threshold = LEVELS[level]
        self._threads = threads

    def choose(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool = False
    ) -> Int32Array:
        """See `Player.choose`."""
        chosen = np.empty(len(states), np.int32)

        def work(part: slice) -> None:
            _choose(
                states[part], seeds[part], deterministic, self.depth, self.threshold, chosen[part]
            )

        share_out(len(states), self._threads, work)
        return chosen
