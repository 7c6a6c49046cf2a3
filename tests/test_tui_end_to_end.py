"""The real program over a real training: start, watch, steer, leave, come back."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from real_terminal import RealTerminal

from azul_tui.runs.paths import RunPaths, run_folders
from azul_tui.runs.status import read_status

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
NEWEST_STEP = r"─ step ([\d,]+)"


def events(paths, kind):
    lines = paths.events.read_text().splitlines() if paths.events.exists() else []
    return [r for r in map(json.loads, lines) if r["event"] == kind]


def wait_for(condition, seconds=120.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def end_jobs(root):
    """No test leaves a training behind."""
    for folder in run_folders(root):
        status = read_status(RunPaths(folder).status)
        if status is not None and status.state in {"running", "paused"} and status.pid > 1:
            try:
                os.kill(status.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@pytest.fixture
def root(tmp_path):
    yield tmp_path
    end_jobs(tmp_path)


def start_training(root):
    """A terminal in which a small training with no end in sight was started from the menu."""
    terminal = RealTerminal("--dir", str(root))
    terminal.until("max_minutes")
    # The list of presets is the first field after the entries.
    terminal.type("tab", "enter")
    terminal.until("three-players")
    terminal.type(*"smok", "enter")
    terminal.find(r"self_play_games_per_iteration +(16)\b")
    terminal.type(*["tab"] * 7)
    terminal.type("\x05", "\x15", *"5000", "enter")
    terminal.until("[2 Training]")
    return terminal


def dashboard_ended(process):
    """Whether this child has ended."""
    return os.waitpid(process, os.WNOHANG)[0] == process


def test_start_watch_steer_lose_the_terminal_detach_attach_stop_resume(root):
    terminal = start_training(root)
    try:
        first = terminal.find(NEWEST_STEP)
        (folder,) = run_folders(root)
        paths = RunPaths(folder)
        wait_for(lambda: terminal.find(NEWEST_STEP) != first or terminal.read(), 120)
        terminal.type("p")
        terminal.until("‖ paused", seconds=60)
        assert read_status(paths.status).state == "paused"
        terminal.type("p")
        terminal.gone("‖ paused", seconds=60)
        terminal.type("c")
        wait_for(lambda: any(r["request"] == "checkpoint" for r in events(paths, "control")))
        wait_for(lambda: events(paths, "checkpoint"))
        process = terminal.child.pid
        terminal.lose()
        wait_for(lambda: dashboard_ended(process))
    finally:
        terminal.lose()
    status = read_status(paths.status)
    os.kill(status.pid, 0)
    wait_for(lambda: read_status(paths.status).step > status.step)

    terminal = RealTerminal("--dir", str(root), "--attach")
    try:
        terminal.until("[2 Training]")
        terminal.find(NEWEST_STEP)
        terminal.type("s")
        terminal.until("■ stopped", "✓ finished", seconds=120)
        assert events(paths, "checkpoint"), "it saved before it ended"
        iteration = read_status(paths.status).iteration
        terminal.type("r")
        terminal.until("● resuming", "it will resume then")
        wait_for(lambda: read_status(paths.status).iteration > iteration)
        terminal.until("● self-play", "● training", "● evaluation")
        terminal.type("q")
        terminal.until("is still running")
        terminal.type("d")
        assert terminal.ended() == 0
    finally:
        terminal.close()
    step = read_status(paths.status).step
    wait_for(lambda: read_status(paths.status).step > step)
