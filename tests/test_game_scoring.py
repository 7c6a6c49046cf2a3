"""Points, checked against counting by hand in every possible place."""

import numpy as np
import pytest
from azul_positions import moving
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from azul_tui.game.constants import (
    BOARD_FLOOR,
    BOARD_MARKER,
    BOARD_SIZE,
    BOARD_WALL,
    BOARDS,
    FLOOR_PENALTIES,
    PLAYERS,
    state_size,
)
from azul_tui.game.rules import (
    earned_points,
    end_bonus,
    end_round,
    floor_cost,
    placement_points,
    run_points,
    score_of,
    set_score,
)

walls = hnp.arrays(bool, (5, 5))
cells = st.tuples(st.integers(0, 4), st.integers(0, 4))


def with_wall(wall, seat=0, players=2):
    state = np.zeros(state_size(players), np.int8)
    state[PLAYERS] = players
    at = BOARDS + BOARD_SIZE * seat + BOARD_WALL
    state[at : at + 5] = wall @ (1 << np.arange(5))
    return state


def run_by_hand(cells, at):
    """Length of the unbroken run of true cells through `at`, which counts as true."""
    length = 1
    for step in (-1, 1):
        here = at + step
        while 0 <= here < 5 and cells[here]:
            length += 1
            here += step
    return length


def points_by_hand(wall, row, column):
    across, down = run_by_hand(wall[row], column), run_by_hand(wall[:, column], row)
    points = (across if across > 1 else 0) + (down if down > 1 else 0)
    return points or 1


def test_every_pair_of_runs_scores_as_counted_by_hand():
    """All 32 x 32 masks at all 25 cells; nothing else of a wall can matter."""
    bits = np.arange(32)[:, None] >> np.arange(5) & 1
    for row in range(5):
        for column in range(5):
            for across in range(32):
                for down in range(32):
                    wall = np.zeros((5, 5), bool)
                    wall[row] = bits[across]
                    wall[:, column] = bits[down]
                    wall[row, column] = True
                    row_mask, column_mask = across | 1 << column, down | 1 << row
                    points = run_points(row_mask, column_mask, row, column)
                    assert points == points_by_hand(wall, row, column)


@given(walls, cells, st.integers(0, 1))
def test_a_tile_scores_its_runs_on_any_wall(wall, cell, seat):
    wall[cell] = True
    assert placement_points(with_wall(wall, seat), seat, *cell) == points_by_hand(wall, *cell)


@given(walls, st.integers(2, 4))
def test_bonuses_are_two_a_row_seven_a_column_ten_a_colour(wall, players):
    colors = [all(wall[row, (color + row) % 5] for row in range(5)) for color in range(5)]
    by_hand = 2 * wall.all(axis=1).sum() + 7 * wall.all(axis=0).sum() + 10 * sum(colors)
    assert end_bonus(with_wall(wall, players - 1, players), players - 1) == by_hand


@pytest.mark.parametrize("tiles", range(8))
@pytest.mark.parametrize("marker", [0, 1])
def test_floor_slots_cost_from_the_left_and_seven_are_all(tiles, marker):
    state = with_wall(np.zeros((5, 5), bool))
    state[BOARDS + BOARD_FLOOR + 3] = tiles
    state[BOARDS + BOARD_MARKER] = marker
    assert floor_cost(state, 0) == sum(FLOOR_PENALTIES[: min(7, tiles + marker)])


@given(moving)
def test_earned_points_are_what_the_round_would_bring_if_it_ended_now(state):
    """Without the clamp at 0, which a high score keeps away."""
    for seat in range(state.players):
        set_score(state.array, seat, 100 + seat)
    earned = [earned_points(state.array, seat) for seat in range(state.players)]
    end_round(state.array)
    final = [score_of(state.array, seat) for seat in range(state.players)]
    if not state.is_over:
        final = [points + end_bonus(state.array, seat) for seat, points in enumerate(final)]
    assert earned == final
