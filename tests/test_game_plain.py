"""The engine against a second, deliberately plain implementation of the rules."""

import os

import numpy as np
import plain_azul
import pytest
from azul_positions import STYLES, choose

from azul_tui.game.constants import decode_action
from azul_tui.game.state import GameState

GAMES = int(os.environ.get("AZUL_TUI_PLAIN_GAMES", "24"))
"""For each number of players; 2,000 take about two and a half minutes."""


def in_tiles(counts):
    return [colour for colour in range(5) for _ in range(counts[colour])]


def in_counts(tiles):
    return tuple(tiles.count(colour) for colour in range(5))


def assert_same(state, plain):
    """Every part of the two positions."""
    view = state.view()
    assert [board.score for board in view.boards] == [board.score for board in plain.boards]
    assert view.to_move == plain.mover
    assert view.next_first == plain.starter
    assert view.round == plain.round
    assert view.bag == in_counts(plain.bag)
    assert view.lid == in_counts(plain.lid)
    assert state.is_over == plain.over
    assert view.factories == tuple(in_counts(tiles) for tiles in plain.factories)
    assert view.centre == in_counts(plain.centre)
    for ours, theirs in zip(view.boards, plain.boards, strict=True):
        lines = [(tiles[0] if tiles else None, len(tiles)) for tiles in theirs.lines]
        assert list(ours.lines) == lines
        assert [[cell is not None for cell in row] for row in theirs.wall] == list(
            map(list, ours.wall)
        )
        assert ours.floor == in_counts(theirs.floor)
        assert ours.floor_slots == len(theirs.floor)
        assert not ("marker" in theirs.floor and not ours.marker)
    if view.phase == "moving":
        assert view.marker_in_centre == plain.marker_in_centre


@pytest.mark.parametrize("players", [2, 3, 4])
def test_a_second_implementation_agrees_with_every_step(players):
    for game in range(GAMES):
        style = STYLES[game % 3]
        rng = np.random.default_rng([players, game])
        state = GameState.new(players, seed=game)
        plain = plain_azul.Game(players)
        plain.deal([in_tiles(factory) for factory in state.view().factories])
        assert_same(state, plain)
        while not state.is_over and state.round < 30:
            legal = [decode_action(int(action)) for action in state.legal_actions()]
            assert legal == plain.legal()
            action = choose(state, style, rng)
            state.apply(action, refill=False)
            plain.play(*decode_action(action))
            assert_same(state, plain)
            if state.phase == "afterstate":
                state.refill()
                plain.deal([in_tiles(factory) for factory in state.view().factories])
                assert_same(state, plain)
        if state.is_over:
            assert list(state.winners) == plain.winners()
