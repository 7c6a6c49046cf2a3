"""Who sits where, with which bag and which luck, and what a pair of games says."""

from __future__ import annotations

import numpy as np
import pytest

from azul_tui.arena.match import bag_seeds, margins, match_seating, play_match, unit_means
from azul_tui.players import create_player


@pytest.mark.parametrize("seats", [2, 3, 4])
def test_player_0_sits_on_each_seat_of_a_bag_in_turn(seats):
    seating = match_seating(5, seats)
    assert seating.shape == (5 * seats, seats)
    for game, row in enumerate(seating.tolist()):
        assert row == [0 if seat == game % seats else 1 for seat in range(seats)]


@pytest.mark.parametrize("games_per_bag", [2, 3, 24])
def test_the_games_of_a_bag_share_their_deal_and_nothing_else(games_per_bag):
    deals, streams = bag_seeds(7, 0, 6, games_per_bag)
    by_bag = deals.reshape(6, games_per_bag)
    assert (by_bag == by_bag[:, :1]).all()
    assert len(set(by_bag[:, 0].tolist())) == 6
    assert len(set(streams.tolist())) == len(streams), "each game's ties fall by themselves"
    later, later_streams = bag_seeds(7, 4, 2, games_per_bag)
    np.testing.assert_array_equal(later, deals[4 * games_per_bag :])
    np.testing.assert_array_equal(later_streams, streams[4 * games_per_bag :])


@pytest.mark.parametrize("seats", [2, 3, 4])
def test_a_margin_is_to_the_best_of_the_others(seats):
    players = [create_player(name, seats) for name in ("greedy", "random")]
    results = play_match(*players, 4 * seats, 1, seats).results
    for game, margin in enumerate(margins(results).tolist()):
        own = game % seats
        others = np.delete(results.scores[game], own)
        assert margin == results.scores[game, own] - others.max()


def test_a_pair_with_an_unfinished_game_counts_nowhere():
    """Stopped where one game of a pair is over and the other is not, at some move."""
    players = [create_player(name, 2) for name in ("greedy", "naive")]
    half_done = 0
    for asked in range(40, 90, 2):
        left = iter(range(asked))
        result = play_match(*players, 16, 0, stop=lambda left=left: next(left, None) is None)
        pairs = result.results.finished.reshape(-1, 2)
        whole = pairs.all(axis=1)
        half_done += int((pairs.any(axis=1) & ~whole).sum())
        assert result.pairs == whole.sum() == len(unit_means(result.results, 2)[0])
        assert result.games == 2 * result.pairs == result.wins + result.draws + result.losses
        if result.pairs:
            own = result.results.shares[np.arange(16), np.arange(16) % 2].reshape(-1, 2)[whole]
            assert result.score == pytest.approx(own.mean())
    assert half_done > 0, "or nothing was tested"
