"""Tables of several different players, and matches of a ladder that are kept as records."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from azul_tui.arena.match import play_match
from azul_tui.arena.ratings import fit_ratings, rated_games
from azul_tui.arena.store import results_from_record, results_record
from azul_tui.arena.table import play_table
from azul_tui.errors import ConfigError, JobError, PlayerError
from azul_tui.players import create_player


def players(*names, seats=2):
    return [create_player(name, seats) for name in names]


@pytest.mark.parametrize(("names", "games"), [
    (("greedy", "naive", "random"), 6),
    (("greedy", "heuristic", "naive", "random"), 24),
])  # fmt: skip
def test_every_seating_is_played_on_every_bag(names, games):
    result = play_table(players(*names, seats=len(names)), 5, 3)
    assert result.games == 5 * games
    for bag in range(5):
        rows = result.results.seating[bag * games : (bag + 1) * games]
        assert len({tuple(row) for row in rows.tolist()}) == games
        assert len(set(result.results.deals[bag * games : (bag + 1) * games].tolist())) == 1
    assert sum(standing.share.mean for standing in result.standings) == pytest.approx(1)
    mean_rank = np.mean([standing.rank.mean for standing in result.standings])
    assert mean_rank == pytest.approx((len(names) + 1) / 2)
    shares = [standing.share.mean for standing in result.standings]
    assert shares[0] > shares[-1]
    assert result.standings[-1].rank.mean > len(names) - 0.5, "random is last"
    json.dumps(result.record(), allow_nan=False)


def test_equals_share_a_table_evenly():
    """Three heuristics with random ties: 40 bags, 5 standard errors."""
    result = play_table(players(*["heuristic"] * 3, seats=3), 40, 3, deterministic=False)
    for standing in result.standings:
        assert standing.share.mean == pytest.approx(1 / 3, abs=0.15)


def test_a_stopped_table_counts_whole_bags():
    result = play_table(players("greedy", "naive", "random", seats=3), 2, 3, stop=lambda: True)
    assert (result.games, result.bags) == (0, 0)
    json.dumps(result.record(), allow_nan=False)


def test_tables_that_cannot_be_laid_are_refused():
    with pytest.raises(PlayerError, match="2, 3 or 4 players, got 1"):
        play_table(players("greedy"), 1, 0)
    with pytest.raises(ConfigError, match="bags must be at least 1"):
        play_table(players("greedy", "naive"), 0, 0)


def test_kept_results_rate_as_the_played_ones():
    pairs = itertools.combinations(players("random", "naive", "greedy"), 2)
    matches = [play_match(one, other, 20, 1) for one, other in pairs]
    kept = [
        results_from_record(json.loads(json.dumps(results_record(match.results))))
        for match in matches
    ]
    assert np.array_equal(kept[0].deals, matches[0].results.deals)
    played = fit_ratings(rated_games([match.results for match in matches]), bootstraps=20)
    assert fit_ratings(rated_games(kept), bootstraps=20) == played


@pytest.mark.parametrize("damage", [
    {"shares": None}, {"seating": [[0, 7]]}, {"deals": ["x"]}, {"scores": [[1, 2, 3]]},
    {"deals": ["-1"]},
])  # fmt: skip
def test_a_damaged_record_is_refused(damage):
    match = play_match(*players("random", "naive"), 2, 1)
    with pytest.raises(JobError, match="damaged"):
        results_from_record(results_record(match.results) | damage)
    with pytest.raises(JobError, match="damaged"):
        results_from_record({})
