"""Ratings: found again from synthetic games whose truth is known, and honest about doubt."""

from __future__ import annotations

import json

import numpy as np
import pytest

from azul_tui.arena.match import play_match
from azul_tui.arena.ratings import RatedGames, fit_ratings, rated_games
from azul_tui.arena.statistics import ELO_SCALE
from azul_tui.errors import JobError
from azul_tui.players import create_player


def synthetic(rng, elos, bags, seat_elo=(0.0, 0.0), alike=0.0):
    """Games between each two players; with probability `alike` a pair's second game is the first's.

    At three seats the third is taken by a copy of the second player.
    """
    strength = np.array(elos) / ELO_SCALE
    advantage = np.array(seat_elo) / ELO_SCALE
    seats = len(seat_elo)
    seating, shares, units = [], [], []
    unit = 0
    for first in range(len(elos)):
        for second in range(first + 1, len(elos)):
            for _ in range(bags):
                for turn in range(seats):
                    at = np.full(seats, second)
                    at[turn] = first
                    odds = np.exp(strength[at] + advantage)
                    won = np.zeros(seats)
                    won[rng.choice(seats, p=odds / odds.sum())] = 1
                    if turn == 1 and seats == 2 and rng.random() < alike:
                        won = shares[-1][::-1].copy()
                    seating.append(at)
                    shares.append(won)
                    units.append(unit)
                unit += 1
    names = ("random", *[f"p{number}" for number in range(1, len(elos))])
    return RatedGames(names, np.array(seating), np.array(shares), np.array(units))


@pytest.mark.parametrize("seat_elo", [(60.0, 0.0), (90.0, 40.0, 0.0)])
def test_the_truth_comes_back_from_many_games(seat_elo):
    """Standard errors are near 12 Elo; 60 off is five of them."""
    truth = [0.0, 150.0, 300.0, 420.0]
    games = synthetic(np.random.default_rng(1), truth, 800, seat_elo)
    ratings = fit_ratings(games, bootstraps=0)
    found = {rating.name: rating.elo for rating in ratings.ratings}
    assert found["random"] == 0.0
    assert [rating.name for rating in ratings.ratings] == ["p3", "p2", "p1", "random"]
    for number in (1, 2, 3):
        assert found[f"p{number}"] == pytest.approx(truth[number], abs=60)
    assert ratings.seat_elo == pytest.approx(seat_elo, abs=30)


@pytest.mark.parametrize("against", ["anchor", "centre"])
@pytest.mark.parametrize("alike", [0.0, 0.5])
def test_intervals_hold_the_truth(alike, against):
    """60 ladders of three intervals: 95% coverage falls below 85% for 1 seed in 10,000."""
    truth = {"random": 0.0, "p1": 100.0, "p2": 250.0, "p3": 600.0}
    held = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        games = synthetic(rng, list(truth.values()), 40, alike=alike)
        ratings = fit_ratings(games, bootstraps=100, against=against, generator=rng).ratings
        moved = 0.0
        if against == "centre":
            moved = sum(r.weight * (r.elo - truth[r.name]) for r in ratings)
        held += [r.low <= truth[r.name] + moved <= r.high for r in ratings if r.name != "random"]
    assert 0.85 <= np.mean(held) < 1.0


def test_players_far_above_the_anchor_are_still_told_apart():
    """Two strong players that met often, and random that both beat nearly always."""
    games = synthetic(np.random.default_rng(3), [0.0, 900.0, 960.0], 300)
    two, one, zero = fit_ratings(games).ratings
    vague = fit_ratings(games, against="anchor").ratings[0]
    assert (two.name, one.name, zero.name) == ("p2", "p1", "random")
    assert two.high - two.low < 60
    assert vague.high - vague.low > 120
    assert zero.high - zero.low > 120
    assert sum(rating.weight for rating in (two, one, zero)) == pytest.approx(1)


def test_bags_that_decide_both_games_make_wider_intervals():
    def width(alike):
        games = synthetic(np.random.default_rng(2), [0.0, 100.0], 300, alike=alike)
        (rating,) = [r for r in fit_ratings(games).ratings if r.name == "p1"]
        return rating.high - rating.low

    assert width(1.0) > 1.25 * width(0.0)


def test_a_clean_sweep_has_a_finite_rating_with_a_wide_interval():
    seating = np.array([[0, 1], [1, 0]] * 100)
    shares = (seating == 1).astype(float)
    games = RatedGames(("random", "master"), seating, shares, np.repeat(np.arange(100), 2))
    master = fit_ratings(games, against="anchor").ratings[0]
    assert master.name == "master"
    assert 800 < master.elo < 1100, "half a game lost in 201"
    assert master.low < master.elo - 100
    assert master.high > master.elo + 200
    assert master.score == 1.0
    assert master.games == 200


def test_a_shared_victory_pulls_together():
    seating = np.array([[0, 1], [1, 0]] * 50)
    games = RatedGames(("random", "b"), seating, np.full((100, 2), 0.5), np.arange(100))
    assert fit_ratings(games, bootstraps=20).ratings[0].elo == pytest.approx(0, abs=1e-6)


def test_real_matches_make_a_ladder_with_the_seats_told_apart():
    made = [create_player(name) for name in ("random", "naive", "greedy", "heuristic")]
    matches = [
        play_match(made[a], made[b], 60, 3, deterministic=False).results
        for a, b in ((0, 1), (1, 2), (1, 3), (2, 3))
    ]
    ratings = fit_ratings(rated_games(matches), bootstraps=50)
    names = [rating.name for rating in ratings.ratings]
    assert names == ["heuristic", "greedy", "naive", "random"]
    assert all(rating.low <= rating.elo <= rating.high for rating in ratings.ratings)
    assert ratings.seat_elo[1] == 0.0
    record = json.loads(json.dumps(ratings.record(), allow_nan=False))
    assert record["ratings"][-1]["elo"] == 0.0
    assert set(rated_games(matches).units.tolist()) == set(range(30)), "same bags"


def test_the_same_generator_gives_the_same_ratings():
    games = synthetic(np.random.default_rng(5), [0.0, 80.0], 20)
    one = fit_ratings(games, bootstraps=30, generator=np.random.default_rng(1))
    assert one == fit_ratings(games, bootstraps=30, generator=np.random.default_rng(1))


def test_what_cannot_be_rated_is_told_in_one_sentence():
    games = synthetic(np.random.default_rng(5), [0.0, 80.0], 3)
    with pytest.raises(JobError, match="told from stockfish, who has not played"):
        fit_ratings(games, anchor="stockfish")
    apart = RatedGames(
        ("random", "a", "b", "c"),
        np.array([[0, 1], [2, 3]]),
        np.array([[0.0, 1.0], [0.0, 1.0]]),
        np.array([0, 1]),
    )
    with pytest.raises(JobError, match="b, c cannot be rated: no chain of games leads to random"):
        fit_ratings(apart)
    with pytest.raises(JobError, match="equally many players"):
        rated_games([])
