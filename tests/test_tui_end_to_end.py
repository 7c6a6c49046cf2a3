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


def start_training(terminal):
    """Start the quick training from the menu with the smoke preset and no end in sight."""
    terminal.until("Quick training")
    terminal.until("quick preset")
    terminal.type("t")
    terminal.until("smoke preset")
    terminal.type("tab", "/")
    terminal.until("show settings that contain")
    terminal.type(*"max_iterations", "enter", "enter")
    terminal.until("Accepted: a whole number")
    terminal.type(*["\x7f"] * 6, *"5000", "enter")
    terminal.until("1 changed")
    terminal.type("g")
    terminal.until("[2 Training]")


def test_start_watch_steer_detach_attach_resume_evaluate(root):
    terminal = RealTerminal("--dir", str(root), width=80, height=24)
    try:
        start_training(terminal)
        first = terminal.find(NEWEST_STEP)
        (folder,) = run_folders(root)
        paths = RunPaths(folder)
        before = terminal.text
        wait_for(lambda: terminal.find(NEWEST_STEP) != first or terminal.read(), 120)
        assert terminal.text != before

        terminal.type("p")
        terminal.until("‖ paused", seconds=60)
        assert read_status(paths.status).state == "paused"
        terminal.type("p")
        terminal.gone("‖ paused", seconds=60)
        terminal.type("c")
        wait_for(lambda: any(r["request"] == "checkpoint" for r in events(paths, "control")))
        wait_for(lambda: events(paths, "checkpoint"))

        terminal.type("q")
        terminal.until("is still running")
        terminal.type("d")
        assert terminal.ended() == 0
    finally:
        terminal.close()

    step = read_status(paths.status).step
    wait_for(lambda: read_status(paths.status).step > step)

    terminal = RealTerminal("--dir", str(root), "--attach", width=80, height=24)
    try:
        terminal.until("[2 Training]")
        terminal.find(NEWEST_STEP)
        terminal.type("s")
        terminal.until("■ stopped", "✓ finished", seconds=120)
        iteration = read_status(paths.status).iteration

        terminal.type("4")
        terminal.until("★", " new")
        terminal.until("✓")
        terminal.type("r")
        terminal.until("[2 Training]")
        wait_for(lambda: read_status(paths.status).iteration > iteration)
        terminal.until("● self-play", "● training", "● evaluation")
        terminal.type("s")
        terminal.until("■ stopped", "✓ finished", seconds=120)

        terminal.type("4")
        terminal.until(" new")
        terminal.type("v")
        terminal.until("[5 Evaluate]")
        terminal.type("down", "down", "enter")
        terminal.until("Accepted")
        terminal.type(*["\x7f"] * 5, *"8", "enter", "g")
        terminal.until("is stronger", "not decided", seconds=200)
        terminal.type("q")
        # A job that has said its last word may take a moment to end: then leaving asks.
        end = time.monotonic() + 5
        while "still running" not in terminal.text and time.monotonic() < end:
            terminal.read()
        if "still running" in terminal.text:
            terminal.type("d")
        assert terminal.ended() == 0
    finally:
        terminal.close()


def test_losing_the_terminal_leaves_the_training_running(root):
    terminal = RealTerminal("--dir", str(root))
    try:
        start_training(terminal)
        terminal.find(NEWEST_STEP)
        (folder,) = run_folders(root)
        paths = RunPaths(folder)
        dashboard = terminal.child.pid
        terminal.lose()

        def dashboard_ended():
            done, _ = os.waitpid(dashboard, os.WNOHANG)
            return done == dashboard

        wait_for(dashboard_ended)
    finally:
        terminal.lose()
    status = read_status(paths.status)
    os.kill(status.pid, 0)
    wait_for(lambda: read_status(paths.status).step > status.step)
    terminal = RealTerminal("--dir", str(root), "--attach", paths.name)
    try:
        terminal.find(NEWEST_STEP)
        terminal.type("s")
        terminal.until("■ stopped", "✓ finished", seconds=120)
    finally:
        terminal.close()
    assert read_status(paths.status).state in {"stopped", "finished"}
    assert events(paths, "checkpoint"), "it saved before it ended"
