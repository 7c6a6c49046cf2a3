"""Whatever is wrong with a position is named."""

from dataclasses import replace

import pytest
from azul_positions import games, players, reached
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.game.constants import BOARD_SCORE, BOARD_SIZE, BOARDS, ROUND, TO_MOVE
from azul_tui.game.notation import parse_position
from azul_tui.game.state import GameState
from azul_tui.game.view import LineView
from azul_tui.game.violations import position_violations, violations

GOOD = (
    "azul2 r4 move:2 next:1 BBYK/-/-/RRWW/- B2K1 bag:B2Y3R1K2W5 lid:B4Y11R7K8W9 "
    "0,Y1/W2/B3/R1/-,...KW/.B.R./...Y./...../..K..,B2R4* "
    "31,-/B1/B2/R3/K4,B.R.W/...../...../...../.....,Y3K2"
)
BETWEEN = (
    "azul2 r4 tiled:1 next:1 -/-/-/-/- - bag:B10Y18R19K18W19 lid:B10 "
    "0,-/-/Y2/R1/-,...KW/...../...../...../..K..,- 31,-/-/-/-/-,...../...../...../...../.....,-"
)


@pytest.mark.parametrize("text", [GOOD, BETWEEN])
def test_a_position_that_can_arise_has_none(text):
    assert violations(GameState.parse(text).array) == []


def board(number, **changes):
    def change(view):
        boards = list(view.boards)
        boards[number] = replace(boards[number], **changes)
        return replace(view, boards=tuple(boards))

    return change


def line(number, row, color, tiles):
    def change(view):
        lines = list(view.boards[number].lines)
        lines[row] = LineView(color, tiles)
        return board(number, lines=tuple(lines))(view)

    return change


FULL_ROW = ((True,) * 5, *[(False,) * 5] * 4)


@pytest.mark.parametrize(
    ("text", "change", "complaint"),
    [
        (GOOD, {"bag": (3, 3, 1, 2, 5)}, "there are 21 blue tiles instead of 20"),
        (GOOD, {"lid": (4, 11, 7, 8, 8)}, "there are 19 white tiles instead of 20"),
        (GOOD, {"bag": (-2, 3, 1, 2, 5)}, "the bag holds a negative number of tiles"),
        (GOOD, {"lid": (-2, 3, 1, 2, 5)}, "the lid holds a negative number of tiles"),
        (GOOD, {"centre": (-2, 3, 1, 2, 5)}, "the centre holds a negative number of tiles"),
        (
            GOOD,
            {"factories": ((3, 2, 0, 0, 0), (-1, 1, 0, 0, 0), *[(0,) * 5] * 3)},
            "factory 1 holds 5 tiles, more than 4; factory 2 holds a negative number of tiles",
        ),
        (GOOD, board(1, score=-1), "player 2: the score is -1, and scores never fall below 0"),
        (GOOD, line(0, 2, 0, 4), "player 1: line 3 holds 4 tiles, more than its 3 places"),
        (GOOD, line(0, 2, 0, -4), "player 1: line 3 holds -4 tiles"),
        (GOOD, line(0, 2, None, 3), "player 1: line 3 holds tiles of no colour"),
        (GOOD, line(0, 2, 0, 0), "player 1: line 3 is empty and yet has the colour blue"),
        (GOOD, line(0, 0, 3, 1), "player 1: line 1 holds black, which wall row 1 already has"),
        (GOOD, board(1, floor=(0, 8, 0, 0, 0)), "the floor line holds 8 tiles, more than its 7"),
        (GOOD, board(1, floor=(0, -1, 0, 0, 0)), "the floor line holds a negative number"),
        (GOOD, {"to_move": 2}, "player 3 is to move, but there are 2 players"),
        (GOOD, {"to_move": -1}, "player 0 is to move, but there are 2 players"),
        (GOOD, {"next_first": 4}, "player 5 is to start the next round, but there are 2 players"),
        (
            GOOD,
            {"marker_in_centre": True},
            "the first-player marker lies in the centre and with player 1 at once",
        ),
        (GOOD, board(0, marker=False), "the first-player marker is nowhere"),
        (
            GOOD,
            board(1, marker=True),
            "the first-player marker lies with player 1 and with player 2 at once",
        ),
        (
            GOOD,
            {"next_first": 1},
            "player 1 has the first-player marker, but player 2 is to start the next round",
        ),
        (GOOD, {"round": 0}, "the round is 0; here it can be 1 to 60"),
        (GOOD, {"round": 61}, "the round is 61; here it can be 1 to 60"),
        (GOOD, {"phase": "over", "end_reason": ""}, "the game is over for no reason"),
        (GOOD, {"phase": "afterstate"}, "the round was scored, but tiles lie on the table"),
        (GOOD, {"phase": "afterstate"}, "player 1: line 3 is full after the round was scored"),
        (GOOD, {"phase": "afterstate"}, "player 2: the floor line holds tiles after the round"),
        (
            GOOD,
            {"phase": "afterstate"},
            "the first-player marker lies on a floor line after the round was scored",
        ),
        (
            GOOD,
            {"phase": "afterstate"},
            "player 2 is to move between rounds, but player 1 is to start the next one",
        ),
        (GOOD, {"end_reason": "no tiles"}, "the game goes on, but its end has a reason: no tiles"),
        (GOOD, board(1, wall=FULL_ROW), "a wall row is complete, but the game goes on"),
        (BETWEEN, board(1, wall=FULL_ROW), "a wall row is complete, but the game goes on"),
        (BETWEEN, {"phase": "moving"}, "somebody is to move, but no tile lies on the table"),
        (
            BETWEEN,
            {"marker_in_centre": True},
            "the first-player marker lies in the centre after the round was scored",
        ),
        (BETWEEN, {"round": 60}, "the round is 60; here it can be 0 to 59"),
        (
            BETWEEN,
            {"phase": "over", "end_reason": "row complete"},
            "the game is over for a complete wall row, but there is none",
        ),
        (
            BETWEEN,
            {"phase": "over", "end_reason": "round limit"},
            "the game is over for the limit of 60 rounds in round 4",
        ),
        (
            BETWEEN,
            {"phase": "over", "end_reason": "no tiles"},
            "the game is over for want of tiles, but bag or lid hold some",
        ),
    ],
)
def test_what_is_wrong_is_said(text, change, complaint):
    view = parse_position(text)
    changed = change(view) if callable(change) else replace(view, **change)
    assert complaint in "; ".join(position_violations(changed))


