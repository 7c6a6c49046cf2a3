"""Positions of games have a history; those that no game comes to are told why.

That every position of the recorded games passes is asked where they are replayed.
"""

from dataclasses import replace

import numpy as np
import pytest
from azul_positions import STYLES, choose, games
from hypothesis import given

from azul_tui.game.notation import parse_position
from azul_tui.game.state import GameState
from azul_tui.game.violations import position_violations, unreachable

EMPTY = "0,-/-/-/-/-,...../...../...../...../.....,-"
MIDDLE = (
    "azul2 r3 move:2 next:1 -/-/YRRW/-/BRRW B1Y1K2W3 bag:B14Y7R4K8W7 lid:B3Y1R6K5W3 "
    "0,W1/-/W2/R2/Y4,.Y.K./....K/...../...B./.R...,* "
    "0,K1/-/-/Y4/R3,.Y..W/....K/.W.../...../.....,K1"
)
FRESH = (
    f"azul2 r1 move:1 next:1 BYKK/YYRW/BBRK/YYKW/RRKW * bag:B17Y15R16K15W17 lid:- {EMPTY} {EMPTY}"
)


@given(games)
def test_what_is_reached_by_playing_can_be_reached(state):
    assert unreachable(state.view()) == []


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
