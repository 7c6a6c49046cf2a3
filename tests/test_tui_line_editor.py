"""A line being typed: what keys do to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.tui.forms.line import MOST, LineEditor
from azul_tui.tui.picture import line_width

KEYS = "left right ctrl+left ctrl+right home end backspace delete ctrl+w ctrl+u ctrl+k".split()


def typed(*keys, text="one two three"):
    line = LineEditor(text, len(text))
    for key in keys:
        assert line.press(key, key if len(key) == 1 else None)
    return f"{line.text[: line.caret]}|{line.text[line.caret :]}"


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (["x"], "one two threex|"),
        (["left", "left", "x"], "one two thrx|ee"),
        (["home", "delete", "right"], "n|e two three"),
        (["ctrl+left", "backspace"], "one two|three"),
        (["ctrl+w", "ctrl+w"], "one |"),
        (["home", "ctrl+right", "ctrl+k"], "one|"),
        (["ctrl+left", "ctrl+u", "ctrl+right"], "three|"),
        (["end", "right", "delete"], "one two three|"),
        (["ctrl+u", "backspace", "left"], "|"),
    ],
)
def test_keys_edit_as_a_command_line_does(keys, shown):
    assert typed(*keys) == shown


def test_other_keys_are_left_to_others():
    line = LineEditor()
    for key in ("escape", "f1", "up", "ctrl+p"):
        assert not line.press(key, None)
    assert not line.press("tab", "\t")
    assert not line.press("alt+S", "S"), "an escape typed just before a letter"


def test_pasted_text_is_one_clean_line():
    line = LineEditor()
    line.insert("a\x1b[31mb\nsecond line")
    assert line.text == "a[31mb"
    line.insert("x" * 10_000)
    assert len(line.text) == MOST


@given(st.lists(st.sampled_from([*KEYS, *"ab 宽"]), max_size=40), st.integers(1, 20))
def test_the_caret_is_always_seen_and_the_width_is_kept(keys, width):
    line = LineEditor()
    for key in keys:
        line.press(key, key if len(key) == 1 else None)
        assert 0 <= line.caret <= len(line.text)
        drawn = line.drawn(width)
        assert line_width(drawn) == width
        if width > 2:
            assert [text for text, role in drawn if role == "caret"]


def test_the_first_letter_replaces_an_old_value_and_an_arrow_keeps_it():
    line = LineEditor("84", 2, fresh=True)
    line.press("9", "9")
    line.press("6", "6")
    assert line.text == "96"
    line = LineEditor("84", 2, fresh=True)
    line.press("left", None)
    line.press("0", "0")
    assert line.text == "804"
