"""What is written to the terminal: exactly the new picture, in few bytes."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem

from azul_tui.tui.painting import cells_of, changed_ranges, painted
from azul_tui.tui.picture import crop, laid_at, line_width

WIDTH, HEIGHT = 24, 5
words = st.text("abc ─⡠", min_size=1, max_size=9)
roles = st.sampled_from(["", "quiet", "strong", "chosen", "alert.block", "tile.B", "place.here"])
pictures = st.lists(st.lists(st.tuples(words, roles), max_size=5).map(tuple), max_size=HEIGHT).map(
    lambda picture: crop(picture, WIDTH, HEIGHT)
)
depths = st.sampled_from(
    [
        ("full", ColorSystem.TRUECOLOR),
        ("full", ColorSystem.EIGHT_BIT),
        ("16", ColorSystem.STANDARD),
        ("none", None),
    ]
)


class Screen:
    """A terminal that remembers every cell with its colours."""

    def __init__(self):
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self.stream = pyte.Stream(self.screen)

    def write(self, text):
        self.stream.feed(text)
        return self

    @property
    def cells(self):
        return [[self.screen.buffer[y][x] for x in range(WIDTH)] for y in range(HEIGHT)]


@given(pictures, pictures, depths)
def test_the_terminal_shows_the_new_picture_whatever_was_there(old, new, depth):
    step_by_step = Screen().write(painted(None, old, *depth)).write(painted(old, new, *depth))
    at_once = Screen().write(painted(None, new, *depth))
    assert step_by_step.cells == at_once.cells
    text = ["".join(letter for letter, _ in line) for line in new]
    assert [line.ljust(WIDTH)[:WIDTH] for line in at_once.screen.display] == text


@given(pictures)
def test_the_same_picture_again_writes_nothing(picture):
    assert painted(picture, list(picture), "full", ColorSystem.TRUECOLOR) == ""


def test_one_changed_number_costs_a_move_a_style_and_a_digit():
    old = crop([(("step ", "quiet"), ("1,234", "strong"))], 120, 40)
    new = crop([(("step ", "quiet"), ("1,235", "strong"))], 120, 40)
    written = painted(old, new, "full", ColorSystem.TRUECOLOR)
    assert written.endswith("5\x1b[0m")
    assert len(written) < 60


def test_a_style_that_shares_the_background_changes_the_letters_alone():
    picture = crop([(("a", "quiet"), ("b", "frame"))], 2, 1)
    written = painted(None, picture, "full", ColorSystem.TRUECOLOR)
    assert written.count("48;2;") == 1


def test_without_colours_only_weight_is_written():
    picture = crop([(("a", "strong"), ("b", "tile.B"), ("c", ""))], 3, 1)
    assert painted(None, picture, "none") == "\x1b[1;1H\x1b[0;1mab\x1b[0mc\x1b[0m"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("abcdefghijkl", "abcdefghijkl", []),
        ("abcdefghijkl", "Xbcdefghijkl", [(0, 1)]),
        ("abcdefghijkl", "XbcdefgXijkl", [(0, 8)]),
        ("abcdefghijkl", "XbcdefghXjkl", [(0, 1), (8, 9)]),
    ],
)
def test_ranges_that_are_close_are_joined(before, after, expected):
    assert changed_ranges(cells_of(((before, ""),)), cells_of(((after, ""),))) == expected


def test_wide_letters_are_written_whole():
    old = crop([(("a宽b", ""),)], 4, 1)
    new = crop([(("ab宽", ""),)], 4, 1)
    assert line_width(old[0]) == line_width(new[0]) == 4
    assert "b宽" in painted(old, new, "full", ColorSystem.TRUECOLOR)


def test_a_box_covers_what_lies_below_and_nothing_else():
    below = crop([(("abcdef", "quiet"),)] * 3, 6, 3)
    picture = laid_at(below, [(("XY", "strong"),)], 1, 2)
    assert ["".join(text for text, _ in line) for line in picture] == ["abcdef", "abXYef", "abcdef"]
