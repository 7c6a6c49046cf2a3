"""Alphabeta against a plain search that shares only the rules; positions where depth decides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_positions import board, choices, position, random_position, steady_choice

from azul_tui.errors import PlayerError
from azul_tui.game.constants import TABLE_TILES, TO_MOVE
from azul_tui.game.notation import format_move
from azul_tui.game.rules import apply_move, earned_points, floor_slots, list_legal
from azul_tui.players import create_player
from azul_tui.players.alphabeta import LEVELS, pairs_on_table
from azul_tui.players.scripted import earned_change


def legal_moves(state: np.ndarray) -> list[int]:
    actions = np.empty(300, np.int32)
    return actions[: list_legal(state, actions, False)].tolist()


def after(state: np.ndarray, action: int) -> np.ndarray:
    """The position after `action`, the round left open even when it takes the last tile."""
    child = state.copy()
    child[TABLE_TILES] += 1
    apply_move(child, action)
    child[TABLE_TILES] -= 1
    return child


def plain_value(state: np.ndarray, depth: int) -> int:
    """Best sum of changes of earned points from here, the other's counted against."""
    if depth == 0 or state[TABLE_TILES] == 0:
        return 0
    return max(plain_move_value(state, action, depth) for action in legal_moves(state))


def plain_move_value(state: np.ndarray, action: int, depth: int) -> int:
    seat = int(state[TO_MOVE])
    child = after(state, action)
    change = earned_points(child, seat) - earned_points(state, seat)
    return change - plain_value(child, depth - 1)


def plain_best(state: np.ndarray, depth: int) -> set[int]:
    values = {action: plain_move_value(state, action, depth) for action in legal_moves(state)}
    return {action for action, value in values.items() if value == max(values.values())}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_the_change_of_earned_points_is_found_without_making_the_move(seed, moves):
    state = random_position(seed, moves)
    seat = int(state[TO_MOVE])
    before = state.copy()
    earned = earned_points(state, seat)
    for action in legal_moves(state):
        expected = earned_points(after(state, action), seat) - earned
        assert earned_change(state, action, earned, floor_slots(state, seat)) == expected
    assert np.array_equal(state, before)


@pytest.mark.parametrize("level", ["easy", "medium"])
def test_it_finds_the_moves_that_a_plain_search_finds(level):
    depth, threshold = LEVELS[level]
    player = create_player(f"alphabeta-{level}")
    checked = 0
    for seed in range(20):
        state = random_position(seed, 5 + 3 * seed % 50, small=True)
        pairs = int(pairs_on_table(state))
        if pairs > 5:
            looks = depth if pairs > threshold else 99
            if looks > 3:
                continue
        else:
            looks = 99 if pairs <= threshold else depth
        best = {format_move(action, 2) for action in plain_best(state, looks)}
        assert choices(player, state, 16) <= best
        assert steady_choice(player, state) in best
        checked += 1
    assert checked >= 14


def test_ties_are_broken_at_random_among_all_that_are_best():
    state = position("", "B1Y1", board("W1 - W1 W1 W1"), board("W1 W1 W1 W1 W1"))
    best = {format_move(action, 2) for action in plain_best(state, 9)}
    assert choices(create_player("alphabeta-medium"), state, 200) == best
    assert len(best) > 1


def test_two_moves_ahead_take_from_the_other_what_one_does_not_see():
    # two white would complete the other's line 5, its row and its column: 19 points
    theirs = board("- - - - W3", "...K. ...R. ...Y. ...B. YRK.B")
    state = position("WWKK BYRK YYRR RRKK BBYY", "-", board("- Y1 - - -"), theirs)
    easy = choices(create_player("alphabeta-easy"), state)
    assert easy
    assert not any(move.startswith("W") for move in easy), "a single tile on line 1 earns a point"
    for level in ("medium", "hard", "extreme"):
        assert all(move[0] == "W" for move in choices(create_player(f"alphabeta-{level}"), state))


def test_easy_searches_to_the_end_of_the_round_once_four_pairs_are_left():
    full = "W1 W1 W1 W1 W1"
    theirs = board("- W1 W1 W1 W1", "BY... ..... ..... ..... .....")
    state = position("", "B1Y1R1", board(full), theirs)
    assert choices(create_player("greedy"), state) == {"B C>F", "Y C>F", "R C>F"}
    assert choices(create_player("alphabeta-easy"), state) == {"R C>F"}, "red earns them a point"


def test_a_round_is_never_looked_past():
    """The last tile of a round: nothing but the change it makes at once may count."""
    state = position("", "B1", board("- B1 - - -"))
    assert choices(create_player("alphabeta-extreme"), state) == {"B C>1", "B C>2"}


def test_a_choice_does_not_depend_on_the_batch_or_on_threads():
    player = create_player("alphabeta-hard")
    states = np.stack([random_position(seed, 3 * seed) for seed in range(12)])
    seeds = np.arange(12, dtype=np.uint64)
    together = player.choose(states, seeds)
    alone = [int(player.choose(states[i : i + 1], seeds[i : i + 1])[0]) for i in range(12)]
    assert together.tolist() == alone


def test_it_plays_games_of_two_only():
    with pytest.raises(PlayerError, match="games of two only"):
        create_player("alphabeta-hard", 3)
