"""Ratings: the truth of synthetic games found again, honest about doubt; matches kept for them."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from azul_tui.arena.match import play_match
from azul_tui.arena.ratings import RatedGames, fit_ratings
from azul_tui.arena.statistics import ELO_SCALE
from azul_tui.arena.store import (
    decode_match,
    encode_match,
    joined_matches,
    keep_match,
    rating_rows,
)
from azul_tui.errors import JobError
from azul_tui.players import create_player


def synthetic(rng, elos, bags, seat_elo=(0.0, 0.0), alike=0.0):
    """Games between each two players; with probability `alike` a pair's second game is the first's.

    At three seats the third is taken by a copy of the second player.
    """
    strength = np.array(elos) / ELO_SCALE
    advantage = np.array(seat_elo) / ELO_SCALE
    seats = len(seat_elo)
    seating, shares, units, unit = [], [], [], 0
    for first, second in itertools.combinations(range(len(elos)), 2):
        before = np.zeros((bags, seats))
        for turn in range(seats):
            at = np.full(seats, second)
            at[turn] = first
            odds = np.exp(strength[at] + advantage)
            won = np.eye(seats)[rng.choice(seats, bags, p=odds / odds.sum())]
            if turn == 1 and seats == 2:
                won = np.where(rng.random((bags, 1)) < alike, before[:, ::-1], won)
            seating.append(np.tile(at, (bags, 1)))
            shares.append(won)
            units.append(unit + np.arange(bags))
            before = won
        unit += bags
    names = ("random", *[f"p{number}" for number in range(1, len(elos))])
    return RatedGames(names, np.concatenate(seating), np.concatenate(shares), np.concatenate(units))


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


@pytest.mark.parametrize("alike", [0.0, 0.5])
def test_intervals_hold_the_truth(alike):
    """30 ladders of three intervals: 95% coverage falls below 84% for 1 seed in 10,000."""
    truth = {"random": 0.0, "p1": 100.0, "p2": 250.0, "p3": 600.0}
    held = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        games = synthetic(rng, list(truth.values()), 40, alike=alike)
        ratings = fit_ratings(games, bootstraps=60, generator=rng).ratings
        moved = sum(r.weight * (r.elo - truth[r.name]) for r in ratings)
        held += [r.low <= truth[r.name] + moved <= r.high for r in ratings if r.name != "random"]
    assert np.mean(held) >= 0.84


def test_players_far_above_the_anchor_are_still_told_apart():
    """Two strong players that met often, and random that both beat nearly always."""
    games = synthetic(np.random.default_rng(3), [0.0, 900.0, 960.0], 300)
    two, one, zero = fit_ratings(games).ratings
    assert (two.name, one.name, zero.name) == ("p2", "p1", "random")
    assert two.high - two.low < 60
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
    master = fit_ratings(games).ratings[0]
    assert master.name == "master"
    assert 800 < master.elo < 1100, "half a game lost in 201"
    assert master.low < master.elo - 50
    assert master.high > master.elo + 100
    assert master.score == 1.0
    assert master.games == 200


def test_a_shared_victory_pulls_together():
    seating = np.array([[0, 1], [1, 0]] * 50)
    games = RatedGames(("random", "b"), seating, np.full((100, 2), 0.5), np.arange(100))
    assert fit_ratings(games, bootstraps=20).ratings[0].elo == pytest.approx(0, abs=1e-6)


def played(names, pairs, games=60, players=2):
    made = [create_player(name, players) for name in names]
    return [play_match(made[a], made[b], games, 3, players, deterministic=False) for a, b in pairs]


def test_real_matches_make_a_ladder_with_the_seats_told_apart():
    matches = played(("random", "naive", "greedy", "heuristic"), ((0, 1), (1, 2), (1, 3), (2, 3)))
    games = joined_matches(map(keep_match, matches))
    assert set(games.units.tolist()) == set(range(30)), "same bags"
    ratings = fit_ratings(games, bootstraps=30)
    names = [rating.name for rating in ratings.ratings]
    assert names == ["heuristic", "greedy", "naive", "random"]
    assert all(rating.low <= rating.elo <= rating.high for rating in ratings.ratings)
    assert ratings.seat_elo[1] == 0.0
    record = json.loads(json.dumps(ratings.record(), allow_nan=False))
    assert record["ratings"][-1]["elo"] == 0.0
    again = fit_ratings(games, bootstraps=30)
    assert again == ratings, "the same generator gives the same ratings"


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
        joined_matches([])


# Matches kept as lines


@pytest.mark.parametrize("players", [2, 3, 4])
def test_a_kept_match_holds_what_ratings_need_of_its_games(players):
    (match,) = played(("random", "greedy"), [(0, 1)], 24, players)
    kept = decode_match(encode_match(keep_match(match)))
    assert kept.key == ("random", "greedy", players, match.games, 3)
    games = joined_matches([kept])
    assert games.names == ("random", "greedy")
    np.testing.assert_array_equal(games.seating, match.results.seating)
    np.testing.assert_allclose(games.shares, match.results.shares)
    same_bag = games.units[:, None] == games.units
    deals = match.results.deals
    np.testing.assert_array_equal(same_bag, deals[:, None] == deals)


def test_of_a_stopped_match_the_first_whole_pairs_are_kept():
    one, other = create_player("greedy"), create_player("naive")
    told = set()
    for moves in range(40, 70):
        left = iter(range(moves))
        match = play_match(one, other, 40, 0, stop=lambda left=left: next(left, None) is None)
        finished, kept = match.results.finished, len(keep_match(match).shares)
        assert kept % 2 == 0
        assert finished[:kept].all()
        assert kept == 40 or not finished[kept : kept + 2].all()
        told.add(kept)
    assert len(told) > 3, "stopped at several places"


def test_rows_of_a_run_know_the_iteration_of_a_checkpoint():
    matches = played(("random", "greedy"), [(0, 1)], 4)
    names = ("run/checkpoint_iter_000012@64", "iteration 7")
    kept = [keep_match(matches[0])._replace(players=(name, "random")) for name in names]
    rows = {row.name: row.iteration for row in rating_rows(fit_ratings(joined_matches(kept)))}
    assert rows == {"random": None, names[0]: 12, names[1]: 7}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        '{"players": ["a"], "seats": 2, "seed": 1, "twelfths": "c00c"}',
        '{"players": ["a", "b"], "seats": 2, "seed": 1, "twelfths": "cc"}',
        '{"players": ["a", "b"], "seats": 2, "seed": 1, "twelfths": "c0"}',
        '{"players": ["a", "b"], "seats": 0, "seed": 1, "twelfths": ""}',
        '{"players": ["a", "b"], "seats": 2, "seed": "x", "twelfths": "c00c"}',
    ],
)
def test_a_damaged_match_is_refused(line):
    with pytest.raises(JobError, match="damaged"):
        decode_match(line)
