"""The dashboard's client of the engine: a real process, and what happens when it is gone."""

from __future__ import annotations

import asyncio
import signal

import pytest

from azul_tui.views.engine import (
    Analysis,
    Choice,
    Engine,
    EngineError,
    Engines,
    Position,
    read,
    word,
)


@pytest.fixture
async def engine(tmp_path):
    made = await Engine.start(tmp_path)
    yield made
    await made.close()


async def test_questions_are_answered_in_turn_and_refusals_raised(engine):
    asked = await asyncio.gather(
        engine.ask("hello"), engine.ask("position new seed=3"), engine.ask("legal")
    )
    assert [record["event"] for record in asked] == ["hello", "position", "position"]
    position = read(Position, asked[1])
    assert position.legal and not position.over and position.players == 2
    with pytest.raises(EngineError, match="'Q 1>1' is not a move"):
        await engine.ask("play Q 1>1")
    choice = await engine.ask("position new seed=3", f"choose player={word('greedy')}")
    assert choice["notation"] == position.notation
    assert read(Choice, choice).move in position.legal
    with pytest.raises(EngineError, match="'Q 1>1' is not a move"):
        await engine.ask("play Q 1>1", "play Q 2>2", "hello")
    assert (await engine.ask("hello"))["protocol"] == 1
    assert engine.alive


async def test_an_engine_that_is_killed_says_so_to_everybody_who_waits(engine):
    early = asyncio.create_task(engine.ask("hello"))
    await asyncio.sleep(0.01)
    engine.process.kill()
    with pytest.raises(EngineError, match=r"ended \(killed by SIGKILL\) before its first answer"):
        await early
    assert not engine.alive
    with pytest.raises(EngineError, match="SIGKILL"):
        await engine.ask("hello")


async def test_whoever_stops_waiting_stops_the_search(engine):
    await engine.ask("load player=greedy")
    task = asyncio.create_task(engine.ask("choose player=uct-1000000"))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The engine is free again: this would wait for minutes otherwise.
    assert (await asyncio.wait_for(engine.ask("hello"), 60))["event"] == "hello"


async def test_a_fault_of_the_asker_is_the_askers(engine):
    def fail(record):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await engine.ask("load player=greedy", on_record=fail)
    assert (await engine.ask("hello"))["protocol"] == 1


async def test_the_engine_of_a_dashboard_is_one_and_comes_back(tmp_path):
    engines = Engines(tmp_path)
    first, same = await asyncio.gather(engines.get(), engines.get())
    assert first is same
    first.process.send_signal(signal.SIGTERM)
    await first.process.wait()
    with pytest.raises(EngineError):
        await first.ask("hello")
    second = await engines.get()
    assert second is not first
    assert (await second.ask("hello"))["protocol"] == 1
    await engines.close()
    assert not second.alive and second.why_ended() == "the engine was closed"
    await engines.close()


async def test_an_engine_that_is_refused_tells_its_own_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    engine = await Engine.start(tmp_path / "file")
    with pytest.raises(EngineError, match=r"cannot start: .*is not a folder"):
        await engine.ask("hello")
    await engine.close()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'LLVM ERROR: out of memory' >&2; exit 1", "exit code 1.*: LLVM ERROR: out of"),
        ("exit 0", "the engine has ended before its first answer"),
        ("kill -SEGV $$", r"SIGSEGV\) before its first answer"),
        ("echo word; exit 3", r"exit code 3\) before its first answer: word"),
        ("printf '\\033[31mred\\033[0m' >&2; exit 1", ": red"),
    ],
)
async def test_an_engine_that_fails_says_why_in_one_sentence(tmp_path, monkeypatch, script, said):
    monkeypatch.setattr("azul_tui.views.engine.job_command", lambda _: ["/bin/sh", "-c", script])
    engine = await Engine.start(tmp_path)
    with pytest.raises(EngineError, match=said):
        await engine.ask("hello")
    await engine.close()
    monkeypatch.setattr("azul_tui.views.engine.job_command", lambda _: [str(tmp_path / "no")])
    with pytest.raises(EngineError, match="cannot be started: No such file"):
        await Engine.start(tmp_path)


def test_what_a_record_lacks_reads_as_empty():
    assert read(Choice, {"move": "R 2>3", "values": None, "later": 1}) == Choice("R 2>3", None, ())
    told = {"moves": [{"move": "R 2>3", "line": ["R 2>3"]}], "values": [0.5, -0.5]}
    analysis = read(Analysis, told)
    assert analysis.moves[0].line == ("R 2>3",) and analysis.moves[0].margin is None
    assert (analysis.values, analysis.notation, analysis.stopped) == ((0.5, -0.5), "", False)
