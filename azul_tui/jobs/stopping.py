"""Leaving when asked to: the first signal sets a flag, the second leaves at once.

A handler that saved anything itself could find the interpreter in the middle of a save, so
it only sets the flag; the job finishes its batch of moves, saves and returns. A job that talks
with a person has nothing to save and waits for a line: it is interrupted where it is.

`timeout` sends its signal to the process and to its group, so that it arrives twice at once:
an echo of the first signal is not the second.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from azul_tui.errors import EXIT_DONE

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
ECHO_S: Final = 1.0
"""The same signal again within this time is the first one's echo."""


class StopFlag:
    """Whether somebody asked the job to stop, and with which signal."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.signal = 0
        self._asked = False

    def set(self, signal_number: int = 0) -> None:
        """Ask the job to stop after what it is doing."""
        self._asked = True
        self.signal = self.signal or signal_number

    def is_set(self) -> bool:
        """Whether the job should stop; ask it often."""
        return self._asked

    def __bool__(self) -> bool:
        """The same as `is_set`."""
        return self._asked

    @property
    def exit_code(self) -> int:
        """130 after SIGINT, 143 after SIGTERM, else 0."""
        return 128 + self.signal if self.signal else EXIT_DONE


@contextmanager
def signals_set(
    flag: StopFlag, *, ignore_hangup: bool, interrupts: bool = False
) -> Generator[None]:
    """While inside, SIGINT and SIGTERM set `flag`, and a second one ends the process.

    The same signal within `ECHO_S` seconds counts as one.

    Args:
        flag: What the job looks at.
        ignore_hangup: Training outlives the terminal it was started in.
        interrupts: Raise KeyboardInterrupt at once instead of asking the job to finish.
    """
    first_at = 0.0

    def on_signal(number: int, _frame: FrameType | None) -> None:
        nonlocal first_at
        now = time.monotonic()
        if flag.is_set():
            if number == flag.signal and now - first_at < ECHO_S:
                return
            os._exit(128 + number)
        flag.set(number)
        first_at = now
        if interrupts:
            raise KeyboardInterrupt
        message = b"\nazul-tui: finishing and saving; once more leaves at once\n"
        # Not through sys.stderr: its lock may be held by the code that was interrupted.
        if sys.stderr is not None:
            _write_or_lose(message)

    before = {number: signal.signal(number, on_signal) for number in STOP_SIGNALS}
    if ignore_hangup:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_or_lose(message: bytes) -> None:
    try:
        os.write(2, message)
    except OSError:  # the terminal is gone, and so is whoever would read it
        return
