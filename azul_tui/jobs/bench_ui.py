"""Measures the dashboard from outside, as a terminal sees it.

The real program runs in a pseudo-terminal of 120x40; what it writes is counted, when it
answers a key is timed, and its processor time and memory are asked of the system. It
follows a run that this module writes once a second, and for the key presses a real
training goes on beside it on the same cores.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import pty
import random
import re
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from azul_tui.errors import JobFailedError
from azul_tui.runs.events import EventLog, encode
from azul_tui.runs.launch import job_arguments, job_command, launch
from azul_tui.runs.paths import RunPaths, new_run
from azul_tui.runs.status import StatusWriter

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator

    from azul_tui.jobs.context import JobContext

PARTS = ("first_paint", "keys", "steady", "million")
STARTS = 5
KEYS = 60
STEADY_S = 20.0
MILLION = 1_000_000
WIDTH, HEIGHT = 120, 40
EMPTY_APP = (
    "from textual.app import App\n"
    "from textual.widgets import Static\n"
    "class Empty(App):\n"
    "    def compose(self):\n"
    "        yield Static('READY')\n"
    "Empty().run()\n"
)
_ESCAPE = (
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # control sequences
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)|P.*?\x1b\\"  # strings
    r"|[^\[\]P])"
)
_SEQUENCE = re.compile(_ESCAPE.encode(), re.DOTALL)
_PARTS_OF_TEXT = re.compile(
    rf"\x1b\[(?P<place>[0-9;]*)[Hf]|{_ESCAPE}|(?P<letter>[^\x1b])", re.DOTALL
)


def run(context: JobContext) -> dict[str, Any]:
    """Measure the parts that were asked for; the result carries `figures`."""
    only = context.words("only")
    parts = [part for part in PARTS if not only or part in only]
    figures: dict[str, float] = {}
    measures = {
        "first_paint": _first_paint,
        "keys": _keys,
        "steady": _steady,
        "million": _million,
    }
    for number, part in enumerate(parts):
        context.reporter.progress(number, len(parts), "parts")
        with tempfile.TemporaryDirectory(prefix="azul-bench-") as folder:
            found = measures[part](Path(folder))
        for name, value in found.items():
            context.reporter.say(f"{name:<26} {value:10.3f}")
        context.reporter.record("figures", part=part, **found)
        figures |= found
        if context.stop.is_set():
            break
    return {"figures": figures}


class Cells:
    """What is on the screen, as far as finding words on it needs: cursor moves and text."""

    def __init__(self, width: int, height: int) -> None:
        self.rows = [[" "] * width for _ in range(height)]
        self.row = self.column = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take over what was written; an unfinished sequence waits for the rest."""
        data = self._rest + data
        cut = data.rfind(b"\x1b")
        whole = cut < 0 or _SEQUENCE.match(data, cut) is not None
        self._rest = b"" if whole else data[cut:]
        text = (data if whole else data[:cut]).decode("utf-8", "ignore")
        for part in _PARTS_OF_TEXT.finditer(text):
            if (place := part["place"]) is not None:
                row, _, column = place.partition(";")
                self.row, self.column = int(row or 1) - 1, int(column or 1) - 1
            elif (letter := part["letter"]) is not None:
                self._put(letter)

    def _put(self, letter: str) -> None:
        if letter == "\n":
            self.row, self.column = self.row + 1, 0
        elif letter == "\r":
            self.column = 0
        else:
            if self.row < len(self.rows) and self.column < len(self.rows[0]):
                self.rows[self.row][self.column] = letter
            self.column += 1

    def shows(self, text: str) -> bool:
        """Whether a line of the screen has `text` in it."""
        return any(text in "".join(row) for row in self.rows)


