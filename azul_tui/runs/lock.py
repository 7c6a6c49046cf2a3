"""One writer for a run directory.

The lock is an advisory `flock` on the file `lock`, which the kernel gives back however its
holder ends, and the holder's name inside it, for messages and for network disks whose
locks do not reach other machines.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

from azul_tui.errors import RunError, RunLockedError
from azul_tui.runs.events import encode_plain
from azul_tui.runs.files import open_own
from azul_tui.runs.processes import ProcessMark, is_alive, own_mark
from azul_tui.runs.status import CRASHED_AFTER_S, read_status
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.runs.paths import RunPaths

_NO_LOCKS_HERE = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
MAX_LOCK_BYTES = 4096


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

    def __init__(self, paths: RunPaths, *, clock: Callable[[], float] = time.time) -> None:
        """Remember which run; nothing is held yet."""
        self._paths = paths
        self._clock = clock
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
        holder = _parse(os.pread(handle, MAX_LOCK_BYTES, 0))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            reaches_everyone = True
        except BlockingIOError:
            raise self._locked(holder) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS_HERE:
                raise
            reaches_everyone = False
        # The flock is ours, but a network disk may keep locks within each machine.
        if holder is not None and self._may_still_write(holder, reaches_everyone):
            raise self._locked(holder)
        self.took_over = holder
        mark = own_mark()
        content = encode_plain(
            {"pid": mark.pid, "host": mark.host, "birth": mark.birth, "since": self._clock()}
        )
        os.ftruncate(handle, 0)
        os.pwrite(handle, content, 0)
        os.fsync(handle)

    def _may_still_write(self, holder: LockHolder, flock_works: bool) -> bool:
        alive = is_alive(holder.process)
        if alive is not None:
            return alive and not flock_works
        status = read_status(self._paths.status)
        last_sign = max(holder.since, status.heartbeat if status else 0.0)
        return self._clock() - last_sign < CRASHED_AFTER_S

    def _locked(self, holder: LockHolder | None) -> RunLockedError:
        name = plain_text(self._paths.name, 64)
        if holder is None:
            return RunLockedError(
                f'the run "{name}" is being written by another process; '
                "wait for it, or choose another --name"
            )
        if is_alive(holder.process) is False:
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


def _parse(data: bytes) -> LockHolder | None:
    try:
        value: object = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, object]", value)
    pid, host = fields.get("pid"), fields.get("host")
    birth, since = fields.get("birth"), fields.get("since")
    if not isinstance(pid, int) or not isinstance(host, str) or not 0 < pid < 2**31:
        return None
    mark = ProcessMark(pid, host, birth if isinstance(birth, str) else "")
    return LockHolder(mark, float(since) if isinstance(since, int | float) else 0.0)
