"""Lending the terminal to a job that talks with a person, and taking it back with good manners."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from azul_tui.child_process import python_environment
from azul_tui.errors import EXIT_DONE, EXIT_INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import FrameType

RETURNING = "\nreturning to the dashboard"
READ_FIRST = "\nenter returns to the dashboard "


def lend_terminal(command: Sequence[str]) -> int:
    """Run `command` on this terminal until it ends; returns its exit code.

    Call it while the dashboard is suspended. What the job said last is left to be read when it
    failed, and keys that were typed at the job while it ended do not reach the dashboard.
    """
    with _interrupts_left_to_the_job():
        try:
            code = subprocess.run(command, env=python_environment(), check=False).returncode
        except OSError as error:
            sys.stdout.write(f"azul-tui: the job cannot be started ({error.strerror})\n")
            code = -1
        if code in {EXIT_DONE, EXIT_INTERRUPTED}:
            sys.stdout.write(f"{RETURNING}\n")
            sys.stdout.flush()
        else:
            sys.stdout.write(READ_FIRST)
            sys.stdout.flush()
            sys.stdin.readline()
        _forget_typed_keys()
    return code


@contextmanager
def _interrupts_left_to_the_job() -> Generator[None]:
    """Ctrl-C reaches every process of the terminal; it is meant for the job.

    A handler, where ignoring would be inherited by the job.
    """
    before = signal.signal(signal.SIGINT, _leave_it)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave_it(_number: int, _frame: FrameType | None) -> None:
    """Do nothing about a signal."""


def _forget_typed_keys() -> None:
    """Throw away what was typed and not read."""
    import termios

    with suppress(OSError, ValueError, termios.error):  # no terminal: nothing was typed
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
