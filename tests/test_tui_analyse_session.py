"""Which question comes next, and what answers do."""

from __future__ import annotations

import asyncio

from analyse_engine import FakeEngine, FakeShared

from azul_tui.game.notation import parse_position
from azul_tui.game.state import GameState
from azul_tui.tui.analyse.session import OPENING, AnalyseSession
from azul_tui.tui.analyse.thinking import Thinking
from azul_tui.tui.engine.records import AnalysisRecord, read_analysis


def answered(question, *, stopped=False, simulations=None):
    engine = FakeEngine()
    engine.game = GameState.parse(question.notation)
    record = engine._analysis(question.player, question.simulations, question.margins)
    told = dict(record, simulations=simulations or question.simulations, stopped=stopped)
    return read_analysis(told | {"notation": question.notation})


def ask_all(session):
    asked = []
    while (question := session.next_question()) is not None:
        asked.append(question)
        session.take(answered(question), question)
        assert len(asked) < 50
    return asked


def test_the_opening_is_that_of_the_seed():
    assert GameState.new(2, AnalyseSession().seed).notation() == OPENING


def test_searches_double_up_to_the_target_and_the_last_tells_margins():
    session = AnalyseSession()
    asked = ask_all(session)
    assert [question.simulations for question in asked] == [25, 50, 100, 200, 400]
    assert [bool(question.margins) for question in asked] == [False] * 4 + [True]
    assert session.analysis("pretrained").simulations == 400
    assert session.margins_of("pretrained")
    assert session.is_done


def test_twice_the_simulations_is_one_search_more_and_half_of_them_none():
    session = AnalyseSession()
    ask_all(session)
    session.double()
    assert [(q.simulations, q.margins) for q in ask_all(session)] == [(800, 0)]
    session.halve()
    session.halve()
    assert session.is_done
    assert session.analysis("pretrained").simulations == 200
    assert session.margins_of("pretrained")


def test_a_small_target_is_searched_at_once():
    session = AnalyseSession(target=30)
    assert session.ramp() == [30]
    session.target = 1
    session.halve()
    assert session.ramp() == [1]


def test_two_networks_take_turns():
    session = AnalyseSession(players=["a", "b"], target=50)
    asked = [(question.player, question.simulations) for question in ask_all(session)]
    assert asked == [("a", 25), ("b", 25), ("a", 50), ("b", 50)]


def test_an_answer_about_another_position_is_dropped():
    session = AnalyseSession()
    question = session.next_question()
    elsewhere = question._replace(notation=GameState.new(2, 1).notation())
    session.take(answered(elsewhere), question)
    assert session.analysis("pretrained") is None


def test_a_search_that_was_cut_short_is_shown_and_asked_for_again():
    session = AnalyseSession(target=100)
    question = session.next_question()
    session.take(answered(question, stopped=True, simulations=11), question)
    assert session.analysis("pretrained").simulations == 11
    assert session.next_question() == question
    session.take(answered(question, stopped=True), question)
    assert session.next_question() == question


def test_going_back_shows_what_was_found_there():
    session = AnalyseSession()
    ask_all(session)
    game = GameState.parse(OPENING)
    game.apply(game.parse_move("R 3>2"))
    session.go_on("R 3>2", game.view())
    assert session.moves == ("R 3>2",)
    assert session.analysis("pretrained") is None
    assert len(ask_all(session)) == 5
    assert session.go_back()
    assert session.is_done and session.here.chosen == "R 3>2"
    assert not session.go_back()


def test_nobody_is_asked_about_a_game_that_is_over():
    session = AnalyseSession()
    session.start(parse_position(OPENING.replace("move:1", "over-row:1")))
    assert session.next_question() is None


def test_old_searches_are_forgotten(monkeypatch):
    monkeypatch.setattr("azul_tui.tui.analyse.session.KEPT", 3)
    session = AnalyseSession()
    ask_all(session)
    assert [n for _, _, n in session.found] == [100, 200, 400]


async def test_the_engine_is_asked_for_the_position_before_each_search():
    shared = FakeShared()
    session = AnalyseSession(target=50)
    shown = []
    thinking = Thinking(session, shared.get, lambda: shown.append(thinking.activity))
    await thinking.think()
    assert [command.split()[0] for command in shared.engine.asked] == ["position", "analyse"] * 2
    assert "compiling the search, 1 of 3" in shown
    assert not thinking.activity and not thinking.trouble


async def test_cancelling_stops_the_engine():
    shared = FakeShared()
    shared.engine.gate = asyncio.Event()
    thinking = Thinking(AnalyseSession(), shared.get, lambda: None)
    task = asyncio.create_task(thinking.think())
    for _ in range(20):
        await asyncio.sleep(0)
    assert shared.engine.searches
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert shared.engine.cancelled == 1
    assert not thinking.activity


async def test_an_answer_without_moves_is_trouble():
    class Empty(FakeEngine):
        def _analysis(self, player, simulations, margins):
            return super()._analysis(player, simulations, margins) | {"moves": "?"}

    shared = FakeShared()
    shared.engine = Empty()
    thinking = Thinking(AnalyseSession(), shared.get, lambda: None)
    await thinking.think()
    assert "without a single move" in thinking.trouble


def test_records_that_lack_something_do_no_harm():
    record = AnalysisRecord("", "", 0, 0.0, 0.0, (), last=True, stopped=False)
    session = AnalyseSession()
    question = session.next_question()
    session.take(record, question)
    assert session.analysis("pretrained") is record
