"""What positions are taught besides outcomes: afterstates by several refills."""

from __future__ import annotations

import numpy as np
import pytest
from search_lab import ScatteredEvaluator
from tiny_training import resume, state_of, tiny, train

from azul_tui.game.constants import AFTERSTATE, PHASE, value_count
from azul_tui.game.observation import write_observation
from azul_tui.search.select import SearchSettings
from azul_tui.training.self_play import PlaySettings, SelfPlay
from azul_tui.training.targets import average_afterstates

RULES = PlaySettings(
    seed=np.uint64(5),
    mcts_simulations=6,
    fast_simulations=3,
    full_search_fraction=1.0,
    temperature=1.0,
    temperature_threshold=20,
    value_target_mix=0.0,
    value_target_lambda=1.0,
)


class Watching(ScatteredEvaluator):
    """Keeps what it was asked and what it said."""

    def __init__(self, batch_size, players=2):
        super().__init__(batch_size, players)
        self.seen, self.said = [], []

    def __call__(self, observations):
        logits, values = super().__call__(observations)
        self.seen.append(observations.copy())
        self.said.append(values.copy())
        return logits, values


def play(players=2, places=4, games=5, refills=0):
    rules = RULES._replace(afterstate_samples=refills)
    evaluator = ScatteredEvaluator(places, players)
    return SelfPlay(evaluator, SearchSettings(), rules, players).play(np.arange(games))


def afterstates(batch, count):
    return batch.states[batch.states[:, PHASE] == AFTERSTATE][:count]


def average(states, numbers, seed, refills, players, evaluator=None):
    """Targets of afterstates of those games."""
    targets = np.zeros((len(states), value_count(players)), np.float32)
    evaluator = evaluator or ScatteredEvaluator(16, players)
    average_afterstates(targets, states, np.array(numbers), seed, refills, evaluator, players)
    return targets


def test_only_afterstates_get_the_mean_of_refills_whoever_plays_beside_their_game():
    plain, averaged = play(), play(refills=7)
    between = plain.states[:, PHASE] == AFTERSTATE
    assert between.sum() > 10
    np.testing.assert_array_equal(averaged.outcomes[~between], plain.outcomes[~between])
    assert (np.abs(plain.outcomes[between]) == 1.0).any()
    assert (np.abs(averaged.outcomes[between]) < 1.0).all()
    assert len(np.unique(averaged.outcomes[between])) > between.sum() // 2
    np.testing.assert_array_equal(play(places=7, refills=7).outcomes, averaged.outcomes)


@pytest.mark.parametrize("players", [2, 3])
def test_more_refills_come_closer_to_the_mean_over_all(players):
    """Of 40 afterstates the means of 64 refills scatter an eighth as much as single ones."""
    states = afterstates(play(players, games=12), 40)

    def scatter(refills):
        means = [average(states, range(len(states)), seed, refills, players) for seed in range(6)]
        return float(np.std(means, axis=0).mean())

    assert scatter(64) < 0.25 * scatter(1)


def test_a_refill_is_one_that_the_rules_could_deal():
    states, evaluator = afterstates(play(), 1), Watching(4)
    average(states, [3], 1, 5, 2, evaluator)
    before = np.zeros(evaluator.seen[0].shape[1], np.int8)
    write_observation(states[0], before)
    dealt = np.concatenate(evaluator.seen)[:5]
    assert len(np.unique(dealt[:, :60], axis=0)) == 5
    assert (dealt[:, 30:60].sum(axis=1) == 20).all()
    assert (dealt[:, 62] == 0).all()
    assert before[62] == 1


@pytest.mark.parametrize("players", [2, 3])
def test_the_mean_is_over_the_values_of_all_refills_of_that_round_of_that_game(players):
    states = np.repeat(afterstates(play(players), 3), 2, axis=0)  # two rounds each, by their place

    def refills(numbers):
        evaluator = Watching(4, players)
        found = average(states, np.repeat(numbers, 2), 1, 5, players, evaluator)
        values = np.concatenate(evaluator.said)[:30].reshape(6, 5, -1)
        np.testing.assert_allclose(found, values.mean(axis=1), atol=1e-6)
        return np.concatenate(evaluator.seen)[:30].reshape(6, 5, -1)

    dealt = refills([0, 1, 2])
    np.testing.assert_array_equal(refills([0, 1, 2]), dealt)
    assert (dealt[::2] != dealt[1::2]).any(axis=2).all(), "rounds differ"
    assert (refills([5, 6, 7]) != dealt).any(axis=2).all(), "games differ"


def test_a_run_that_averages_afterstates_resumes_exactly(tmp_path):
    settings = {"afterstate_samples": 4, "mcts_simulations": 8, "max_iterations": 3}
    train(tmp_path / "straight", tiny(**settings))
    train(tmp_path / "run", tiny(**{**settings, "max_iterations": 1}))
    resume(tmp_path / "run", tiny(**settings))
    here, there = state_of(tmp_path / "run"), state_of(tmp_path / "straight")
    for part in ("weights", "optimizer", "training", "replay", "best"):
        assert here[part] == there[part]
