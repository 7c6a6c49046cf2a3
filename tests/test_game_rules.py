"""The rules as properties, and the corners in which programs go wrong."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from azul_positions import games, play, players, seeds
from hypothesis import assume, given
from hypothesis import strategies as st

from azul_tui.errors import GameError
from azul_tui.game.constants import (
    MAX_ROUNDS,
    action_count,
    factory_count,
)
from azul_tui.game.rules import is_legal, legal_count
from azul_tui.game.state import GameState
from azul_tui.game.view import legal_moves, why_illegal
from azul_tui.game.violations import tiles_in_play

EMPTY = "0,-/-/-/-/-,...../...../...../...../.....,-"


def position(fields, *boards, bag="", lid="-"):
    """A game from a short description; the bag holds what is left over unless it is given."""
    view = GameState.parse(" ".join([*fields.split(), "bag:-", f"lid:{lid}", *boards])).view()
    left = [20 - tiles for tiles in tiles_in_play(view)]
    return GameState.from_view(view if bag == "-" else replace(view, bag=tuple(left)))


def move(state, text, **options):
    state.apply(state.parse_move(text), **options)


@given(players, seeds, st.lists(st.integers(0, 299), max_size=120))
def test_no_tile_is_ever_made_or_lost(players, seed, choices):
    state = GameState.new(players, seed)
    for choice in choices:
        legal = state.legal_actions()
        if len(legal) == 0:
            break
        state.apply(legal[choice % len(legal)])
        assert tiles_in_play(state.view()) == [20] * 5
        assert state.violations() == []


@given(games, st.integers(-5, 320))
def test_an_illegal_move_is_refused_with_its_reason_and_changes_nothing(state, action):
    assume(action not in state.legal_actions())
    before = state.array.tobytes()
    with pytest.raises(GameError, match=r"is not legal: \w+"):
        state.apply(action)
    assert state.array.tobytes() == before


@given(games)
def test_the_legal_moves_are_those_that_nothing_speaks_against(state):
    actions = range(action_count(state.players))
    legal = state.legal_actions().tolist()
    assert legal == legal_moves(state.view())
    assert legal == [action for action in actions if is_legal(state.array, action)]
    assert len(legal) == legal_count(state.array)


# Reasons.


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("R 1>1", "factory 1 holds no red tile"),
        ("R 5>1", "factory 5 is empty"),
        ("R C>1", "the centre is empty"),
        ("B 1>1", "wall row 1 already has its blue tile"),
        ("Y 1>2", "line 2 is full"),
        ("K 2>3", "line 3 already holds red"),
    ],
)
def test_the_reason_says_what_is_in_the_way(text, reason):
    state = position(
        "azul2 r1 move:1 next:1 BBYY/KKKK/RRRR/WWWW/- *",
        "1,-/Y2/R1/-/-,B..../...../...../...../.....,-",
        EMPTY,
    )
    with pytest.raises(GameError) as caught:
        move(state, text)
    assert str(caught.value) == f"{text} is not legal: {reason}"


def test_moves_after_the_end_and_before_a_refill_are_refused():
    state = GameState.new(2, seed=1)
    while state.phase == "moving":
        state.apply(state.legal_actions()[0], refill=False)
    with pytest.raises(GameError, match="round 1 is scored and the factories wait"):
        state.apply(0)
    state.refill()
    play(state, 1000)
    with pytest.raises(GameError, match=r"the game is over \(row complete\)"):
        state.apply(0)
    with pytest.raises(GameError, match="only a scored round is refilled"):
        state.refill()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        *(
            (lambda action=action: GameState.new().apply(action), "an action is a whole number")
            for action in (1.0, "R 2>3", None)
        ),
        *(
            (lambda count=count: GameState.new(count), "players must be 2, 3 or 4")
            for count in (-1, 1, 5)
        ),
        (lambda: GameState(np.zeros(96)), "one row of int8"),
        (lambda: GameState(np.zeros(96, np.int8)), "96 bytes that begin with 0 are no position"),
    ],
)
def test_what_is_no_game_and_no_move_is_refused(wrong, complaint):
    with pytest.raises(GameError, match=complaint):
        wrong()


# Corners: `plain_azul` agrees with every step of random games, which seldom come here.


def test_the_marker_costs_nothing_on_a_full_floor_and_still_starts_the_next_round():
    state = position(
        "azul2 r1 move:1 next:2 -/-/-/-/- BY*",
        "40,-/-/-/-/-,...../...../...../...../.....,K7",
        EMPTY,
        lid="-",
    )
    move(state, "B C>F", refill=False)
    view = state.view()
    assert view.boards[0].marker
    assert view.boards[0].floor == (0, 0, 0, 7, 0)
    assert view.boards[0].floor_cost == 14
    assert view.lid == (1, 0, 0, 0, 0)
    move(state, "Y C>1", refill=False)
    assert state.phase == "afterstate"
    assert state.scores == (26, 1)
    assert state.to_move == state.next_first == 0
    assert state.view().lid == (1, 0, 0, 7, 0), "the marker is no tile and never goes to the lid"
    assert state.violations() == []


NOTHING = "-/-/-/-/-,...../...../...../...../....."
ROW_TO_BE = "-/-/-/-/-,BYRK./W..../K..../R..../Y....,-"


@pytest.mark.parametrize(
    ("first", "second", "last", "scores"),
    [
        # 3 + 1 - 2; and 0 + 1 - 14, not 0 and not 1.
        (f"3,{NOTHING},K2", f"0,Y1{NOTHING[1:]},R6*", "B C>1", (2, 0)),
        # Runs of five and one, a complete row and a complete column.
        (f"10,{ROW_TO_BE}", f"10,{NOTHING},*", "W C>1", (10 + 5 + 2 + 7, 9)),
        # Scores that no byte holds.
        (f"187,{ROW_TO_BE}", f"1234,{NOTHING},*", "W C>1", (187 + 5 + 2 + 7, 1233)),
    ],
)
def test_the_last_tile_of_a_round_is_scored(first, second, last, scores):
    state = position(f"azul2 r5 move:1 next:2 -/-/-/-/- {last[0]}1", first, second)
    move(state, last, refill=False)
    assert state.scores == scores
    assert state.end_reason == ("row complete" if last[0] == "W" else "")
    assert state.violations() == []


@pytest.mark.parametrize(
    ("first", "second", "winners"),
    [
        ("20,-/-/-/-/-,BYRKW/...../...../...../.....,-", "23,-/-/-/-/-," + EMPTY[12:], (1,)),
        ("20,-/-/-/-/-,BYRKW/...../...../...../.....,-", "22,-/-/-/-/-," + EMPTY[12:], (0,)),
        (
            "20,-/-/-/-/-,BYRKW/...../...../...../.....,-",
            "20,-/-/-/-/-,...../WBYRK/...../...../.....,-",
            (0, 1),
        ),
    ],
)
def test_victory_goes_by_score_then_complete_rows_then_is_shared(first, second, winners):
    # The last round brings nobody points: one tile, to the floor, against scores one higher.
    boards = [first.split(",", 1), second.split(",", 1)]
    boards[0] = f"{int(boards[0][0]) + 1},{boards[0][1]}"
    boards[1] = f"{int(boards[1][0]) + 1},{boards[1][1][:-1]}*"
    state = position("azul2 r5 move:1 next:2 -/-/-/-/- W1", *boards)
    move(state, "W C>F")
    assert state.is_over
    assert state.winners == winners


@pytest.mark.parametrize("players", [2, 3, 4])
def test_players_who_only_fill_their_floors_are_stopped(players):
    state = GameState.new(players, seed=5)
    moves = play(state, 10**6, style="floor", seed=5)
    assert state.is_over
    assert state.end_reason == "round limit"
    assert state.round == MAX_ROUNDS
    assert state.scores == (0,) * players
    assert state.winners == tuple(range(players))
    assert len(moves) >= MAX_ROUNDS * factory_count(players)
    assert state.violations() == []


def test_a_round_begins_with_short_factories_when_bag_and_lid_run_out():
    """Four players can hold so many tiles that 36 are not left."""
    line = "-/R1/W2/Y3/B4"
    board = f"0,{line},BYRK./W..../K..../R..../Y....,-"
    last = f"0,{line},BYRK./W..../K..../R..../Y....,*"
    state = position("azul4 r6 move:1 next:4 -/-/-/-/-/-/-/-/- W1", board, board, board, last)
    bag, lid = sum(state.view().bag), sum(state.view().lid)
    assert (bag, lid) == (100 - 1 - 4 * 18, 0)
    move(state, "W C>F")
    view = state.view()
    assert state.phase == "moving"
    sizes = [sum(factory) for factory in view.factories]
    assert sizes == [4, 4, 4, 4, 4, 4, 4, 0, 0], "27 in the bag and 1 in the lid"
    assert view.bag == view.lid == (0,) * 5
    assert state.violations() == []


def test_a_game_in_which_no_tile_is_left_to_deal_is_over():
    """With bag and lid empty nobody can ever move again; the bonuses are counted."""
    line = "-/-/-/-/-"
    wall = "BYRK./WBYR./KWBY./RKWB./YRKW."
    boards = [f"10,{line},{wall},-", f"5,{line},{wall},-", f"5,{line},{wall},-"]
    state = position(
        "azul4 r9 tiled:2 next:2 -/-/-/-/-/-/-/-/- -", *boards, f"5,{line},{wall},-", bag="-"
    )
    state.refill()
    assert state.is_over
    assert state.end_reason == "no tiles"
    assert state.scores == (10 + 28, 5 + 28, 5 + 28, 5 + 28), "four columns, no row, no colour"
    assert state.winners == (0,)
    assert len(state.legal_actions()) == 0


def test_a_round_is_played_even_for_a_single_tile():
    wall = "BYRK./WBYR./KWBY./RKWB./YRKW."
    board = f"0,-/-/-/-/-,{wall},-"
    state = position("azul4 r9 tiled:2 next:2 -/-/-/-/-/-/-/-/- -", *[board] * 4, bag="-", lid="Y1")
    state.refill()
    assert state.phase == "moving"
    assert [sum(factory) for factory in state.view().factories] == [1] + [0] * 8
    assert state.to_move == 1
    assert len(state.legal_actions()) == 2, "to line 4, whose yellow is missing, or to the floor"


def test_a_seat_that_does_not_exist_has_no_moves():
    view = replace(GameState.new().view(), to_move=5)
    assert why_illegal(view, 0) == "player 6 is to move, but there are 2 players"


@pytest.mark.parametrize(
    ("byte", "value", "complaint"),
    [
        (1, 2, "the position names player 3, and there are 2"),
        (2, -1, "the position names player 0, and there are 2"),
        (9, -2, "byte 9 of the position is -2, less than 0"),
        (70, -128, "byte 70 of the position is -128, less than 0"),
    ],
)
def test_a_position_that_would_lead_a_kernel_astray_is_refused(byte, value, complaint):
    array = GameState.new(2).array.copy()
    array[byte] = value
    with pytest.raises(GameError, match=complaint):
        GameState(array)


@given(games, st.data())
def test_a_damaged_position_may_be_wrong_but_never_leads_to_a_crash(state, data):
    """Whatever GameState accepts can be played on, or is refused with a reason."""
    array = state.array.copy()
    for _ in range(data.draw(st.integers(1, 3))):
        array[data.draw(st.integers(1, len(array) - 1))] = data.draw(st.integers(0, 127))
    choice = data.draw(st.integers(0, 299))
    with suppress(GameError):
        damaged = GameState(array)
        for _ in range(60):
            legal = damaged.legal_actions()
            assert len(damaged.observation()) == len(state.observation())
            if len(legal) == 0:
                break
            damaged.apply(legal[choice % len(legal)])
