"""Putting a move together: whatever is pressed, only legal moves come out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.game.constants import encode_action
from azul_tui.game.legality import legal_moves
from azul_tui.game.notation import format_move, parse_position
from azul_tui.tui.play.pick import Pick
from azul_tui.tui.play.settings import PlaySettings, is_scripted, next_step, short_name
from azul_tui.tui.play.setup import PlaySetup, player_options

POSITION = parse_position(
    "azul2 r3 move:1 next:2 BBYK/RRWW/-/KKKK/- B1Y1R2W1* bag:B9Y9R9K9W9 lid:- "
    "24,-/Y2/R1/-/W3,B..../.B.../...../...../..K..,K2 "
    "19,B1/-/-/K2/-,.Y.../...../..B../...../Y....,-"
)
ACTIONS = legal_moves(POSITION)
MOVES = [format_move(action, 2) for action in ACTIONS]

steps = st.one_of(
    st.tuples(st.just("source"), st.integers(0, 8)),
    st.tuples(st.just("color"), st.integers(0, 4)),
    st.tuples(st.just("lay"), st.integers(0, 5)),
    st.tuples(st.just("back"), st.just(0)),
)


def pick():
    return Pick.of(POSITION, MOVES)


@given(st.lists(steps, max_size=12))
def test_only_legal_moves_come_out_of_any_keys(keys):
    now = pick()
    for kind, value in keys:
        if kind == "source":
            done = now.choose_source(value)
        elif kind == "color":
            done = now.choose_color(value)
        elif kind == "back":
            done = now.back() or True
        else:
            move = now.lay(value)
            done = move is not None or not now.complete
            if move is not None:
                assert encode_action(*move) in ACTIONS
        assert done or now.refusal, "what is refused is refused in words"
        assert now.takeable(), "no choice leads into a dead end"
        if now.complete:
            assert (now.source, now.color) in now.takeable()
            assert now.rows()


def test_every_legal_move_can_be_put_together_both_ways_round():
    for action in ACTIONS:
        source, rest = divmod(action, 30)
        color, row = divmod(rest, 6)
        first, other = pick(), pick()
        assert first.choose_source(source)
        assert first.choose_color(color)
        assert other.choose_color(color)
        assert other.choose_source(source)
        assert first.lay(row) == other.lay(row) == (source, color, row)


def test_a_source_of_one_colour_needs_no_colour_and_goes_back_in_one_step():
    now = pick()
    assert now.choose_source(3)
    assert now.complete
    assert now.choose_color(3), "who presses the colour anyway is not refused"
    assert now.back()
    assert (now.source, now.color) == (None, None)
    assert not now.back()


@pytest.mark.parametrize(
    ("source", "color", "row", "words"),
    [
        (2, None, None, "factory 3 is empty"),
        (1, 0, None, "factory 2 holds no blue tile"),
        (0, 0, 0, "wall row 1 already has its blue tile"),
        (0, 1, 2, "line 3 already holds red"),
        (7, None, None, "there is no factory 8"),
    ],
)
def test_refusals_name_the_rule(source, color, row, words):
    now = pick()
    now.choose_source(source)
    if color is not None:
        now.choose_color(color)
    if row is not None:
        assert now.lay(row) is None
    assert words in now.refusal


def test_strength_goes_through_round_figures_and_ends():
    settings = PlaySettings(simulations=150)
    assert settings.stronger(1).simulations == 200
    assert settings.stronger(-1).simulations == 100
    assert next_step((1, 2), 2, 1) == 2
    assert PlaySettings(by_time=True, seconds=2.0).stronger(1).strength == "seconds=5"


def test_seats_and_names():
    watched = PlaySettings(seat=None, partner="greedy", opponent="planner", players=3)
    assert [watched.player_at(seat) for seat in range(3)] == ["greedy", "planner", "planner"]
    assert watched.engine_players() == ("planner", "greedy")
    assert PlaySettings(seat=1).player_at(1) is None
    assert short_name("laptop-1122/checkpoint_iter_000040.pt") == "laptop-1122/000040"
    assert short_name("/a/b/runs/laptop/checkpoint_iter_000040.pt") == "laptop/000040"
    assert is_scripted("uct-50")
    assert not is_scripted("pretrained")


def test_players_that_cannot_sit_at_a_larger_table_make_room():
    setup = PlaySetup(PlaySettings(opponent="alphabeta-hard", partner="pretrained", seat=None))
    setup.chosen = setup.rows().index("players")
    setup.change(1)
    setup.options = player_options([], 3)
    setup.repair()
    assert (setup.settings.players, setup.settings.opponent) == (3, "greedy")
    assert setup.settings.partner == "greedy"


@pytest.mark.parametrize(
    ("row", "text", "words"),
    [
        ("strength", "0", "1 to 100,000"),
        ("strength", "many", "must be a number"),
        ("players", "5", "2 to 4"),
        ("seed", "1.5", "whole number"),
        ("opponent", "a b", "no blanks"),
    ],
)
def test_what_is_typed_is_refused_in_words(row, text, words):
    settings, problem = PlaySetup().typed(row, text)
    assert words in problem
    assert settings == PlaySetup().settings