class Terminal:
    """A program in a pseudo-terminal; everything it writes is counted."""

    def __init__(self, command: list[str], width: int = WIDTH, height: int = HEIGHT) -> None:
        environment = {
            **os.environ,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
        }
        environment.pop("NO_COLOR", None)
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, environment)  # noqa: S606 - no shell is wanted
        size = struct.pack("HHHH", height, width, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)
        self.process = psutil.Process(self.pid)
        self.bytes = 0
        self.cells = Cells(width, height)

    def read(self, wait_s: float) -> bytes:
        """What it writes within `wait_s`, at the first sign of anything."""
        ready, _, _ = select.select([self.master], [], [], wait_s)
        if not ready:
            return b""
        try:
            data = os.read(self.master, 1 << 16)
        except OSError as error:
            raise JobFailedError(f"the program in the pseudo-terminal ended: {error}") from None
        self.bytes += len(data)
        self.cells.feed(data)
        return data

    def read_until(self, text: str, wait_s: float) -> float:
        """Seconds until `text` is on the screen.

        Raises:
            JobFailedError: It was not within `wait_s`.
        """
        started = time.perf_counter()
        while time.perf_counter() - started < wait_s:
            if self.read(0.2) and self.cells.shows(text):
                return time.perf_counter() - started
        raise JobFailedError(f"{text} did not appear within {wait_s:.0f} s")

    def drain(self, seconds: float) -> None:
        """Read for `seconds`."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def settle(self, quiet_s: float = 0.03, most_s: float = 2.0) -> None:
        """Read until it has been silent for `quiet_s`."""
        end = time.perf_counter() + most_s
        while time.perf_counter() < end and self.read(quiet_s):
            pass

    def cpu_s(self) -> float:
        """Processor seconds that it has used."""
        times = self.process.cpu_times()
        return times.user + times.system

    def press(self, key: bytes) -> float:
        """Seconds from a key to the first thing it writes; NaN when it writes nothing."""
        self.settle()
        started = time.perf_counter()
        os.write(self.master, key)
        answer = self.read(2.0)
        return time.perf_counter() - started if answer else math.nan

    def close(self) -> None:
        """End the program."""
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass  # it ended by itself
        os.close(self.master)


@contextmanager
def terminal(command: list[str]) -> Generator[Terminal]:
    """A program in a pseudo-terminal, ended at the end."""
    opened = Terminal(command)
    try:
        yield opened
    finally:
        opened.close()


def dashboard(root: Path, attach: str | None = None) -> list[str]:
    """The command line of the dashboard."""
    command = [sys.executable, "-m", "azul_tui", "--dir", str(root)]
    return [*command, f"--attach={attach}"] if attach else command


def _first_paint(folder: Path) -> dict[str, float]:
    """Processor time until the first screen, ours and an empty app's."""
    ours: list[float] = []
    empty: list[float] = []
    for _ in range(STARTS + 1):
        with terminal([sys.executable, "-c", EMPTY_APP]) as app:
            app.read_until("READY", 20)
            empty.append(app.cpu_s())
        with terminal(dashboard(folder)) as app:
            app.read_until("Training", 20)
            ours.append(app.cpu_s())
    # The first start of each may have compiled bytecode.
    own, other = statistics.median(ours[1:]), statistics.median(empty[1:])
    return {"first_paint_over_empty_s": own - other, "first_paint_s": own}


class SyntheticRun:
    """Writes a run as a training does: fifty steps a second, status and position once."""

    def __init__(self, paths: RunPaths, steps: int) -> None:
        self.paths = paths
        self.random = random.Random(1)
        self.step = 0
        paths.create()
        paths.config.write_text("max_iterations = 100\n", encoding="utf-8")
        self.log = EventLog(paths.events)
        self.log.append("run_started", name=paths.name, iteration=0, config={})
        for _ in range(steps):
            self._one_step()
        self.status = StatusWriter(paths.status, name=paths.name, job="train", interval_s=0.0)
        self.second()

    def _one_step(self) -> None:
        self.step += 1
        self.log.append("step", **losses(self.step, self.random))

    def second(self) -> None:
        """Everything that a training writes in a second."""
        for _ in range(50):
            self._one_step()
        iteration = self.step // 1000
        if self.step % 1000 < 50:
            rates = {"games_per_s": 6.0 + self.random.random(), "sims_per_s": 4e5}
            self.log.append("self_play", iteration=iteration, games=256, **rates)
            self.log.append("iteration", iteration=iteration, buffer_size=self.step * 10)
        self.status.update(
            force=True,
            phase="training",
            iteration=iteration,
            max_iterations=100,
            step=self.step,
            done=float(self.step % 1000),
            total=1000.0,
            unit="steps",
            left_s=3600.0,
            games_total=self.step,
            sims_per_s=4e5 + self.random.random() * 1e4,
            buffer_size=self.step * 10,
            buffer_capacity=500_000,
            learning_rate=1e-3,
            mcts_simulations=32,
            policy_entropy=1.9,
            total_loss=2.0,
        )
        with self.paths.log.open("a", encoding="utf-8") as log:
            log.write(f"step {self.step} done\n")
        positions = (
            "BBYK/RRWW/-/KKKY/- B1R2*",
            "BBYK/-/-/KKKY/- B1R4W2",
            "-/-/-/KKKY/- B3Y1R4K1W2",
        )
        wall = "...../...../...../...../....."
        tail = f"bag:B9K8 lid:- 24,-/Y2/-/-/W1,{wall},- 9,-/-/-/-/-,{wall},-"
        second = self.step // 50
        live = {
            "game": 9_000,
            "move": second,
            "position": f"azul2 r3 move:1 next:2 {positions[second % 3]} {tail}",
            "last_move": "R from 2 to line 3",
            "value": 0.3,
        }
        new = self.paths.directory / "live.new"
        new.write_text(json.dumps(live), encoding="utf-8")
        new.replace(self.paths.live)


