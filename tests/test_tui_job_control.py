"""Ctrl-Z, `fg`, `bg` and signals in a real shell: the dashboard as any program of a terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from contextlib import suppress

import psutil
import pytest
from fake_run import make_run
from real_terminal import ALTERNATE, ANY_MOTION, CURSOR, MOUSE, PASTE, RealTerminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
CTRL_Z = "\x1a"
TAKEN = {ALTERNATE, MOUSE, ANY_MOTION}


class Shell(RealTerminal):
    """An interactive bash in which `azul-tui` is started as a person does."""

    def __init__(self, **environment):
        super().__init__(
            command=("bash", "--norc", "--noprofile", "-i"), PS1="$? shell> ", **environment
        )
        self.until("shell>")

    def run(self, line, *, seconds=60.0):
        """Type a line; what came after it once the prompt is back, colours and all."""
        self.written = ""
        self.child.send(f"{line}\r")
        self.wait(lambda: "shell> " in self.written, f"prompt after {line!r}", seconds)
        return self.written

    def start(self, *arguments, before=""):
        self.screen.reset()
        self.child.send(f"{before}{sys.executable} -m azul_tui {' '.join(arguments)}\r")

    def until_stopped(self):
        """Wait for the prompt after a stop; the terminal is the shell's then."""
        self.wait(lambda: re.search(r"Stopped(?s:.)*shell> $", self.written), "stop", 20)
        assert not TAKEN & self.screen.mode, "the other screen and the mouse are given back"
        assert CURSOR in self.screen.mode
        self.is_as_before()
        self.written = ""

    def is_as_before(self):
        settings = self.run("stty -a")
        assert re.search(r" icanon\b", settings), settings
        assert re.search(r" echo\b", settings), settings

    def back(self, *words):
        """`fg`, and wait until the dashboard is painted."""
        self.screen.reset()
        self.child.send("fg\r")
        self.until(*words)
        assert self.screen.mode >= TAKEN | {PASTE}
        assert CURSOR not in self.screen.mode
        self.settled()
        self.written = ""


@pytest.fixture
def shell():
    shell = Shell()
    yield shell
    with suppress(ProcessLookupError):
        os.killpg(foreground(shell), signal.SIGKILL)
    shell.close()


def foreground(shell):
    """The process group that has the terminal."""
    return os.tcgetpgrp(shell.child.child_fd)


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_back_as_it_was(shell, tmp_path):
    shell.start("--dir", str(tmp_path))
    shell.until("Quick training")
    before = shell.settled()
    shell.child.send(CTRL_Z)
    shell.until_stopped()
    assert "forty-two" in shell.run("echo forty-$((40 + 2)) | sed s/42/two/")
    shell.run("true g q 2 7")
    shell.back("Quick training")
    assert shell.text == before, "what was typed for the shell did not reach the dashboard"
    assert not list(tmp_path.iterdir()), "nothing was started"
    shell.type("3")
    shell.until("[3 Runs]")
    shell.type("q")
    shell.until("shell>")
    assert not TAKEN & shell.screen.mode
    shell.is_as_before()


PLACES = {
    "?": "All keys here", "\x10": "Search for commands", "2": "iteration 13", "b": "move 23",
    "3 / o": "1 run", "4": "[4 Checkpoints]", "5": "next match", "6": "[6 Play]",
    "7": "[7 Analyse]",
}  # fmt: skip


def test_at_every_place_and_box(shell, tmp_path):
    make_run(tmp_path / "one", 13, state="finished")
    shell.start("--dir", str(tmp_path), "--attach", "one")
    shell.until("iteration 13")
    for keys, words in PLACES.items():
        shell.type(*keys.split())
        shell.until(words)
        shell.child.send(CTRL_Z)
        shell.until_stopped()
        shell.back(words)
        shell.type("escape")
        shell.settled()


def test_a_job_that_bg_lets_go_on_waits_for_the_terminal(shell, tmp_path):
    shell.start("--dir", str(tmp_path))
    shell.until("Quick training")
    shell.child.send(CTRL_Z)
    shell.until_stopped()
    shell.run("bg")
    for _ in range(10):
        shell.read(0.1)
    assert not TAKEN & shell.screen.mode
    assert "Stopped" in shell.run("jobs")
    shell.back("Quick training")


def test_a_script_between_the_shell_and_the_dashboard_stops_with_it(shell, tmp_path):
    script = tmp_path / "start.sh"
    script.write_text(f"{sys.executable} -m azul_tui --dir {tmp_path}\n")
    shell.screen.reset()
    shell.child.send(f"bash {script}\r")
    shell.until("Quick training")
    shell.child.send(CTRL_Z)
    shell.until_stopped()
    shell.back("Quick training")


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP], ids=lambda n: n.name)
def test_a_stop_from_outside(shell, tmp_path, number):
    shell.start("--dir", str(tmp_path))
    shell.until("Quick training")
    before, group = shell.settled(), foreground(shell)
    for _ in range(2):
        os.killpg(group, number)
        if number == signal.SIGTSTP:
            shell.until_stopped()
        else:  # it had no time to give the terminal back
            shell.until("Stopped")
        shell.back("Quick training")
        assert shell.text == before
    shell.type("q")
    shell.until("shell>")
    assert not TAKEN & shell.screen.mode
    shell.is_as_before()


def test_a_training_goes_on_while_the_dashboard_stands_still(shell, tmp_path):
    shell.start("--run", "quick", "--watch", "--name", "night", "--dir", str(tmp_path))
    status = tmp_path / "night" / "status.json"
    shell.until("starting", "compil", "self-play")
    shell.wait(status.exists, "status", 60)
    training = psutil.Process(json.loads(status.read_text())["pid"])
    shell.child.send(CTRL_Z)
    shell.until_stopped()
    assert training.status() != psutil.STATUS_STOPPED
    spent = sum(training.cpu_times()[:2])
    shell.wait(lambda: sum(training.cpu_times()[:2]) > spent, "training at work", 60)
    shell.screen.reset()
    shell.child.send("fg\r")
    shell.until("[2 Training]")
    shell.type("q")
    shell.until("is still running")
    shell.type("d")
    shell.until("goes on training")
    training.kill()


def test_a_dashboard_without_a_shell_says_that_there_is_none(tmp_path):
    terminal = RealTerminal("--dir", str(tmp_path))
    try:
        terminal.until("Quick training")
        terminal.type(CTRL_Z)
        terminal.until("no shell")
        terminal.type("3")
        terminal.until("[3 Runs]")
    finally:
        terminal.close()
