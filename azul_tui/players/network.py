"""A network behind the player protocol: with search, or its bare policy.

Letters: G games, B the evaluator's batch, S bytes a position, F features, A actions, P seats.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.game.constants import observation_size
from azul_tui.game.kernel import Float32Array, Int8Array, Int32Array, Uint64Array, kernel
from azul_tui.game.observation import write_observation
from azul_tui.game.random import PLAYER, derive, next_unit
from azul_tui.game.rules import list_legal
from azul_tui.players.scripted import MAX_ACTIONS
from azul_tui.search.search import LANES, LockstepSearch

if TYPE_CHECKING:
    from azul_tui.search.search import Evaluator
    from azul_tui.search.select import SearchSettings


@kernel
def _observe(states: Int8Array, observations: Int8Array) -> None:
    for game in range(states.shape[0]):
        write_observation(states[game], observations[game])


@kernel
def _choose(
    states: Int8Array,
    logits: Float32Array,
    seeds: Uint64Array,
    deterministic: bool,
    chosen: Int32Array,
) -> None:
    """Take the legal action of the highest logit, the first of equals, or draw from the softmax."""
    legal = np.empty(MAX_ACTIONS, np.int32)
    stream = np.empty(1, np.uint64)
    for game in range(states.shape[0]):
        count = list_legal(states[game], legal, True)
        best = legal[0]
        for index in range(1, count):
            if logits[game, legal[index]] > logits[game, best]:
                best = legal[index]
        if not deterministic:
            top = logits[game, best]
            total = 0.0
            for index in range(count):
                total += math.exp(logits[game, legal[index]] - top)
            stream[0] = derive(seeds[game], PLAYER, 0)
            left = next_unit(stream) * total
            for index in range(count):
                best = legal[index]
                left -= math.exp(logits[game, best] - top)
                if left <= 0.0:
                    break
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
        self._searches = [
            LockstepSearch(size // lanes, simulations, settings, players, lanes)
            for lanes in (LANES, 1)
            if simulations and size % lanes == 0
        ]
        self._observations = np.zeros((size, observation_size(players)), np.int8)

    def choose(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool = False
    ) -> Int32Array:
        """See `Player.choose`; without `deterministic` the root has noise.

        And a move of the bare policy is drawn in proportion to it.
        """
        chosen = np.empty(len(states), np.int32)
        size = self._evaluator.batch_size
        for first in range(0, len(states), size):
            rows = slice(first, first + size)
            part = states[rows]
            if self._searches:
                noise = 0.0 if deterministic else 1.0
                few = len(part) <= size // LANES
                search = self._searches[0 if few else -1]
                found = search.run(part, self._evaluator, seeds=seeds[rows], noise=noise)
                chosen[rows] = found.actions
            else:
                _observe(part, self._observations)
                logits, _ = self._evaluator(self._observations)
                _choose(part, logits, seeds[rows], deterministic, chosen[rows])
        return chosen
