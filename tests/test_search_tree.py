"""The trees against those of `plain_search`, simulation for simulation, and their edges."""

import math

import numpy as np
import pytest
from plain_search import PlainSearch, evaluate_alone, improved_policy, mixed_value
from search_lab import (
    ScatteredEvaluator,
    moves_of,
    opening,
    random_game,
    root_edges,
    search_trees,
)

from azul_tui.game.random import next_bits
from azul_tui.game.rules import refill_canonical, sort_factories, sources_offset
from azul_tui.game.state import GameState
from azul_tui.search.search import ConstantEvaluator, LockstepSearch
from azul_tui.search.select import SearchSettings
from azul_tui.search.tree import most_legal_moves

GAMES = 24
GUMBEL = SearchSettings(c_scale=0.3)
PUCT = SearchSettings(gumbel=False)
BOTH = pytest.mark.parametrize("settings", [GUMBEL, PUCT], ids=["gumbel", "puct"])
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
    return {
        int(edge["action"]): (
            int(edge["visits"]),
            float(edge["value"]) / int(edge["visits"]),
            as_tree(tree, game, int(edge["child"])),
        )
        for edge in tree.edges[game, first : first + min(count, int(known))]
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


def compare(states, simulations, settings, players=2, noise=0.0):
    """Search by the kernels and plainly; whether each tree is the same, and what was searched."""
    games = len(states)
    evaluator = ScatteredEvaluator(games, players)
    search = LockstepSearch(games, simulations, settings, players)
    search_trees(states, evaluator, simulations, settings, noise=noise, search=search)
    tree = search.tree
    alone = evaluate_alone(ScatteredEvaluator(1, players), players)
    plains, equal = [], []
    for game, state in enumerate(states):
        edges = root_edges(tree, game)
        actions = edges["action"].tolist()
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
        assert tree.games[game]["done"] == simulations
        for node in range(int(tree.games[game]["nodes"])):
            assert GameState(tree.states[game, node]).violations() == []
    return search, plains, np.array(equal)


@pytest.mark.parametrize("case", CASES)
def test_the_trees_are_those_of_a_plain_search(case):
    """Single precision may decide a near tie differently: one tree in twelve may differ."""
    settings, players, noise = CASES[case]
    states = positions(players)
    search, plains, equal = compare(states, 60, settings, players, noise)
    assert np.mean(equal) >= 1 - 1 / 12
    seeds = np.arange(GAMES, dtype=np.uint64)
    result = search.run(states, ScatteredEvaluator(GAMES, players), seeds=seeds, noise=noise)
    for game in np.flatnonzero(equal):
        root = plains[game].root
        assert result.values[game] == pytest.approx(mixed_value(root), abs=1e-4)
        if settings.gumbel:
            expected = improved_policy(root, settings)
            if not noise:
                assert result.actions[game] == plains[game].choice()
        else:
            expected = {action: edge.visits / root.visits for action, edge in root.edges.items()}
            assert expected[result.actions[game]] == max(expected.values())
        dense = np.zeros(result.policies.shape[1])
        dense[list(expected)] = list(expected.values())
        np.testing.assert_allclose(result.policies[game], dense, rtol=2e-3, atol=2e-6)


def widest_opening():
    """Five factories of four different colours each, all different: 120 legal moves."""
    state = opening(2)
    at = sources_offset(state)
    state[at : at + 30] = 0
    for factory in range(5):
        for color in range(5):
            state[at + 5 * factory + color] = int(color != factory)
    state[8:13] = 16  # the bag
    sort_factories(state, np.empty(6, np.int64))
    return state


@BOTH
def test_the_widest_opening_fits_and_no_position_has_more_moves(settings):
    state = widest_opening()
    assert GameState(state).violations() == []
    assert len(moves_of(state)) == most_legal_moves(2) == 120
    _, _, equal = compare(state[None], 400, settings._replace(max_considered_actions=300))
    assert equal.all()
    for players in (2, 3, 4):
        games = [random_game(players, seed) for seed in range(10)]
        most = max(len(moves_of(state)) for game in games for state in game)
        assert most <= most_legal_moves(players)


@BOTH
def test_forced_moves_few_simulations_and_few_considered_are_searched_like_any_other(settings):
    forced = [s for seed in range(20) for s in random_game(2, seed, 0.5) if len(moves_of(s)) == 1]
    _, _, equal = compare(np.stack(forced[:6]), 50, settings)
    assert equal.all()
    openings = np.stack([opening(2, seed) for seed in range(4)])
    for simulations in (1, 2, 3):
        assert compare(openings, simulations, settings)[2].all()
    for considered in (1, 300):
        few = settings._replace(max_considered_actions=considered)
        assert compare(openings, 20, few)[2].all()


@BOTH
def test_the_rest_of_a_round_may_fit_into_the_budget(settings):
    """All of it is expanded, and simulations go on over known leaves without end or loss."""
    late = np.stack(
        [
            next(state for state in reversed(random_game(2, seed)) if 2 <= state[7] <= 4)
            for seed in range(8)
        ]
    )
    settings = settings._replace(c_scale=0.001, c_puct=100.0)
    search, _, equal = compare(late, 600, settings)
    assert equal.mean() >= 0.75
    tree, whole = search.tree, 0
    for game in range(8):
        count = int(tree.games[game]["nodes"])
        sizes = tree.nodes[game, :count]["edges"]
        whole += sizes[sizes > 0].sum() == count - 1
    assert whole >= 5, "most of these rounds are small enough to be seen whole"


def test_equal_priors_are_considered_in_order_of_action():
    """Play without noise is decided by the lowest action; also where single precision rounds."""
    states = np.stack([state for seed in range(6) for state in random_game(2, seed)[::3]])
    tree = search_trees(states, ConstantEvaluator(len(states)), 8, GUMBEL).tree
    for game, state in enumerate(states):
        considered = int(tree.games[game]["considered"])
        assert tree.edges[game, :considered]["action"].tolist() == moves_of(state)[:considered]
