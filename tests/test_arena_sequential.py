"""The sequential tests: their error rates and numbers of games by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from azul_tui.arena.statistics import (
    ClosingTest,
    SequentialTest,
    expected_score,
    log_likelihood_ratio,
)
from azul_tui.errors import ConfigError


def test_where_scores_are_close_the_ratio_is_that_of_coins():
    scores = np.array([1.0] * 260 + [0.0] * 240)
    exact = 260 * math.log(0.52 / 0.5) + 240 * math.log(0.48 / 0.5)
    assert log_likelihood_ratio(scores, 0.5, 0.52) == pytest.approx(exact, rel=0.02)


def test_it_is_nought_without_games_and_turns_with_the_hypotheses():
    assert log_likelihood_ratio(np.zeros(0), 0.5, 0.6) == 0.0
    scores = np.array([0.0, 0.25, 0.5, 0.5, 0.75, 1.0, 1.0])
    forward = log_likelihood_ratio(scores, 0.45, 0.6)
    assert forward == pytest.approx(-log_likelihood_ratio(scores, 0.6, 0.45))
    mirrored = log_likelihood_ratio(1 - scores, 0.55, 0.4)
    assert forward == pytest.approx(mirrored)


def test_alike_pairs_decide_sooner_than_wild_ones():
    calm = np.array([0.5, 0.75] * 50)
    wild = np.array([0.25, 1.0] * 50)
    assert log_likelihood_ratio(calm, 0.5, 0.6) > 3 * log_likelihood_ratio(wild, 0.5, 0.6)


def run(test, rng, elo, batch=16):
    """Play synthetic pairs (draws, shared luck) until the test decides."""
    score = expected_score(elo)
    scores = np.zeros(0)
    while True:
        draws = rng.random((batch, 2)) < 0.04
        same = rng.random(batch) < 0.3
        first = rng.random(batch) < score
        second = np.where(same, first, rng.random(batch) < score)
        games = np.where(draws, 0.5, np.stack([first, second], axis=1).astype(float))
        scores = np.concatenate([scores, games.mean(axis=1)])
        verdict = test.judge(scores)
        if verdict.decision != "continue":
            return verdict


@pytest.mark.parametrize(("elo", "wrong"), [(0.0, "better"), (80.0, "not better")])
def test_wrong_decisions_are_rare(elo, wrong):
    """200 tests at a fixed seed; an error rate of 5% gives more than 20 for 1 seed in 1000."""
    rng = np.random.default_rng(int(elo))
    test = SequentialTest(elo_0=0.0, elo_1=80.0, max_pairs=4000)
    verdicts = [run(test, rng, elo).decision for _ in range(200)]
    assert verdicts.count(wrong) <= 20
    assert "undecided" not in verdicts


def test_a_clear_difference_is_decided_in_few_games():
    rng = np.random.default_rng(1)
    test = SequentialTest(elo_0=0.0, elo_1=40.0)
    pairs = [run(test, rng, 250.0).pairs for _ in range(20)]
    assert max(pairs) <= 100


def test_the_cap_ends_it_undecided():
    test = SequentialTest(elo_0=0.0, elo_1=5.0, max_pairs=64)
    verdict = run(test, np.random.default_rng(2), 2.5)
    assert verdict.decision == "undecided"
    assert verdict.pairs == 64
    assert verdict.lower < verdict.log_likelihood_ratio < verdict.upper


def test_bounds_are_walds():
    assert SequentialTest().bounds == pytest.approx((-math.log(19), math.log(19)))
    uneven = SequentialTest(alpha=0.1, beta=0.01).bounds
    assert uneven == pytest.approx((math.log(0.01 / 0.9), math.log(0.99 / 0.1)))


@pytest.mark.parametrize("players", [2, 3, 4])
def test_the_hypotheses_are_scores_at_a_table_of_so_many(players):
    scores = np.random.default_rng(3).choice([0.0, 1 / players, 2 / players], 60)
    even, better = 1 / players, 1 / (1 + (players - 1) * 10 ** (-100 / 400))
    verdict = SequentialTest(elo_1=100.0, players=players).judge(scores)
    expected = log_likelihood_ratio(scores, even, better, players)
    assert verdict.log_likelihood_ratio == pytest.approx(expected)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"elo_0": 10.0, "elo_1": 10.0}, "above elo_0"),
        ({"alpha": 0.5}, "between 0 and 0.5"),
        ({"max_pairs": 0}, "at least 1"),
    ],
)
def test_a_test_that_cannot_decide_is_refused(settings, text):
    with pytest.raises(ConfigError, match=text):
        SequentialTest(**settings)


def test_the_closing_test_decides_at_its_last_pair_by_the_score():
    test = ClosingTest(max_pairs=8)
    for scores, decision in (
        ([0.5] * 8, "level"),
        ([0.5] * 7 + [0.75], "ahead"),
        ([0.5] * 7 + [0.25], "behind"),
        ([0.5] * 7, "continue"),
    ):
        verdict = test.judge(np.array(scores))
        assert verdict.decision == decision
        assert verdict.lower <= 0.0 <= verdict.upper
    assert (verdict.lower, verdict.upper) == pytest.approx((-3.0 / 8, 6.0 / 8))


@pytest.mark.parametrize("players", [2, 3, 4])
def test_the_same_player_twice_is_level_at_every_table(players):
    """Its group of games on one bag is one game, won once."""
    test = ClosingTest(max_pairs=40, players=players)
    for pairs in range(1, 41):
        scores = np.full((pairs, players), 0.0)
        scores[:, 0] = 1.0
        verdict = test.judge(scores.mean(axis=1))
        assert verdict.decision == ("level" if pairs == 40 else "continue")


def test_a_few_pairs_won_decide_a_closing_test_and_one_does_not():
    test = ClosingTest()
    assert test.judge(np.ones(1)).decision == "continue"
    assert test.judge(np.ones(8)).decision == "ahead"
    assert test.judge(np.zeros(8)).decision == "behind"


def test_a_closing_test_that_tells_nothing_is_refused():
    with pytest.raises(ConfigError, match="elo must be above 0"):
        ClosingTest(elo=0.0)
    with pytest.raises(ConfigError, match="max_pairs must be at least 1"):
        ClosingTest(max_pairs=0)
