"""A game against a scripted player in the engine's own process, as a person plays it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import replace

import pytest

from azul_tui.game.state import GameState
from azul_tui.tui.app import AzulApp
from azul_tui.tui.picture import plain

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


async def until(app, true, seconds=120.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, plain(app.screen.shown_lines())
        await asyncio.sleep(0.05)


async def test_a_person_plays_greedy_and_outlives_the_engine(tmp_path):
    app = AzulApp(tmp_path, clock=lambda: 1_700_000_000.0, tick_s=1.0, ascii_only=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        await pilot.pause()
        screen = app.screen
        setup = screen.setup
        setup.settings = replace(setup.settings, opponent="greedy", seat=1, seed=11)
        await pilot.press("enter")
        session = screen.session
        await until(app, lambda: session.phase in {"yours", "broken"})
        assert session.phase == "yours", session.problem
        assert [turn.seat for turn in session.game.turns] == [0]
        assert "scripted players tell no value" in plain(screen.shown_lines())

        for _ in range(8):  # into the second round
            color, places = session.game.now.record.legal[0].split()
            source, line = places.split(">")
            count = len(session.game.turns)
            await pilot.press(source.lower(), color.lower(), line.lower())
            await until(app, lambda n=count: len(session.game.turns) > n)
            await until(app, lambda: session.phase == "yours")
        game = GameState.new(2, 11)
        for turn in session.game.turns:
            game.apply(game.parse_move(turn.move))
        assert session.game.now.record.notation == game.notation()
        assert session.game.now.record.round == 2

        await pilot.press("h")
        await until(app, lambda: session.hint is not None)
        assert session.hint.move in session.game.now.record.legal

        engine = await app.engine.get()
        os.kill(engine._process.pid, signal.SIGKILL)
        await until(app, lambda: not engine.alive)
        move = session.game.now.record.legal[0]
        color, places = move.split()
        source, line = places.split(">")
        await pilot.press(source.lower(), color.lower(), line.lower())
        await until(app, lambda: session.phase == "broken")
        shown = plain(screen.shown_lines())
        assert "the engine is gone" in shown
        assert "the engine has ended" in shown
        await pilot.press("enter")
        count = len(session.game.turns)
        await until(app, lambda: len(session.game.turns) > count and session.phase == "yours")
        assert session.game.turns[count].move == move
