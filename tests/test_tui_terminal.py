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


def test_a_run_is_shown_and_left(opened):
    terminal = opened("--attach", "night-1")
    terminal.until("step 600")
    terminal.type("q")
    assert terminal.ended() == 0


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


def test_without_colours_none_is_written(opened):
    terminal = opened("--attach", "night-1", NO_COLOR="1")
    terminal.until("step 600")
    for key in "1234567?":
        terminal.type(key)
    assert not COLOR.search(terminal.written)


@pytest.mark.parametrize("how", ["option", "locale"])
def test_where_only_ascii_can_be_shown_nothing_else_is_written(opened, how):
    arguments = ("--ascii",) if how == "option" else ()
    locale = {} if how == "option" else {"LC_ALL": "C", "LANG": "C"}
    terminal = opened("--attach", "night-1", *arguments, **locale)
    terminal.until("step 600")
    for key in ("b", "escape", *"1234567", "\x10", "escape", "?"):
        terminal.type(key)
    assert terminal.written.isascii()


@pytest.mark.parametrize("key", ["2", "1", "x", "e", "?", "\x10"])
def test_a_pane_that_is_squeezed_and_widened_shows_everything_again(opened, key):
    terminal = opened("--attach", "night-1")
    terminal.until("step 600")
    terminal.type(key)
    for width, height in ((19, 40), (7, 3), (1, 1), (300, 90), (60, 20), (120, 40)):
        terminal.child.setwinsize(height, width)
        terminal.screen.resize(height, width)
        terminal.read(0.3)
    assert terminal.child.isalive()
    terminal.settled(0.5)
    terminal.type("escape")
    terminal.settled(0.5)  # an escape and a digit that are read together are alt and the digit
    terminal.type("2")
    # The emulator keeps what lies under a box that was cut: it begins anew at the last size.
    terminal.screen.reset()
    terminal.child.setwinsize(41, 121)
    terminal.screen.resize(41, 121)
    terminal.until("step 600")


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
