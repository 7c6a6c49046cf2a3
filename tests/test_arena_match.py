"""Matches and tables: paired, reproducible, counted from whole bags."""

from __future__ import annotations

import json

import numpy as np
import pytest

from azul_tui.arena.games import play_games
from azul_tui.arena.match import bag_seeds, match_seating, play_match, play_table
from azul_tui.arena.statistics import SequentialTest
from azul_tui.errors import ConfigError, PlayerError
from azul_tui.game.constants import AFTERSTATE, OVER, PHASE, ROUND, TABLE_TILES, state_size
from azul_tui.game.rules import apply_canonical, clear_game, refill_canonical, score_of
from azul_tui.players import create_player


class Watcher:
    """Plays like another player and keeps every position that it was asked about."""

    def __init__(self, name, players=2):
        self.player = create_player(name, players)
        self.name = name
        self.seen = []

    def choose(self, states, seeds, deterministic=False):
        self.seen.append(states.copy())
        return self.player.choose(states, seeds, deterministic)


class Sleepwalker:
    """Always takes action 0, legal or not."""

    name = "sleepwalker"

    def choose(self, states, seeds, deterministic=False):
        return np.zeros(len(states), np.int32)


def players(*names, seats=2):
    return [create_player(name, seats) for name in names]


def stop_after(calls):
    left = iter(range(calls))
    return lambda: next(left, None) is None


def test_a_player_against_itself_is_exactly_even():
    result = play_match(*players("greedy", "greedy"), 40, 5)
    assert (result.score, result.margin, result.games_to_decide) == (0.5, 0, None)
    assert (result.pair_scores == 0.5).all(), "both games of a pair are one game, seats swapped"
    assert result.low < 0.5 < result.high


def test_both_games_of_a_pair_see_the_same_displays_all_five_rounds():
    watchers = [Watcher("greedy"), Watcher("naive")]
    bags = 8
    deals, streams = bag_seeds(3, 0, bags, 2)
    play_games(watchers, match_seating(bags, 2), deals, streams)
    displays = {}
    for seen in watchers[0].seen + watchers[1].seen:
        for state in seen:
            if state[TABLE_TILES] == 20 and state[ROUND] <= 5:
                bag = tuple(state[64:94].tolist())
                displays.setdefault(int(state[ROUND]), []).append(bag)
    for number in range(1, 5):
        assert len(displays[number]) == 2 * bags
        assert len(set(displays[number])) == bags, "both games of a pair see each display"
    assert bags < len(displays[5]) <= 2 * len(set(displays[5])), "some games are over by then"


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
    assert not set(bag_seeds(8, 0, 6, games_per_bag)[0].tolist()) & set(deals.tolist())


def test_the_result_is_the_other_sides_turned_round():
    one = play_match(*players("greedy", "naive"), 60, 9)
    other = play_match(*players("naive", "greedy"), 60, 9)
    assert one.score == pytest.approx(1 - other.score)
    assert one.margin == pytest.approx(-other.margin)
    assert (one.wins, one.draws, one.losses) == (other.losses, other.draws, other.wins)
    assert one.elo_low == pytest.approx(-other.elo_high)


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_game_does_not_depend_on_how_many_are_played_at_once(deterministic):
    first, *others = (
        play_match(*players("heuristic", "random"), 30, 4, deterministic=deterministic,
                   games_at_once=at_once)
        for at_once in (1, 8, 1024)
    )  # fmt: skip
    for result in others:
        assert np.array_equal(result.results.scores, first.results.scores)
        assert result.pair_scores.tolist() == first.pair_scores.tolist()


@pytest.mark.parametrize("seats", [2, 3, 4])
def test_the_kept_actions_play_the_same_games_again(seats):
    results = play_match(*players("greedy", "random", seats=seats), 2 * seats, 6, seats).results
    stream = np.zeros(1, np.uint64)
    for game in range(len(results.deals)):
        state = np.zeros(state_size(seats), np.int8)
        clear_game(state, seats)
        refill_canonical(state, results.deals[game], stream)
        for action in results.actions[game, : results.moves[game]]:
            apply_canonical(state, int(action))
            if state[PHASE] == AFTERSTATE:
                refill_canonical(state, results.deals[game], stream)
        assert state[PHASE] == OVER
        assert [score_of(state, seat) for seat in range(seats)] == results.scores[game].tolist()
        assert (results.actions[game, results.moves[game] :] == -1).all()


