"""`LockstepSearch`: one position's result is its own business, and the end of a game is exact."""

import numpy as np
import pytest
from search_lab import (
    FixedEvaluator,
    ScatteredEvaluator,
    after,
    moves_of,
    opening,
    random_game,
    root_q,
    search_trees,
)

from azul_tui.game.constants import OVER, PHASE, action_count, factory_count, source_count
from azul_tui.game.rules import sort_factories
from azul_tui.game.state import GameState
from azul_tui.search.search import LockstepSearch, final_values
from azul_tui.search.select import SearchSettings

SETTINGS = {
    "gumbel": SearchSettings(c_scale=0.3),
    "puct": SearchSettings(gumbel=False),
    "sampled": SearchSettings(c_scale=0.3, sampled_chance=True),
}
EVERY = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)


def some_positions(players=2):
    return np.stack([state for seed in range(3) for state in random_game(players, seed)[::6]])


@EVERY
@pytest.mark.parametrize("players", [2, 3])
def test_a_result_does_not_depend_on_the_rest_of_the_batch(settings, players):
    states = some_positions(players)
    before = states.copy()
    seeds = np.arange(len(states), dtype=np.uint64) + np.uint64(100)
    together = LockstepSearch(len(states), 24, settings, players).run(
        states, ScatteredEvaluator(len(states), players), seeds=seeds, noise=1.0
    )
    assert len(states) < together.evaluations <= 25 * len(states)
    np.testing.assert_array_equal(states, before)
    for batch_size in (1, 7):
        evaluator = ScatteredEvaluator(batch_size, players)
        search = LockstepSearch(batch_size, 24, settings, players)
        order = np.random.default_rng(batch_size).permutation(len(states))
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            alone = search.run(states[rows], evaluator, seeds=seeds[rows], noise=1.0)
            np.testing.assert_array_equal(alone.actions, together.actions[rows])
            np.testing.assert_array_equal(alone.policies, together.policies[rows])
            np.testing.assert_array_equal(alone.values, together.values[rows])


@EVERY
@pytest.mark.parametrize("players", [2, 3])
@pytest.mark.parametrize(("simulations", "considered"), [(37, 16), (64, 5), (300, 16), (20, 300)])
def test_leaves_of_a_round_evaluated_at_once_make_the_same_tree(
    settings, players, simulations, considered
):
    """Danihelka et al. (2022): no simulation of a round of halving hangs on another of it."""
    settings = settings._replace(max_considered_actions=considered)
    states = some_positions(players)[:24]
    games = len(states)
    seeds = np.arange(games, dtype=np.uint64)
    trees = []
    for lanes in (1, 3, 16):
        evaluator = ScatteredEvaluator(games * lanes, players)
        search = LockstepSearch(games, simulations, settings, players, lanes)
        result = search.run(states, evaluator, seeds=seeds, noise=1.0)
        tree, used = search.tree, search.tree.games["nodes"]
        trees.append(
            [
                result.actions.tolist(),
                result.policies.tobytes(),
                result.values.tobytes(),
                result.evaluations,
                tree.games.tobytes(),
                *(tree.states[game, : used[game]].tobytes() for game in range(games)),
                *(sorted(root_q(tree, game).items()) for game in range(games)),
            ]
        )
    assert trees[0] == trees[1] == trees[2]


def test_a_round_of_halving_is_one_call_of_the_network():
    """64 simulations of 16 actions: rounds of 16, 8, 8, 4 of four and 8 of two, 8 at once."""
    evaluator = ScatteredEvaluator(8)
    LockstepSearch(1, 64, SETTINGS["gumbel"], 2, 8).run(opening(2)[None], evaluator)
    assert evaluator.calls == 1 + 2 + 2 + 4 + 8


@EVERY
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_broken_network_gets_a_legal_move_and_no_crash(settings, broken):
    """Weights that diverged answer NaN; that must not reach into foreign memory."""
    states = some_positions()
    games = len(states)
    logits = np.where(np.arange(180) % 3 == 0, broken, 0.0)
    for shown in (logits, np.zeros(180)):
        evaluator = FixedEvaluator(games, shown, lambda rows: np.full(len(rows), broken))
        with np.errstate(all="ignore"):
            result = LockstepSearch(games, 20, settings).run(states, evaluator, noise=1.0)
        for state, action in zip(states, result.actions, strict=True):
            assert action in moves_of(state)


def test_what_cannot_be_searched_is_refused():
    with pytest.raises(ValueError, match="at most 4 positions at once"):
        LockstepSearch(4, 8, SearchSettings()).run(some_positions(), ScatteredEvaluator(4))
    game = GameState.new(2, seed=1)
    while game.phase == "moving":
        game.apply(int(game.legal_actions()[0]), refill=False)
    search = LockstepSearch(2, 8, SearchSettings())
    with pytest.raises(ValueError, match="position 1 has no move to make"):
        search.run(np.stack([opening(2), game.array]), ScatteredEvaluator(2))


# The end of a game inside a search: exact values, shared victories, the tie-break

# Two walls with one complete row each, and no other bonus than theirs. Row r holds colour c at
# the column c + r, modulo five.
TOP_ROW = "BYRKW/...../...../...../....."
BOTTOM_ROW = "...../...../...../...../YRKWB"
TWO_ROWS = "BYRKW/WBYRK/...../...../....."
NO_ROW = "...../...../...../...../....."


