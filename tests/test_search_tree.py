"""What must hold in every tree, looked at node by node after searches of real positions."""

import numpy as np
import pytest
from search_lab import ScatteredEvaluator, after, moves_of, opening, random_game, search_trees

from azul_tui.game.constants import AFTERSTATE, MOVING, OVER, PHASE, TO_MOVE, source_count
from azul_tui.game.rules import sort_factories, sources_offset
from azul_tui.game.state import GameState
from azul_tui.search.lockstep import LockstepSearch
from azul_tui.search.settings import ConstantEvaluator, SearchSettings
from azul_tui.search.tree import most_legal_moves

GUMBEL = SearchSettings(c_scale=0.3)
PUCT = SearchSettings(gumbel=False)
BOTH = pytest.mark.parametrize("settings", [GUMBEL, PUCT], ids=["gumbel", "puct"])


def check_state(state, parent, action, sampled):
    """A node's position is canonical, possible, and what the move above it leads to."""
    sorted_state = state.copy()
    sort_factories(sorted_state, np.empty(source_count(int(state[0])), np.int64))
    assert sorted_state.tolist() == state.tolist()
    assert GameState(state).violations() == []
    behind = after(parent, action)
    if not (sampled and behind[PHASE] == AFTERSTATE):
        assert behind.tolist() == state.tolist()
    assert state[PHASE] != AFTERSTATE or not sampled


def check_root(tree, settings, game, edges):
    """Visited edges first; with Gumbel the considered ones, best score first, lowest action next.

    Without noise the score is the logarithm of the prior.
    """
    considered = int(tree.games[game]["considered"])
    visits = edges["visits"][:considered]
    if not settings.gumbel:
        assert considered == tree.nodes[game, 0]["known"]
        assert (visits > 0).all()
        return visits
    assert considered == min(settings.max_considered_actions, len(edges))
    scores = tree.gumbel[game, :considered]
    assert (np.diff(scores) <= 0).all()
    if tree.games[game]["noise"] == 0.0:
        np.testing.assert_allclose(scores, np.log(edges["prior"][:considered]), atol=1e-5)
        order = np.lexsort((edges["action"], -edges["prior"]))
        assert order[:considered].tolist() == list(range(considered))
    plan = int(tree.games[game]["plan"])
    sequence = tree.schedule[plan, considered, : int(tree.games[game]["budget"])]
    expected = np.zeros(considered, int)
    for wanted in sequence:
        expected[np.flatnonzero(expected == wanted)[0]] += 1
    assert sorted(visits) == sorted(expected)
    return visits


def check_tree(tree, settings, game, players):
    """Every invariant of one game's tree; returns how many nodes it has."""
    record = tree.games[game]
    count = int(record["nodes"])
    assert 1 < count <= tree.states.shape[1]
    assert record["done"] == record["budget"]
    assert record["pending"] == -1
    assert record["edges"] <= tree.edges.shape[1]
    owners = np.zeros(int(record["edges"]), int)
    parents = np.zeros(count, int)
    for node in range(count):
        here = tree.nodes[game, node]
        state = tree.states[game, node]
        assert np.abs(here["seats"][:players]).max() <= 1.0
        assert here["value"] == here["seats"][state[TO_MOVE]]
        assert here["mover"] == state[TO_MOVE]
        if here["edges"] == 0:
            assert state[PHASE] in (AFTERSTATE, OVER)
            continue
        assert state[PHASE] == MOVING
        first, size = int(here["first"]), int(here["edges"])
        owners[first : first + size] += 1
        edges = tree.edges[game, first : first + size]
        assert sorted(edges["action"].tolist()) == moves_of(state)
        assert edges["prior"].sum() == pytest.approx(1.0, abs=1e-5)
        assert edges["prior"].min() > 0.0
        known = int(here["known"])
        if node == 0:
            visits = check_root(tree, settings, game, edges)
            assert record["done"] == visits.sum()
        else:
            visits = edges["visits"][:known]
            assert (visits > 0).all()
        if known < size and (node or not settings.gumbel):
            assert edges["prior"][known] == edges["prior"][known:].max()
        assert here["visits"] == visits.sum()
        for edge in edges[: len(visits)][visits > 0]:
            child = int(edge["child"])
            assert 0 < child < count
            parents[child] += 1
            behind = tree.nodes[game, child]
            check_state(
                tree.states[game, child], state, int(edge["action"]), settings.sampled_chance
            )
            if behind["edges"] > 0:
                assert edge["visits"] == behind["visits"] + 1
            assert abs(edge["value"]) <= edge["visits"] * (1 + 1e-5)
            check_value(tree, game, here, edge, behind, players)
    assert (owners == 1).all(), "each edge belongs to one node"
    assert parents[0] == 0 and (parents[1:] == 1).all(), "each node is the child of one edge"
    return count


def check_value(tree, game, here, edge, behind, players):
    """Two players: what was backed up through an edge is what its child holds, sign and all."""
    if players != 2:
        return
    own = behind["seats"][here["mover"]]
    if behind["edges"] == 0:
        total = own * edge["visits"]
    else:
        first, known = int(behind["first"]), int(behind["known"])
        below = tree.edges[game, first : first + known]["value"].sum()
        total = own + (below if behind["mover"] == here["mover"] else -below)
    assert edge["value"] == pytest.approx(total, abs=1e-4 + 1e-5 * edge["visits"])


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


