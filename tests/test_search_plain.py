"""The kernels against the search of `plain_search`: the same trees, simulation for simulation."""

import math

import numpy as np
import pytest
from plain_search import PlainSearch, evaluate_alone, improved_policy, mixed_value
from search_lab import ScatteredEvaluator, random_game, root_edges, search_trees

from azul_tui.game.random import next_bits
from azul_tui.game.rules import refill_canonical
from azul_tui.search.search import _finish_all
from azul_tui.search.select import SearchSettings

GAMES = 24
CASES = {
    "gumbel": (SearchSettings(), 2, 0.0),
    "gumbel, sharp": (SearchSettings(c_scale=1.0, max_considered_actions=6), 2, 0.0),
    "gumbel, noise": (SearchSettings(c_scale=0.3, max_considered_actions=9), 2, 1.0),
    "gumbel, three": (SearchSettings(c_scale=0.5), 3, 1.0),
    "gumbel, four": (SearchSettings(c_scale=0.5, max_considered_actions=300), 4, 0.5),
    "gumbel, sampled": (SearchSettings(c_scale=1.0, sampled_chance=True), 2, 0.0),
    "puct, sampled": (SearchSettings(gumbel=False, sampled_chance=True), 3, 0.0),
    "puct": (SearchSettings(gumbel=False), 2, 0.0),
    "puct, noise": (SearchSettings(gumbel=False, c_puct=2.5), 2, 1.0),
    "puct, three": (SearchSettings(gumbel=False, c_puct=0.7), 3, 0.0),
    "puct, four": (SearchSettings(gumbel=False, dirichlet_fraction=0.5), 4, 1.0),
}


def positions(players):
    """Positions from all over random games, most of them near the end of a round."""
    rng = np.random.default_rng(players)
    chosen = []
    for seed in range(GAMES):
        game = random_game(players, seed)
        late = [state for state in game if state[7] <= 12]  # tiles on the table
        pool = late if seed % 3 else game
        chosen.append(pool[rng.integers(len(pool))])
    return np.stack(chosen)


def as_tree(tree, game, node=0):
    """Visits and Q of every visited edge below `node`, by action, with what lies behind."""
    here = tree.nodes[game, node]
    if here["edges"] <= 0:
        return {}
    first, count = int(here["first"]), int(here["edges"])
    known = tree.games[game]["considered"] if node == 0 else here["known"]
    count = min(count, int(known))
    return {
        int(edge["action"]): (
            int(edge["visits"]),
            float(edge["value"]) / int(edge["visits"]),
            as_tree(tree, game, int(edge["child"])),
        )
        for edge in tree.edges[game, first : first + count]
        if edge["visits"] > 0
    }


def as_plain_tree(node):
    return {
        action: (edge.visits, edge.q, as_plain_tree(edge.child))
        for action, edge in node.edges.items()
        if edge.visits
    }


def same(tree, plain):
    """Whether both have the same visits everywhere, and Q to single precision."""
    return tree.keys() == plain.keys() and all(
        tree[action][0] == plain[action][0]
        and abs(tree[action][1] - plain[action][1]) < 1e-4
        and same(tree[action][2], plain[action][2])
        for action in tree
    )


def refills_of(seed):
    """Deals as a search with that stream and without noise does."""
    stream, scratch = np.array([seed], np.uint64), np.zeros(1, np.uint64)
    return lambda state: refill_canonical(state, np.uint64(next_bits(stream)), scratch)


@pytest.mark.parametrize("case", CASES)
def test_the_trees_are_those_of_a_plain_search(case):
    """Single precision may decide a near tie differently: one tree in twelve may differ."""
    settings, players, noise = CASES[case]
    states = positions(players)
    evaluator = ScatteredEvaluator(GAMES, players)
    simulations = 60
    search = search_trees(states, evaluator, simulations, settings, noise=noise, players=players)
    tree = search.tree
    alone = evaluate_alone(ScatteredEvaluator(1, players), players)
    plains, equal = [], []
    for game, state in enumerate(states):
        edges = root_edges(tree, game)
        actions = [int(edge["action"]) for edge in edges]
        scores = priors = None
        if noise and settings.gumbel:
            scores = dict.fromkeys(actions, -math.inf)
            considered = int(tree.games[game]["considered"])
            scores |= zip(actions[:considered], map(float, tree.gumbel[game]), strict=False)
        elif noise:
            priors = dict(zip(actions, map(float, edges["prior"]), strict=True))
        refill = refills_of(game) if settings.sampled_chance else None
        plains.append(PlainSearch(state, alone, simulations, settings, priors, scores, refill))
        equal.append(same(as_tree(tree, game), as_plain_tree(plains[game].root)))
    assert np.mean(equal) >= 1 - 1 / 12

    actions = np.empty(GAMES, np.int32)
    policies = np.empty((GAMES, evaluator(search.observations)[0].shape[1]), np.float32)
    values = np.empty(GAMES, np.float32)
    _finish_all(tree, settings, actions, policies, values)
    for game in np.flatnonzero(equal):
        root = plains[game].root
        assert values[game] == pytest.approx(mixed_value(root), abs=1e-4)
        if settings.gumbel:
            expected = improved_policy(root, settings)
            if not noise:
                assert actions[game] == plains[game].choice()
        else:
            expected = {action: edge.visits / root.visits for action, edge in root.edges.items()}
            assert expected[actions[game]] == max(expected.values())
        dense = np.zeros(policies.shape[1])
        dense[list(expected)] = list(expected.values())
        np.testing.assert_allclose(policies[game], dense, rtol=2e-3, atol=2e-6)
