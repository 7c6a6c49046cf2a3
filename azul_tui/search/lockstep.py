"""Search G positions at once: the form that players, analysis and the arena use.

Self-play, where games begin and end at their own times, drives `simulation` itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import action_count, observation_size
from azul_tui.game.kernel import Float32Array, Int8Array, Int32Array, lean_kernel
from azul_tui.game.layout import MOVING, PHASE
from azul_tui.game.observation import write_observation
from azul_tui.search.root import (
    choose_edge,
    root_value,
    write_improved_policy,
    write_visit_policy,
)
from azul_tui.search.simulation import advance, begin, receive
from azul_tui.search.tree import NO_NODE, Tree, allocate_tree

if TYPE_CHECKING:
    from azul_tui.search.evaluator import Evaluator
    from azul_tui.search.settings import SearchSettings


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What G searches found; actions refer to canonical factory order."""

    actions: npt.NDArray[np.int32]
    """`(G,)` moves to play."""
    policies: npt.NDArray[np.float32]
    """`(G, A)` policies to learn."""
    values: npt.NDArray[np.float32]
    """`(G,)` root values in [-1, 1], seen by the player to move."""
    evaluations: int
    """Positions that the evaluator was asked for."""


@lean_kernel
def _begin_all(Tree: Tree, states: Int8Array, observations: Int8Array, simulations: int) -> None:
    """Start a search of plan 0 from each of `states` `(G, S)`."""
    for game in range(states.shape[0]):
        begin(Tree, game, states[game], 0, simulations)
        write_observation(states[game], observations[game])


@lean_kernel
def _step_all(
    Tree: Tree,
    settings: SearchSettings,
    games: int,
    logits: Float32Array,
    values: Float32Array,
    observations: Int8Array,
) -> int:
    """Hand out evaluations and simulate on; return how many games wait for the next ones."""
    waiting = 0
    for game in range(games):
        if Tree.games[game].pending == NO_NODE:
            continue
        receive(Tree, settings, game, logits[game], values[game])
        if advance(Tree, settings, game):
            write_observation(Tree.states[game, Tree.games[game].pending], observations[game])
            waiting += 1
    return waiting


@lean_kernel
def _finish_all(
    Tree: Tree,
    settings: SearchSettings,
    actions: Int32Array,
    policies: Float32Array,
    values: Float32Array,
) -> None:
    """Write each game's move `(G,)`, policy `(G, A)` and root value `(G,)`."""
    for game in range(actions.shape[0]):
        if settings.gumbel:
            write_improved_policy(Tree, settings, game, policies[game])
        else:
            write_visit_policy(Tree, game, policies[game])
        actions[game] = Tree.edges[game, choose_edge(Tree, settings, game, 0.0)].action
        values[game] = root_value(Tree, game)


class LockstepSearch:
    """Memory for searching up to G positions at once with one number of simulations."""

    def __init__(
        self, games: int, simulations: int, settings: SearchSettings, players: int = 2
    ) -> None:
        """Allocate the trees.

        Args:
            games: G, the evaluator's batch size.
            simulations: Simulations for each position, at least 1.
            settings: Constants of the search.
            players: P.
        """
        self.simulations = simulations
        self.settings = settings
        self.players = players
        self.tree = allocate_tree(games, players, (simulations,), settings.max_considered_actions)
        self.observations = np.zeros((games, observation_size(players)), np.int8)

    def run(
        self,
        states: npt.NDArray[np.int8],
        evaluator: Evaluator,
        *,
        seeds: npt.NDArray[np.uint64] | None = None,
        noise: float = 0.0,
    ) -> SearchResult:
        """Search each position; none may be over or wait for its refill.

        Args:
            states: `(G', S)` canonical positions, G' at most G.
            evaluator: Answers batches of G rows.
            seeds: `(G',)` starts of the random streams, for noise and sampled refills; all the
                same if not given.
            noise: Scale of the Gumbel noise, with PUCT whether the root gets its Dirichlet noise;
                0 makes the search deterministic.

        Raises:
            ValueError: More positions than places, or one without a move to make.
        """
        games = len(states)
        if games > len(self.observations):
            raise ValueError(f"at most {len(self.observations)} positions at once, got {games}")
        ended = np.flatnonzero(states[:, PHASE] != MOVING)
        if len(ended):
            raise ValueError(f"position {ended[0]} has no move to make")
        np.asarray(self.tree.games)["noise"][:games] = noise
        self.tree.stream[:games, 0] = 0 if seeds is None else seeds
        _begin_all(self.tree, states, self.observations, self.simulations)
        waiting = games
        evaluations = 0
        while waiting:
            logits, values = evaluator(self.observations)
            evaluations += waiting
            waiting = _step_all(self.tree, self.settings, games, logits, values, self.observations)
        actions = np.empty(games, np.int32)
        policies = np.empty((games, action_count(self.players)), np.float32)
        root_values = np.empty(games, np.float32)
        _finish_all(self.tree, self.settings, actions, policies, root_values)
        return SearchResult(actions, policies, root_values, evaluations)
