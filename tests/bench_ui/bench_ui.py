"""Measures the dashboard from outside, as a terminal sees it: `make bench-ui`.

The real program runs in a pseudo-terminal of 120x40. What it writes is counted, when it answers
a key is timed until the end of the frame that shows the effect, and its processor time and memory
are asked of the system. The last line printed is one JSON object with every figure.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import math
import os
import pty
import random
import re
import select
import shutil
import signal
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from azul_tui.runs.control import job_arguments, job_command, launch
from azul_tui.runs.events import encode
from azul_tui.runs.paths import RunPaths, new_run
from azul_tui.runs.status import RunRecorder

WIDTH, HEIGHT = 120, 40
ASKS_FRAMES, HAS_FRAMES = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
END_OF_FRAME = b"\x1b[?2026l"
"""Synchronized output: the program asks for it, and then says where each frame ends."""
ENTER, ESCAPE, DOWN, UP, BACK = b"\r", b"\x1b", b"\x1b[B", b"\x1b[A", b"\x7f"


class Sizes(NamedTuple):
    """How much is measured."""

    rounds: int = 6
    starts: int = 5
    openings: int = 3
    steady_s: float = 20.0
    idle_s: float = 10.0
    records: int = 1_000_000
    runs: int = 1500
    switches: int = 500


SHORT = Sizes(1, 1, 1, 2.0, 1.0, 20_000, 30, 14)


# -- a terminal

_ESCAPE = (
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # control sequences
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)|P.*?\x1b\\"  # strings
    r"|[^\[\]P])"
)
_SEQUENCE = re.compile(_ESCAPE.encode(), re.DOTALL)
_PARTS = re.compile(rf"\x1b\[(?P<place>[0-9;]*)[Hf]|{_ESCAPE}|(?P<letter>[^\x1b])", re.DOTALL)


class Cells:
    """What is on the screen, as far as finding words on it needs: cursor moves and text."""

    def __init__(self, width=WIDTH, height=HEIGHT):
        self.rows = [[" "] * width for _ in range(height)]
        self.row = self.column = 0
        self.rest = b""

    def feed(self, data):
        """Take over what was written; an unfinished sequence waits for the rest."""
        data = self.rest + data
        cut = data.rfind(b"\x1b")
        whole = cut < 0 or _SEQUENCE.match(data, cut) is not None
        self.rest = b"" if whole else data[cut:]
        for part in _PARTS.finditer((data if whole else data[:cut]).decode("utf-8", "ignore")):
            if (place := part["place"]) is not None:
                row, _, column = place.partition(";")
                self.row, self.column = int(row or 1) - 1, int(column or 1) - 1
            elif (letter := part["letter"]) is not None:
                self.put(letter)

    def put(self, letter):
        if letter in "\r\n":
            self.row, self.column = self.row + (letter == "\n"), 0
            return
        if self.row < len(self.rows) and self.column < len(self.rows[0]):
            self.rows[self.row][self.column] = letter
        self.column += 1

    def shows(self, text):
        return any(text in "".join(row) for row in self.rows)


class Terminal:
    """A program in a pseudo-terminal; everything it writes is counted."""

    def __init__(self, command, **more):
        environment = {
            **os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor",
            "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
        }  # fmt: skip
        for name in ("NO_COLOR", "SSH_CONNECTION"):
            environment.pop(name, None)
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, environment | more)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self.process = psutil.Process(self.pid)
        self.bytes = self.frames = 0
        self.cells = Cells()
        self.end = b""

    def read(self, wait_s):
        """What it writes within `wait_s`, at the first sign of anything."""
        if not select.select([self.master], [], [], max(0.0, wait_s))[0]:
            return b""
        data = os.read(self.master, 1 << 16)
        self.bytes += len(data)
        seen = self.end + data
        self.frames += seen.count(END_OF_FRAME)
        if ASKS_FRAMES in seen:
            os.write(self.master, HAS_FRAMES)
        self.end = seen[-(len(END_OF_FRAME) - 1) :]
        self.cells.feed(data)
        return data

    def until(self, text, wait_s=60.0):
        """Seconds until `text` is on the screen."""
        started = time.perf_counter()
        while time.perf_counter() - started < wait_s:
            if self.read(0.2) and self.cells.shows(text):
                return time.perf_counter() - started
        screen = "\n".join("".join(row).rstrip() for row in self.cells.rows)
        raise SystemExit(f"{text!r} did not appear within {wait_s:.0f} s in\n{screen}")

    def drain(self, seconds):
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def settle(self, quiet_s=0.06, most_s=2.0):
        """Read until it has been silent for `quiet_s`."""
        end = time.perf_counter() + most_s
        while time.perf_counter() < end and self.read(quiet_s):
            pass

    def press(self, key, text, shows=True, wait_s=20.0):
        """Seconds from a key to the end of the frame that shows `text` (or shows it no longer)."""
        started, frames = time.perf_counter(), self.frames
        os.write(self.master, key)
        while (left := started + wait_s - time.perf_counter()) > 0:
            if self.read(left) and self.frames > frames and self.cells.shows(text) == shows:
                return time.perf_counter() - started
        return math.nan

    def spent(self):
        """Processor seconds of all its threads, in nanoseconds where Linux tells them."""
        total = 0
        for file in Path(f"/proc/{self.pid}/task").glob("*/schedstat"):
            try:
                total += int(file.read_text(encoding="ascii").split()[0])
            except OSError:
                continue  # a thread that has just ended
        times = self.process.cpu_times()
        return total / 1e9 if total else times.user + times.system

    def rss_mb(self):
        return self.process.memory_info().rss / 1e6

    def load(self, seconds, each=None):
        """Percent of a core and bytes a second, over so many seconds."""
        spent, written, started = self.spent(), self.bytes, time.perf_counter()
        while time.perf_counter() - started < seconds:
            if each is not None:
                each()
            self.drain(1.0)
        took = time.perf_counter() - started
        return (self.spent() - spent) / took * 100, (self.bytes - written) / took


@contextmanager
def terminal(command, **more):
    """A program in a pseudo-terminal, ended at the end."""
    opened = Terminal(command, **more)
    try:
        yield opened
    finally:
        try:
            os.kill(opened.pid, signal.SIGKILL)
            os.waitpid(opened.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass  # it ended by itself
        os.close(opened.master)


def dashboard(root, attach=None):
    command = [*job_command([]), "--dir", str(root)]
    return [*command, f"--attach={attach}"] if attach else command


# -- runs to look at


class SyntheticRun:
    """Writes a run as a training does: fifty steps a second, status, log and position once."""

    POSITIONS = ("BBYK/RRWW/-/KKKY/- B1R2*", "BBYK/-/-/KKKY/- B1R4W2", "-/-/-/KKKY/- B3Y1R4K1W2")

    def __init__(self, paths, steps):
        self.paths, self.random, self.step = paths, random.Random(1), 0
        self.recorder = RunRecorder(paths, job="train").__enter__()
        paths.config.write_text("max_iterations = 100\n", encoding="utf-8")
        self.recorder.record("run_started", name=paths.name, iteration=0, config={})
        for _ in range(steps):
            self.one_step()
        self.second()

    def one_step(self):
        self.step += 1
        self.recorder.record("step", **losses(self.step, self.random))

    def second(self):
        """Everything that a training writes in a second."""
        for _ in range(50):
            self.one_step()
        at, noise = self.step // 1000, self.random.random()
        if self.step % 1000 < 50:
            self.recorder.record(
                "self_play", iteration=at, games=256, games_per_s=6.0 + noise, sims_per_s=4e5
            )
            self.recorder.record("iteration", iteration=at, buffer_size=self.step * 10)
        self.recorder.status(
            force=True, phase="training", iteration=at, max_iterations=100, step=self.step,
            done=float(self.step % 1000), total=1000.0, unit="steps", left_s=3600.0,
            games_total=self.step, sims_per_s=4e5 + noise * 1e4, buffer_size=self.step * 10,
            buffer_capacity=500_000, learning_rate=1e-3, mcts_simulations=32, policy_entropy=1.9,
            total_loss=2.0,
        )  # fmt: skip
        with self.paths.log.open("a", encoding="utf-8") as log:
            log.write(f"step {self.step} done\n")
        second, wall = self.step // 50, "...../...../...../...../....."
        tail = f"bag:B9K8 lid:- 24,-/Y2/-/-/W1,{wall},- 9,-/-/-/-/-,{wall},-"
        position = f"azul2 r3 move:1 next:2 {self.POSITIONS[second % 3]} {tail}"
        live = {"game": 9_000, "move": second, "position": position, "value": 0.3}
        new = self.paths.directory / "live.new"
        new.write_text(json.dumps(live), encoding="utf-8")
        new.replace(self.paths.live)

    @contextmanager
    def going_on(self):
        """It writes by itself, once a second."""
        end = threading.Event()

        def work():
            while not end.wait(1.0):
                self.second()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()


def losses(step, source):
    """The fields of a step record."""
    policy = 1.6 + 2.5 * math.exp(-step / 8000) + source.gauss(0, 0.05)
    value = 0.25 + 0.5 * math.exp(-step / 6000) + source.gauss(0, 0.02)
    return {
        "iteration": step // 1000, "step": step, "total_loss": policy + value,
        "policy_loss": policy, "value_loss": value, "learning_rate": 1e-3,
        "gradient_norm": abs(source.gauss(1, 0.2)),
    }  # fmt: skip


def write_steps(paths, count):
    """An event file of `count` steps, a multiple of 1,000."""
    paths.create()
    source = random.Random(2)
    base = [losses(step, source) for step in range(1, 1001)]
    with paths.events.open("wb") as file:
        file.write(encode("run_started", 0.0, {"name": paths.name, "iteration": 0}))
        for start in range(0, count, 1000):
            rows = [
                encode("step", (start + i) * 0.02, values | {"step": start + i + 1})
                for i, values in enumerate(base)
            ]
            file.write(b"".join(rows))


# -- what is measured


class Press(NamedTuple):
    """A key, and the words by which its effect is known."""

    key: bytes
    text: str
    shows: bool = True


def typed(word, before=""):
    """The letters of a word one after the other, and back."""
    marks = [before + word[:end] for end in range(1, len(word) + 1)]
    there = [Press(letter.encode(), mark) for letter, mark in zip(word, marks, strict=True)]
    return [*there, *(Press(BACK, mark, False) for mark in reversed(marks))]


TOUR = (
    Press(b"1", "[1 Menu]"),
    Press(b"3", "[3 Runs]"),
    Press(b"4", "[4 Checkpoints]"),
    Press(b"5", "[5 Evaluate]"),
    Press(b"7", "[7 Analyse]"),
    Press(b"6", "[6 Play]"),
    Press(b"2", "[2 Training]"),
    Press(b"l", "log y"),
    Press(b"l", "log y", shows=False),
    Press(b"b", "game 9,000"),
    Press(ESCAPE, "[2 Training]"),
    Press(b"?", "All keys here"),
    Press(ESCAPE, "All keys here", shows=False),
    Press(b"x", "Cancel this run now?"),
    Press(b"n", "Cancel this run now?", shows=False),
    Press(b"e", "Change a setting"),
    Press(ESCAPE, "Change a setting", shows=False),
    Press(b"\x10", "Search"),
    Press(ESCAPE, "Search", shows=False),
)
"""Through the places, into boxes and charts, and back."""
INPUT = "▊  "
"""The left edge of an input."""
TYPING = (
    Press(b"1", "[1 Menu]"),
    Press(DOWN, "--run train"),
    Press(DOWN, "--run resume"),
    Press(UP, "--run train"),
    Press(UP, "--run quick"),
    Press(b"2", "[2 Training]"),
    Press(b"e", "Change a setting"),
    *typed("momentum", INPUT),
    Press(ESCAPE, "Change a setting", shows=False),
)
"""Cursor of a list, and letters in an input; the other presses lead there."""


def is_typing(press):
    return press.key in {DOWN, UP} or press.text.startswith(INPUT)


def first_paint(folder, sizes):
    """Processor seconds until the first screen, beyond those of an empty app of the library."""
    empty_app = (
        "from textual.app import App\nfrom textual.widgets import Static\n"
        "class Empty(App):\n    def compose(self):\n        yield Static('READY')\n"
        "Empty().run()\n"
    )
    ours, empty = [], []
    for _ in range(sizes.starts + 1):
        for command, word, found in (
            ([sys.executable, "-P", "-c", empty_app], "READY", empty),
            (dashboard(folder), "Training", ours),
        ):
            with terminal(command) as app:
                app.until(word)
                found.append(app.spent())
    # The first start of each may have compiled bytecode.
    own, other = statistics.median(ours[1:]), statistics.median(empty[1:])
    return {"first_paint_over_empty_s": own - other, "first_paint_s": own}


def keys(folder, sizes, beside=False):
    """Milliseconds from a key to the end of the frame that shows its effect."""
    run = SyntheticRun(RunPaths(folder / "keys"), 8000)
    job = None
    if beside:
        paths = new_run(folder, "beside")
        overrides = ["max_iterations=100000", "eval_frequency=0"]
        arguments = job_arguments(
            "train", root=folder, run_name=paths.name, config="quick", overrides=overrides
        )
        job = launch(job_command(arguments), paths)
    try:
        with run.going_on(), terminal(dashboard(folder, "keys")) as app:
            app.until("training")
            app.drain(30.0 if beside else 2.0)
            wall, computed = pressed(app, TOUR, sizes.rounds)
            typing, _ = pressed(app, TYPING, sizes.rounds, is_typing)
    finally:
        if job is not None:
            job.kill()
            job.wait()
    name = "_beside_training" if beside else ""
    return {
        f"key_p50_ms{name}": percentile(wall, 0.50),
        f"key_p95_ms{name}": percentile(wall, 0.95),
        f"key_cpu_p50_ms{name}": percentile(computed, 0.50),
        f"key_cpu_p95_ms{name}": percentile(computed, 0.95),
        f"typing_p95_ms{name}": percentile(typing, 0.95),
    }


def pressed(app, tour, rounds, counts=lambda _press: True):
    """Milliseconds of the presses that count, and those that the dashboard computed for them.

    The second say what a key costs on a machine that is busy with other work. What the dearest
    keys took goes to standard error.
    """
    found, computed, by_press = [], [], {}
    for number in range(rounds + 1):
        for press in tour:
            app.settle()
            spent = app.spent()
            seconds = app.press(press.key, press.text, press.shows)
            app.settle()
            spent = app.spent() - spent
            if not math.isfinite(seconds):
                screen = "\n".join("".join(row).rstrip() for row in app.cells.rows)
                raise SystemExit(f"no answer to {press} in\n{screen}")
            if number and counts(press):  # the first visit of a place imports what it needs
                found.append(seconds * 1000)
                computed.append(spent * 1000)
                by_press.setdefault((press.key, press.text), []).append(spent * 1000)
    slowest = sorted(by_press.items(), key=lambda item: -statistics.median(item[1]))[:10]
    words = "; ".join(f"{k!r} {t.strip()} {statistics.median(v):.0f} ms" for (k, t), v in slowest)
    print(f"  dearest, in processor time: {words}", file=sys.stderr)
    return found, computed


def percentile(values, share):
    """The smallest of `values` that at least `share` of them do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def steady(folder, sizes):
    """Following a run at 1 Hz, the same over SSH, and doing nothing."""
    run = SyntheticRun(RunPaths(folder / "steady"), 8000)
    figures = {}
    for name, more in (("1hz", {}), ("ssh", {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"})):
        with terminal(dashboard(folder, "steady"), **more) as app:
            app.until("loss")
            app.load(4.0, run.second)
            cpu, written = app.load(sizes.steady_s, run.second)
            figures |= {f"cpu_percent_{name}": cpu, f"bytes_per_s_{name}": written}
    run.recorder.status(force=True, state="finished")
    with terminal(dashboard(folder)) as app:
        app.until("Training")
        app.drain(3.0)
        figures["idle_cpu_percent"], figures["idle_bytes_per_s"] = app.load(sizes.idle_s)
    return figures


def million(folder, sizes):
    """From the start of the program to the newest of a million steps on the screen."""
    write_steps(RunPaths(folder / "million"), sizes.records)
    times, resident = [], 0.0
    for _ in range(sizes.openings):
        with terminal(dashboard(folder, "million")) as app:
            times.append(app.until(f"{sizes.records:,}"))
            app.drain(2.0)
            resident = max(resident, app.rss_mb())
    return {"open_1m_s": statistics.median(times), "rss_mb": resident}


def switches(folder, sizes):
    """Memory before and after so many switches of places."""
    run = SyntheticRun(RunPaths(folder / "switches"), 8000)
    with run.going_on(), terminal(dashboard(folder, "switches")) as app:
        app.until("training")
        places = TOUR[:7]
        for _ in range(3):
            for press in places:
                app.press(press.key, press.text)
        app.drain(1.0)
        before = app.rss_mb()
        for number in range(sizes.switches):
            press = places[number % len(places)]
            app.press(press.key, press.text)
        app.drain(1.0)
        return {"rss_growth_mb": app.rss_mb() - before}


def many_runs(folder, sizes):
    """Processor time while nothing happens on a list of 1,500 runs."""
    first = RunPaths(folder / "run-0000")
    run = SyntheticRun(first, 200)
    run.recorder.status(force=True, state="finished")
    run.recorder.log.close()
    for number in range(1, sizes.runs):
        shutil.copytree(first.directory, folder / f"run-{number:04d}")
    with terminal(dashboard(folder)) as app:
        app.until("Training")
        app.drain(1.0)
        app.press(b"3", "[3 Runs]")
        app.drain(5.0)
        return {"runs_idle_cpu_percent": app.load(sizes.idle_s)[0]}


PARTS = {
    "first_paint": first_paint, "keys": keys, "steady": steady, "million": million,
    "switches": switches, "many_runs": many_runs,
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--short", action="store_true", help="that it runs, not how fast")
    parser.add_argument("--switches", type=int, help="of places; 2,000 for the last word on memory")
    parser.add_argument("--beside", action="store_true", help="the keys beside a training as well")
    options = parser.parse_args()
    sizes = SHORT if options.short else Sizes()
    if options.switches:
        sizes = sizes._replace(switches=options.switches)
    parts = {name: PARTS[name] for name in options.only}
    if options.beside:
        parts["beside"] = lambda folder, sizes: keys(folder, sizes, beside=True)
    figures = {}
    for measure in parts.values():
        with tempfile.TemporaryDirectory(prefix="azul-bench-") as folder:
            found = measure(Path(folder), sizes)
        figures |= found
        for name, value in found.items():
            print(f"{name:<32} {value:10.3f}", flush=True)
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({"event": "result", "job": "bench-ui", "load": load, **sizes._asdict(),
                      "figures": {k: round(v, 3) for k, v in figures.items()}}))  # fmt: skip


if __name__ == "__main__":
    main()
