"""`alphabeta-LEVEL`: looks a few moves ahead inside the round, for two players.

A move is worth the change of its maker's earned points, a line of play the sum over its moves,
plus for the one who chooses and minus for the other. A line ends at its depth or with the round,
never behind a refill. When few (source, colour) pairs are left on the table, the rest of the
round is searched to its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from azul_tui.game.constants import COLOR_COUNT
from azul_tui.game.kernel import (
    Int8Array,
    Int32Array,
    Int64Array,
    Uint64Array,
    integer,
    kernel,
    lean_kernel,
)
from azul_tui.game.layout import TO_MOVE, sources_offset
from azul_tui.game.moves import list_legal
from azul_tui.game.random import PLAYER, derive
from azul_tui.game.scoring import earned_points, floor_slots
from azul_tui.players.alphabeta_search import (
    INFINITE,
    MOST_PLIES,
    TABLE_BITS,
    make_child,
    order_moves,
    search,
)
from azul_tui.players.earning import earned_change
from azul_tui.players.threads import share_out
from azul_tui.players.ties import pick_best

if TYPE_CHECKING:
    from azul_tui.players.names import PlayerName

_MOST_MOVES: Final = 180

LEVELS: Final = {"easy": (1, 4), "medium": (2, 6), "hard": (3, 8), "extreme": (4, 10)}
"""Depth in moves, and the number of pairs at which the whole rest of the round is searched."""


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


def create(name: PlayerName, players: int) -> AlphaBetaPlayer:
    """The player of the level that its name says; `parse_player_name` refuses other tables."""
    del players
    return AlphaBetaPlayer(name.level)
