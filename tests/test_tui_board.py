"""Boards drawn from positions."""

from __future__ import annotations

from fake_run import POSITION
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.game.notation import parse_position
from azul_tui.tui.board.draw import draw_board
from azul_tui.tui.picture import line_width, plain
from azul_tui.tui.signs import ASCII

COMPACT = """\
factories  1 BBYK   2 RRWW   3 ·      4 YKKK   5 ·
centre     B Y RR W 1 first

▸ player 1          24      player 2          19
          ·   B y r k w             B ▸ b Y r k w
        Y Y ▸ w B y r k           · ·   w b y r k
      · · R   k w b y r         · · ·   k w B y r
    · · · ·   r k w b y       · · K K   r k w b y
  · · W W W   y r K w b     · · · · ·   Y r k w b
  floor KK·····   -2        floor ·······"""


def test_the_compact_board_shows_everything_that_lies_on_the_table():
    assert plain(draw_board(parse_position(POSITION), 58, 12)) == COMPACT


def test_the_large_board_is_used_when_there_is_room():
    picture = draw_board(parse_position(POSITION), 100, 30, names=("net", "person"))
    text = plain(picture)
    assert "24 points" in text
    assert "-1 -1 -2 -2 -2 -3 -3" in text
    assert "person" in text
    # The tiles of the factories and the centre are all there, each with its letter.
    tiles = [part.strip() for line in picture[:5] for part, role in line if role == "tile.B"]
    assert tiles == ["B", "B", "B"]


def test_tiles_carry_letters_and_roles():
    roles = {role for line in draw_board(parse_position(POSITION), 58, 12) for _, role in line}
    assert {f"tile.{letter}" for letter in "BYRKW1"} <= roles
    assert {f"wall.{letter}" for letter in "BYRKW"} <= roles


def test_ascii_has_nothing_else():
    for size in ((100, 30), (58, 12), (40, 5)):
        assert plain(draw_board(parse_position(POSITION), *size, signs=ASCII)).isascii()


@given(st.integers(1, 130), st.integers(1, 40))
def test_a_board_never_leaves_its_place(width, height):
    picture = draw_board(parse_position(POSITION), width, height)
    assert len(picture) <= height
    assert all(line_width(line) <= width for line in picture)


def test_three_and_four_players_fit():
    three = "azul3 r1 move:1 next:1 BBYK/RRWW/BBYK/RRWW/BBYK/RRWW/BBYK -* bag:B9 lid:- " + " ".join(
        ["0,-/-/-/-/-,...../...../...../...../.....,-"] * 3
    )
    text = plain(draw_board(parse_position(three), 80, 30))
    assert text.count("player") == 3
    assert "7 BBYK" in text or "7" in text
