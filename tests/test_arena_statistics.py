"""Intervals and sequential tests that hold what they promise, on matches whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t

from azul_tui.arena.statistics import (
    ClosingTest,
    SequentialTest,
    elo_difference,
    expected_score,
    games_to_decide,
    log_likelihood_ratio,
    mean_interval,
    score_interval,
    student_quantile,
)
from azul_tui.errors import ConfigError


def pair_scores(rng, pairs, chance, alike, draws=0.0):
    """Mean scores of pairs; with probability `alike` the second game ends like the first."""
    first = rng.random(pairs) < chance
    second = np.where(rng.random(pairs) < alike, first, rng.random(pairs) < chance)
    games = np.stack([first, second], axis=1).astype(float)
    return np.where(rng.random((pairs, 2)) < draws, 0.5, games).mean(axis=1)


@pytest.mark.parametrize("alike", [0.0, 0.5])
@pytest.mark.parametrize(("pairs", "chance"), [(25, 0.5), (100, 0.8), (200, 0.95), (25, 0.99)])
def test_the_interval_holds_the_truth_in_95_of_100_matches(pairs, chance, alike):
    """800 matches at a fixed seed; 93% coverage would fall below 91% in 1 seed of 70."""
    rng = np.random.default_rng(pairs)
    held = 0
    for _ in range(800):
        interval = score_interval(pair_scores(rng, pairs, chance, alike))
        held += interval.low <= chance <= interval.high
    assert held / 800 >= 0.91


def test_the_interval_is_not_wider_than_it_must_be():
    """Width at 200 pairs of independent games against the textbook's 2 * 1.96 sigma."""
    rng = np.random.default_rng(0)
    found = [score_interval(pair_scores(rng, 200, 0.8, 0.0)) for _ in range(200)]
    textbook = 2 * 1.96 * math.sqrt(0.8 * 0.2 / 400)
    assert textbook * 0.97 < np.mean([i.high - i.low for i in found]) < textbook * 1.1


def test_the_interval_of_four_pairs_worked_out_by_hand():
    """Mean 1/2; s^2 = 1/6; r = (4/6 + 1) / (4/4 + 1) = 5/6, so 4.8 coins; Student's t of 3."""
    interval = score_interval(np.array([1.0, 0.5, 0.5, 0.0]))
    shrink = t.ppf(0.975, 3) ** 2 / 4.8
    half = math.sqrt(shrink * (0.25 + shrink / 4)) / (1 + shrink)
    assert interval == pytest.approx((0.5, 0.5 - half, 0.5 + half), abs=1e-3)


@pytest.mark.parametrize("pairs", [1, 10, 200])
def test_a_clean_sweep_has_the_interval_of_as_many_coins(pairs):
    won, lost = score_interval(np.ones(pairs)), score_interval(np.zeros(pairs))
    assert won.mean == won.high == 1.0
    assert won.low == pytest.approx(pairs / (pairs + 1.959964**2))
    assert lost == pytest.approx((0.0, 0.0, 1 - won.low))


def test_nothing_played_is_nothing_known():
    assert score_interval(np.zeros(0)) == (0.5, 0.0, 1.0)
    assert mean_interval(np.zeros(0)) == (0.0, -math.inf, math.inf)
    assert mean_interval(np.ones(1)).high == math.inf
    assert games_to_decide(np.zeros(0), 2, 0.5) is games_to_decide(np.full(9, 0.5), 2, 0.5) is None


def test_students_quantile_and_the_margin_interval_hold():
    """2000 samples of 12: 95% coverage falls outside 93 to 97% for 1 seed in 25,000."""
    for degrees in (1, 2, 3, 4, 7, 20, 100):
        assert student_quantile(degrees) == pytest.approx(t.ppf(0.975, degrees), rel=2e-3)
    rng = np.random.default_rng(3)
    found = [mean_interval(rng.normal(5.0, 20.0, 12)) for _ in range(2000)]
    assert 0.93 < np.mean([i.low <= 5.0 <= i.high for i in found]) < 0.97


@pytest.mark.parametrize("players", [2, 3, 4])
def test_elo_and_score_are_inverse_and_equals_have_none(players):
    assert elo_difference(1 / players, players) == pytest.approx(0)
    for elo in (-300.0, -10.0, 0.0, 55.0, 700.0):
        assert elo_difference(expected_score(elo, players), players) == pytest.approx(elo)
    assert elo_difference(1.0, players) == math.inf
    assert elo_difference(0.0, players) == -math.inf
    assert elo_difference(10 / 11, 2) == pytest.approx(400)


