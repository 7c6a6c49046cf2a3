"""One writer for a run directory.

The lock is an advisory `flock` on the file `lock`, which the kernel gives back however its
holder ends, and the holder's name inside it, for messages and for network disks whose
locks do not reach other machines. There the heartbeat decides, by the reader's own clock: those
of two machines may differ by more than any silence.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self, cast

from azul_tui.errors import RunError, RunLockedError
from azul_tui.runs.events import encode_plain
from azul_tui.runs.files import open_own
from azul_tui.runs.machine import (
    NO_LOCKS_HERE,
    ProcessMark,
    is_alive,
    is_held,
    own_mark,
    shares_kernel,
)
from azul_tui.runs.status import ACTIVE, CRASHED_AFTER_S, read_status
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.runs.paths import RunPaths

MAX_LOCK_BYTES = 4096
LISTEN_S = 3.0
"""So long a heartbeat, written every second, is listened for before a run is believed dead."""
_LISTEN_EVERY_S = 0.25
_INSTANT_S = 0.02
_MOST_INSTANTS = 10
"""A reader that looks whether the lock is held keeps it for far less than these together."""


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Who holds, or held, a run."""

    process: ProcessMark
    since: float
    """Unix seconds."""

    def __str__(self) -> str:
        """`process 4711 on host box`."""
        return f"process {self.process.pid} on host {plain_text(self.process.host, 60)}"


class RunLock:
    """Holds a run directory for this process; a context manager."""

    def __init__(
        self,
        paths: RunPaths,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Remember which run; nothing is held yet."""
        self._paths = paths
        self._clock = clock
        self._sleep = sleep
        self._handle = -1
        self.took_over: LockHolder | None = None
        """The dead process whose lock was left behind, for a line in the log."""

    def acquire(self) -> Self:
        """Become the one writer.

        Raises:
            RunLockedError: Another process writes to the run; names its pid and host.
            RunError: The lock file cannot be made.
        """
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            handle = os.open(self._paths.lock, flags, 0o644)
        except OSError as error:
            raise RunError(
                f"{plain_text(str(self._paths.lock))}: cannot be made ({error.strerror}); "
                "make the run's folder writable or choose another --dir"
            ) from None
        try:
            self._take(handle)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        return self

    def release(self) -> None:
        """Give the run back; further calls do nothing."""
        if self._handle >= 0:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)  # which gives the flock back
            self._handle = -1

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _take(self, handle: int) -> None:
        reaches_everyone = self._flock(handle)
        # The flock is ours, but a network disk may keep locks within each machine.
        holder = _parse(os.pread(handle, MAX_LOCK_BYTES, 0))
        if holder is not None and self._may_still_write(holder, reaches_everyone):
            raise self._locked(holder)
        self.took_over = holder
        content = encode_plain({**asdict(own_mark()), "since": self._clock()})
        os.ftruncate(handle, 0)
        os.pwrite(handle, content, 0)
        os.fsync(handle)

    def _flock(self, handle: int) -> bool:
        """Take the kernel's lock; False where the disk knows none."""
        for instant in range(_MOST_INSTANTS):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if instant == _MOST_INSTANTS - 1:
                    holder = _parse(os.pread(handle, MAX_LOCK_BYTES, 0))
                    raise self._locked(holder) from None
                self._sleep(_INSTANT_S)
            except OSError as error:
                if error.errno not in NO_LOCKS_HERE:
                    raise
                break
        return False

    def _may_still_write(self, holder: LockHolder, flock_works: bool) -> bool:
        if flock_works and shares_kernel(holder.process):
            return False
        alive = is_alive(holder.process)
        if alive is not None:
            return alive and not flock_works
        return gives_signs(self._paths, self._clock(), self._sleep)

    def _locked(self, holder: LockHolder | None) -> RunLockedError:
        name = plain_text(self._paths.name, 64)
        if holder is None:
            return RunLockedError(
                f'the run "{name}" is being written by another process; '
                "wait for it, or choose another --name"
            )
        if is_alive(holder.process, self._paths.lock) is False:
            return RunLockedError(
                f'the run "{name}" is held by what {holder} left running when it ended; '
                "end those processes and try again"
            )
        return RunLockedError(
            f'the run "{name}" is being written by {holder}; watch it with '
            f"--attach, stop it, or choose another --name"
        )


def lock_holder(paths: RunPaths) -> LockHolder | None:
    """Who holds the run according to its lock file, dead or alive; None when nobody does."""
    try:
        with open_own(paths.lock) as file:
            return _parse(file.read(MAX_LOCK_BYTES))
    except OSError:
        return None


def writer_lives(paths: RunPaths) -> bool | None:
    """Whether somebody holds a run now; None when only signs of life can tell."""
    holder = lock_holder(paths)
    if holder is None:
        return is_held(paths.lock) is True
    return is_alive(holder.process, paths.lock)


def gives_signs(paths: RunPaths, now: float, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Whether a run that another machine wrote to is still heard of.

    A recent sign is believed at once. One of another time may come from a clock that is wrong: a
    change of it is waited for, `LISTEN_S` at most.

    Args:
        paths: The run.
        now: Unix seconds on this machine.
        sleep: Waits so many seconds.
    """
    holder, status = lock_holder(paths), read_status(paths.status)
    heartbeat = status.heartbeat if status is not None else 0.0
    since = holder.since if holder is not None else 0.0
    if min(abs(now - since), abs(now - heartbeat)) < CRASHED_AFTER_S:
        return True
    if status is None or status.state not in ACTIVE:
        return False
    for _ in range(round(LISTEN_S / _LISTEN_EVERY_S)):
        sleep(_LISTEN_EVERY_S)
        status = read_status(paths.status)
        if status is not None and status.heartbeat != heartbeat:
            return True
    return False


def _parse(data: bytes) -> LockHolder | None:
    try:
        value: object = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, object]", value)
    pid, host = fields.get("pid"), fields.get("host")
    birth, space, since = (fields.get(name) for name in ("birth", "space", "since"))
    if not isinstance(pid, int) or not isinstance(host, str) or not 0 < pid < 2**31:
        return None
    words = (word if isinstance(word, str) else "" for word in (birth, space))
    mark = ProcessMark(pid, host, *words)
    return LockHolder(mark, float(since) if isinstance(since, int | float) else 0.0)
