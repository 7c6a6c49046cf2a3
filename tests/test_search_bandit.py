"""Searches of one move: bandits whose answer is known, and the policy that comes out of them."""

import numpy as np
import pytest
from search_lab import (
    FixedEvaluator,
    ScatteredEvaluator,
    ScoreEvaluator,
    after,
    last_moves_of_rounds,
    moves_of,
    opening,
    random_game,
    root_edges,
    search_trees,
)

from azul_tui.game.constants import TO_MOVE, observation_size
from azul_tui.game.observation import write_observation
from azul_tui.search.lockstep import LockstepSearch
from azul_tui.search.root import choose_edge, root_value, write_improved_policy
from azul_tui.search.selection import mixed_value, select_completed_q, select_puct
from azul_tui.search.settings import SearchSettings
from azul_tui.search.tree import EDGE, NODE, allocate_tree

GUMBEL = SearchSettings(c_scale=1.0, max_considered_actions=8)
PUCT = SearchSettings(gumbel=False)


def bandits(count):
    """Positions whose every move ends the round, with the afterstates behind their moves."""
    states = last_moves_of_rounds(count)
    return [(state, [after(state, move) for move in moves_of(state)]) for state in states]


def observed(states):
    rows = np.zeros((len(states), observation_size(2)), np.int8)
    for state, row in zip(states, rows, strict=True):
        write_observation(state, row)
    return rows


def true_q(evaluator, state, ends):
    """Q of each move by asking about its end directly."""
    rows = np.zeros((evaluator.batch_size, observation_size(2)), np.int8)
    rows[: len(ends)] = observed(ends)
    values = evaluator(rows)[1][: len(ends), 0].astype(np.float64)
    return np.array(
        [
            value if end[TO_MOVE] == state[TO_MOVE] else -value
            for value, end in zip(values, ends, strict=True)
        ]
    )


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("settings", [GUMBEL, PUCT], ids=["gumbel", "puct"])
def test_the_last_move_of_a_round_is_the_best_one(settings, noise):
    """A perfect evaluator of the position after the round: the bandit converges on the best."""
    found = bandits(30)
    evaluator = ScoreEvaluator(30, scale=10.0)
    states = np.stack([state for state, _ in found])
    seeds = np.arange(30, dtype=np.uint64)
    result = LockstepSearch(30, 4000, settings).run(states, evaluator, seeds=seeds, noise=noise)
    for game, (state, ends) in enumerate(found):
        q = true_q(evaluator, state, ends)
        moves = moves_of(state)
        chosen = q[moves.index(int(result.actions[game]))]
        assert chosen == pytest.approx(q.max(), abs=1e-6)
        expected = result.policies[game, moves] @ q
        assert expected == pytest.approx(q.max(), abs=0.1)


def test_evaluations_are_asked_once_a_position():
    """Moves that end the round are evaluated once each, and the root: no more for 300 visits."""
    found = bandits(12)
    states = np.stack([state for state, _ in found])
    for settings in (GUMBEL, PUCT):
        result = LockstepSearch(12, 300, settings).run(states, ScoreEvaluator(12))
        assert result.evaluations == sum(1 + len(ends) for _, ends in found)


def completed(priors, q, visits, value):
    """v_mix and completed Q (Danihelka et al. 2022, equations 10 and 33) in float64."""
    seen = visits > 0
    average = (priors * q)[seen].sum() / priors[seen].sum() if seen.any() else 0.0
    mixed = (value + visits.sum() * average) / (1 + visits.sum())
    return mixed, np.where(seen, q, mixed)


def softmax(scores):
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def tree_of(priors, visits, q, value):
    """A tree of a root and one inner node, both with these edges."""
    tree = allocate_tree(1, 2, (8,), 16)
    nodes, edges = np.zeros((1, 9), NODE), np.zeros((1, 9 * 120), EDGE)
    count = len(priors)
    nodes["edges"] = count
    nodes["first"][0, 1] = count
    nodes["known"] = (visits > 0).sum()
    nodes["visits"] = visits.sum()
    nodes["value"] = value
    for first in (0, count):
        here = edges[0, first : first + count]
        here["prior"], here["visits"], here["value"] = priors, visits, q * visits
        here["action"] = 7 * np.arange(count)
    tree.games["considered"] = count
    tree.gumbel[0, :count] = np.log(priors)
    return tree._replace(nodes=nodes, edges=edges)


