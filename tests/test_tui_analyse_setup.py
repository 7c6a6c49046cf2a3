"""Positions set up by hand: every field, every change, and what is named as wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.errors import NotationError
from azul_tui.game.notation import format_position, parse_position
from azul_tui.game.view import LineView
from azul_tui.tui.analyse.session import OPENING
from azul_tui.tui.analyse.setup import (
    Field,
    cleared,
    emptied,
    faults,
    field_rows,
    marker_place,
    stepped,
    tiles_in_play,
    to_set_up,
    with_bag_filled,
    with_color,
    with_players,
)
from azul_tui.tui.analyse.setup_picture import SetupState, setup_body
from azul_tui.tui.analyse.setup_text import accepted, name_of, text_of, with_text
from azul_tui.tui.picture import line_width, plain
from azul_tui.tui.signs import ASCII, UNICODE

VIEW = parse_position(OPENING)
FIELDS = [field for row in field_rows(2) for field in row]


def test_there_is_a_field_for_everything_in_a_position():
    kinds = [field.kind for field in FIELDS]
    assert kinds.count("factory") == 5
    assert kinds.count("line") == kinds.count("wall") == 10
    assert kinds.count("score") == kinds.count("floor") == 2
    assert {"players", "round", "turn", "next", "centre", "marker", "bag", "lid"} <= set(kinds)
    assert len(FIELDS) == len(set(FIELDS))
    assert len({name_of(field) for field in FIELDS}) == len(FIELDS)


@pytest.mark.parametrize("field", FIELDS, ids=name_of)
def test_what_a_field_says_can_be_typed_back(field):
    assert with_text(VIEW, field, text_of(VIEW, field)) == VIEW
    assert accepted(field)
    with pytest.raises(NotationError):
        with_text(VIEW, field, "nonsense")


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        (Field("players"), "5", "5 players cannot play"),
        (Field("round"), "0", "it can be 1 to 60"),
        (Field("turn"), "3", "there is no player 3"),
        (Field("marker"), "9", "there is no player 9"),
        (Field("score", 0), "-1", "it can be 0 to 999"),
        (Field("line", 0, 1), "B7B", "is not pattern line 2"),
        (Field("wall", 0, 1), "BBBBB", "that is WBYRK with gaps"),
        (Field("bag"), "B200", "too much for a position"),
        (Field("centre"), "B*", "has the marker"),
    ],
)
def test_what_cannot_be_is_refused_in_words(field, text, words):
    with pytest.raises(NotationError, match=words):
        with_text(VIEW, field, text)


def test_small_letters_are_taken_as_well():
    assert with_text(VIEW, Field("factory"), "bb").factories[0] == (2, 0, 0, 0, 0)
    assert with_text(VIEW, Field("line", 0, 2), "y2").boards[0].lines[2] == LineView(1, 2)
    assert with_text(VIEW, Field("wall", 1, 0), "b...w").boards[1].wall[0] == (1, 0, 0, 0, 1)


def test_tiles_are_added_and_taken_away():
    more = with_color(VIEW, Field("centre"), 2, 1)
    assert more.centre == (0, 0, 1, 0, 0)
    assert faults(more) == ["there are 21 red tiles instead of 20"]
    assert with_color(more, Field("centre"), 2, -1) == VIEW
    assert with_color(VIEW, Field("centre"), 2, -1) == VIEW
    assert with_bag_filled(more).bag[2] == VIEW.bag[2] - 1
    assert faults(with_bag_filled(more)) == []


def test_a_pattern_line_takes_one_colour_and_no_more_than_its_places():
    line = Field("line", 0, 1)
    view = with_color(VIEW, line, 1, 1)
    assert view.boards[0].lines[1] == LineView(1, 1)
    view = with_color(with_color(view, line, 1, 1), line, 1, 1)
    assert view.boards[0].lines[1] == LineView(1, 2)
    assert with_color(view, line, 3, -1) == view
    assert with_color(view, line, 3, 1).boards[0].lines[1] == LineView(3, 1)
    assert stepped(stepped(view, line, -1), line, -1).boards[0].lines[1] == LineView(None, 0)


def test_a_wall_with_the_colour_of_an_unfinished_line_is_named():
    view = with_color(VIEW, Field("line", 0, 2), 0, 1)
    view = with_bag_filled(with_color(view, Field("wall", 0, 2), 0, 1))
    assert faults(view) == ["player 1: line 3 holds blue, which wall row 3 already has"]
    # The same key takes the tile off again.
    assert faults(with_bag_filled(with_color(view, Field("wall", 0, 2), 0, 1))) == []


def test_the_marker_goes_round_and_its_holder_starts():
    marker = Field("marker")
    view, places = VIEW, []
    for _ in range(4):
        places.append(marker_place(view))
        view = stepped(view, marker, 1)
        assert faults(view) == []
    assert places == [-1, 0, 1, -1]
    assert with_text(VIEW, marker, "2").next_first == 1
    assert with_text(with_text(VIEW, marker, "2"), marker, "c").marker_in_centre


def test_a_table_for_more_players_has_their_boards_and_factories():
    four = with_players(VIEW, 4)
    assert len(four.boards) == 4 and len(four.factories) == 9
    assert faults(four) == []
    assert parse_position(format_position(four)) == four
    assert with_players(four, 2) == VIEW
    seated = stepped(stepped(four, Field("turn"), 3), Field("marker"), 4)
    assert faults(with_players(seated, 2)) == []


def test_a_cleared_table_lacks_only_tiles_to_take():
    for players in (2, 3, 4):
        assert faults(cleared(players)) == ["somebody is to move, but no tile lies on the table"]
        assert tiles_in_play(cleared(players)) == (20,) * 5


def test_a_position_between_rounds_is_set_up_as_one_with_a_move():
    scored = parse_position(OPENING.replace("move:1", "over-row:1"))
    assert to_set_up(scored) == VIEW


@given(
    st.lists(
        st.tuples(
            st.sampled_from(FIELDS), st.integers(0, 4), st.sampled_from([1, -1]), st.integers(0, 3)
        ),
        max_size=60,
    )
)
def test_whatever_is_pressed_the_position_can_be_written_and_drawn(presses):
    view = VIEW
    for field, color, step, kind in presses:
        if field not in {field for row in field_rows(view.players) for field in row}:
            continue
        if kind == 0:
            view = with_color(view, field, color, step)
        elif kind == 1:
            view = stepped(view, field, step)
        elif kind == 2:
            view = emptied(view, field)
        else:
            view = with_bag_filled(view)
    assert parse_position(format_position(view)) == view
    faults(view)
    state = SetupState(view=view, at=Field("bag"), message="", depth="full", signs=UNICODE)
    for width, height in ((78, 22), (118, 38)):
        lines = setup_body(state, width, height)
        assert len(lines) == height and {line_width(line) for line in lines} == {width}


@pytest.mark.parametrize("players", [2, 3, 4])
@pytest.mark.parametrize("signs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_field_is_shown_where_it_is_chosen(players, signs):
    view = with_players(VIEW, players)
    for field in (field for row in field_rows(players) for field in row):
        state = SetupState(view=view, at=field, message="", depth="none", signs=signs)
        picture = setup_body(state, 80, 22)
        assert name_of(field) in plain(picture)
        assert any(role == "chosen" for line in picture for _, role in line), field


def test_what_is_wrong_is_listed_with_the_number_of_the_rest():
    view = cleared(2)
    for color in range(5):
        view = with_color(view, Field("lid"), color, 1)
    state = SetupState(view=view, at=Field("lid"), message="", depth="full", signs=UNICODE)
    small = plain(setup_body(state, 80, 22))
    assert "6 wrong" in small and "more" in small
    large = plain(setup_body(state, 120, 38))
    assert large.count("instead of 20") == 5
    assert "W 21" in large
