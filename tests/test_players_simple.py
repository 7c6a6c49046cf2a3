"""Random, naive, heuristic and greedy: positions where the rule of each decides.

Moves are told as colour, source and line; factories stand in canonical order, most blue first.
"""

from __future__ import annotations

import numpy as np
import pytest
from small_positions import board, choices, position, steady_choice

from azul_tui.players import create_player

BLOCKED_BELOW_2 = "- - W2 W2 W2"
"""Lines 3 to 5 take white only."""


@pytest.fixture(scope="module")
def player():
    return create_player


def test_random_makes_every_legal_move_and_no_other(player):
    state = position("BBYK", "-", board("- R1 R1 R1 R1"))
    expected = {f"{color} 1>{row}" for color in "BYK" for row in "1F"}
    assert choices(player("random"), state, 400) == expected


def test_random_is_uniform():
    """Chi-square over 12 moves at a fixed seed: a fair player fails for 1 seed in 10,000."""
    state = position("BBYY")
    actions = create_player("random").choose(
        np.tile(state, (12_000, 1)), np.arange(12_000, dtype=np.uint64)
    )
    counts = np.unique(actions, return_counts=True)[1]
    assert len(counts) == 12
    assert ((counts - 1000) ** 2 / 1000).sum() < 37.4


def test_naive_places_as_many_tiles_as_it_can(player):
    state = position("BYYY RRKK")
    assert choices(player("naive"), state) == {"Y 1>3", "Y 1>4", "Y 1>5"}


def test_naive_prefers_the_cleaner_of_equal_moves(player):
    state = position("BBBW YYRK", "-", board(BLOCKED_BELOW_2))
    assert choices(player("naive"), state) == {"Y 2>2"}, "B 1>2 also places two, but spills one"


def test_naive_takes_the_cheapest_floor_when_nothing_fits(player):
    state = position("BBBY", "-", board("W1 W1 W1 W1 W1"))
    assert choices(player("naive"), state) == {"Y 1>F"}


def test_ties_are_broken_by_the_lowest_action_index_without_chance(player):
    state = position("BYYY RRKK")
    assert steady_choice(player("naive"), state) == "Y 1>3"


def test_equal_factories_are_one_move(player):
    state = position("BYYY BYYY")
    assert choices(player("naive"), state) == {"Y 1>3", "Y 1>4", "Y 1>5"}


def test_heuristic_completes_the_longest_line_it_can(player):
    state = position("BBYR", "-", board("- - - - B3"))
    assert choices(player("heuristic"), state) == {"B 1>5"}, "25, against 22 for line 2"


def test_heuristic_counts_what_is_spilled(player):
    state = position("BBBB YRKK", "-", board(BLOCKED_BELOW_2))
    assert choices(player("heuristic"), state) == {"K 2>2"}, "22, against 22 - 6 for B 1>2"


def test_heuristic_is_drawn_to_its_own_tiles(player):
    wall = "..... B.... ..... ..... ....."
    state = position("YRKW", "-", board(wall=wall.replace("B....", ".B...")))
    assert choices(player("heuristic"), state) == {"Y 1>1"}, "above the blue tile: 21 + 3"


def test_heuristic_counts_each_neighbour(player):
    wall = "B.R.. .BY.. ..... ..... ....."
    state = position("YKKW", "-", board(wall=wall))
    # yellow on line 1 has blue, red and blue below: 21 + 9; two black on line 2: 22
    assert choices(player("heuristic"), state) == {"Y 1>1"}


@pytest.mark.parametrize(("tiles", "expected"), [(11, "B C>1"), (12, "B C>F")])
def test_heuristic_floors_what_would_cost_more_than_ten(player, tiles, expected):
    state = position("", f"B{tiles}", board("- W1 W1 W1 W1"))
    assert choices(player("heuristic"), state) == {expected}, "21 - 3 * spilled against -10"


def test_greedy_takes_the_most_points_at_once(player):
    wall = "B.R.. ..... ..... ..... ....."
    state = position("BBYK", "-", board(wall=wall))
    assert choices(player("greedy"), state) == {"Y 1>1"}, "a run of three, against single points"


def test_greedy_counts_the_lines_above_that_are_full_already(player):
    # blue lies complete on line 1 and will be above the white of line 2: 2 points, not 1
    state = position("WWYY", "-", board("B1 - - - -"))
    assert choices(player("greedy"), state) == {"W 1>2"}


def test_greedy_knows_the_bonuses(player):
    wall = "B.... W.... K.... R.... ....."
    state = position("YKKK", "-", board("- - - - Y4", wall))
    # line 5 makes a column of five: 5 points and the bonus of 7
    assert choices(player("greedy"), state) == {"Y 1>5"}


def test_greedy_avoids_the_marker(player):
    state = position("BYRK", "B*", board("- W1 W1 W1 W1"))
    assert choices(player("greedy"), state) == {"B 1>1", "Y 1>1", "R 1>1", "K 1>1"}


def test_greedy_still_sees_the_difference_below_zero(player):
    state = position("", "B1Y3", board("W1 W1 W1 W1 W1", floor="K2", score=0))
    assert choices(player("greedy"), state) == {"B C>F"}, "a deeper floor is always worse"


def test_greedy_compares_the_last_tile_of_a_round_like_any_other(player):
    """Resolving the round would clear the floor and clamp the score: neither may count."""
    state = position("", "B3", board("- W1 B2 - -", score=0))
    # line 3 scores 1 and spills two (-2); lines 4 and 5 score nothing and spill nothing
    assert choices(player("greedy"), state) == {"B C>4", "B C>5"}


@pytest.mark.parametrize("name", ["random", "naive", "heuristic", "greedy"])
def test_a_choice_does_not_depend_on_the_batch_and_changes_nothing(name):
    player = create_player(name)
    states = np.stack([position("BBYK YYKW RRWW"), position("BYRK", "R2K1*"), position("", "W2")])
    seeds = np.array([7, 8, 9], np.uint64)
    before = states.copy()
    together = player.choose(states, seeds)
    alone = [player.choose(states[i : i + 1], seeds[i : i + 1])[0] for i in (2, 1, 0)]
    assert together.tolist() == alone[::-1]
    assert np.array_equal(states, before)
    assert seeds.tolist() == [7, 8, 9]