GOLDEN = (np.array([0.4, 0.3, 0.2, 0.1]), np.array([3, 1, 0, 0]), np.array([0.2, -0.5, 0, 0]), 0.1)


def test_golden_improved_policy():
    """By hand: v_mix = (0.1 + 4 x (0.4 x 0.2 - 0.3 x 0.5) / 0.7) / 5 = -0.06, sigma = 53 x 0.1."""
    priors, visits, q, value = GOLDEN
    tree = tree_of(priors, visits, q, value)
    assert mixed_value(tree, 0, 0, 4) == pytest.approx(-0.06, abs=1e-6)
    assert root_value(tree, 0) == pytest.approx(-0.06, abs=1e-6)
    policy = np.full(180, np.nan, np.float32)
    write_improved_policy(tree, SearchSettings(c_visit=50.0, c_scale=0.1), 0, policy)
    # 0.4 e^(5.3 x 0.2), 0.3 e^(-5.3 x 0.5), 0.2 e^(-5.3 x 0.06), 0.1 e^(-5.3 x 0.06), over the sum:
    # 1.154549, 0.021195, 0.145520, 0.072760 over 1.394024.
    golden = [0.828213, 0.015204, 0.104389, 0.052194]
    np.testing.assert_allclose(policy[[0, 7, 14, 21]], golden, atol=2e-6)
    assert np.delete(policy, [0, 7, 14, 21]).tolist() == [0.0] * 176


def test_choices_inside_the_tree_are_those_of_the_formulas():
    """Against float64 on random nodes; a chosen edge may only lose by rounding."""
    rng = np.random.default_rng(5)
    for _ in range(300):
        count = int(rng.integers(2, 20))
        known = int(rng.integers(0, count + 1))
        priors = rng.dirichlet(np.full(count, 0.5)) * 0.999 + 0.001 / count
        rest = np.sort(priors[known:])[::-1]
        priors = np.concatenate([priors[:known], rest])
        visits = np.where(np.arange(count) < known, rng.integers(1, 40, count), 0)
        q = np.where(visits > 0, rng.uniform(-1, 1, count), 0.0)
        value = rng.uniform(-1, 1)
        tree = tree_of(priors, visits, q, value)
        settings = SearchSettings(c_scale=float(rng.choice([0.01, 0.1, 1.0])), c_puct=1.3)
        _, full_q = completed(priors, q, visits, value)
        sigma = (settings.c_visit + visits.max()) * settings.c_scale
        scores = softmax(np.log(priors) + sigma * full_q) - visits / (1 + visits.sum())
        chosen = select_completed_q(tree, settings, 0, 1) - count
        assert scores[chosen] >= scores.max() - 1e-5
        bonus = settings.c_puct * priors * np.sqrt(visits.sum()) / (1 + visits)
        scores = np.where(visits > 0, q, value) + bonus
        chosen = select_puct(tree, settings, 0, 1) - count
        assert scores[chosen] >= scores.max() - 1e-5


