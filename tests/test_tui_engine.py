"""The dashboard's client of the engine: a real process, and what happens when it is gone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

from azul_tui.tui.engine.process import Engine, EngineError, SharedEngine
from azul_tui.tui.engine.records import (
    read_analysis,
    read_choice,
    read_game,
    read_games,
    read_position,
    read_review,
)

COMMAND = [sys.executable, "-m", "azul_tui", "--run", "engine"]


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
    position = read_position(asked[1])
    assert position.legal and not position.over and position.bag["B"] == 17
    with pytest.raises(EngineError, match="'Q 1>1' is not a move"):
        await engine.ask("play Q 1>1")
    records = await engine.ask_in_turn(["position new seed=4", "choose player=greedy"])
    assert read_choice(records[1]).notation == read_position(records[0]).notation
    with pytest.raises(EngineError, match="is not a move"):
        await engine.ask_in_turn(["play Q 1>1", "play Q 2>2", "hello"])
    assert (await engine.ask("hello"))["protocol"] == 1
    assert engine.alive


async def test_a_process_that_dies_is_told_to_everybody_who_waits(engine):
    await engine.ask("hello")
    waiting = [asyncio.create_task(engine.ask("choose player=uct-1000000")) for _ in range(2)]
    await asyncio.sleep(0.05)
    engine._process.kill()
    for task in waiting:
        with pytest.raises(EngineError, match=r"the engine has ended \(killed by SIGKILL\)"):
            await task
    assert not engine.alive
    with pytest.raises(EngineError, match="has ended"):
        await engine.ask("hello")


async def test_who_stops_waiting_stops_the_search(engine):
    await engine.ask("load player=pretrained")
    heard = asyncio.Event()
    task = asyncio.create_task(
        engine.ask(
            "analyse player=pretrained simulations=100000 margins=10000", lambda _: heard.set()
        )
    )
    await heard.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The engine is free again: this would wait for minutes otherwise.
    choice = await asyncio.wait_for(engine.ask("choose player=pretrained simulations=5"), 30)
    assert choice["simulations"] == 5
    task = asyncio.create_task(engine.ask("choose player=pretrained seconds=500"))
    await asyncio.sleep(0.1)
    engine.stop()
    assert read_choice(await asyncio.wait_for(task, 30)).stopped


async def test_a_fault_of_the_asker_is_the_askers(engine):
    def fail(record):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await engine.ask("load player=greedy", fail)
    assert (await engine.ask("hello"))["protocol"] == 1


async def test_the_shared_engine_is_one_and_comes_back(tmp_path):
    shared = SharedEngine(tmp_path)
    first, same = await asyncio.gather(shared.get(), shared.get())
    assert first is same
    first._process.kill()
    with pytest.raises(EngineError):
        await first.ask("hello")
    second = await shared.get()
    assert second is not first
    assert (await second.ask("hello"))["protocol"] == 1
    await shared.close()
    assert not second.alive
    await shared.close()


async def test_an_engine_that_cannot_be_started_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "azul_tui.tui.engine.process.job_command", lambda _: [str(tmp_path / "nothing")]
    )
    with pytest.raises(EngineError, match="cannot be started: No such file"):
        await Engine.start(tmp_path)


def test_a_process_without_listeners_or_input_ends(tmp_path):
    """A dashboard that is killed leaves nothing behind."""
    process = subprocess.Popen(
        [*COMMAND, "--dir", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    process.stdin.write(b"load player=pretrained\nchoose player=pretrained seconds=600\n")
    process.stdin.flush()
    for line in process.stdout:
        if json.loads(line)["event"] == "ready":
            break
    process.stdin.close()
    process.stdout.close()
    assert process.wait(60) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_and_output_is_records_alone(tmp_path, number, code):
    process = subprocess.Popen(
        [*COMMAND, "--dir", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdin.write(b"hello\n")
    process.stdin.flush()
    lines = [process.stdout.readline()]
    os.kill(process.pid, number)
    lines += process.stdout.readlines()
    errors = process.stderr.read()
    process.stdin.close(), process.stdout.close(), process.stderr.close()
    assert process.wait(60) == code
    assert [json.loads(line)["event"] for line in lines] == ["hello", "result"]
    assert b"Traceback" not in errors


@pytest.mark.parametrize(
    "read", [read_position, read_choice, read_analysis, read_games, read_game, read_review]
)
def test_a_record_that_lacks_everything_or_lies_still_reads(read):
    read({})
    odd = [None, True, -1, 2.5, float("nan"), "\x1b[2J", [], [None, {}, "a", 1], {"a": "b"}]
    for value in odd:
        read(dict.fromkeys(("notation", "legal", "bag", "moves", "value", "games", "best"), value))
        read({"moves": [dict.fromkeys(("move", "prior", "visits", "line"), value)], "games": [{}]})
