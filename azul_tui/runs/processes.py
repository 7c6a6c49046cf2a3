"""Whether the process that wrote something is still there."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """One process, told apart from a later one that got the same number."""

    pid: int
    host: str
    birth: str
    """When it started, in the words of its kernel; "" where that cannot be known."""


@cache
def host_name() -> str:
    """The name of this machine."""
    return socket.gethostname()


def own_mark() -> ProcessMark:
    """This process."""
    return mark_of(os.getpid())


def mark_of(pid: int) -> ProcessMark:
    """A process of this machine."""
    return ProcessMark(pid, host_name(), process_birth(pid) or "")


def is_alive(mark: ProcessMark) -> bool | None:
    """Whether the process runs; None when it lives on another machine and nobody here knows."""
    if mark.host != host_name():
        return None
    if mark.pid <= 0:
        return False
    birth = process_birth(mark.pid)
    return birth is not None and (not mark.birth or not birth or birth == mark.birth)


def process_birth(pid: int) -> str | None:
    """When a process of this machine started; "" when unknown, None when it is gone.

    A process that ended and waits for its parent to notice counts as gone.
    """
    if sys.platform == "linux":
        return _birth_on_linux(pid)
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return ""


def _birth_on_linux(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError:  # a hidden /proc: the process may be there
        return ""
    # After the command's name, which is in brackets and may hold anything: state is field 3,
    # start time in ticks since boot is field 22 (proc(5)).
    fields = stat[stat.rfind(")") + 2 :].split()
    return None if fields[0] in "ZX" else f"{boot[:8]}-{fields[19]}"
