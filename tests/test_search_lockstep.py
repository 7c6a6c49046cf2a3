"""`LockstepSearch`: one position's result is its own business, whatever is searched beside it."""

import numpy as np
import pytest
from search_lab import FixedEvaluator, ScatteredEvaluator, moves_of, opening, random_game

from azul_tui.game.state import GameState
from azul_tui.players.network import NetworkPlayer
from azul_tui.search.search import LockstepSearch
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
    seeds = np.arange(len(states), dtype=np.uint64) + np.uint64(100)
    together = LockstepSearch(len(states), 24, settings, players).run(
        states, ScatteredEvaluator(len(states), players), seeds=seeds, noise=1.0
    )
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
def test_positions_given_are_not_changed(settings):
    states = some_positions()
    before = states.copy()
    LockstepSearch(len(states), 8, settings).run(states, ScatteredEvaluator(len(states)))
    np.testing.assert_array_equal(states, before)


@EVERY
def test_no_position_is_asked_about_that_is_not_needed(settings):
    states = some_positions()
    result = LockstepSearch(len(states), 20, settings).run(states, ScatteredEvaluator(len(states)))
    assert len(states) < result.evaluations <= 21 * len(states)


@EVERY
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_broken_network_gets_a_legal_move_and_no_crash(settings, broken):
    """Weights that have run away answer NaN; that must not reach into foreign memory."""
    states = some_positions()
    games = len(states)
    logits = np.where(np.arange(180) % 3 == 0, broken, 0.0)
    for shown in (logits, np.zeros(180)):
        evaluator = FixedEvaluator(games, shown, lambda rows: np.full(len(rows), broken))
        with np.errstate(all="ignore"):
            result = LockstepSearch(games, 20, settings).run(states, evaluator, noise=1.0)
        for state, action in zip(states, result.actions, strict=True):
            assert action in moves_of(state)


@EVERY
def test_more_positions_than_places_are_refused(settings):
    states = some_positions()
    search = LockstepSearch(4, 8, settings)
    with pytest.raises(ValueError, match="at most 4 positions at once"):
        search.run(states, ScatteredEvaluator(4))


def test_a_position_without_a_move_is_refused():
    game = GameState.new(2, seed=1)
    while game.phase == "moving":
        game.apply(int(game.legal_actions()[0]), refill=False)
    search = LockstepSearch(2, 8, SearchSettings())
    with pytest.raises(ValueError, match="position 1 has no move to make"):
        search.run(np.stack([opening(2), game.array]), ScatteredEvaluator(2))


@pytest.mark.parametrize("simulations", [0, 12])
def test_the_network_player_chooses_alike_however_its_games_are_batched(simulations):
    states = some_positions()
    seeds = np.arange(len(states), dtype=np.uint64)
    settings = SETTINGS["sampled"]
    whole = NetworkPlayer(ScatteredEvaluator(64), simulations, settings).choose(states, seeds)
    pieces = NetworkPlayer(ScatteredEvaluator(5), simulations, settings).choose(states, seeds)
    assert whole.tolist() == pieces.tolist()
    assert all(move in moves_of(state) for move, state in zip(whole, states, strict=True))
    player = NetworkPlayer(ScatteredEvaluator(5), simulations, settings)
    first = player.choose(states, seeds, deterministic=True)
    assert first.tolist() == player.choose(states, seeds, deterministic=True).tolist()
