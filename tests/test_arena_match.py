"""Matches: paired, reproducible, counted from whole pairs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from azul_tui.arena.games import play_games
from azul_tui.arena.match import bag_seeds, match_seating, play_match
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


def test_a_player_against_itself_is_exactly_even():
    result = play_match(*players("greedy", "greedy"), 40, 5)
    assert result.score == 0.5
    assert result.margin == 0
    assert (result.pair_scores == 0.5).all(), "both games of a pair are one game, seats swapped"
    assert result.low < 0.5 < result.high
    assert result.games_to_decide is None


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
        dealt = displays[number]
        assert len(dealt) == 2 * bags
        assert len(set(dealt)) == bags, "each display is seen by both games of its pair"
    assert bags < len(displays[5]) <= 2 * len(set(displays[5])), "some games are over by then"
    assert len(set(displays[5])) <= bags


def test_the_result_is_the_other_sides_turned_round():
    one = play_match(*players("greedy", "naive"), 60, 9)
    other = play_match(*players("naive", "greedy"), 60, 9)
    assert one.score == pytest.approx(1 - other.score)
    assert one.margin == pytest.approx(-other.margin)
    assert (one.wins, one.draws, one.losses) == (other.losses, other.draws, other.wins)
    assert one.elo_low == pytest.approx(-other.elo_high)


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_game_does_not_depend_on_how_many_are_played_at_once(deterministic):
    made = [
        play_match(
            *players("heuristic", "random"),
            30,
            4,
            deterministic=deterministic,
            games_at_once=at_once,
        )
        for at_once in (1, 8, 1024)
    ]
    for result in made[1:]:
        assert np.array_equal(result.results.scores, made[0].results.scores)
        assert result.pair_scores.tolist() == made[0].pair_scores.tolist()


def test_other_seeds_are_other_games():
    one = play_match(*players("greedy", "naive"), 20, 1)
    two = play_match(*players("greedy", "naive"), 20, 2)
    assert not np.array_equal(one.results.scores, two.results.scores)
    assert not set(one.results.deals.tolist()) & set(two.results.deals.tolist())


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
def test_the_counts_fit_together(seats):
    result = play_match(*players("heuristic", "greedy", seats=seats), 61, 3, seats)
    assert result.games == -(-61 // seats) * seats
    assert result.pairs == result.games // seats
    assert result.wins + result.draws + result.losses == result.games
    assert sum(seat.games for seat in result.by_seat) == result.games
    assert [seat.games for seat in result.by_seat] == [result.pairs] * seats
    assert np.mean([seat.score for seat in result.by_seat]) == pytest.approx(result.score)
    assert np.mean([seat.margin for seat in result.by_seat]) == pytest.approx(result.margin)
    assert result.results.shares.sum(axis=1) == pytest.approx(np.ones(result.games))
    assert result.results.ranks.sum(axis=1) == pytest.approx(
        np.full(result.games, seats * (seats + 1) / 2)
    )
    assert result.low <= result.score <= result.high
    assert result.moves_per_game > 20


def test_a_record_is_plain_json_also_when_all_is_won():
    result = play_match(*players("greedy", "random"), 20, 0)
    record = json.loads(json.dumps(result.record(), allow_nan=False))
    assert record["score"] == 1.0
    assert record["elo"] is None
    assert record["elo_high"] is None
    assert record["elo_low"] > 100
    assert record["by_seat"][1]["seat"] == 1
    wanted = {"player_a", "player_b", "games", "pairs", "score", "low", "high", "wins", "draws",
              "losses", "margin", "margin_low", "margin_high", "moves_per_game", "seconds",
              "games_to_decide", "stopped"}  # fmt: skip
    assert wanted <= set(record)
    assert "results" not in record


def test_progress_grows_to_the_number_of_games():
    told = []
    play_match(
        *players("greedy", "naive"),
        20,
        0,
        on_progress=lambda done, total: told.append((done, total)),
        games_at_once=8,
    )
    done = [item[0] for item in told]
    assert {item[1] for item in told} == {20}
    assert done == sorted(done)
    assert done[-1] == pytest.approx(20)
    assert 0 < done[0] < 4


def test_a_stopped_match_counts_whole_pairs_only():
    calls = []

    def stop():
        calls.append(1)
        return len(calls) > 90

    result = play_match(*players("greedy", "naive"), 40, 0, stop=stop, games_at_once=8)
    assert result.stopped
    assert 0 < result.games < 40
    assert result.games % 2 == 0
    assert result.games == result.wins + result.draws + result.losses


def test_a_match_stopped_at_once_knows_nothing():
    result = play_match(*players("greedy", "naive"), 4, 0, stop=lambda: True)
    assert result.stopped
    assert (result.games, result.low, result.high) == (0, 0.0, 1.0)
    json.dumps(result.record(), allow_nan=False)


def test_a_test_ends_the_match_early():
    test = SequentialTest(elo_0=0.0, elo_1=50.0)
    result = play_match(*players("greedy", "random"), 2000, 0, test=test, games_at_once=64)
    assert result.verdict is not None
    assert result.verdict.decision == "better"
    assert result.record()["verdict"] == "better"
    assert result.games < 2000
    assert not result.stopped


def test_a_test_that_cannot_decide_says_so():
    test = SequentialTest(elo_0=0.0, elo_1=5.0, max_pairs=20)
    result = play_match(*players("greedy", "greedy"), 2000, 0, test=test, games_at_once=16)
    assert result.games == 40
    assert result.record()["verdict"] in {"undecided", "not better"}


def test_what_cannot_be_played_is_refused():
    with pytest.raises(ConfigError, match="games must be at least 1, got 0"):
        play_match(*players("greedy", "naive"), 0, 0)
    with pytest.raises(PlayerError, match="sleepwalker chose action 0, which is not legal"):
        play_match(Sleepwalker(), create_player("greedy"), 2, 0)


def test_a_match_tells_the_score_of_the_games_that_have_ended():
    told = []
    result = play_match(
        *players("greedy", "random"), 12, 3, on_ended=lambda shares: told.append(shares.tolist()),
        games_at_once=4,
    )  # fmt: skip
    assert [len(shares) for shares in told] == sorted(len(shares) for shares in told)
    assert len(told[0]) < 12, "before the last game has ended"
    assert sum(told[-1]) / len(told[-1]) == result.score
