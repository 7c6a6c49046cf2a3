"""Every size: all screens and boxes in one app that is resized, the program in a real terminal."""

from __future__ import annotations

import asyncio
import random

import pytest
from dashboard import a_run, dashboard
from every_screen import EVERY, MODES, RUN, opened, rested, tour
from fake_run import make_run
from real_terminal import RealTerminal
from textual import events

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
USUAL = (120, 40)
SIZES = [(1, 1), (12, 40), (60, 20), (80, 24), (300, 3), (300, 100)]
NARROW = [(width, 24) for width in range(1, 26)] + [(80, height) for height in range(1, 13)]
ODD = [(1, 1), (2, 1), (1, 2), (3, 90), (300, 1), (19, 4), (20, 5), (300, 90), (12, 40), (0, 0)]


async def test_every_screen_and_box_survives_every_size_and_comes_back(world):
    changed = []
    async with opened(world, "menu") as shown:
        async for name in tour(shown):
            for size in (*SIZES, USUAL):
                await shown.resize(*size)
            await rested(shown)
            if EVERY[name][1] not in shown.text and name != "list":
                changed.append(name)
    assert not changed


@pytest.mark.parametrize("runs", [False, True], ids=["no runs", "runs"])
async def test_whatever_opens_in_a_terminal_that_is_too_small_does_no_harm(tmp_path, runs):
    """At every place, with keys that open, type into and close what covers it."""
    seeded = random.Random(runs)
    if runs:
        a_run(tmp_path, RUN, 6)
    async with dashboard(tmp_path, attach=RUN if runs else None) as shown:
        for place in MODES.values():
            shown.app.action_place(place)
            for size in seeded.sample(NARROW + ODD, 5):
                await shown.resize(*size)
                # Where enter starts a job it is not among them.
                for key in seeded.choices(
                    ["tab", "?", "e", "n", "g", "/", "ctrl+p", "escape"], k=3
                ):
                    shown.app.post_message(events.Key(key, key if len(key) == 1 else None))
                await asyncio.sleep(0.02)
            await shown.resize(*USUAL)
            shown.app.action_place(place)  # from whatever covers it
        assert shown.app.is_running


@pytest.mark.parametrize("size", [(1, 1), (4, 24), (9, 24)])
async def test_the_palette_opens_in_a_pane_of_any_size(tmp_path, size):
    make_run(tmp_path / "one", 6, state="finished")
    async with dashboard(tmp_path, attach="one", size=size) as shown:
        await shown.press("ctrl+p", "g")
        await shown.pilot.pause()
        assert shown.app.is_running


def test_the_real_program_starts_in_no_room_and_is_dragged_about(tmp_path):
    make_run(tmp_path / "two", 13)
    terminal = RealTerminal("--dir", str(tmp_path), "--attach", "two", width=80, height=24)
    try:
        for sizes in (ODD, NARROW[::3] + ODD):
            for width, height in sizes:
                terminal.resize(width, height)
                terminal.read(0.02)
            terminal.resize(*USUAL)
            terminal.until("[2 Training]")
            terminal.until("step 1,300")
            assert terminal.child.isalive()
        assert "Traceback" not in terminal.written
        terminal.type("q")
        assert terminal.ended() == 0
    finally:
        terminal.close()


@pytest.mark.parametrize("columns", ["0", "12", "300"])
def test_a_picture_in_passing_fits_any_width(tmp_path, capsys, monkeypatch, columns):
    from azul_tui.cli import main

    make_run(tmp_path / "one", 6, seed=2, state="finished")
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["--once", "one", "--dir", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "finished" in told
    text = [line for line in told.splitlines() if line[:1].isalpha() and "total 4.4" not in line]
    assert max(map(len, text)) <= max(40, min(int(columns) or 80, 120))
