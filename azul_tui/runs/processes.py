"""Whether the process that wrote something is still there.

A number names a process within one namespace of processes: two containers on one disk each have
a process 7, and may share their host name as well. So a mark names kernel and namespace, too, and
where the number says nothing, the lock that the process would hold does.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

NO_LOCKS_HERE = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
"""What a disk without locks answers."""


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """One process, told apart from a later one that got the same number."""

    pid: int
    host: str
    birth: str
    """When it started, in the words of its kernel; "" where that cannot be known."""
    space: str = ""
    """Its namespace of processes; "" where there are none, or that cannot be known."""


@cache
def host_name() -> str:
    """The name of this machine."""
    return socket.gethostname()


def own_mark() -> ProcessMark:
    """This process."""
    return mark_of(os.getpid())


def mark_of(pid: int) -> ProcessMark:
    """A process of this machine, in this process's own namespace."""
    return ProcessMark(pid, host_name(), process_birth(pid) or "", own_space())


@cache
def own_space() -> str:
    """The namespace of processes that this one is in, as far as `/proc` shows the same one."""
    try:
        shown = str(Path("/proc/self").readlink()) == str(os.getpid())
        return str(Path("/proc/self/ns/pid").readlink()) if shown else ""
    except OSError:  # another system than Linux
        return ""


def shares_kernel(mark: ProcessMark) -> bool:
    """Whether the process ran under this very kernel, so that its locks are seen from here."""
    kernel, dash, _ = mark.birth.partition("-")
    return bool(dash and kernel) and kernel == _kernel()


def is_alive(mark: ProcessMark, lock: Path | None = None) -> bool | None:
    """Whether the process runs; None when nobody here knows.

    Args:
        mark: The process.
        lock: The lock file that it holds while it runs, for a process whose number means nothing
            here: one of another container or machine.
    """
    if mark.pid <= 0:
        return False
    here = own_space()
    if here and here == mark.space and shares_kernel(mark):
        return process_birth(mark.pid) in {"", mark.birth}
    if not mark.space and (mark.host == host_name() or shares_kernel(mark)):
        birth = process_birth(mark.pid)
        if birth is not None and (not mark.birth or not birth or birth == mark.birth):
            return True
        if mark.host == host_name():  # written by an older version, or on a system without them
            return lock is not None and is_held(lock) is True
    held = is_held(lock) if lock is not None else None
    # A free lock says nothing of another machine: not every network disk passes locks on.
    return held if held or shares_kernel(mark) else None


def is_held(lock: Path) -> bool | None:
    """Whether any process that this kernel or disk knows of holds a lock; None if unknown.

    It is taken for an instant together with other readers; a writer that meets one tries again.
    """
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no locks on this disk
        return None
    finally:
        os.close(handle)
    return False


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
    # A /proc of another namespace shows this process, too, under a number of its own.
    shown = "self" if pid == os.getpid() else str(pid)
    try:
        stat = Path(f"/proc/{shown}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError:  # a hidden /proc: the process may be there
        return ""
    # After the command's name, which is in brackets and may hold anything: state is field 3,
    # start time in ticks since boot is field 22 (proc(5)).
    fields = stat[stat.rfind(")") + 2 :].split()
    return None if fields[0] in "ZX" else f"{_kernel()}-{fields[19]}"


@cache
def _kernel() -> str:
    """A short name of the running kernel, another one after every boot; "" where there is none."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
    return boot.strip()[:8]
