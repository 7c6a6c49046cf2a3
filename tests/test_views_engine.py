"""The dashboard's client of the engine: a real process, and what happens when it is gone."""

from __future__ import annotations

import asyncio
import re

import msgspec
import pytest

from azul_tui.views.engine import Choice, Engine, EngineError, Position, word


@pytest.fixture
async def engine(tmp_path):
    made = Engine(tmp_path)
    yield made
    await made.close()
    assert not made.alive


async def test_questions_are_answered_in_turn_and_refusals_raised(engine):
    asked = await asyncio.gather(
        engine.ask("hello"), engine.ask("position new seed=3"), engine.ask("legal")
    )
    assert [record["event"] for record in asked] == ["hello", "position", "position"]
    position = msgspec.convert(asked[1], Position)
    assert position.legal and not position.over and position.players == 2
    with pytest.raises(EngineError, match="'Q 1>1' is not a move"):
        await engine.ask("play Q 1>1")
    choice = await engine.ask("position new seed=3", f"choose player={word('greedy')}")
    assert choice["notation"] == position.notation
    assert msgspec.convert(choice, Choice).move in position.legal
    with pytest.raises(EngineError, match="'Q 1>1' is not a move"):
        await engine.ask("play Q 1>1", "play Q 2>2", "hello")
    assert (await engine.ask("hello"))["protocol"] == 1
    assert engine.alive


async def test_one_that_is_killed_says_so_to_everybody_who_waits_and_comes_back(engine):
    asked = [asyncio.create_task(engine.ask("hello")) for _ in range(2)]
    while not engine.alive:  # noqa: ASYNC110 - it is being started
        await asyncio.sleep(0.01)
    first = engine.process
    first.kill()
    said = r"ended \(killed by SIGKILL\) before its first answer"
    for told in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(told, EngineError) and re.search(said, str(told))
    assert not engine.alive
    assert (await engine.ask("hello"))["protocol"] == 1
    assert engine.process is not first
    await engine.close()
    await engine.close()
    assert not engine.alive


async def test_whoever_stops_waiting_stops_the_search(engine):
    await engine.ask("load player=greedy")
    task = asyncio.create_task(engine.ask("choose player=uct-1000000"))
    await asyncio.sleep(0.2)  # whether it has begun or not, it is stopped
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


async def test_an_engine_that_is_refused_tells_its_own_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match=r"cannot start: .*is not a folder"):
        await Engine(tmp_path / "file").ask("hello")


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
    with pytest.raises(EngineError, match=said):
        await Engine(tmp_path).ask("hello")


async def test_an_engine_that_cannot_be_started_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr("azul_tui.views.engine.job_command", lambda _: [str(tmp_path / "no")])
    with pytest.raises(EngineError, match="cannot be started: No such file"):
        await Engine(tmp_path).ask("hello")
