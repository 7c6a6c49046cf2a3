"""What positions are taught besides outcomes: afterstates by several refills."""

from __future__ import annotations

import numpy as np
import pytest
from search_lab import ScatteredEvaluator
from tiny_training import resume, state_of, tiny, train

from azul_tui.game.constants import AFTERSTATE, PHASE, state_size
from azul_tui.game.observation import write_observation
from azul_tui.search.select import SearchSettings
from azul_tui.training.afterstate_targets import afterstate_rows, average_refills, place_in_game
from azul_tui.training.self_play import PlaySettings, SelfPlay

RULES = PlaySettings(
    seed=np.uint64(5),
    simulations=6,
    fast_simulations=3,
    full_search_fraction=1.0,
    temperature=1.0,
    temperature_threshold=20,
    value_target_mix=0.0,
    value_target_lambda=1.0,
)


def play(players=2, places=4, games=5, **options):
    game_player = SelfPlay(
        ScatteredEvaluator(places, players), SearchSettings(), RULES, players, **options
    )
    return game_player.play(np.arange(games))


# Afterstates


def test_the_target_of_an_afterstate_is_the_mean_value_of_its_refills():
    plain, averaged = play(), play(afterstate_samples=7)
    rows = afterstate_rows(plain.states)
    assert len(rows) > 10
    others = np.setdiff1d(np.arange(len(plain.states)), rows)
    np.testing.assert_array_equal(averaged.outcomes[others], plain.outcomes[others])
    assert (np.abs(plain.outcomes[rows]) == 1.0).any()
    assert (np.abs(averaged.outcomes[rows]) < 1.0).all()
    assert len(np.unique(averaged.outcomes[rows])) > len(rows) // 2


@pytest.mark.parametrize("players", [2, 3])
def test_more_refills_come_closer_to_the_mean_over_all(players):
    """Of 40 afterstates the means of 64 refills scatter an eighth as much as single ones."""
    batch = play(players, games=12)
    rows = afterstate_rows(batch.states)[:40]
    evaluator = ScatteredEvaluator(16, players)
    numbers = np.arange(len(rows))

    def scatter(samples):
        found = [
            average_refills(
                batch.states[rows],
                numbers,
                np.zeros_like(numbers),
                seed,
                samples,
                evaluator,
                players,
            )
            for seed in range(6)
        ]
        return float(np.std(np.stack(found), axis=0).mean())

    assert scatter(64) < 0.25 * scatter(1)


def test_a_refill_is_one_that_the_rules_could_deal():
    batch = play()
    row = int(afterstate_rows(batch.states)[0])
    seen = []

    class Watching(ScatteredEvaluator):
        def __call__(self, observations):
            seen.append(observations.copy())
            return super().__call__(observations)

    average_refills(batch.states[row : row + 1], np.array([3]), np.array([0]), 1, 5, Watching(4), 2)
    before = np.zeros(seen[0].shape[1], np.int8)
    write_observation(batch.states[row], before)
    dealt = np.concatenate(seen)[:5]
    assert len(np.unique(dealt[:, :60], axis=0)) == 5
    tiles = dealt[:, 30:60].sum(axis=1)
    assert (tiles == 20).all()
    assert (dealt[:, 62] == 0).all()
    assert before[62] == 1


@pytest.mark.parametrize("players", [2, 3])
def test_the_mean_is_over_the_values_of_all_refills_of_that_round_of_that_game(players):
    batch = play(players)
    rows = afterstate_rows(batch.states)[:3]
    seen, valued = [], []

    class Watching(ScatteredEvaluator):
        def __call__(self, observations):
            logits, values = super().__call__(observations)
            seen.append(observations.copy())
            valued.append(values.copy())
            return logits, values

    def refills(numbers, rounds):
        seen.clear()
        valued.clear()
        states, evaluator = batch.states[rows], Watching(4, players)
        found = average_refills(
            states, np.array(numbers), np.array(rounds), 1, 5, evaluator, players
        )
        values = np.concatenate(valued)[:15].reshape(3, 5, -1)
        np.testing.assert_allclose(found, values.mean(axis=1), atol=1e-6)
        return np.concatenate(seen)[:15].reshape(3, 5, -1)

    dealt = refills([0, 1, 2], [0, 0, 0])
    np.testing.assert_array_equal(refills([0, 1, 2], [0, 0, 0]), dealt)
    for other in (refills([0, 1, 2], [1, 1, 1]), refills([5, 6, 7], [0, 0, 0])):
        assert (other != dealt).any(axis=2).all()


def test_who_plays_beside_a_game_does_not_change_its_refills():
    one, other = play(places=2, afterstate_samples=3), play(places=7, afterstate_samples=3)
    np.testing.assert_array_equal(one.outcomes, other.outcomes)


def test_places_in_a_game_are_counted_from_its_first():
    assert place_in_game(np.array([4, 4, 4, 9, 2, 2])).tolist() == [0, 1, 2, 0, 0, 1]
    assert place_in_game(np.zeros(0, np.int64)).tolist() == []


def test_an_afterstate_is_known_by_its_phase():
    states = np.zeros((3, state_size(2)), np.int8)
    states[1, PHASE] = AFTERSTATE
    assert afterstate_rows(states).tolist() == [1]


# In a run


EVERYTHING = {"afterstate_samples": 4, "mcts_simulations": 8}


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(folder, tiny(**EVERYTHING))
    return folder


def test_a_run_with_all_of_it_resumes_exactly(straight, tmp_path):
    folder = tmp_path / "run"
    train(folder, tiny(**EVERYTHING, max_iterations=2))
    resume(folder, tiny(**EVERYTHING))
    here, there = state_of(folder), state_of(straight)
    assert {part: here[part] for part in here if part != "events"} == {
        part: there[part] for part in there if part != "events"
    }


def test_workers_play_the_same_games(straight, tmp_path):
    train(tmp_path / "run", tiny(**EVERYTHING, self_play_workers=2))
    assert state_of(tmp_path / "run") == state_of(straight)
