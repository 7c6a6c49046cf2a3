"""Positions as people paste them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from fake_run import POSITION
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.errors import NotationError
from azul_tui.game.notation import draw_position, format_position, parse_position
from azul_tui.tui.analyse.session import OPENING
from azul_tui.tui.analyse.text import read_position, refusal, why_no_moves

VIEW = parse_position(OPENING)
DRAWN = draw_position(VIEW)


@pytest.mark.parametrize(
    "text",
    [
        OPENING,
        f"  {OPENING}\n",
        OPENING.replace(" ", "\n", 3),
        f"position {OPENING}",
        f"> {OPENING}",
        f"```\n{OPENING}\n```",
        f"look at this: {OPENING}",
        DRAWN,
        f"here it is\n\n{DRAWN}\n",
        "\n".join(f"> {line}" for line in DRAWN.splitlines()),
        f"```text\n{DRAWN}\n```",
    ],
)
def test_a_position_is_read_with_what_clings_to_it(text):
    given = read_position(text)
    assert given.view == VIEW
    assert given.faults == ()


def test_moves_after_it_are_read_as_the_protocol_writes_them():
    given = read_position(f"{OPENING} moves R 3>2, w from 4 to line 1")
    assert given.view == VIEW
    assert given.moves == ("R 3>2", "W 4>1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there is no text in it"),
        ("hello", "that is no position; one begins with azul2"),
        (OPENING.replace("BYRW/", "BYXW/"), "the factories: 'BYXW'"),
        (OPENING.replace("azul2", "azul5"), "5 players cannot play"),
        (" ".join(OPENING.split()[:6]), "the position ends before the bag"),
        (f"{OPENING} moves R 9>2", "takes from factory 9; there are 1 to 5 and C"),
        (DRAWN.replace("centre     *", "center     *"), "the centre: 'center     *'"),
        ("azul2 " * 5000, "characters"),
    ],
)
def test_what_is_wrong_is_named_in_one_sentence(text, words):
    with pytest.raises(NotationError) as raised:
        read_position(text)
    said = str(raised.value)
    assert words in said
    assert "\n" not in said


def test_rules_that_are_broken_are_named():
    given = read_position(POSITION)
    assert "there are" in refusal(given.faults)
    assert f"(and {len(given.faults) - 1} more)" in refusal(given.faults)
    assert refusal(given.faults[:1]) == given.faults[0]


@given(st.text(max_size=400))
def test_no_text_raises_anything_else(text):
    for around in (text, f"azul2 {text}", f"azul, 2 players {text}", OPENING + text):
        with suppress(NotationError):
            read_position(around)


def test_why_nobody_can_move():
    assert why_no_moves(VIEW) == ""
    over = OPENING.replace("move:1", "over-row:1").replace(" 0,-", " 31,-", 1)
    assert why_no_moves(parse_position(over)) == (
        "the game is over, player 1 has the most points, 31 : 0"
    )
    scored = parse_position(format_position(VIEW).replace("move:1", "tiled:1"))
    assert "wait for their refill" in why_no_moves(scored)