@pytest.mark.parametrize(
    ("byte", "value", "complaint"),
    [
        (7, 3, "the count of tiles on the table is 3, but 20 lie there"),
        (95, 1, "the bytes from 94 on mean nothing and must be 0"),
        (BOARDS + BOARD_SCORE, 100, "player 1: the score is written as 100 and 0"),
        (BOARDS + BOARD_SCORE + 1, -1, "player 1: the score is written as 0 and -1"),
        (5, 9, "byte 5 of the position, the phase, is 9; it can be 0 to 2"),
        (0, 3, "96 bytes that begin with 3 are no position"),
    ],
)
def test_wrong_bytes_are_named(byte, value, complaint):
    array = GameState.new(2).array.copy()
    array[byte] = value
    assert complaint in violations(array)[0]
    assert violations(array.tobytes()) == violations(array)


def test_no_bytes_at_all_are_a_violation():
    (complaint,) = violations(b"")
    assert complaint.startswith("0 bytes that begin with 0 are no position; one has 96, 128 or")


@given(games, st.data())
def test_a_single_wrong_byte_is_noticed(state, data):
    """But for the few bytes that the others say nothing about: turn, round, scores."""
    scores = {
        BOARDS + BOARD_SIZE * seat + BOARD_SCORE + place
        for seat in range(state.players)
        for place in (0, 1)
    }
    free = {TO_MOVE, ROUND, *scores}
    if state.view().marker_in_centre:
        free.add(2)
    at = data.draw(st.sampled_from(sorted(set(range(len(state.array))) - free)))
    value = data.draw(st.integers(-128, 127).filter(lambda value: value != state.array[at]))
    array = state.array.copy()
    array[at] = value
    assert violations(array), f"byte {at} from {state.array[at]} to {value}"


@given(players, st.integers(0, 2**32), st.integers(0, 400))
def test_long_games_on_the_floor_have_none_either(players, seed, moves):
    assert reached(players, seed, moves, "floor").violations() == []
