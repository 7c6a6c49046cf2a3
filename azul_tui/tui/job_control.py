"""Job control: standing still in a shell's background, and coming back with `fg`."""

from __future__ import annotations

import os
import signal
import sys


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
