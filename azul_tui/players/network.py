"""A network behind the player protocol: with search, by its bare policy, or drawn from that.

Letters: G games, B the evaluator's batch, S bytes a position, F features, A actions, P seats.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.game.constants import (
    AFTERSTATE,
    MOVING,
    PHASE,
    PLAYERS,
    action_count,
    observation_size,
)
from azul_tui.game.kernel import (
    Float32Array,
    Int8Array,
    Int32Array,
    Int64Array,
    Uint64Array,
    integer,
    kernel,
    lean_kernel,
)
from azul_tui.game.observation import write_observation
from azul_tui.game.random import PLAYER, derive, next_unit
from azul_tui.game.rules import apply_canonical, list_legal, refill_canonical, score_of
from azul_tui.search.search import LockstepSearch

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.search.search import Evaluator
    from azul_tui.search.select import SearchSettings


@lean_kernel
def _observe(states: Int8Array, games: Int64Array, observations: Int8Array) -> None:
    """Write the observation of each of `games` into the first rows of `(B, F)`."""
    for row in range(games.shape[0]):
        write_observation(states[integer(games[row])], observations[row])


@lean_kernel
def _best_legal(
    states: Int8Array, logits: Float32Array, legal: Int32Array, chosen: Int32Array
) -> None:
    """Write the legal action with the highest logit, the lowest index on ties, into `(G,)`."""
    for game in range(states.shape[0]):
        count = list_legal(states[game], legal, True)
        best = legal[0]
        for index in range(1, count):
            if logits[game, legal[index]] > logits[game, best]:
                best = legal[index]
        chosen[game] = best


class NetworkPlayer:
    """Plays what an evaluator, searched or not, thinks best."""

    def __init__(
        self,
        evaluator: Evaluator,
        simulations: int,
        settings: SearchSettings,
        players: int = 2,
        name: str = "network",
    ) -> None:
        """Allocate for `evaluator.batch_size` positions at once.

        Args:
            evaluator: The network.
            simulations: Simulations a move; 0 plays the bare policy.
            settings: Constants of the search.
            players: P.
            name: Name to show.
        """
        self.name = name
        self.players = players
        self._evaluator = evaluator
        size = evaluator.batch_size
        self._search = LockstepSearch(size, simulations, settings, players) if simulations else None
        self._observations = np.zeros((size, observation_size(players)), np.int8)
        self._legal = np.empty(action_count(players), np.int32)

    def choose(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool = False
    ) -> Int32Array:
        """See `Player.choose`; without `deterministic` the root has noise."""
        chosen = np.empty(len(states), np.int32)
        size = self._evaluator.batch_size
        for first in range(0, len(states), size):
            rows = slice(first, first + size)
            part = states[rows]
            if self._search is not None:
                noise = 0.0 if deterministic else 1.0
                found = self._search.run(part, self._evaluator, seeds=seeds[rows], noise=noise)
                chosen[rows] = found.actions
            else:
                _observe(part, np.arange(len(part)), self._observations)
                logits, _ = self._evaluator(self._observations)
                _best_legal(part, logits, self._legal, chosen[rows])
        return chosen


# -- games played out by the bare policy, many in lockstep: what a move is worth in points


@kernel
def _start_games(states: Int8Array, deals: Uint64Array, streams: Uint64Array) -> None:
    """Refill the afterstates among `states`, and begin the random stream of each game."""
    scratch = np.zeros(1, np.uint64)
    for game in range(states.shape[0]):
        streams[game] = derive(deals[game], PLAYER, 0)
        if states[game, PHASE] == AFTERSTATE:
            refill_canonical(states[game], deals[game], scratch)


@kernel
def draw_moves(
    states: Int8Array,
    games: Int64Array,
    logits: Float32Array,
    deals: Uint64Array,
    streams: Uint64Array,
    legal: Int32Array,
) -> None:
    """Play a move of the softmax of `logits` `(B, A)` in each of `games`, refilling after a round.

    `deals` and `streams` `(G,)` are the seeds of refills and the random streams of all games.
    """
    stream = np.zeros(1, np.uint64)
    scratch = np.zeros(1, np.uint64)
    for row in range(games.shape[0]):
        game = integer(games[row])
        state = states[game]
        count = list_legal(state, legal, True)
        top = logits[row, legal[0]]
        for index in range(1, count):
            top = max(top, logits[row, legal[index]])
        total = 0.0
        for index in range(count):
            total += math.exp(logits[row, legal[index]] - top)
        stream[0] = streams[game]
        left = next_unit(stream) * total
        streams[game] = stream[0]
        chosen = 0
        for index in range(count):
            left -= math.exp(logits[row, legal[index]] - top)
            chosen = index
            if left <= 0.0:
                break
        apply_canonical(state, integer(legal[chosen]))
        if state[PHASE] == AFTERSTATE:
            refill_canonical(state, deals[game], scratch)


def play_out(
    states: Int8Array,
    deals: Uint64Array,
    evaluator: Evaluator,
    stop: Callable[[], bool] = lambda: False,
) -> Int64Array | None:
    """Final scores `(G, P)` of games drawn move by move from the policy; None when stopped.

    Args:
        states: `(G, S)` canonical positions, afterstates too; they are not changed.
        deals: `(G,)` seeds of each game's refills and of its moves. Games of equal seeds meet
            the same luck as far as their moves allow.
        evaluator: The network.
        stop: Asked before every batch.
    """
    states = states.copy()
    players = int(states[0, PLAYERS])
    size = evaluator.batch_size
    observations = np.zeros((size, observation_size(players)), np.int8)
    legal = np.empty(action_count(players), np.int32)
    streams = np.empty(len(states), np.uint64)
    _start_games(states, deals, streams)
    while len(live := np.flatnonzero(states[:, PHASE] == MOVING)):
        for first in range(0, len(live), size):
            if stop():
                return None
            games = live[first : first + size]
            _observe(states, games, observations)
            logits, _ = evaluator(observations)
            draw_moves(states, games, logits, deals, streams, legal)
    return np.array([[score_of(state, seat) for seat in range(players)] for state in states])
