"""Jobs that end before they say so: the real program shows that they did, and how."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest
from real_terminal import RealTerminal

from azul_tui.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
AZUL_TUI = (sys.executable, "-m", "azul_tui")


def processes_of(root):
    """The jobs that work in the folder of runs `root`, the dashboard apart."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if "--run" in words and "--watch" not in words and str(root) in words:
                found.append(process)
    return found


def end_a_job(root, number=signal.SIGKILL, seconds=60.0):
    """Wait for a job to be there, and send it a signal at once."""
    end = time.monotonic() + seconds
    while not (found := processes_of(root)):
        assert time.monotonic() < end, "no job was started"
        time.sleep(0.01)
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


@pytest.fixture
def printed(capsys):
    """What `azul-tui ARGUMENTS` prints."""

    def run(*arguments):
        assert main(list(arguments)) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def root(tmp_path):
    yield tmp_path / "runs"
    for process in processes_of(tmp_path / "runs"):
        with suppress(psutil.NoSuchProcess):
            process.kill()


@pytest.fixture
def watch(root):
    """Starts `azul-tui ARGUMENTS --dir ROOT` in a terminal of its own."""
    opened = []

    def start(*arguments, **options):
        opened.append(RealTerminal(*arguments, "--dir", str(root), **options))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def told_later(printed, root, words):
    """`--list` and `--once` say it too, long after and in another process."""
    assert words in printed("--list", "--dir", str(root))
    assert words in printed("--once", "night", "--dir", str(root))


def test_a_training_killed_before_its_first_record(watch, root, printed):
    terminal = watch("--run", "quick", "--watch", "--name", "night")
    end_a_job(root)
    text = terminal.until("killed by SIGKILL")
    assert "crashed" in text
    terminal.until("menu")  # what to do
    told_later(printed, root, "killed by SIGKILL")


def test_a_training_killed_while_it_compiles(watch, root, tmp_path, printed):
    cache = str(tmp_path / "cache")
    terminal = watch("--run", "quick", "--watch", "--name", "night", AZUL_TUI_CACHE=cache)
    terminal.until("compil", seconds=120)
    end_a_job(root)
    terminal.until("killed by SIGKILL")
    terminal.until("it ended before the first training step")
    told_later(printed, root, "killed by SIGKILL")


def test_a_training_that_refuses_to_start_shows_its_sentence(watch, root, printed):
    terminal = watch(
        "--run", "quick", "--watch", "--name", "night", "--set", "device=cuda",
        CUDA_VISIBLE_DEVICES="",
    )  # fmt: skip
    terminal.until("exit code 2", seconds=120)
    terminal.until("cuda")
    told_later(printed, root, "exit code 2")


def test_a_training_started_elsewhere_and_killed_early(watch, root, printed):
    with subprocess.Popen(
        [*AZUL_TUI, "--run", "quick", "--name", "night", "--dir", str(root)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as job:
        end = time.monotonic() + 60
        while not (root / "night" / "status.json").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        terminal = watch("--attach", "night")
        terminal.until("night", "starting")
        job.kill()
    text = terminal.until("crashed")
    assert "waiting" not in text
    terminal.until("is gone")
    assert "crashed" in printed("--list", "--dir", str(root))


def test_a_training_whose_program_cannot_be_executed(watch, root, tmp_path, printed):
    """The interpreter is replaced under a dashboard that is open, as an upgrade does."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(os.path.realpath(sys.executable))
    terminal = watch(
        command=(str(python), "-m", "azul_tui"), PYTHONPATH=os.pathsep.join(filter(None, sys.path))
    )
    terminal.until("Quick training")
    python.unlink()
    terminal.type("enter")
    terminal.until("cannot be started")
    assert "could not be started" in printed("--list", "--dir", str(root))


def test_a_demonstration_and_an_engine_killed_early(watch, root):
    terminal = watch()
    terminal.until("Quick training")
    terminal.type("7")
    end_a_job(root)
    assert "SIGKILL" in terminal.until("the engine has ended (killed by")
    terminal.type("1")
    terminal.until("[1 Menu]")
    terminal.type(*["\x1b[A"] * 6, "enter")
    end_a_job(root)
    terminal.until("killed by SIGKILL")
    terminal.until("again")


def test_a_match_killed_early(watch, root):
    terminal = watch()
    terminal.until("Quick training")
    terminal.type("5")
    terminal.until("[5 Evaluate]")
    terminal.type("a")
    terminal.until("type to filter")
    terminal.type(*"came with", "enter", "g")
    end_a_job(root)
    terminal.until("killed by SIGKILL")
