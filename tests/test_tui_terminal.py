"""The real program in a real terminal: what it writes, and how it behaves there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

import pytest
from fake_run import make_run
from real_terminal import RealTerminal

COLOR = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|38;|48;|4[0-7])[0-9;]*m")


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    make_run(tmp_path / "runs" / "night-1", 6)
    return tmp_path / "runs"


@pytest.fixture
def opened(runs):
    terminals = []

    def start(*arguments, **options):
        terminal = RealTerminal("--dir", str(runs), *arguments, **options)
        terminals.append(terminal)
        return terminal

    yield start
    for terminal in terminals:
        terminal.close()


def test_ctrl_q_leaves_and_ctrl_c_gives_a_hint(opened):
    terminal = opened()
    terminal.until("Quick training")
    terminal.type("\x03")
    terminal.until("ctrl+q", "quit")
    terminal.type("\x11")
    assert terminal.ended() == 0


@pytest.mark.parametrize(("hint", "light"), [("0;15", True), ("15;0", False)])
def test_the_first_start_takes_the_theme_of_the_terminals_background(opened, hint, light):
    terminal = opened(COLORFGBG=hint)
    terminal.until("Quick training")
    assert ("48;2;246;243;236" in terminal.written) == light


@pytest.mark.slow
def test_without_colours_and_in_ascii_the_whole_house_is_shown(opened):
    terminal = opened("--attach", "night-1", "--ascii", NO_COLOR="1")
    terminal.until("step 600")
    for keys in ("e", "x", "b", "f", "g", "3", "/", "4", "5", "a", "6", "7", "e", "1", "?"):
        terminal.type(*keys)
        terminal.settled(0.1)
        assert terminal.child.isalive()
        if keys not in "1234567":
            terminal.type("escape", "escape")
    assert terminal.written.isascii()
    assert not COLOR.search(terminal.written)


def test_a_locale_of_ascii_is_enough_to_get_nothing_else(opened):
    terminal = opened("--attach", "night-1", LC_ALL="C", LANG="C")
    terminal.until("step 600")
    assert terminal.written.isascii()


def test_a_pane_that_is_small_for_a_moment_shows_everything_again(opened):
    terminal = opened()
    terminal.until("Quick training")
    terminal.resize(12, 40)
    terminal.read(0.02)
    terminal.resize(120, 40)
    terminal.until("7 Analyse")
    terminal.until("max_iterations")


def test_the_way_back_is_said_on_the_terminal(opened, runs):
    run = make_run(runs / "my run", 6)
    run.status("running", host=os.uname().nodename, pid=os.getpid(), heartbeat=time.time())
    terminal = opened("--attach", "my run")
    terminal.until("step 600")
    terminal.type("q")
    terminal.until("azul-tui --attach 'my run'")


def test_a_browser_gets_it_by_textual_serve(runs):
    """What `textual serve azul-tui` starts: the program with the driver for browsers."""
    served = subprocess.Popen(
        [sys.executable, "-m", "azul_tui", "--dir", str(runs)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={
            **os.environ,
            "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
            "TEXTUAL_COLOR_SYSTEM": "truecolor",
            "COLUMNS": "120",
            "ROWS": "40",
            "LC_ALL": "C.UTF-8",
        },
    )
    seen = b""
    try:
        while b"Quick training" not in seen:  # at most as long as a test may take
            seen += os.read(served.stdout.fileno(), 1 << 16)
        assert seen.startswith(b"__GANGLION__\n")
        assert b"Quick training" in seen
    finally:
        served.kill()
        served.communicate()