def test_games_to_decide_is_enough_four_times_out_of_five():
    """300 matches at a fixed seed: 80% falls outside 70 to 90% for 1 seed in 50,000."""
    rng = np.random.default_rng(8)
    games = games_to_decide(pair_scores(rng, 100_000, 0.56, 0.2), 2, 0.5)
    decided = sum(
        score_interval(pair_scores(rng, games // 2, 0.56, 0.2)).low > 0.5 for _ in range(300)
    )
    assert 0.7 < decided / 300 < 0.9


# Sequential tests


def test_the_ratio_is_that_of_coins_where_scores_are_close_and_turns_with_the_hypotheses():
    scores = np.array([1.0] * 260 + [0.0] * 240)
    exact = 260 * math.log(0.52 / 0.5) + 240 * math.log(0.48 / 0.5)
    assert log_likelihood_ratio(scores, 0.5, 0.52) == pytest.approx(exact, rel=0.02)
    assert log_likelihood_ratio(np.zeros(0), 0.5, 0.6) == 0.0
    scores = np.array([0.0, 0.25, 0.5, 0.5, 0.75, 1.0, 1.0])
    forward = log_likelihood_ratio(scores, 0.45, 0.6)
    assert forward == pytest.approx(-log_likelihood_ratio(scores, 0.6, 0.45))
    assert forward == pytest.approx(log_likelihood_ratio(1 - scores, 0.55, 0.4))
    calm, wild = np.array([0.5, 0.75] * 50), np.array([0.25, 1.0] * 50)
    assert log_likelihood_ratio(calm, 0.5, 0.6) > 3 * log_likelihood_ratio(wild, 0.5, 0.6)


def run(test, rng, elo, batch=16):
    """Play synthetic pairs (draws, shared luck) until the test decides."""
    scores = np.zeros(0)
    while True:
        more = pair_scores(rng, batch, expected_score(elo), 0.3, draws=0.04)
        scores = np.concatenate([scores, more])
        verdict = test.judge(scores)
        if verdict.decision != "continue":
            return verdict


@pytest.mark.parametrize(("elo", "wrong"), [(0.0, "better"), (80.0, "not better")])
def test_wrong_decisions_are_rare(elo, wrong):
    """200 tests at a fixed seed; an error rate of 5% gives more than 20 for 1 seed in 1000."""
    rng = np.random.default_rng(int(elo))
    test = SequentialTest(elo=80.0, max_pairs=4000)
    verdicts = [run(test, rng, elo).decision for _ in range(200)]
    assert verdicts.count(wrong) <= 20
    assert "undecided" not in verdicts


def test_a_clear_difference_is_decided_in_few_games_and_the_cap_ends_a_close_one():
    test = SequentialTest(elo=40.0)
    pairs = [run(test, np.random.default_rng(seed), 250.0).pairs for seed in range(20)]
    assert max(pairs) <= 100
    test = SequentialTest(elo=5.0, max_pairs=64)
    verdict = run(test, np.random.default_rng(2), 2.5)
    assert (verdict.decision, verdict.pairs) == ("undecided", 64)
    assert verdict.lower < verdict.log_likelihood_ratio < verdict.upper


@pytest.mark.parametrize("players", [2, 3, 4])
def test_the_hypotheses_are_scores_at_a_table_of_so_many(players):
    scores = np.random.default_rng(3).choice([0.0, 1 / players, 2 / players], 60)
    better = 1 / (1 + (players - 1) * 10 ** (-100 / 400))
    verdict = SequentialTest(elo=100.0, players=players).judge(scores)
    expected = log_likelihood_ratio(scores, 1 / players, better, players)
    assert verdict.log_likelihood_ratio == pytest.approx(expected)
    assert (verdict.lower, verdict.upper) == pytest.approx((-math.log(19), math.log(19))), "Wald's"


@pytest.mark.parametrize("players", [2, 3, 4])
def test_the_closing_test_decides_at_its_last_pair_by_the_score(players):
    even = 1 / players
    test = ClosingTest(max_pairs=8, players=players)
    for scores, decision in (
        ([even] * 8, "level"),
        ([even] * 7 + [even + 0.25], "ahead"),
        ([even] * 7 + [even - 0.25], "behind"),
        *(([even] * pairs, "continue") for pairs in range(1, 8)),
    ):
        verdict = test.judge(np.array(scores))
        assert verdict.decision == decision
        assert verdict.lower <= 0.0 <= verdict.upper
    assert (verdict.lower, verdict.upper) == pytest.approx((-3.0 / 8, 6.0 / 8))
    few = [ClosingTest().judge(scores).decision for scores in (np.ones(1), np.ones(8), np.zeros(8))]
    assert few == ["continue", "ahead", "behind"]


@pytest.mark.parametrize(
    ("kind", "settings", "text"),
    [
        (SequentialTest, {"elo": 0.0}, "elo must be above 0"),
        (SequentialTest, {"max_pairs": 0}, "at least 1"),
        (ClosingTest, {"max_pairs": 0}, "max_pairs must be at least 1"),
    ],
)
def test_a_test_that_cannot_decide_is_refused(kind, settings, text):
    with pytest.raises(ConfigError, match=text):
        kind(**settings)
