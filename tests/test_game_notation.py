"""Text for moves and positions: it reads well, parses back, and never crashes on anything."""

import subprocess
import sys

import pytest
from azul_positions import games, players
from hypothesis import example, given
from hypothesis import strategies as st

from azul_tui.errors import GameError, NotationError
from azul_tui.game.constants import action_count, decode_action
from azul_tui.game.notation import (
    describe_move,
    draw_position,
    format_move,
    format_position,
    parse_move,
    parse_position,
)
from azul_tui.game.state import GameState
from azul_tui.game.view import (
    END_REASONS,
    PHASES,
    BoardView,
    LineView,
    PositionView,
    position_bytes,
    view_position,
)

ONE_LINE = (
    "azul2 r4 move:2 next:1 BBYK/-/-/RRWW/- B2K1 bag:B2Y3R1K2W5 lid:B4Y11R7K8W9 "
    "0,Y1/W2/B3/R1/-,...KW/.B.R./...Y./...../..K..,B2R4* "
    "31,-/B1/B2/R3/K4,B.R.W/...../...../...../.....,Y3K2"
)
DRAWN = """\
azul, 2 players, round 4: player 2 to move, player 1 starts the next round
factories  1 BBYK  2 -  3 -  4 RRWW  5 -
centre     BBK
bag        B2 Y3 R1 K2 W5
lid        B4 Y11 R7 K8 W9

player 1   0 points
  1      Y  . . . K W
  2     WW  . B . R .
  3    BBB  . . . Y .
  4   ...R  . . . . .
  5  .....  . . K . .
  floor  BBRRRR*  (-14)

player 2   31 points
  1      .  B . R . W
  2     .B  . . . . .
  3    .BB  . . . . .
  4   .RRR  . . . . .
  5  .KKKK  . . . . .
  floor  YYYKK  (-8)"""


def test_the_two_forms_look_like_this():
    view = parse_position(ONE_LINE)
    assert format_position(view) == ONE_LINE
    assert draw_position(view) == DRAWN
    state = GameState.parse(ONE_LINE)
    assert state.violations() == []
    assert str(state) == DRAWN
    assert repr(state) == f"GameState.parse({ONE_LINE!r}, seed=0)"
    assert state.view().boards[1].score == state.scores[1] == 31


@given(games)
def test_what_is_written_parses_back(state):
    view = state.view()
    assert parse_position(format_position(view)) == view
    assert GameState.parse(state.notation()) == state
    assert str(state).count("\nplayer ") == view.players
    assert position_bytes(view) == state.array.tobytes()
    assert view_position(state.array) == view_position(state.array.tobytes()) == view


byte = st.integers(-128, 127)
counts = st.tuples(*[st.integers(-30, 40)] * 5)
boards = st.builds(
    BoardView,
    score=st.integers(-12_800, 12_799),
    lines=st.tuples(*[st.builds(LineView, st.none() | st.integers(0, 4), byte)] * 5),
    wall=st.tuples(*[st.tuples(*[st.booleans()] * 5)] * 5),
    floor=counts,
    marker=st.booleans(),
)


@st.composite
def strange_views(draw):
    """Positions that can be written but not reached: a bug report must not lose them."""
    count = draw(st.integers(2, 4))
    return PositionView(
        to_move=draw(st.integers(-128, 127)),
        next_first=draw(st.integers(-128, 127)),
        marker_in_centre=draw(st.booleans()),
        round=draw(byte),
        phase=draw(st.sampled_from(PHASES)),
        end_reason=draw(st.sampled_from(END_REASONS)),
        factories=tuple(draw(st.tuples(*[st.integers(-1, 2)] * 5)) for _ in range(2 * count + 1)),
        centre=draw(st.tuples(*[st.integers(-2, 9)] * 5)),
        bag=draw(counts),
        lid=draw(counts),
        boards=tuple(draw(boards) for _ in range(count)),
    )


@given(strange_views())
def test_even_impossible_positions_parse_back(view):
    table = sum(map(sum, view.sources))
    if not -128 <= table <= 127:
        return
    assert parse_position(format_position(view)) == view
    assert draw_position(view).isascii()
    assert view_position(position_bytes(view)) == view


@given(players, st.data())
def test_moves_parse_back(players, data):
    action = data.draw(st.integers(0, action_count(players) - 1))
    assert parse_move(format_move(action, players), players) == action
    assert parse_move(describe_move(action, players), players) == action
    assert parse_move(describe_move(action, players).upper(), players) == action
    assert parse_move(format_move(action, players).lower().replace(" ", ""), players) == action


