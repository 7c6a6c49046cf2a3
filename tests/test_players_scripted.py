"""From a name to a player; positions where the rule of random, naive, heuristic, greedy decides.

Moves are told as colour, source and line; factories stand in canonical order, most blue first.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_positions import board, choices, position, random_position, steady_choice

from azul_tui.errors import GameError, PlayerError
from azul_tui.game.constants import TABLE_TILES, TO_MOVE
from azul_tui.game.rules import apply_move, earned_points, floor_slots, list_legal
from azul_tui.players import create_player
from azul_tui.players.names import SCRIPTED_PLAYERS, parse_player_name, scripted_players
from azul_tui.players.scripted import earned_change

BLOCKED_BELOW_2 = "- - W2 W2 W2"
"""Lines 3 to 5 take white only."""
FULL = "W1 W1 W1 W1 W1"
"""Every line takes white only."""


@pytest.mark.parametrize("players", [2, 3, 4])
def test_every_listed_player_can_be_made(players):
    for name in scripted_players(players):
        assert create_player(name, players).name == name
    assert ("alphabeta-easy" in scripted_players(players)) == (players == 2)


def test_a_name_is_taken_apart():
    assert parse_player_name("alphabeta-hard") == ("alphabeta", "hard", 0)
    assert parse_player_name(" UCT-64 ") == ("uct", "", 64)


@pytest.mark.parametrize(
    ("name", "players", "error", "text"),
    [
        ("gredy", 2, PlayerError, r"did you mean greedy\?"),
        ("alphabeta", 2, PlayerError, r"did you mean alphabeta-medium\?"),
        ("uct", 2, PlayerError, r"did you mean uct-1000\?"),
        ("planer", 2, PlayerError, r"did you mean planner\?"),
        ("zzzzz", 2, PlayerError, "Players are random, naive"),
        ("alphabeta-easy", 3, PlayerError, "games of two only; for 3 players take one of random"),
        ("uct-0", 2, PlayerError, "1 to 1000000 playouts"),
        ("greedy", 5, GameError, "2, 3 or 4"),
    ],
)
def test_what_is_no_player_gets_one_sentence_that_helps(name, players, error, text):
    with pytest.raises(error, match=text) as caught:
        create_player(name, players)
    assert "\n" not in str(caught.value)


def test_a_list_of_players_compiles_nothing():
    code = (
        "import sys, azul_tui.players.names, azul_tui.players.registry;"
        "assert not {'numba', 'numpy', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert len(SCRIPTED_PLAYERS) == 10


def test_random_makes_every_legal_move_and_is_uniform():
    """Chi-square over 12 moves at a fixed seed: a fair player fails for 1 seed in 10,000."""
    state = position("BBYK", "-", board("- R1 R1 R1 R1"))
    expected = {f"{color} 1>{row}" for color in "BYK" for row in "1F"}
    assert choices(create_player("random"), state, 400) == expected
    states = np.tile(position("BBYY"), (12_000, 1))
    actions = create_player("random").choose(states, np.arange(12_000, dtype=np.uint64))
    counts = np.unique(actions, return_counts=True)[1]
    assert len(counts) == 12
    assert ((counts - 1000) ** 2 / 1000).sum() < 37.4


DECIDED = {
    "naive places as many tiles as it can; equal factories are one move": (
        "naive", position("BYYY BYYY"), {"Y 1>3", "Y 1>4", "Y 1>5"}),
    "naive prefers the cleaner of equal moves: B 1>2 also places two, but spills one": (
        "naive", position("BBBW YYRK", "-", board(BLOCKED_BELOW_2)), {"Y 2>2"}),
    "naive takes the cheapest floor when nothing fits": (
        "naive", position("BBBY", "-", board(FULL)), {"Y 1>F"}),
    "heuristic completes the longest line it can: 25, against 22 for line 2": (
        "heuristic", position("BBYR", "-", board("- - - - B3")), {"B 1>5"}),
    "heuristic counts what is spilled: 22, against 22 - 6 for B 1>2": (
        "heuristic", position("BBBB YRKK", "-", board(BLOCKED_BELOW_2)), {"K 2>2"}),
    "heuristic is drawn to its own tiles: above the blue one, 21 + 3": (
        "heuristic", position("YRKW", "-", board(wall="..... .B... ..... ..... .....")),
        {"Y 1>1"}),
    "heuristic counts each neighbour: blue, red, blue below 21 + 9; two black on line 2 22": (
        "heuristic", position("YKKW", "-", board(wall="B.R.. .BY.. ..... ..... .....")),
        {"Y 1>1"}),
    "heuristic spills ten: 21 - 3 * 10 is above -10": (
        "heuristic", position("", "B11", board("- W1 W1 W1 W1")), {"B C>1"}),
    "heuristic floors what costs more than ten: 21 - 3 * 11": (
        "heuristic", position("", "B12", board("- W1 W1 W1 W1")), {"B C>F"}),
    "greedy takes the most points at once: a run of three, against single points": (
        "greedy", position("BBYK", "-", board(wall="B.R.. ..... ..... ..... .....")), {"Y 1>1"}),
    "greedy counts lines above that are full already: blue will lie above, 2 points, not 1": (
        "greedy", position("WWYY", "-", board("B1 - - - -")), {"W 1>2"}),
    "greedy knows the bonuses: line 5 makes a column, 5 points and 7": (
        "greedy", position("YKKK", "-", board("- - - - Y4", "B.... W.... K.... R.... .....")),
        {"Y 1>5"}),
    "greedy avoids the marker": (
        "greedy", position("BYRK", "B*", board("- W1 W1 W1 W1")),
        {"B 1>1", "Y 1>1", "R 1>1", "K 1>1"}),
    "greedy still sees the difference below zero: a deeper floor is always worse": (
        "greedy", position("", "B1Y3", board(FULL, floor="K2", score=0)), {"B C>F"}),
    # Resolving the round would clear the floor and clamp the score. Line 3 scores 1 and spills
    # two (-2); lines 4 and 5 score nothing and spill nothing.
    "greedy compares the last tile of a round like any other": (
        "greedy", position("", "B3", board("- W1 B2 - -", score=0)), {"B C>4", "B C>5"}),
}  # fmt: skip


@pytest.mark.parametrize("case", DECIDED)
def test_the_rule_of_each_player_decides(case):
    name, state, expected = DECIDED[case]
    player = create_player(name)
    assert choices(player, state) == expected
    assert steady_choice(player, state) == min(expected), "ties go to the lowest action"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_the_change_of_earned_points_is_found_without_making_the_move(seed, moves):
    state = random_position(seed, moves)
    seat = int(state[TO_MOVE])
    before = state.copy()
    earned = earned_points(state, seat)
    actions = np.empty(300, np.int32)
    for action in actions[: list_legal(state, actions, False)].tolist():
        child = state.copy()
        child[TABLE_TILES] += 1  # the round is left open
        apply_move(child, action)
        expected = earned_points(child, seat) - earned
        assert earned_change(state, action, earned, floor_slots(state, seat)) == expected
    assert np.array_equal(state, before)


@pytest.mark.parametrize("players", [2, 3, 4])
def test_a_choice_depends_on_nothing_but_its_position_and_seed(players):
    """Every scripted player: alone or in a batch, in threads or not; nothing given is changed."""
    states = np.stack([random_position(seed, 11 * seed, players) for seed in range(6)])
    seeds = np.arange(6, dtype=np.uint64)
    before = states.copy()
    for name in (*scripted_players(players)[:-2], "uct-60"):
        player = create_player(name, players)
        together = player.choose(states, seeds)
        alone = [player.choose(states[i : i + 1], seeds[i : i + 1])[0] for i in range(5, -1, -1)]
        assert together.tolist() == alone[::-1]
    assert np.array_equal(states, before)
    assert seeds.tolist() == list(range(6))
