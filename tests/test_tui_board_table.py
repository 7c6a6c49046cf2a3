"""The table that a person plays on: sizes, what a click means, what is lit."""

from __future__ import annotations

import pytest
from fake_run import POSITION
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.game.notation import parse_position
from azul_tui.tui.board.marks import Marks, Move, fallen
from azul_tui.tui.board.scale import Brush
from azul_tui.tui.board.surface import Surface, Target
from azul_tui.tui.board.table import Rectangle, draw_table, free_rectangle
from azul_tui.tui.palette import role_style
from azul_tui.tui.picture import line_width, plain
from azul_tui.tui.signs import ASCII, UNICODE

FACTORIES = ["BBYK", "RRWW", "-", "YKKK", "BYRK", "RRWW", "BBYK", "YYYW", "RKWW"]
BOARD = "10,B1/-/-/R2/-,B..../...../K..../...../.....,K2*"


def position(players):
    if players == 2:
        return parse_position(POSITION)
    factories = "/".join(FACTORIES[: 2 * players + 1])
    boards = " ".join([BOARD] * players)
    return parse_position(
        f"azul{players} r1 move:1 next:1 {factories} B1K4R2* bag:B9 lid:- {boards}"
    )


def table(players, width, height, *, marks=None, signs=UNICODE, depth="full"):
    names = ["you", "planner", "greedy", "naive"]
    brush = Brush(signs, depth)
    return draw_table(position(players), width, height, names=names, marks=marks, brush=brush)


def roles(surface):
    return {role for line in surface.picture() for _, role in line}


@pytest.mark.parametrize("players", [2, 3, 4])
@pytest.mark.parametrize("size", [(80, 19), (120, 35), (200, 55)])
def test_every_board_is_whole_at_the_sizes_that_are_designed_for(players, size):
    drawn = table(players, *size)
    text = plain(drawn.surface.picture())
    assert drawn.complete
    for name in ["you", "planner", "greedy", "naive"][:players]:
        assert name in text
    everything = {area.target for area in drawn.surface.areas}
    assert {Target("line", seat, row) for seat in range(players) for row in range(6)} <= everything
    tiles = {target for target in everything if target.kind == "tiles"}
    sources = position(players).sources
    assert tiles == {
        Target("tiles", source, color)
        for source, counts in enumerate(sources)
        for color, count in enumerate(counts)
        if count
    }


@given(st.integers(2, 4), st.integers(1, 210), st.integers(1, 70))
def test_a_table_never_leaves_its_place(players, width, height):
    drawn = table(players, width, height)
    picture = drawn.surface.picture()
    assert len(picture) == height
    assert all(line_width(line) == width for line in picture)
    assert drawn.free.right <= width
    assert drawn.free.bottom <= height
    for y in range(drawn.free.top, drawn.free.bottom):
        for x in range(drawn.free.left, drawn.free.right):
            assert drawn.surface.at(x, y) is None


@pytest.mark.parametrize("size", [(80, 19), (120, 35), (200, 55)])
def test_ascii_has_nothing_else_and_boxes_stand_in_for_colour(size):
    assert plain(table(2, *size, signs=ASCII).surface.picture()).isascii()
    without = table(2, *size, depth="none").surface
    assert "▄" not in plain(without.picture())
    assert not any(role.startswith("block.") for role in roles(without))


def test_the_own_board_is_the_larger_one():
    drawn = table(2, 120, 35)
    lines = [area for area in drawn.surface.areas if area.target.kind == "line"]
    own, other = ([a for a in lines if a.target.first == seat] for seat in (0, 1))
    assert own[0].left < other[0].left
    assert own[0].bottom - own[0].top > other[0].bottom - other[0].top


def test_a_click_means_the_tile_or_the_line_under_it():
    drawn = table(2, 120, 35)
    for area in drawn.surface.areas:
        assert drawn.surface.at(area.left, area.top) == area.target
        assert drawn.surface.at(area.right - 1, area.bottom - 1) == area.target
    assert drawn.surface.at(119, 0) is None


def test_tiles_in_hand_stay_bright_and_are_shown_on_every_line_that_takes_them():
    marks = Marks(held=(1, 2), rows=frozenset({0, 2, 5}))
    drawn = table(2, 120, 35, marks=marks)
    found = roles(drawn.surface)
    assert {"tile.R", "faint.W", "faint.B", "ghost.R"} <= found
    ghosts = sum(
        text.strip() == "r"
        for line in drawn.surface.picture()
        for text, role in line
        if role == "ghost.R"
    )
    assert ghosts == 3, "one on line 1 and two beside the red one on line 3"


def test_tiles_that_cannot_be_taken_are_faint():
    marks = Marks(takeable=frozenset({(0, 0), (0, 1)}))
    found = roles(table(2, 120, 35, marks=marks).surface)
    assert {"tile.B", "tile.Y", "faint.K", "faint.R"} <= found


def test_the_last_move_is_lit_where_it_came_from_and_where_it_went():
    marks = Marks(last=Move.parse("Y 4>2", 2), last_seat=1)
    drawn = table(2, 120, 35, marks=marks)
    assert {"frame.focus", "mark.setting"} <= roles(drawn.surface)
    assert UNICODE.last in plain(drawn.surface.picture())


def test_what_falls_is_what_a_line_has_no_room_for():
    now = position(2)
    assert fallen(now, 1, 2, 0) == 1
    assert fallen(now, 1, 2, 2) == 0
    assert fallen(now, 1, 2, 5) == 2


def test_half_blocks_have_the_colour_of_the_tile():
    for depth in ("full", "16"):
        tile, edge = role_style("tile.B", depth), role_style("block.tile.B", depth)
        assert edge.color == tile.bgcolor


def test_wide_characters_keep_the_cells_aligned():
    surface = Surface(6, 1)
    surface.put(1, 0, "漢字漢", "strong")
    assert line_width(surface.picture()[0]) == 6


def test_the_free_rectangle_touches_nothing():
    taken = (Rectangle(0, 0, 50, 10), Rectangle(0, 10, 40, 20))
    free = free_rectangle(taken, 100, 20)
    assert free == Rectangle(52, 0, 100, 20)
    assert free_rectangle((Rectangle(0, 0, 30, 30),), 30, 30).height == 0
