"""The event log and status of a training, and how they go on after a kill or on a full disk."""

from __future__ import annotations

import errno
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from azul_tui.errors import CheckpointError
from azul_tui.runs.control import poll_requests, remove_request
from azul_tui.runs.events import encode
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from azul_tui.runs.control import ControlRequest
    from azul_tui.runs.events import Record
    from azul_tui.runs.status import RunRecorder
    from azul_tui.training.trainer import Stopwatch


# -- A small file that is given up when the disk is full, so that the run can still say so

RESERVE_BYTES: Final = 1 << 16
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT}


class DiskReserve:
    """`.reserve` in a run directory: room for an alert and a status on a disk without any."""

    def __init__(self, folder: Path) -> None:
        """Remember where; `fill` makes it."""
        self._path = folder / ".reserve"

    def fill(self) -> None:
        """Make the file if there is room; a disk that is full already goes without."""
        with suppress(OSError):
            if not self._path.is_file() or self._path.stat().st_size < RESERVE_BYTES:
                try:
                    self._path.write_bytes(bytes(RESERVE_BYTES))
                except OSError:
                    self._path.unlink(missing_ok=True)
                    raise

    def spend(self, error: OSError) -> None:
        """Give the room back, if room is what was missing."""
        if error.errno in _NO_ROOM:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


# -- what a run tells, kept up while the disk is full: wait, say so, try again
#
# Everything that training writes goes through here. What the run depends on (records, shards,
# checkpoints, settings) is tried again until there is room, and the run counts as paused
# meanwhile. What is only there to be looked at (status, the game on show, samples of games) is
# left out while it cannot be written. Neither ends a run.

T = TypeVar("T")

RETRY_EVERY_S: Final = 5.0
_SLICE_S: Final = 0.1


