"""The table of moves: order, filter, bars, two networks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_tui_analyse_session import ask_all

from azul_tui.game.notation import parse_position
from azul_tui.game.state import GameState
from azul_tui.tui.analyse.columns import columns, sorted_entries
from azul_tui.tui.analyse.entries import distinct_moves, entries, matches
from azul_tui.tui.analyse.moves import HOLD_S, MoveList
from azul_tui.tui.analyse.session import OPENING, AnalyseSession
from azul_tui.tui.analyse.table import (
    Look,
    cell_bar,
    draw_moves,
    header_columns,
    planned,
    signed_bar,
)
from azul_tui.tui.picture import line_width, plain
from azul_tui.tui.signs import ASCII, UNICODE

LOOK = Look(chosen=0, first=0, sorted_by="visits", descending=True, compared=False, signs=UNICODE)


def studied(*players):
    session = AnalyseSession(players=list(players or ["pretrained"]))
    ask_all(session)
    return session


def test_moves_from_equal_factories_stand_in_one_row():
    view = parse_position(OPENING.replace("BYRW/BRKW", "BRKW/BRKW"))
    rows = {twins[0]: twins for twins in distinct_moves(view)}
    assert rows["B 1>3"] == ("B 1>3", "B 2>3")
    assert rows["R 3>2"] == ("R 3>2",)
    assert sum(map(len, rows.values())) == len(GameState.parse(OPENING).legal_actions())
    session = studied()
    session.start(view)
    ask_all(session)
    assert all(entry.a is not None for entry in entries(session))


def test_the_best_move_stands_first_and_unknown_ones_last():
    session = studied()
    by_visits = next(column for column in columns(compared=False) if column.key == "visits")
    found = sorted_entries(entries(session), by_visits, descending=True)
    visits = [entry.a.visits for entry in found]
    assert visits == sorted(visits, reverse=True)
    assert found[0].best_a and sum(entry.best_a for entry in found) == 1
    value = next(column for column in columns(compared=False) if column.key == "value")
    for descending in (True, False):
        known = [
            entry.a.value is not None
            for entry in sorted_entries(found, value, descending=descending)
        ]
        assert known == sorted(known, reverse=True)


@pytest.mark.parametrize("compared", [False, True])
def test_every_column_sorts_both_ways(compared):
    session = studied("a", "b") if compared else studied()
    moves = MoveList(session)
    for column in columns(compared=compared):
        for descending in (True, False):
            moves.sorted_by, moves.descending = column.key, descending
            ranks = [rank for e in moves.rows(0.0) if (rank := column.rank(e)) is not None]
            assert ranks == sorted(ranks, reverse=descending)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("r", lambda move: move[0] == "R"),
        ("red", lambda move: move[0] == "R"),
        ("2>", lambda move: "2>" in move),
        (">3", lambda move: move.endswith(">3")),
        ("w >f", lambda move: move[0] == "W" and move.endswith("F")),
        ("floor", lambda move: move.endswith("F")),
        ("red line", lambda move: move[0] == "R" and not move.endswith("F")),
        ("centre", lambda move: "C>" in move),
        ("zebra", lambda move: False),
    ],
)
def test_moves_are_filtered_as_one_types(words, expected):
    found = entries(studied())
    kept = {entry.move for entry in found if matches(entry, 2, words)}
    assert kept == {entry.move for entry in found if expected(entry.move)}


def test_the_order_stands_still_while_the_reader_moves():
    session = AnalyseSession()
    moves = MoveList(session)
    before = [entry.move for entry in moves.rows(0.0)]
    assert before == [twins[0] for twins in distinct_moves(session.here.view)]
    moves.move(3, now=100.0)
    ask_all(session)
    assert [entry.move for entry in moves.rows(100.0 + HOLD_S / 2)] == before
    later = moves.rows(100.0 + HOLD_S)
    assert [entry.move for entry in later] != before
    # The pointer stays on the reader's move, wherever it went.
    assert later[moves.chosen_index(later)].move == before[3]
    moves.clear()
    rows = moves.rows(200.0)
    assert moves.chosen_index(rows) == 0 and rows[0].best_a


def test_sorting_again_by_a_column_reverses_it():
    moves = MoveList(studied())
    moves.sort_by("prior")
    assert (moves.sorted_by, moves.descending) == ("prior", True)
    moves.sort_by("prior")
    assert not moves.descending
    moves.sort_by("move")
    assert not moves.descending


def test_a_column_keeps_its_place_when_a_second_network_comes():
    session = studied("a", "b")
    moves = MoveList(session)
    moves.sorted_by = "Q"
    assert moves.sort_column().key == "Q A"
    moves.sorted_by = "Q B"
    session.players.pop()
    assert moves.sort_column().key == "Q"
    moves.sorted_by = "differ"
    assert moves.sort_column().key == "visits"


def test_networks_that_disagree_are_marked():
    session = studied("a", "b")
    found = entries(session)
    gaps = {entry.move: entry.b.completed_q - entry.a.completed_q for entry in found}
    assert all(entry.value_gap == pytest.approx(gaps[entry.move]) for entry in found)
    far = {entry.move for entry in found if entry.disagrees}
    assert far >= {move for move, gap in gaps.items() if abs(gap) >= 0.15}
    assert not replace(found[0], b=replace(found[0].a)).disagrees
    look = replace(LOOK, compared=True, chosen=-1, sorted_by="visits A")
    text = plain(draw_moves(found, columns(compared=True), 118, 100, look))
    assert "prior A" in text and "prior B" in text and "differ" in text
    assert text.count("!") == len(far)
    first = {line.split()[0] for line in text.splitlines()[1:]}
    assert "A" in first and "B" in first


def test_every_column_but_the_policy_is_there_at_80_cells():
    found = entries(studied())
    head = plain(draw_moves(found, columns(compared=False), 78, 2, LOOK)).splitlines()[0]
    for title in ("move", "prior", "visits", "value", "Q", "margin", "best continuation"[:10]):
        assert title in head
    wide = plain(draw_moves(found, columns(compared=False), 118, 2, LOOK)).splitlines()[0]
    assert "policy" in wide


@given(st.integers(1, 260), st.booleans())
def test_a_row_never_leaves_its_width(width, compared):
    session = STUDIED[compared]
    look = replace(LOOK, compared=compared)
    shown = columns(compared=compared)
    picture = draw_moves(entries(session), shown, width, 9, look)
    assert len(picture) == 9
    assert {line_width(line) for line in picture} == {width}
    starts = header_columns(shown, width)
    assert starts[0][2] == "move"
    assert all(a[1] <= b[0] for a, b in pairwise(starts))
    assert len(planned(shown, width).shown) >= 1


def test_ascii_is_all_there_is():
    found = entries(STUDIED[False])
    look = replace(LOOK, signs=ASCII)
    # The dash of an unknown number has a plain form where the screen is drawn.
    assert (
        plain(draw_moves(found, columns(compared=False), 78, 20, look)).replace("–", "-").isascii()
    )


def test_bars_are_as_long_as_their_share():
    def text(line):
        return "".join(words for words, _ in line)

    assert text(cell_bar(1.0, 4, "", UNICODE)) == "━━━━"
    assert text(cell_bar(0.4, 4, "", UNICODE)) == "━╸  "
    assert text(cell_bar(0.0, 4, "", UNICODE)) == "    "
    assert text(signed_bar(1.0, 5, "", UNICODE)) == "  │━━"
    assert text(signed_bar(-0.5, 5, "", UNICODE)) == " ━│  "
    assert text(signed_bar(None, 5, "", UNICODE)) == "  │  "


STUDIED = {False: studied(), True: studied("a", "b")}


def test_moves_that_were_never_visited_have_no_q_and_stand_last():
    found = entries(studied())
    found[0] = replace(found[0], a=replace(found[0].a, visits=0, completed_q=9.0))
    column = next(column for column in columns(compared=False) if column.key == "Q")
    assert column.write(found[0], UNICODE) == "–"
    for descending in (True, False):
        assert sorted_entries(found, column, descending=descending)[-1].a.visits == 0
