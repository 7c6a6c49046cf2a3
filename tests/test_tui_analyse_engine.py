"""The Analyse place over the real engine and the shipped player."""

from __future__ import annotations

import asyncio
import time

import pytest

from azul_tui.game.state import GameState
from azul_tui.tui.app import AzulApp
from azul_tui.tui.picture import plain

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def until(app, words, seconds=200.0):
    end = time.monotonic() + seconds
    while words not in (text := plain(app.screen.shown_lines())):
        assert time.monotonic() < end, f"{words!r} did not appear in\n{text}"
        await asyncio.sleep(0.05)
    return text


async def test_the_shipped_player_looks_at_an_opening_and_what_follows(tmp_path):
    app = AzulApp(tmp_path, ascii_only=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("7")
        await until(app, "400 of 400 simulations")
        text = await until(app, "±")
        assert "round 1  player 1 to move  seed 0" in text
        screen = app.screen
        found = screen.session.analysis("pretrained")
        assert sum(move.visits for move in found.moves) == 400
        assert sum(move.prior for move in found.moves) == pytest.approx(1.0, abs=0.01)
        rows = screen.state().rows
        assert all(entry.a is not None and entry.margin_a is not None for entry in rows)
        best = rows[0].move

        await pilot.press("enter")
        await until(app, "move 1 of the line")
        await until(app, "400 of 400 simulations")
        game = GameState.new(2, 0)
        game.apply(game.parse_move(best))
        assert screen.session.here.notation == game.notation()

        # An engine that is killed is named, and a key starts another.
        engine = await app.engine.get()
        engine._process.kill()
        await engine._process.wait()
        await pilot.press("plus")
        await until(app, "800 of 800 simulations")
        assert (await app.engine.get()) is not engine
