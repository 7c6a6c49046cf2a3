"""A pseudo-terminal with a program in it, seen as the person in front of it sees it."""

from __future__ import annotations

import fcntl
import math
import os
import pty
import select
import signal
import struct
import termios
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from azul_tui.child_process import python_command, python_environment
from azul_tui.errors import JobFailedError
from azul_tui.jobs.bench_ui.cells import Cells
from azul_tui.jobs.bench_ui.processor import ProcessorTime, processor_time

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

WIDTH, HEIGHT = 120, 40
ASKS_FRAMES = b"\x1b[?2026$p"
HAS_FRAMES = b"\x1b[?2026;2$y"
END_OF_FRAME = b"\x1b[?2026l"
"""Synchronized output: the program asks for it, and then says where each frame ends."""


class Terminal:
    """A program in a pseudo-terminal; everything it writes is counted."""

    def __init__(self, command: list[str], width: int = WIDTH, height: int = HEIGHT) -> None:
        environment = {
            **python_environment(),
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
        self.frames = 0
        self.cells = Cells(width, height)
        self._end = b""

    def read(self, wait_s: float) -> bytes:
        """What it writes within `wait_s`, at the first sign of anything.

        Raises:
            JobFailedError: The program has ended.
        """
        ready, _, _ = select.select([self.master], [], [], wait_s)
        if not ready:
            return b""
        try:
            data = os.read(self.master, 1 << 16)
        except OSError as error:
            raise JobFailedError(f"the program in the pseudo-terminal ended: {error}") from None
        self.bytes += len(data)
        seen = self._end + data
        self.frames += seen.count(END_OF_FRAME)
        if ASKS_FRAMES in seen:
            os.write(self.master, HAS_FRAMES)
        self._end = seen[-(len(END_OF_FRAME) - 1) :]
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

    def settle(self, quiet_s: float = 0.06, most_s: float = 2.0) -> None:
        """Read until it has been silent for `quiet_s`."""
        end = time.perf_counter() + most_s
        while time.perf_counter() < end and self.read(quiet_s):
            pass

    def processor_time(self) -> ProcessorTime:
        """What the program has computed and waited."""
        return processor_time(self.pid)

    def press(self, key: bytes, text: str, *, shows: bool = True, wait_s: float = 2.0) -> float:
        """Seconds from a key to the end of the frame that shows `text` (or no longer shows it).

        NaN when that is not seen within `wait_s`.
        """
        started = time.perf_counter()
        os.write(self.master, key)
        frames = self.frames
        while (left := started + wait_s - time.perf_counter()) > 0:
            if not self.read(left):
                continue
            if self.frames > frames and self.cells.shows(text) == shows:
                return time.perf_counter() - started
        return math.nan

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
    command = python_command("azul_tui", "--dir", str(root))
    return [*command, f"--attach={attach}"] if attach else command