def losses(step: int, source: random.Random) -> dict[str, float]:
    """The fields of a step record."""
    policy = 1.6 + 2.5 * math.exp(-step / 8000) + source.gauss(0, 0.05)
    value = 0.25 + 0.5 * math.exp(-step / 6000) + source.gauss(0, 0.02)
    return {
        "iteration": step // 1000,
        "step": step,
        "total_loss": policy + value,
        "policy_loss": policy,
        "value_loss": value,
        "learning_rate": 1e-3,
        "gradient_norm": abs(source.gauss(1, 0.2)),
    }


def _steady(folder: Path) -> dict[str, float]:
    """Cost of following one run at 1 Hz with the whole training screen, and of idling."""
    run_ = SyntheticRun(RunPaths(folder / "steady"), steps=8000)
    with terminal(dashboard(folder, "steady")) as app:
        app.read_until("loss", 20)
        for _ in range(4):
            run_.second()
            app.drain(1.0)
        cpu, written, started = app.cpu_s(), app.bytes, time.perf_counter()
        while time.perf_counter() - started < STEADY_S:
            run_.second()
            app.drain(1.0)
        seconds = time.perf_counter() - started
        cpu_percent = (app.cpu_s() - cpu) / seconds * 100
        bytes_per_s = (app.bytes - written) / seconds
        resident = app.process.memory_info().rss / 1e6
    run_.status.update(force=True, state="finished")
    with terminal(dashboard(folder)) as app:
        app.read_until("Training", 20)
        app.drain(3.0)
        written = app.bytes
        app.drain(5.0)
        idle = app.bytes - written
    return {
        "cpu_percent_1hz": cpu_percent,
        "bytes_per_s_1hz": bytes_per_s,
        "rss_mb_1hz": resident,
        "idle_bytes": float(idle),
    }


def _keys(folder: Path) -> dict[str, float]:
    """Key press to repaint while a real training uses every core."""
    paths = new_run(folder, "keys")
    overrides = ["max_iterations=1000", "eval_frequency=0"]
    arguments = job_arguments(
        "train", root=folder, run_name=paths.name, config="quick", overrides=overrides
    )
    job = launch(job_command(arguments), paths)
    try:
        with terminal(dashboard(folder, paths.name)) as app:
            app.read_until("Training", 20)
            _wait_for_work(paths, job, app)
            times = [app.press(key) for key in _key_sequence(KEYS)]
    finally:
        job.kill()
        job.wait()
    known = sorted(value * 1000 for value in times if math.isfinite(value))
    if len(known) < KEYS // 2:
        raise JobFailedError("the dashboard did not answer most of the keys")
    return {
        "key_p95_ms": known[math.ceil(0.95 * len(known)) - 1],
        "key_p50_ms": known[len(known) // 2],
    }


def _key_sequence(count: int) -> list[bytes]:
    """Keys that always repaint much: going from place to place, the list of keys and back."""
    cycle = [b"3", b"2", b"4", b"2", b"1", b"2", b"?", b"?", b"5", b"2"]
    return [cycle[index % len(cycle)] for index in range(count)]


def _wait_for_work(paths: RunPaths, job: subprocess.Popen[bytes], app: Terminal) -> None:
    """Wait until the training plays or learns."""
    end = time.perf_counter() + 120
    while time.perf_counter() < end:
        app.drain(1.0)
        if job.poll() is not None:
            raise JobFailedError(f"the training beside the dashboard ended: see {paths.log}")
        try:
            status = paths.status.read_text(encoding="utf-8")
        except OSError:
            continue  # not written yet
        if '"self-play"' in status or '"training"' in status:
            app.drain(2.0)
            return
    raise JobFailedError("the training beside the dashboard did not begin within two minutes")


def _million(folder: Path) -> dict[str, float]:
    """From the start of the program to the newest of a million steps on the screen."""
    paths = RunPaths(folder / "million")
    paths.create()
    source = random.Random(2)
    base = [losses(step, source) for step in range(1, 1001)]
    with paths.events.open("wb") as file:
        file.write(encode("run_started", 0.0, {"name": "million", "iteration": 0, "config": {}}))
        for start in range(0, MILLION, 1000):
            lines = [
                encode("step", (start + i) * 0.02, values | {"step": start + i + 1})
                for i, values in enumerate(base)
            ]
            file.write(b"".join(lines))
    times: list[float] = []
    resident = 0.0
    for _ in range(3):
        with terminal(dashboard(folder, "million")) as app:
            times.append(app.read_until("1,000,000", 30))
            app.drain(2.0)
            resident = max(resident, app.process.memory_info().rss / 1e6)
    return {"open_1m_s": statistics.median(times), "rss_mb": resident}
