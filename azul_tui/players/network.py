"""A network behind the player protocol: with search, or its bare policy.

Letters: G games, B the evaluator's batch, S bytes a position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from azul_tui.game.constants import action_count, observation_size
from azul_tui.game.kernel import Float32Array, Int8Array, Int32Array, lean_kernel
from azul_tui.game.observation import write_observation
from azul_tui.game.rules import list_legal
from azul_tui.search.lockstep import LockstepSearch

if TYPE_CHECKING:
    from azul_tui.game.kernel import Uint64Array
    from azul_tui.search.settings import Evaluator, SearchSettings


@lean_kernel
def _observe(states: Int8Array, observations: Int8Array) -> None:
    """Write the observation of each of `states` `(G, S)`."""
    for game in range(states.shape[0]):
        write_observation(states[game], observations[game])


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
        self._evaluator = evaluator
        self.players = players
        self._name = name
        self._search = (
            LockstepSearch(evaluator.batch_size, simulations, settings, players)
            if simulations
            else None
        )
        self._observations = np.zeros((evaluator.batch_size, observation_size(players)), np.int8)
        self._legal = np.empty(action_count(players), np.int32)

    @property
    def name(self) -> str:
        """Name to show."""
        return self._name

    def choose(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool = False
    ) -> Int32Array:
        """See `Player.choose`; without `deterministic` the root has noise."""
        chosen = np.empty(len(states), np.int32)
        size = self._evaluator.batch_size
        for first in range(0, len(states), size):
            rows = slice(first, min(first + size, len(states)))
            chosen[rows] = self._choose_batch(states[rows], seeds[rows], deterministic)
        return chosen

    def _choose_batch(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool
    ) -> Int32Array:
        """`choose` for at most B positions."""
        if self._search is not None:
            noise = 0.0 if deterministic else 1.0
            return self._search.run(states, self._evaluator, seeds=seeds, noise=noise).actions
        _observe(states, self._observations)
        logits, _ = self._evaluator(self._observations)
        chosen = np.empty(len(states), np.int32)
        _best_legal(states, logits, self._legal, chosen)
        return chosen