def finished(*seats, round_number=5):
    """A finished game of `(score, wall)` seats, as it stands after the bonuses."""
    players = len(seats)
    boards = " ".join(f"{score},-/-/-/-/-,{wall},-" for score, wall in seats)
    empty = "/".join(["-"] * factory_count(players))
    text = f"azul{players} r{round_number} move:1 next:1 {empty} - bag:- lid:- {boards}"
    state = GameState.parse(text).array.copy()
    state[PHASE] = OVER
    return state


@pytest.mark.parametrize(
    ("seats", "values"),
    [
        ([(31, TOP_ROW), (30, NO_ROW)], [1, -1]),
        ([(30, TOP_ROW), (131, NO_ROW)], [-1, 1]),
        ([(30, TOP_ROW), (30, BOTTOM_ROW)], [0, 0]),
        ([(30, TOP_ROW), (30, TWO_ROWS)], [-1, 1]),
        ([(30, NO_ROW), (30, TOP_ROW)], [-1, 1]),
        ([(0, NO_ROW), (0, NO_ROW)], [0, 0]),
        ([(30, TOP_ROW), (30, NO_ROW), (29, TWO_ROWS)], [1, -1, -1]),
        ([(30, TOP_ROW), (29, NO_ROW), (30, BOTTOM_ROW)], [0, -1, 0]),
        ([(30, TOP_ROW)] * 3, [-1 / 3] * 3),
        ([(8, NO_ROW), (9, NO_ROW), (9, TOP_ROW), (9, TWO_ROWS)], [-1, -1, -1, 1]),
        ([(8, NO_ROW), (9, TOP_ROW), (9, TOP_ROW), (9, NO_ROW)], [-1, 0, 0, -1]),
        ([(9, TOP_ROW), (9, TOP_ROW), (9, TOP_ROW), (3, TOP_ROW)], [-1 / 3] * 3 + [-1]),
        ([(9, TOP_ROW)] * 4, [-1 / 2] * 4),
    ],
)
def test_a_finished_game_is_worth_twice_the_share_of_the_win_less_one(seats, values):
    state = finished(*seats)
    found = np.zeros(len(seats), np.float32)
    final_values(state, found)
    assert found.tolist() == pytest.approx(values, abs=1e-7)
    winners = GameState(state).winners
    assert winners == tuple(seat for seat, value in enumerate(values) if value > -1)


def last_tile(scores, players):
    """One blue tile is left; laid on line 1 it completes the mover's top row and ends the game.

    The mover then gets 5 points and 2 for the row; on the floor the tile costs 1 point and the
    game goes on to an afterstate.
    """
    boards = [f"{scores[0]},-/-/-/-/-,.YRKW/...../...../...../.....,-"]
    boards += [f"{score},-/-/-/-/-,{NO_ROW},-" for score in scores[1:]]
    empty = "/".join(["-"] * factory_count(players))
    # The marker is gone already, so that it costs nobody a slot.
    text = f"azul{players} r3 move:1 next:2 {empty} B1 bag:B8Y8R8K8W8 lid:- {' '.join(boards)}"
    state = GameState.parse(text).array.copy()
    sort_factories(state, np.empty(source_count(players), np.int64))
    return state


@pytest.mark.parametrize("gumbel", [True, False])
@pytest.mark.parametrize(
    ("scores", "value"),
    [
        ((10, 16), 1.0),
        ((10, 18), -1.0),
        ((10, 17), 1.0),  # level at 17: the complete row decides
        ((10, 16, 16), 1.0),
        ((10, 30, 16), -1.0),
        ((10, 17, 17, 3), 1.0),
        ((10, 3, 17, 18), -1.0),
    ],
)
def test_a_search_scores_the_end_of_the_game_exactly(gumbel, scores, value):
    """The evaluator calls everything lost; the move that ends the game is not asked about."""
    players = len(scores)
    state = last_tile(scores, players)
    asked = []

    def values(observations):
        asked.append(len(observations))
        shape = (len(observations), 1 if players == 2 else players)
        return np.full(shape, -0.25 if players > 2 else 0.25)

    evaluator = FixedEvaluator(1, np.zeros(action_count(players)), values, players)
    settings = SearchSettings(gumbel=gumbel, c_puct=50.0)
    tree = search_trees(state[None], evaluator, 40, settings, players=players).tree
    moves = moves_of(state)
    endings = [move for move in moves if after(state, move)[PHASE] == OVER]
    assert len(endings) == 1
    q = root_q(tree)
    assert q[endings[0]] == value
    assert all(abs(q[move]) == 0.25 for move in moves if move in q and move not in endings)
    assert len(asked) == len(moves), "the root and every move but the one that ends the game"


def test_a_shared_victory_inside_a_search_is_worth_nothing_to_two_players():
    """Both complete a row; the mover's last tile makes the scores level."""
    boards = f"10,-/-/-/-/-,.YRKW/...../...../...../.....,- 15,B1/-/-/-/-,{BOTTOM_ROW},-"
    text = f"azul2 r3 move:1 next:2 -/-/-/-/- B1 bag:B8Y8R8K8W8 lid:- {boards}"
    state = GameState.parse(text).array.copy()
    # Mover: 10 + 5 + 2. Other: 15 + 1 - nothing, + 2 for its row = 18: one more than the mover.
    end = after(state, moves_of(state)[0])
    assert end[PHASE] == OVER
    assert GameState(end).scores == (17, 18)
    state = GameState.parse(text.replace("15,B1", "14,B1")).array.copy()
    evaluator = FixedEvaluator(1, np.zeros(180))
    tree = search_trees(state[None], evaluator, 20, SearchSettings()).tree
    ending = moves_of(state)[0]
    assert GameState(after(state, ending)).winners == (0, 1)
    assert root_q(tree)[ending] == 0.0
