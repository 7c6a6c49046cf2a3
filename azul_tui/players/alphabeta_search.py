"""The search of `alphabeta`: fail-soft alpha-beta inside the round, with a transposition table.

A loop over plies and no recursion, which numba cannot load from its cache.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from azul_tui.game.canonical import apply_canonical
from azul_tui.game.constants import FLOOR_ROW, ROW_COUNT
from azul_tui.game.kernel import (
    Int8Array,
    Int32Array,
    Int64Array,
    Uint64Array,
    integer,
    lean_kernel,
)
from azul_tui.game.layout import TABLE_TILES, TO_MOVE, copy_state
from azul_tui.game.moves import list_legal
from azul_tui.game.random import mix
from azul_tui.game.scoring import earned_points, floor_slots
from azul_tui.players.earning import best_change, earned_change
from azul_tui.players.effects import line_tiles, tiles_taken
from azul_tui.players.ordering import insert_ranked
from azul_tui.players.position_key import position_key

MOST_PLIES: Final = 25
"""A round has at most 20 tiles to take, one a move."""
TABLE_BITS: Final = 16
INFINITE: Final = 10_000
_EXACT, _AT_LEAST, _AT_MOST = 1, 2, 3

DEPTH, ALPHA, BETA, BAR, BEST, GAIN, NEXT, COUNT, EARNED, SLOT, FLOOR_TILES = range(11)
"""Fields of a frame. `BAR` is what the next move must beat; `GAIN` what the last one earned."""


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
    """Value of `states[1]` for its mover: fail-soft alpha-beta with a transposition table.

    A loop over plies and no recursion, which numba cannot load from its cache.

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
