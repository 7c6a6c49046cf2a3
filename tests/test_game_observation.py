"""What a network sees: every field as documented, seen by the mover, bounded."""

from dataclasses import replace

import numpy as np
import pytest
from azul_positions import games, moving
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.game.constants import (
    ROUND,
    action_count,
    observation_size,
    source_count,
)
from azul_tui.game.observation import (
    legal_fields,
    observation_scales,
    write_observations,
)
from azul_tui.game.rules import earned_points, placement_points, set_score
from azul_tui.game.state import GameState


def fields(state):
    """The documented fields of an observation, written down a second time, by name."""
    view = state.canonical()[0].view()
    board = view.boards[view.to_move]
    earned = [earned_points(state.array, seat) for seat in range(state.players)]
    seats = [(view.to_move + turn) % state.players for turn in range(state.players)]
    sources = view.sources
    seen = {
        "has": [
            [int(n > 0 and not repeated(view.factories, at)) for n in source]
            for at, source in enumerate(sources)
        ],
        "tiles": sources,
        "marker": view.marker_in_centre,
        "round": min(view.round, 10),
        "afterstate": view.phase == "afterstate",
        "bag": view.bag,
        "lead": [
            np.clip(ours[seats[0]] - max(ours[seat] for seat in seats[1:]), -100, 100)
            for ours in ([board.score for board in view.boards], earned)
        ],
        "accepts": [[accepts(board, color, row) for row in range(5)] for color in range(5)],
    }
    for turn, seat in enumerate(seats):
        board = view.boards[seat]
        seen[f"wall {turn}"] = board.wall
        seen[f"lines {turn}"] = [
            [line.tiles if line.color == color else 0 for color in range(5)] for line in board.lines
        ]
        seen[f"points {turn}"] = [
            [
                0 if board.wall[row][column] else points_if_laid(state, seat, row, column)
                for column in range(5)
            ]
            for row in range(5)
        ]
        seen[f"floor {turn}"] = [board.floor_slots, board.floor_cost]
        seen[f"score {turn}"] = [min(board.score, 127), min(max(earned[seat], 0), 127)]
        seen[f"next {turn}"] = view.next_first == seat
    return {name: np.ravel(np.array(value, dtype=int)) for name, value in seen.items()}


def repeated(factories, at):
    return 0 < at < len(factories) and factories[at] == factories[at - 1]


def accepts(board, color, row):
    line = board.lines[row]
    free = not board.wall[row][(color + row) % 5] and line.tiles <= row
    return free and line.color in (None, color)


def points_if_laid(state, seat, row, column):
    laid = state.array.copy()
    laid[18 + 23 * seat + 10 + row] |= 1 << column
    return placement_points(laid, seat, row, column)


def assert_as_documented(state):
    observation = state.observation()
    at = 0
    for name, expected in fields(state).items():
        seen = observation[at : at + len(expected)]
        assert seen.tolist() == expected.tolist(), name
        at += len(expected)
    assert not observation[at:].any()
    assert len(observation) == observation_size(state.players)


@given(games)
def test_every_field_is_what_it_is_documented_to_be(state):
    assert_as_documented(state)


@given(games, st.lists(st.integers(0, 300), min_size=4, max_size=4), st.integers(1, 60))
def test_high_scores_and_late_rounds_are_cut_as_documented(state, scores, round_number):
    for seat in range(state.players):
        set_score(state.array, seat, scores[seat])
    state.array[ROUND] = round_number
    assert_as_documented(state)
    scales = observation_scales(state.players)
    assert scales.dtype == np.float32
    assert np.abs(state.observation() * scales).max() <= 100 / 20, "whatever the scores"


@given(games, st.data())
def test_the_seats_are_seen_from_the_mover(state, data):
    """Turning the table by some seats changes nothing in what the mover sees."""
    turn = data.draw(st.integers(0, state.players - 1))
    view = state.view()
    boards = view.boards[-turn:] + view.boards[:-turn] if turn else view.boards
    turned = replace(
        view,
        boards=boards,
        to_move=(view.to_move + turn) % state.players,
        next_first=(view.next_first + turn) % state.players,
    )
    assert GameState.from_view(turned).observation().tolist() == state.observation().tolist()


@given(moving)
def test_the_legal_moves_can_be_read_from_an_observation(state):
    """has x (accepts or floor) is exactly the list of distinct moves of the canonical position."""
    canonical, _ = state.canonical()
    observation = state.observation()
    parts = legal_fields(state.players)
    has = observation[parts.has].reshape(source_count(state.players), 5)
    accepts = observation[parts.accepts].reshape(5, 5)
    rows = np.concatenate([accepts, np.ones((5, 1), np.int8)], axis=1)
    mask = (has[:, :, None] * rows[None]).astype(bool)
    assert mask.size == action_count(state.players)
    assert np.flatnonzero(mask).tolist() == canonical.legal_actions(distinct=True).tolist()


@pytest.mark.parametrize("players", [2, 3, 4])
def test_many_positions_are_observed_as_each_alone(players):
    states = [GameState.new(players, seed=seed).canonical()[0] for seed in range(9)]
    batch = np.stack([state.array for state in states])
    out = np.full((9, observation_size(players)), 7, np.int8)
    write_observations(batch, out)
    assert [row.tolist() for row in out] == [state.observation().tolist() for state in states]
    assert len(observation_scales(players)) == observation_size(players)