class Journal:
    """Records, status and requests of one run."""

    def __init__(
        self,
        recorder: RunRecorder,
        stopwatch: Stopwatch,
        listener: Callable[[Record], None] | None = None,
        *,
        retry_every_s: float = RETRY_EVERY_S,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin.

        Args:
            recorder: The run, entered.
            stopwatch: Stands still while the disk refuses.
            listener: That of the recorder; gets what cannot be recorded yet, too.
            retry_every_s: Seconds between two attempts to write.
            sleep: Waits so many seconds.
            clock: Gives unix seconds.
        """
        self.leaving: Callable[[], bool] = lambda: False
        """Asked while waiting for room: takes in requests, and says whether to give up."""
        self._recorder = recorder
        self._stopwatch = stopwatch
        self._listener = listener
        self._sleep = sleep
        self._clock = clock
        self._retry_every_s = retry_every_s
        self._reserve = DiskReserve(recorder.paths.directory)
        self._reserve.fill()
        self._waiting = False
        self._held: list[tuple[str, dict[str, object]]] = []
        self._answered: set[str] = set()
        self._complained: set[str] = set()

    @property
    def position(self) -> int:
        """Bytes of the event log."""
        return self._recorder.log.position

    @property
    def waiting(self) -> bool:
        """Whether the run waits for a disk that refuses."""
        return self._waiting

    def flush(self) -> None:
        """Flush what was recorded to the disk; may be called from another thread.

        Raises:
            OSError: The disk refuses.
        """
        self._recorder.log.sync()

    def record(self, kind: str, **fields: object) -> Record:
        """Append one event, once there is room, and tell the listener."""
        if self._waiting:  # something else is waiting already: this comes after it
            self._held.append((kind, fields))
            return self._tell(self._as_read(kind, fields))
        log = self._recorder.log
        record = self.persistently(lambda: log.append(kind, **fields))
        return self._tell(record or self._as_read(kind, fields))

    def alert(self, text: str, level: str = "warning") -> None:
        """Record something that a person should see."""
        self.record("alert", level=level, text=text)

    def status(self, *, force: bool = False, **fields: object) -> None:
        """New values for `status.json`; also the heartbeat. A disk that refuses is passed over."""
        with suppress(OSError):  # whatever matters more meets the same disk and says so
            self._recorder.status(force=force, **fields)

    def show(self, write: Callable[[], object]) -> None:
        """Write something that is only there to be looked at; complain once if that fails."""
        try:
            write()
        except OSError as error:
            text = f"{self._place(error)}: cannot be written ({error.strerror})"
            if text not in self._complained:
                self._complained.add(text)
                self.alert(f"{text}; the run goes on without it")

    def persistently(self, write: Callable[[], T]) -> T | None:
        """The result of `write`, tried again while the disk is full or refuses.

        Meanwhile the run counts as paused, with an alert that says why; None when somebody asks
        to leave before there is room.
        """
        try:
            return write()
        except (OSError, CheckpointError) as error:
            if self._waiting:
                return None
            with self._stopwatch.paused():
                return self._wait_for_room(write, error)

    def requests(self) -> list[ControlRequest]:
        """Requests to obey, oldest first; those to refuse have been answered already."""
        waiting = [
            request
            for request in poll_requests(self._recorder.paths)
            if request.file.name not in self._answered
        ]
        for request in waiting:
            if request.refusal:
                self.answer(request, accepted=False, reason=request.refusal)
        return [request for request in waiting if not request.refusal]

    def answer(self, request: ControlRequest, *, accepted: bool, reason: str | None = None) -> None:
        """Record what became of a request and take it out of the folder."""
        self.record(
            "control",
            request=request.request,
            accepted=accepted,
            reason=reason,
            key=request.key,
            value=request.value,
            id=request.id,
        )
        try:
            remove_request(request)
        except OSError:  # a folder that cannot be changed must not have it obeyed again and again
            self._answered.add(request.file.name)

    def _wait_for_room(self, write: Callable[[], T], error: OSError | CheckpointError) -> T | None:
        """Say what is wrong, then try until it works or somebody asks to leave."""
        self._waiting = True
        state = self._recorder.state
        try:
            if isinstance(error, OSError):
                self._reserve.spend(error)
            self._complain(error)
            done: list[T] = []
            while not self._leaves_while_waiting():
                try:
                    if not done:
                        done.append(write())
                    self._write_held()
                except (OSError, CheckpointError):
                    continue
                self._waiting = False
                self._reserve.fill()
                self.alert("writing works again, the run goes on")
                break
            return done[0] if done else None
        finally:
            self._waiting = False
            self.status(state=state, force=True)

    def _complain(self, error: OSError | CheckpointError) -> None:
        """The one clear sentence, to the log if it takes it, and to whoever listens."""
        why = str(error)
        if isinstance(error, OSError):
            why = f"{self._place(error)}: cannot be written ({error.strerror or error})"
        self.status(state="paused", force=True)
        fields = {"level": "error", "text": f"{why}; the run waits and tries again until it can"}
        try:
            record = self._recorder.log.append("alert", **fields)
        except OSError:
            self._held.append(("alert", dict(fields)))
            record = self._as_read("alert", fields)
        self._tell(record)

    def _leaves_while_waiting(self) -> bool:
        """Wait until the next attempt; whether somebody asked to leave meanwhile."""
        waited_s = 0.0
        while waited_s < self._retry_every_s:
            if self.leaving():
                return True
            self._sleep(_SLICE_S)
            waited_s += _SLICE_S
            self.status()
        return self.leaving()

    def _write_held(self) -> None:
        """Append what came up while nothing could be appended."""
        while self._held:
            kind, fields = self._held[0]
            self._recorder.log.append(kind, **fields)  # the listener has been told
            del self._held[0]

    def _place(self, error: OSError) -> str:
        return plain_text(str(error.filename or self._recorder.paths.directory))

    def _as_read(self, kind: str, fields: Mapping[str, object]) -> Record:
        """A record that could not be appended, as a reader would see it."""
        record: Record = json.loads(encode(kind, self._clock(), fields))
        return record

    def _tell(self, record: Record) -> Record:
        """Pass a record on; apart from writing it, so that a listener's faults are its own."""
        if self._listener is not None:
            self._listener(record)
        return record