@pytest.mark.parametrize("c_scale", [0.02, 0.3, 3.0])
def test_the_improved_policy_is_never_worse_than_the_prior(c_scale):
    """Danihelka et al. (2022), section 4, on 200 bandits; every action is tried."""
    states = [state for seed in range(20) for state in random_game(2, seed)]
    states = np.stack([state for state in states if 2 <= len(moves_of(state)) <= 40][:200])
    evaluator = ScatteredEvaluator(200, seed=1)
    settings = SearchSettings(c_scale=c_scale, max_considered_actions=300)
    search = search_trees(states, evaluator, 40, settings)
    policy = np.zeros(180, np.float32)
    gains = []
    for game in range(200):
        edges = root_edges(search.tree, game)
        assert (edges["visits"] > 0).all()
        q = edges["value"] / edges["visits"].astype(np.float64)
        write_improved_policy(search.tree, settings, game, policy)
        gains.append(policy[edges["action"]] @ q - edges["prior"].astype(np.float64) @ q)
        value = float(search.tree.nodes[game, 0]["value"])
        _, full_q = completed(edges["prior"].astype(float), q, edges["visits"], value)
        sigma = (settings.c_visit + edges["visits"].max()) * c_scale
        np.testing.assert_allclose(
            policy[edges["action"]],
            softmax(np.log(edges["prior"].astype(float)) + sigma * full_q),
            rtol=1e-3,
            atol=1e-6,
        )
    assert min(gains) > -1e-5
    assert np.mean(gains) > 0.001


class KnownRoot(ScatteredEvaluator):
    """Gives the first row of each game, its root, values that the test has chosen."""

    def __init__(self, batch_size, values):
        super().__init__(batch_size)
        self.root_values = values

    def __call__(self, observations):
        logits, values = super().__call__(observations)
        if self.calls == 1:
            values = self.root_values.astype(np.float32)[:, None]
        return logits, values


def test_untried_actions_do_not_spoil_the_improvement():
    """When v_mix is the prior's true value, completing with it still never loses."""
    games, tried = 64, 16
    states = np.stack([opening(2, seed) for seed in range(games)])
    plain = ScatteredEvaluator(256)
    logits = plain(np.concatenate([observed(states), np.zeros((192, 256), np.int8)]))[0]
    wanted, known = [], []
    for game, state in enumerate(states):
        moves = moves_of(state)
        priors = softmax(logits[game, moves].astype(np.float64))
        q = true_q(ScatteredEvaluator(256), state, [after(state, move) for move in moves])
        first = np.argsort(-priors, kind="stable")[:tried]
        seen = (priors * q)[first].sum() / priors[first].sum()
        known.append((moves, priors, q))
        wanted.append((1 + tried) * (priors @ q) - tried * seen)
    settings = SearchSettings(c_scale=0.1, max_considered_actions=tried)
    result = LockstepSearch(games, tried, settings).run(states, KnownRoot(games, np.array(wanted)))
    for game, (moves, priors, q) in enumerate(known):
        assert result.values[game] == pytest.approx(priors @ q, abs=1e-5)
        assert result.policies[game, moves] @ q >= priors @ q - 1e-5


def test_playing_with_gumbel_noise_is_better_than_the_prior():
    """Section 3.4: in expectation over the noise. A fair search fails for 1 seed in 1000."""
    games = 2000
    state, ends = bandits(1)[0]
    moves = moves_of(state)
    rng = np.random.default_rng(0)
    logits = rng.normal(size=180)
    mark = rng.normal(size=observation_size(2))  # tells observations apart
    marks = observed(ends) @ mark
    signs = np.array([1.0 if end[TO_MOVE] == state[TO_MOVE] else -1.0 for end in ends])
    settings = SearchSettings(c_scale=0.02, max_considered_actions=2)
    for _ in range(5):
        worth = rng.uniform(-1, 1, len(moves))

        def values(observations, worth=worth):
            move = np.abs((observations @ mark)[:, None] - marks).argmin(axis=1)
            return worth[move] * signs[move]

        evaluator = FixedEvaluator(games, logits, values)
        tree = search_trees(np.tile(state, (games, 1)), evaluator, 4, settings, noise=1.0).tree
        edges = [choose_edge(tree, settings, game, 1.0) for game in range(games)]
        actions = [int(tree.edges[game, edge]["action"]) for game, edge in enumerate(edges)]
        gained = worth[[moves.index(action) for action in actions]]
        before = softmax(logits[moves]) @ worth
        assert gained.mean() > before - 3.1 * gained.std() / np.sqrt(games)