def one_move_positions(count):
    """Positions with a single legal move that does not end the game."""
    found = []
    seed = 0
    while len(found) < count:
        found += [state for state in random_game(2, seed, 0.5) if len(moves_of(state)) == 1]
        seed += 1
    return found[:count]


@BOTH
@pytest.mark.parametrize("players", [2, 3, 4])
@pytest.mark.parametrize("sampled", [False, True])
def test_invariants_all_over_real_games(settings, players, sampled):
    """One search memory for many positions, as in self-play."""
    settings = settings._replace(sampled_chance=sampled)
    search = LockstepSearch(4, 40, settings, players)
    evaluator = ScatteredEvaluator(4, players)
    games = [random_game(players, seed) for seed in range(4)]
    rng = np.random.default_rng(0)
    for share in (0.0, 0.15, 0.3, 0.7, 0.97):
        states = np.stack([game[int(share * len(game))] for game in games])
        seeds = rng.integers(0, 2**63, 4).astype(np.uint64)
        noise = float(rng.integers(2))
        search_trees(states, evaluator, 40, settings, noise=noise, seeds=seeds, search=search)
        for game in range(4):
            check_tree(search.tree, settings, game, players)
        result = search.run(states, evaluator, seeds=seeds, noise=1.0)
        for game, state in enumerate(states):
            assert result.actions[game] in moves_of(state)
            legal = np.zeros(result.policies.shape[1], bool)
            legal[moves_of(state)] = True
            assert (result.policies[game][~legal] == 0.0).all()
            assert result.policies[game].sum() == pytest.approx(1.0, abs=1e-5)
            assert abs(result.values[game]) <= 1.0


@BOTH
def test_the_widest_opening_fits_for_hundreds_of_simulations(settings):
    state = widest_opening()
    assert GameState(state).violations() == []
    assert len(moves_of(state)) == most_legal_moves(2) == 120
    settings = settings._replace(max_considered_actions=300)
    tree = search_trees(state[None], ScatteredEvaluator(1), 400, settings).tree
    assert check_tree(tree, settings, 0, 2) == 401
    # The neighbours of a full tree stay as they are.
    assert tree.games[0]["edges"] <= 401 * 120


def test_no_position_has_more_moves_than_there_is_room_for():
    for players in (2, 3, 4):
        most = max(
            len(moves_of(state)) for seed in range(10) for state in random_game(players, seed)
        )
        assert most <= most_legal_moves(players)


@BOTH
def test_a_forced_move_is_searched_like_any_other(settings):
    states = np.stack(one_move_positions(6))
    tree = search_trees(states, ScatteredEvaluator(6), 50, settings).tree
    for game in range(6):
        check_tree(tree, settings, game, 2)
        first = int(tree.nodes[game, 0]["first"])
        assert tree.edges[game, first]["visits"] == 50


@BOTH
def test_the_rest_of_a_round_may_fit_into_the_budget(settings):
    """All of it is expanded, and simulations go on over known leaves without end or loss."""
    late = [
        next(state for state in reversed(random_game(2, seed)) if 2 <= state[7] <= 4)
        for seed in range(8)
    ]
    settings = settings._replace(c_scale=0.001, c_puct=100.0)
    tree = search_trees(np.stack(late), ScatteredEvaluator(8), 1500, settings).tree
    whole = 0
    for game in range(8):
        count = check_tree(tree, settings, game, 2)
        sizes = tree.nodes[game, :count]
        whole += sizes["edges"][sizes["edges"] > 0].sum() == count - 1
    assert whole >= 6, "most of these rounds are small enough to be seen whole"


@pytest.mark.parametrize("simulations", [1, 2, 3])
@BOTH
def test_few_simulations(settings, simulations):
    states = np.stack([opening(2, 0), opening(2, 1)])
    tree = search_trees(states, ScatteredEvaluator(2), simulations, settings).tree
    for game in range(2):
        check_tree(tree, settings, game, 2)


def test_most_considered_actions_may_be_more_than_there_are():
    settings = GUMBEL._replace(max_considered_actions=1)
    tree = search_trees(opening(2)[None], ScatteredEvaluator(1), 20, settings).tree
    check_tree(tree, settings, 0, 2)
    settings = GUMBEL._replace(max_considered_actions=300)
    tree = search_trees(opening(2)[None], ScatteredEvaluator(1), 20, settings).tree
    check_tree(tree, settings, 0, 2)


def test_equal_priors_are_considered_in_order_of_action():
    """Play without noise is decided by the lowest action; also where single precision rounds."""
    states = np.stack([state for seed in range(6) for state in random_game(2, seed)[::3]])
    tree = search_trees(states, ConstantEvaluator(len(states)), 8, GUMBEL).tree
    for game, state in enumerate(states):
        considered = int(tree.games[game]["considered"])
        assert tree.edges[game, :considered]["action"].tolist() == moves_of(state)[:considered]
