"""Job control: standing still in a shell's background, and coming back with `fg`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from textual.app import App

NO_SHELL = "no shell waits behind this screen; q leaves, and what runs goes on"


class JobControl:
    """Ctrl-Z, SIGTSTP and SIGCONT of an app in a terminal."""

    def __init__(self, app: App[int]) -> None:
        self._app = app

    def heed(self, *, heed: bool = True) -> None:
        """SIGTSTP and SIGCONT become calls of the event loop.

        In the library's place, which takes the terminal apart inside the signal handler, and
        takes SIGCONT after a SIGSTOP, which leaves no time for that, for the end of a suspension.
        """
        if self._app.is_headless:
            return
        loop = asyncio.get_running_loop()
        for number, meanwhile in (
            (signal.SIGTSTP, lambda: stand_still(signal.SIGSTOP)),
            (signal.SIGCONT, wait_for_foreground),
        ):
            if heed:
                loop.add_signal_handler(number, self._suspend, meanwhile)
            else:
                loop.remove_signal_handler(number)

    def suspend(self) -> None:
        """Give the terminal back to the shell, until `fg`."""
        if shell_waits():
            self._suspend(lambda: stand_still(signal.SIGTSTP))
        else:
            self._app.notify(NO_SHELL)

    @contextmanager
    def terminal_given_away(self) -> Generator[None]:
        """While inside, the terminal is as before the start, and its signals act by themselves.

        Raises:
            SuspendNotSupported: There is no terminal that could be given away.
        """
        self.heed(heed=False)
        try:
            with self._app.suspend():
                yield
        finally:
            self.heed()

    def _suspend(self, meanwhile: Callable[[], None]) -> None:
        try:
            with self.terminal_given_away():
                meanwhile()
        except SuspendNotSupported:  # a browser shows the program
            self._app.notify(NO_SHELL)


def shell_waits() -> bool:
    """Whether a shell with job control started this program and takes the terminal meanwhile.

    As the kernel has it (setpgid(2), "orphaned process group"): somebody above stands in the
    same session and in another process group. `ssh -t HOST azul-tui` and a tmux window that was
    opened for the dashboard have no such shell.
    """
    import psutil

    session, group = os.getsid(0), os.getpgrp()
    parent = os.getppid()
    try:
        while parent > 1 and os.getsid(parent) == session:
            if os.getpgid(parent) != group:
                return True
            parent = psutil.Process(parent).ppid()
    except (OSError, psutil.Error):  # it has ended, or is not ours to look at
        return False
    return False


def stand_still(number: signal.Signals) -> None:
    """Stop this process group with signal `number` until it may use the terminal again.

    The whole group, as the terminal itself does: a wrapper that waits for this program has to
    stop too, or the shell does not come back.
    """
    os.killpg(os.getpgrp(), number)
    wait_for_foreground()


def wait_for_foreground() -> None:
    """Stop again and again while the terminal is somebody else's: `bg` let this program go on."""
    while _in_background():
        os.killpg(os.getpgrp(), signal.SIGSTOP)


def _in_background() -> bool:
    try:
        return os.tcgetpgrp(sys.__stdin__.fileno()) != os.getpgrp() if sys.__stdin__ else False
    except (OSError, ValueError):  # the terminal is gone: SIGHUP ends the program
        return False