@pytest.mark.parametrize("seats", [2, 3, 4])
def test_the_figures_of_a_match_are_those_of_its_games(seats):
    result = play_match(*players("heuristic", "greedy", seats=seats), 61, 3, seats)
    games = -(-61 // seats) * seats
    results = result.results
    margins, shares = [], []
    for game in range(games):
        own = game % seats
        assert results.seating[game].tolist() == [int(seat != own) for seat in range(seats)]
        others = np.delete(results.scores[game], own)
        margins.append(results.scores[game, own] - others.max())
        shares.append(results.shares[game, own])
    assert (result.games, result.pairs) == (games, games // seats)
    assert result.wins + result.draws + result.losses == games
    assert (result.wins, result.losses) == (shares.count(1.0), shares.count(0.0))
    assert result.margin == pytest.approx(np.mean(margins))
    assert result.score == pytest.approx(np.mean(shares))
    for seat in result.by_seat:
        assert seat.games == result.pairs
        assert seat.score == pytest.approx(np.mean(shares[seat.seat :: seats]))
        assert seat.margin == pytest.approx(np.mean(margins[seat.seat :: seats]))
    assert results.shares.sum(axis=1) == pytest.approx(np.ones(games))
    assert results.ranks.sum(axis=1) == pytest.approx(np.full(games, seats * (seats + 1) / 2))
    assert result.low <= result.score <= result.high


def test_a_record_is_plain_json_also_when_all_is_won():
    result = play_match(*players("greedy", "random"), 20, 0)
    record = json.loads(json.dumps(result.record(), allow_nan=False))
    assert (record["score"], record["elo"], record["elo_high"]) == (1.0, None, None)
    assert record["elo_low"] > 100
    assert record["by_seat"][1]["seat"] == 1
    wanted = {"player_a", "player_b", "games", "pairs", "score", "low", "high", "wins", "draws",
              "losses", "margin", "margin_low", "margin_high", "moves_per_game", "seconds",
              "games_to_decide", "stopped"}  # fmt: skip
    assert wanted <= set(record)
    assert "results" not in record


def test_progress_and_the_score_so_far_grow_to_those_of_the_match():
    told, ended = [], []
    result = play_match(
        *players("greedy", "random"),
        12,
        3,
        on_progress=lambda done, total: told.append((done, total)),
        on_ended=lambda shares: ended.append(shares.tolist()),
        games_at_once=4,
    )
    done = [item[0] for item in told]
    assert {item[1] for item in told} == {12}
    assert done == sorted(done)
    assert 0 < done[0] < 4
    assert done[-1] == pytest.approx(12)
    counts = [len(shares) for shares in ended]
    assert counts == sorted(counts)
    assert counts[0] < 12, "before the last game has ended"
    assert sum(ended[-1]) / 12 == result.score


def test_a_stopped_match_counts_whole_pairs_only():
    """Stopped where one game of a pair is over and the other is not, at some move."""
    half_done = 0
    for asked in range(0, 90, 6):
        result = play_match(*players("greedy", "naive"), 16, 0, stop=stop_after(asked))
        pairs = result.results.finished.reshape(-1, 2)
        whole = pairs.all(axis=1)
        half_done += int((pairs.any(axis=1) & ~whole).sum())
        assert result.stopped or whole.all()
        assert result.pairs == whole.sum() == len(result.pair_scores)
        assert result.games == 2 * result.pairs == result.wins + result.draws + result.losses
        json.dumps(result.record(), allow_nan=False)
        if result.pairs:
            own = result.results.shares[np.arange(16), np.arange(16) % 2].reshape(-1, 2)[whole]
            assert result.score == pytest.approx(own.mean())
        else:
            assert (result.low, result.high) == (0.0, 1.0)
    assert half_done > 0, "or nothing was tested"


def test_a_sequential_test_ends_the_match_early_or_says_that_it_cannot_decide():
    test = SequentialTest(elo=50.0)
    result = play_match(*players("greedy", "random"), 2000, 0, test=test, games_at_once=64)
    assert result.record()["verdict"] == result.verdict.decision == "better"
    assert result.games < 2000
    assert not result.stopped
    test = SequentialTest(elo=5.0, max_pairs=20)
    result = play_match(*players("greedy", "greedy"), 2000, 0, test=test, games_at_once=16)
    assert result.games == 40
    assert result.record()["verdict"] in {"undecided", "not better"}


# Tables of different players


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
    shares = [standing.share for standing in result.standings]
    assert sum(shares) == pytest.approx(1)
    assert shares[0] > shares[-1]
    mean_rank = np.mean([standing.rank for standing in result.standings])
    assert mean_rank == pytest.approx((len(names) + 1) / 2)
    assert result.standings[-1].rank > len(names) - 0.5, "random is last"
    json.dumps(result.record(), allow_nan=False)


def test_equals_share_a_table_evenly_and_a_stopped_one_counts_whole_bags():
    """Three heuristics with random ties: 40 bags, 5 standard errors."""
    equals = players(*["heuristic"] * 3, seats=3)
    for standing in play_table(equals, 40, 3, deterministic=False).standings:
        assert standing.share == pytest.approx(1 / 3, abs=0.15)
    stopped = play_table(equals, 2, 3, stop=lambda: True)
    assert (stopped.games, stopped.bags) == (0, 0)
    json.dumps(stopped.record(), allow_nan=False)


def test_what_cannot_be_played_is_refused_in_one_sentence():
    with pytest.raises(ConfigError, match="games must be at least 1, got 0"):
        play_match(*players("greedy", "naive"), 0, 0)
    with pytest.raises(PlayerError, match="sleepwalker chose action 0, which is not legal"):
        play_match(Sleepwalker(), create_player("greedy"), 2, 0)
    with pytest.raises(PlayerError, match="2, 3 or 4 players, got 1"):
        play_table(players("greedy"), 1, 0)
    with pytest.raises(ConfigError, match="bags must be at least 1"):
        play_table(players("greedy", "naive"), 0, 0)
