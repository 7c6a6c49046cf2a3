"""The writing side of a run directory, for the one process that holds its lock."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from azul_tui.errors import RunError
from azul_tui.runs.events import EventLog, Record
from azul_tui.runs.lock import RunLock
from azul_tui.runs.status import StatusWriter
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from azul_tui.runs.paths import RunPaths
    from azul_tui.runs.status import State


class RunRecorder:
    """Lock, event log and status of one run; a context manager.

    Leaving it with an exception leaves the state "crashed"; otherwise the state is what was
    set last, "finished" when that is still "running".
    """

    def __init__(
        self,
        paths: RunPaths,
        *,
        job: str,
        listener: Callable[[Record], None] | None = None,
        keep: int | None = None,
        carried: bytes = b"",
        prepare: Callable[[], object] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Remember what to open.

        Args:
            paths: The run directory; made when absent.
            job: The job that writes, by name.
            listener: Gets every record after it was written.
            keep: Bytes of the event log to keep, see `EventLog`.
            carried: Lines from behind them to keep as well.
            prepare: Called under the lock before there is a log: what must be there whenever a
                log is. May raise OSError.
            clock: Gives unix seconds.
        """
        self.paths = paths
        self._job = job
        self._listener = listener
        self._keep = keep
        self._carried = carried
        self._prepare = prepare
        self._clock = clock
        self._lock = RunLock(paths, clock=clock)

    def __enter__(self) -> Self:
        """Take the lock and open the log.

        Raises:
            RunLockedError: Another process writes to the run.
            RunError: The directory is not writable.
        """
        self.paths.create()
        try:
            self._lock.acquire()
            if self._prepare is not None:
                self._prepare()
            self._open()
        except OSError as error:
            self._lock.release()
            raise RunError(
                f"{plain_text(str(self.paths.directory))}: cannot be written ({error.strerror}); "
                "make room, make it writable, or choose another --dir"
            ) from None
        except BaseException:
            self._lock.release()
            raise
        return self

    def _open(self) -> None:
        """Open log and status, and say so when the lock was a dead process's."""
        self.log = EventLog(
            self.paths.events, keep=self._keep, carried=self._carried, clock=self._clock
        )
        self._status = StatusWriter(
            self.paths.status, name=self.paths.name, job=self._job, clock=self._clock
        )
        self.status(force=True)
        if self._lock.took_over is not None:
            holder = self._lock.took_over
            self.record(
                "alert", level="warning", text=f"took over the lock of {holder}, which ended"
            )

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write the last status, close the log and give the lock back."""
        state: State = self.state
        if kind is not None:
            # Ctrl-C in somebody's own program: nothing is broken.
            state = "stopped" if issubclass(kind, KeyboardInterrupt) else "crashed"
        elif state in {"running", "paused"}:
            state = "finished"
        try:
            with suppress(OSError):  # the disk is full: what was done stays done without it
                self.status(force=True, state=state, phase="", left_s=None)
            with suppress(OSError):
                self.log.close()
        finally:
            self._lock.release()

    @property
    def state(self) -> State:
        """What the run counts as now."""
        return self._status.status.state

    def record(self, kind: str, **fields: object) -> Record:
        """Append one event and tell the listener.

        Raises:
            OSError: The disk is full or refuses.
        """
        record = self.log.append(kind, **fields)
        if self._listener is not None:
            self._listener(record)
        return record

    def observe(self, look: Callable[[], Mapping[str, object]]) -> None:
        """Have `look` give further values whenever `status.json` is written."""
        self._status.observe = look

    def status(self, *, force: bool = False, **fields: object) -> bool:
        """New values for `status.json`, written at most once a second; also the heartbeat."""
        return self._status.update(force=force, **fields)
