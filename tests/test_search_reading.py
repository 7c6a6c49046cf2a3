"""Reading a searched tree for people: the kernels' numbers, on the factories of the table."""

from __future__ import annotations

import numpy as np
import pytest
from search_lab import ScatteredEvaluator, opening, random_game

from azul_tui.game.constants import factory_count
from azul_tui.game.rules import apply_canonical, is_legal
from azul_tui.game.state import GameState
from azul_tui.search.reading import FactoryOrder, read_root
from azul_tui.search.search import LockstepSearch
from azul_tui.search.select import SearchSettings

GUMBEL = SearchSettings(c_scale=0.3)
SETTINGS = {
    "gumbel": GUMBEL,
    "puct": SearchSettings(gumbel=False),
    "sampled": SearchSettings(c_scale=0.3, sampled_chance=True),
}
EVERY = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)


def order_of(players):
    return FactoryOrder(range(factory_count(players)))


def games(players, seed):
    """Positions of a random game as on a table, factories anywhere."""
    rng = np.random.default_rng(seed)
    game = GameState.new(players, seed)
    while not game.is_over:
        yield game.copy()
        legal = game.legal_actions()
        game.apply(int(legal[rng.integers(len(legal))]))


@EVERY
@pytest.mark.parametrize("players", [2, 3])
def test_policy_value_and_choice_are_those_of_the_kernels(settings, players):
    states = np.stack(random_game(players, 4)[::5])
    search = LockstepSearch(len(states), 40, settings, players)
    result = search.run(states, ScatteredEvaluator(len(states), players))
    for game in range(len(states)):
        reading = read_root(search.tree, settings, order_of(players), game=game)
        assert reading.value == pytest.approx(result.values[game], abs=1e-5)
        assert reading.simulations == 40
        assert reading.moves[0].canonical == result.actions[game]
        assert sum(move.prior for move in reading.moves) == pytest.approx(1, abs=1e-5)
        visits = [move.visits for move in reading.moves]
        assert visits == sorted(visits, reverse=True)
        for move in reading.moves:
            learnt = result.policies[game, move.canonical]
            assert move.policy == pytest.approx(learnt, abs=2e-5)
            if move.visits == 0:
                assert move.value is None
                assert move.completed_q == pytest.approx(reading.value)
                assert move.line == (move.action,)


@EVERY
@pytest.mark.parametrize("players", [2, 4])
def test_every_line_can_be_played_on_the_table_within_the_round(settings, players):
    longest = 0
    for game in list(games(players, 7))[::9]:
        canonical, order = game.canonical()
        search = LockstepSearch(1, 60, settings, players)
        search.run(canonical.array[None, :], ScatteredEvaluator(1, players))
        reading = read_root(search.tree, settings, FactoryOrder(order))
        for move in reading.moves:
            assert move.line[0] == move.action
            table = game.copy()
            for action in move.line:
                assert table.phase == "moving", "the line goes on behind the end of the round"
                table.apply(action, refill=False)
            longest = max(longest, len(move.line))
    assert longest >= 3


@pytest.mark.parametrize("players", [2, 3, 4])
def test_following_canonical_moves_plays_the_same_game_on_the_table(players):
    rng = np.random.default_rng(players)
    for game in list(games(players, 11))[::3]:
        canonical, places = game.canonical()
        order, state, table = FactoryOrder(places), canonical.array, game
        while table.phase == "moving":
            legal = canonical.legal_actions() if state is canonical.array else None
            actions = [a for a in range(6 * 5 * (factory_count(players) + 1)) if is_legal(state, a)]
            assert legal is None or actions == legal.tolist()
            action = actions[rng.integers(len(actions))]
            on_table = order.table_action(action)
            assert order.canonical_action(on_table) == action
            assert order.copy().follow(action) == on_table == order.follow(action)
            table.apply(on_table, refill=False)
            state = state.copy()
            apply_canonical(state, action)
        assert GameState(state) == table


class StopError(Exception):
    pass


@EVERY
@pytest.mark.parametrize("lanes", [1, 8])
@pytest.mark.parametrize("patience", [1, 2, 9])
def test_an_interrupted_search_is_read_as_far_as_it_came(settings, patience, lanes):
    search = LockstepSearch(1, 50, settings, 2, lanes)
    answer = ScatteredEvaluator(lanes)
    asked = []

    def impatient(observations):
        asked.append(1)
        if len(asked) > patience:
            raise StopError
        return answer(observations)

    impatient.batch_size = lanes
    with pytest.raises(StopError):
        search.run(opening(2, 3)[None, :], impatient)
    reading = read_root(search.tree, settings, order_of(2))
    done = reading.simulations
    if lanes == 1 or not settings.gumbel:
        assert done == patience - 1
    else:
        assert done == {1: 0, 2: 8, 9: 40}[patience], "rounds of 16, 8, 4, 4, 4, 2, 2"
    assert np.isfinite(reading.seats).all()
    assert reading.seats[0] == pytest.approx(-reading.seats[1])
    assert sum(move.visits for move in reading.moves) == done
    assert all(abs(move.value or 0.0) <= 1.0 for move in reading.moves)
    assert sum(move.policy for move in reading.moves) == pytest.approx(1)


def test_seats_of_three_players_are_the_mean_of_what_was_evaluated():
    search = LockstepSearch(1, 20, GUMBEL, 3)
    search.run(opening(3, 2)[None, :], ScatteredEvaluator(1, 3))
    reading = read_root(search.tree, GUMBEL, order_of(3))
    nodes = np.asarray(search.tree.nodes)[0]["seats"][:21, 1]
    assert reading.seats[0] == reading.value
    assert reading.seats[1] == pytest.approx(nodes.mean())


@EVERY
def test_memory_that_was_never_written_is_never_read(settings):
    """Fresh arrays hold anything, signalling NaNs too."""
    search = LockstepSearch(1, 20, settings)
    for records in (search.tree.edges, search.tree.nodes):
        np.asarray(records).view(np.uint32)[:] = 0x7FA00000
    search.run(opening(2, 3)[None, :], ScatteredEvaluator(1))
    reading = read_root(search.tree, settings, order_of(2))
    numbers = [(move.prior, move.completed_q, move.policy) for move in reading.moves]
    assert np.isfinite([*reading.seats, *np.ravel(numbers)]).all()