@pytest.mark.parametrize(
    ("text", "players", "source", "color", "row"),
    [
        ("R 2>3", 2, 1, 2, 2),
        ("B C>F", 2, 5, 0, 5),
        ("W C>1", 4, 9, 4, 0),
        ("K 9>5", 4, 8, 3, 4),
        ("R from 2 to line 3", 2, 1, 2, 2),
        ("Y from the centre to the floor", 3, 7, 1, 5),
        ("  black from factory 4 to 2 ", 2, 3, 3, 1),
        ("white from center to floor", 2, 5, 4, 5),
    ],
)
def test_moves_read_as_people_write_them(text, players, source, color, row):
    assert decode_action(parse_move(text, players)) == (source, color, row)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("R 6>1", "'R 6>1' takes from factory 6; there are 1 to 5 and C"),
        ("R 0>1", "takes from factory 0"),
        ("P 1>1", "'P 1>1' is not a move"),
        ("R 1>6", "is not a move"),
        ("", "'' is not a move"),
        ("R 1>1\x1b[31m", r"'R 1>1\x1b[31m' is not a move"),
        ("R ٢>3", "is not a move"),
        ("R 1>1" * 1000, "…' is not a move"),
    ],
)
def test_a_text_that_is_no_move_is_refused_in_a_sentence(text, complaint):
    with pytest.raises(NotationError) as caught:
        parse_move(text, 2)
    assert complaint in str(caught.value)
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("azul2", "azul5", "field 1 of the position, the players: 5 players"),
        (ONE_LINE, DRAWN, "field 1 of the position, the players: ',' is not a whole number"),
        ("azul2", "chess", "'chess' should begin with azul"),
        ("r4", "r", "field 2 of the position, the round: '' is not a whole number"),
        ("r4", "r4000", "4000 is too much for a position"),
        ("move:2", "sleep:2", "field 3 of the position, the phase: 'sleep:2' is not like move:1"),
        ("next:1", "next:x", "field 4 of the position, who is next: 'x' is not a whole number"),
        ("BBYK/", "", "has 4 factories instead of 5"),
        ("BBYK", "BBPK", "field 5 of the position, the factories: 'BBPK' is not a set of tiles"),
        ("BBYK", "BBYK*", "'BBYK*' has the marker"),
        ("B2K1 ", "  ", "field 6 of the position, the centre: 'bag:B2Y3R1K2W5' is not"),
        ("Y1/W2", "Y1", "field 9 of the position, player 1: 'Y1/B3/R1/-' has 4 pattern lines"),
        ("/W2/", "/.Q/", "'.Q' is not pattern line 2"),
        ("...KW", "..KW", "'..KW' is not wall row 1; that is BYRKW with gaps"),
        ("/W2/", "/WWW/", "'WWW' is not pattern line 2"),
        ("...KW", "...WK", "'...WK' is not wall row 1"),
        (",Y3K2", "", "field 10 of the position, player 2: '31,-/B1/B2/R3/K4,"),
        (",Y3K2", ",Y3K2 and more", "the position goes on after its last board: 'and'"),
    ],
)
def test_a_broken_position_is_refused_where_it_is_broken(old, new, complaint):
    assert old in ONE_LINE
    with pytest.raises(NotationError) as caught:
        parse_position(ONE_LINE.replace(old, new, 1))
    assert complaint in str(caught.value)


def parses_or_complains(parse):
    """Run `parse`; whatever it refuses it must refuse in one short printable sentence."""
    complaint = "none"
    try:
        parse()
    except NotationError as error:
        complaint = str(error)
    assert 0 < len(complaint) < 400
    assert complaint.isprintable()


@given(st.text())
@example("")
@example("\n")
@example("azul2")
@example("azul2 r1\nmove")
@example("9" * 5000)
def test_any_text_parses_or_is_refused(text):
    parses_or_complains(lambda: parse_position(text))
    parses_or_complains(lambda: parse_move(text, 3))


@given(st.data())
def test_damaged_positions_parse_or_are_refused(data):
    """A few characters cut out, and others put in their place."""
    text = ONE_LINE
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 8)))
        alphabet = st.sampled_from("azulBYRKW*?/,:-.0123456789 \n()٣\x1b")
        text = text[:start] + data.draw(st.text(alphabet, max_size=4)) + text[end:]
    parses_or_complains(lambda: parse_position(text))


@given(st.binary(max_size=200) | st.binary(min_size=96, max_size=96))
def test_any_bytes_are_shown_or_refused(data):
    parses_or_complains(lambda: view_position(data))


@pytest.mark.parametrize(
    ("byte", "value", "complaint"),
    [
        (0, 5, "96 bytes that begin with 5 are no position"),
        (3, 2, "byte 3 of the position, the marker in the centre, is 2; it can be 0 to 1"),
        (5, -1, "byte 5 of the position, the phase, is -1"),
        (6, 4, "byte 6 of the position, the reason of the end, is 4"),
        (18, 6, "byte 18 of the position, a line's colour, is 6"),
        (28, 32, "byte 28 of the position, a wall row, is 32"),
        (61, 2, "byte 61 of the position, a marker, is 2"),
    ],
)
def test_bytes_without_a_meaning_are_named(byte, value, complaint):
    array = GameState.new(2).array.copy()
    array[byte] = value
    with pytest.raises(NotationError, match=complaint):
        view_position(array)
    with pytest.raises(GameError, match=complaint):
        GameState(array)


def test_reading_a_position_loads_no_compiler():
    code = (
        "import sys; from azul_tui.game.notation import parse_position, draw_position;"
        f"draw_position(parse_position({ONE_LINE!r}));"
        "import azul_tui.game.view, azul_tui.game.violations, azul_tui.game.constants;"
        "sys.exit(sorted({'numba', 'torch', 'numpy'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
