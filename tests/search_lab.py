"""What tests of the search share: positions, evaluators without a network, and reading trees.

Letters: G games, S bytes a position, B rows a batch, F features, A actions, V values, P players.
"""

from __future__ import annotations

import numpy as np

from azul_tui.game.constants import (
    AFTERSTATE,
    MOVING,
    PHASE,
    action_count,
    observation_size,
    source_count,
    state_size,
    value_count,
)
from azul_tui.game.rules import apply_canonical, clear_game, list_legal, refill_canonical
from azul_tui.search.search import LockstepSearch, _begin_all, _step_all

SCRATCH = np.zeros(1, np.uint64)
LEGAL = np.zeros(300, np.int32)
FLOOR = 5


# Positions


def opening(players: int = 2, seed: int = 0) -> np.ndarray:
    """The first deal of a game, canonical, `(S,)`."""
    state = np.zeros(state_size(players), np.int8)
    clear_game(state, players)
    refill_canonical(state, np.uint64(seed), SCRATCH)
    return state


def moves_of(state: np.ndarray) -> list[int]:
    """The distinct legal actions of a canonical position, ascending."""
    return LEGAL[: list_legal(state, LEGAL, True)].tolist()


def after(state: np.ndarray, action: int) -> np.ndarray:
    """The canonical position behind `action`; the given one stays as it is."""
    state = state.copy()
    apply_canonical(state, action)
    return state


def random_game(players: int, seed: int, on_lines: float = 0.9) -> list[np.ndarray]:
    """All positions to move of a random game; moves avoid the floor with that probability."""
    rng = np.random.default_rng(seed)
    state = opening(players, seed)
    positions = []
    while state[PHASE] == MOVING:
        positions.append(state)
        moves = moves_of(state)
        if rng.random() < on_lines:
            moves = [move for move in moves if move % 6 != FLOOR] or moves
        state = after(state, moves[rng.integers(len(moves))])
        if state[PHASE] == AFTERSTATE:
            refill_canonical(state, np.uint64(seed), SCRATCH)
    return positions


def last_moves_of_rounds(count: int, seed: int = 0) -> list[np.ndarray]:
    """Positions of several moves, each of which ends the round: one colour on one source."""
    found = []
    while len(found) < count:
        for state in random_game(2, seed):
            moves = moves_of(state)
            one_source = len({move // 6 for move in moves}) == 1 and len(moves) >= 4
            if one_source and all(after(state, move)[PHASE] == AFTERSTATE for move in moves):
                found.append(state)
        seed += 1
    return found[:count]


# Evaluators


def _integers(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(1, 1 << 20, shape).astype(np.float64)


class ScatteredEvaluator:
    """Logits and values that look random, but hang on their own row alone.

    Sums of whole numbers below 2^53 are exact in any order, so no batch changes a row's answer.
    """

    def __init__(self, batch_size: int, players: int = 2, spread: float = 4.0, seed: int = 0):
        rng = np.random.default_rng(seed)
        self.batch_size = batch_size
        self.spread = spread
        self._logits = _integers(rng, observation_size(players), action_count(players))
        self._values = _integers(rng, observation_size(players), value_count(players))
        self.calls = 0

    def __call__(self, observations):
        assert observations.shape[0] == self.batch_size
        assert observations.dtype == np.int8
        self.calls += 1
        rows = observations.astype(np.float64)
        logits = self._unit(rows @ self._logits) * self.spread
        return logits.astype(np.float32), (self._unit(rows @ self._values) * 1.8).astype(np.float32)

    @staticmethod
    def _unit(sums):
        """Scatter whole numbers over [-0.5, 0.5)."""
        return sums * 7919.0 % 1_000_003.0 / 1_000_003.0 - 0.5


def shown_scores(observations: np.ndarray, players: int) -> np.ndarray:
    """`(B, P)`: the scores in an observation, the mover's first (field `score`)."""
    first = 2 * source_count(players) * 5 + 10 + 25 + 77
    return observations[:, first : first + 80 * players : 80].astype(np.float64)


def score_values(scores: np.ndarray, scale: float) -> np.ndarray:
    """`(B, V)` values from scores `(B, P)`, the mover's first: squashed leads over the best other.

    With more players a share of the table is added, so that equal leads are rare.
    """
    players = scores.shape[1]
    leads = [
        scores[:, seat] - np.delete(scores, seat, axis=1).max(axis=1) for seat in range(players)
    ]
    if players == 2:
        return np.tanh(leads[0] / scale)[:, None]
    rivals = [scores[:, seat] - scores[:, (seat + 1) % players] for seat in range(players)]
    leads = np.stack(leads, axis=1) + 0.1 * np.stack(rivals, axis=1)
    return 0.95 * np.tanh(leads / scale)


class ScoreEvaluator(ScatteredEvaluator):
    """Values from the scores that an observation shows; logits scattered.

    In an afterstate this is all there is to know: the truth of the exhaustive solver.
    """

    def __init__(self, batch_size, players=2, spread=1.0, scale=8.0):
        super().__init__(batch_size, players, spread)
        self.players = players
        self.scale = scale

    def __call__(self, observations):
        logits, _ = super().__call__(observations)
        values = score_values(shown_scores(observations, self.players), self.scale)
        return logits, values.astype(np.float32)


class FixedEvaluator:
    """The same logits `(A,)` for every row; values from a function of the observations."""

    def __init__(self, batch_size, logits, values=None, players=2):
        self.batch_size = batch_size
        self._logits = np.tile(np.asarray(logits, np.float32), (batch_size, 1))
        self._zeros = np.zeros((batch_size, value_count(players)), np.float32)
        self._values = values

    def __call__(self, observations):
        values = self._zeros if self._values is None else self._values(observations)
        return self._logits, np.asarray(values, np.float32).reshape(self._zeros.shape)


# Searching, and reading trees


def search_trees(
    states, evaluator, simulations, settings, *, noise=0.0, seeds=None, players=2, search=None
) -> LockstepSearch:
    """Search `states` `(G, S)` and stop before a move is chosen, so that the trees can be read.

    `search` is one to use again, with whatever its memory holds.
    """
    states = np.ascontiguousarray(states, np.int8)
    if search is None:
        search = LockstepSearch(evaluator.batch_size, simulations, settings, players)
    games = len(states)
    search.tree.games["noise"][:games] = noise
    search.tree.stream[:games, 0] = np.arange(games) if seeds is None else seeds
    _begin_all(search.tree, states, search.observations, simulations)
    waiting = games
    while waiting:
        logits, values = evaluator(search.observations)
        waiting = _step_all(search.tree, settings, games, logits, values, search.observations)
    return search


def root_edges(tree, game: int = 0) -> np.ndarray:
    """The root's edges as records, those that were never considered with visits set to 0."""
    first, count = int(tree.nodes[game, 0]["first"]), int(tree.nodes[game, 0]["edges"])
    edges = tree.edges[game, first : first + count].copy()
    edges[int(tree.games[game]["considered"]) :]["visits"] = 0
    return edges


def root_visits(tree, game: int = 0) -> dict[int, int]:
    """Visits of each root action."""
    return {int(edge["action"]): int(edge["visits"]) for edge in root_edges(tree, game)}


def root_q(tree, game: int = 0) -> dict[int, float]:
    """Q of each visited root action, seen by the root's mover."""
    return {
        int(edge["action"]): float(edge["value"]) / int(edge["visits"])
        for edge in root_edges(tree, game)
        if edge["visits"] > 0
    }
