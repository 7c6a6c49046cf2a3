from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.runs.text import plain_text


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("plain", "plain"),
        ("\x1b[2J\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("\x9b31mred", "red"),
        ("a\x00b\x08c\x7fd", "abcd"),
        ("two\nlines\ttab", "two lines tab"),
        ("a\u202eb\u2066c\u200bd\ufeffe", "abcde"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("thin\u2009no-break\u00a0line\u2028end", "thin no-break line end"),
        ("Fußball 日本 ▁▂", "Fußball 日本 ▁▂"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
    ],
)
def test_what_acts_on_a_terminal_is_removed(dirty, clean):
    assert plain_text(dirty) == clean


def test_lines_are_kept_on_request():
    assert plain_text("a\nb\r\x1b[Hc", keep_lines=True) == "a\nb c"


def test_a_letter_does_not_carry_a_tower_of_marks():
    assert len(plain_text("a" + "\u0301" * 500)) == 5


@pytest.mark.fuzz
@given(st.text() | st.text("\x1b[]0;m\x07\\\x9b\u202eab"), st.integers(1, 50))
def test_nothing_harmful_is_left_and_nothing_is_too_long(text, limit):
    shown = plain_text(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()
    assert plain_text(shown, limit) == shown


def test_ten_thousand_characters_are_shortened_visibly():
    assert plain_text("x" * 10_000, 20) == "x" * 19 + "…"
    assert plain_text("\x1b[31m" * 10_000 + "end", 20).endswith("…")
