"""Whatever is wrong with a position is named; so is what no game comes to."""

from dataclasses import replace

import numpy as np
import pytest
from azul_positions import STYLES, choose, games
from hypothesis import given
from hypothesis import strategies as st

from azul_tui.game.constants import BOARD_SCORE, BOARD_SIZE, BOARDS, ROUND, TO_MOVE
from azul_tui.game.notation import parse_position
from azul_tui.game.state import GameState
from azul_tui.game.view import LineView
from azul_tui.game.violations import position_violations, unreachable, violations

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
    assert violations(b"")[0].startswith("0 bytes that begin with 0 are no position; one has 96,")


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


# Positions of games have a history; those that no game comes to are told why.

EMPTY = "0,-/-/-/-/-,...../...../...../...../.....,-"
MIDDLE = (
    "azul2 r3 move:2 next:1 -/-/YRRW/-/BRRW B1Y1K2W3 bag:B14Y7R4K8W7 lid:B3Y1R6K5W3 "
    "0,W1/-/W2/R2/Y4,.Y.K./....K/...../...B./.R...,* "
    "0,K1/-/-/Y4/R3,.Y..W/....K/.W.../...../.....,K1"
)
FRESH = (
    f"azul2 r1 move:1 next:1 BYKK/YYRW/BBRK/YYKW/RRKW * bag:B17Y15R16K15W17 lid:- {EMPTY} {EMPTY}"
)


@pytest.mark.parametrize("players", [2, 3, 4])
@pytest.mark.parametrize("style", [*STYLES, "mixed"])
def test_every_position_of_a_whole_game_can_arise(players, style):
    """Games on the floor last for all sixty rounds, and the lid is poured every few of them."""
    for seed in range(1 if style == "floor" else 5):
        rng = np.random.default_rng(seed)
        state = GameState.new(players, seed)
        while not state.is_over:
            wanted = STYLES[rng.integers(3)] if style == "mixed" else style
            if style != "floor" or rng.random() < 0.3:
                assert unreachable(state.view()) == [], state.notation()
            state.apply(choose(state, wanted, rng), refill=False)
            if state.phase == "afterstate":
                assert unreachable(state.view()) == [], state.notation()
                state.refill()
        assert unreachable(state.view()) == [], state.notation()


@pytest.mark.parametrize("text", [MIDDLE, FRESH])
def test_the_examples_below_can_arise_before_they_are_changed(text):
    assert unreachable(parse_position(text)) == []


@pytest.mark.parametrize(
    ("text", "old", "new", "complaint"),
    [
        (
            f"azul2 r2 move:1 next:1 -/-/-/-/- B1* bag:B19Y20R20K20W13 lid:W7 {EMPTY} {EMPTY}",
            "",
            "",
            "the bag holds 92 tiles; in round 2 of 2 players it can be 60",
        ),
        (FRESH, "r1", "r2", "the bag holds 80 tiles; in round 2 of 2 players it can be 60"),
        (FRESH, "move:1", "move:2", "player 2 is to move; player 1 began, and after 0 moves it is"),
        (FRESH, " 0,-/-", " 3,-/-", "player 1: the score is 3; this wall earns 0 by now"),
        (FRESH, "YYKW/RRKW *", "YYKW/RRK W1*", "a factory holds 3 tiles"),
        (FRESH, "YYKW/RRKW *", "YYKW/- R2K1W1*", "the centre holds 4 tiles, but 1 emptied"),
        (FRESH, "/RRKW * bag:B17Y15R16", "/- * bag:B17Y15R18K1W1", "the bag holds 84 tiles"),
        (MIDDLE, "r3", "r2", "player 1: wall row 1 holds 2 tiles, and a row takes one a round"),
        (
            MIDDLE,
            "bag:B14Y7R4K8W7 lid:B3",
            "bag:B16Y7R4K8W7 lid:B1",
            "the lid holds 1 blue tiles; the blue wall tiles left 3 there",
        ),
        (MIDDLE, " 0,K1", " 30,K1", "player 2: the score is 30; this wall earns 0 to"),
        (MIDDLE, ".....,K1", ".....,K1W3Y1", "there are 21 yellow tiles"),
        (MIDDLE, "bag:B14Y7R4K8W7 lid:B3", "bag:B13Y7R4K8W7 lid:B4", "the bag holds 39 tiles"),
    ],
)
def test_what_cannot_arise_is_told_why(text, old, new, complaint):
    view = parse_position(text.replace(old, new, 1) if old else text)
    found = position_violations(view) or unreachable(view)
    assert complaint in "; ".join(found), found


def test_a_score_that_the_wall_cannot_have_kept_so_low_is_noticed():
    """Four whole columns earn more than four full floors cost."""
    view = parse_position(
        "azul2 r4 tiled:1 next:1 -/-/-/-/- - bag:B4Y4R4K4W4 lid:B12Y12R12K12W12 "
        f"0,-/-/-/-/-,BYRK./WBYR./KWBY./RKWB./YRKW.,- {EMPTY}"
    )
    assert "the score is 0; this wall earns" in "; ".join(unreachable(view))


def test_a_player_who_has_not_moved_has_no_full_line():
    """One factory was emptied, by player 1; the full line is player 2's."""
    view = parse_position(
        "azul2 r1 move:2 next:1 -/YYRW/BBRK/YYKW/RRKW B1Y1* bag:B17Y15R16K15W17 lid:- "
        f"{EMPTY[:-1]}K1 0,K1/-/-/-/-,...../...../...../...../.....,-"
    )
    assert position_violations(view) == []
    assert unreachable(view) == ["player 2 has full lines or floor tiles of 1 move, and made 0"]


def test_the_marker_is_not_taken_before_a_factory_is_emptied():
    view = parse_position(FRESH)
    boards = (replace(view.boards[0], marker=True), view.boards[1])
    taken = replace(view, marker_in_centre=False, boards=boards, to_move=1)
    assert "took the first-player marker" in unreachable(taken)[0]
