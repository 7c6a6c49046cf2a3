"""Who writes a run, and what it is doing now: `status.json`, the lock, and the recorder of both.

`status.json` is replaced about once a second. The lock is an advisory `flock` on the file `lock`,
which the kernel gives back however its holder ends, and the holder's name inside it, for messages
and for network disks whose locks do not reach other machines. There the heartbeat decides, by the
reader's own clock: those of two machines may differ by more than any silence.
"""

from __future__ import annotations

import dataclasses
import fcntl
import math
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from msgspec import Meta

from azul_tui.errors import EXIT_INTERRUPTED, EXIT_TERMINATED, RunError, RunLockedError
from azul_tui.runs.events import EventLog, Record, encode_plain
from azul_tui.runs.files import fitting, open_own, read_bounded, write_bytes_atomically
from azul_tui.runs.machine import (
    NO_LOCKS_HERE,
    ProcessMark,
    is_alive,
    is_held,
    own_mark,
    shares_kernel,
)
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from azul_tui.runs.paths import RunPaths

State = Literal["running", "paused", "finished", "stopped", "crashed"]
ACTIVE: Final[frozenset[State]] = frozenset({"running", "paused"})

STALLED_AFTER_S: Final = 30.0
"""After so long without a word that is said; whether its process lives is said as well."""
NO_NEWS: Final = "no news"
"""The one word for a run that goes on, as far as anybody knows, and has not written for long."""
CRASHED_AFTER_S: Final = 120.0
"""On another machine, silence for so long means that the process is gone."""
ASKED_CODES: Final = frozenset(
    {EXIT_INTERRUPTED, EXIT_TERMINATED, -int(signal.SIGINT), -int(signal.SIGTERM)}
)
"""How a process ends (`subprocess.Popen.returncode`) that was asked to."""
_MOST_STATUS_BYTES: Final = 1 << 20

# What a stranger's file says is shown: numbers that no clock and no format would take stay out.
Whole = Annotated[int, Meta(ge=-(10**18), le=10**18)]
Real = Annotated[float, Meta(ge=-1e18, le=1e18)]


@dataclass(kw_only=True, slots=True)
class Status:
    """The content of `status.json`. Times are unix seconds; None is not known yet."""

    name: str = ""
    job: str = ""
    pid: Whole = 0
    host: str = ""
    birth: str = ""
    space: str = ""
    started: Real = 0.0
    heartbeat: Real = 0.0
    state: State = "running"
    phase: str = ""
    iteration: Whole = 0
    max_iterations: Whole | None = None
    step: Whole = 0
    done: Real | None = None
    """Of the current phase, in `unit`."""
    total: Real | None = None
    unit: str = ""
    left_s: Real | None = None
    games_total: Whole = 0
    games_per_s: Real | None = None
    sims_per_s: Real | None = None
    buffer_size: Whole | None = None
    buffer_capacity: Whole | None = None
    learning_rate: Real | None = None
    mcts_simulations: Whole | None = None
    policy_entropy: Real | None = None
    total_loss: Real | None = None
    policy_loss: Real | None = None
    value_loss: Real | None = None
    best_score: Real | None = None
    last_checkpoint: str = ""
    ending: str = ""
    """How its process ended without saying so itself, as its parent saw it; see `ending_words`."""
    gpu_name: str = ""
    """Of the GPU that the run trains on, where its driver tells; these are empty elsewhere."""
    gpu_percent: Real | None = None
    gpu_memory_used: Whole | None = None
    """Bytes, of all processes on it."""
    gpu_memory_total: Whole | None = None
    gpu_watts: Real | None = None

    @property
    def process(self) -> ProcessMark:
        """The process that writes."""
        return ProcessMark(self.pid, self.host, self.birth, self.space)


def write_status(path: Path, status: Status) -> None:
    """Replace `status.json`; raises OSError when the disk is full or refuses."""
    write_bytes_atomically(path, encode_plain(dataclasses.asdict(status)), durable=False)


def read_status(path: Path) -> Status | None:
    """The status, None when there is none or it cannot be read as one.

    Values of the wrong type are left at their defaults; texts are made harmless to show.
    """
    return fitting(read_bounded(path, _MOST_STATUS_BYTES), Status)


def claim_status(path: Path, name: str, process: ProcessMark, now: float) -> None:
    """Say that `process` begins a run in which nothing was recorded yet.

    From here on it is known who is at work, and so when nobody is any more, however early the
    process ends: readers need no parent of it. A status that is the process's own stays.

    Raises:
        OSError: The disk is full or refuses.
    """
    before = read_status(path)
    if before is None or before.process != process:
        mark = dataclasses.asdict(process)
        begun = Status(name=name, **mark, started=now, heartbeat=now, phase="starting")
        write_status(path, begun)


def note_ending(path: Path, pid: int, code: int) -> None:
    """Keep how a process of this machine ended, when its status does not say that it did.

    Called by its parent, whom alone the kernel tells `code`, which is as
    `subprocess.Popen.returncode`; whoever looks later reads it here.

    Raises:
        OSError: The disk is full or refuses.
    """
    status, here = read_status(path), own_mark()
    if status is None or (status.pid, status.space, status.host) != (pid, here.space, here.host):
        return  # another process's already
    if code != 0 and not status.ending and status.state in {*ACTIVE, "crashed"}:
        status.state = "stopped" if code in ASKED_CODES else "crashed"
        status.ending = ending_words(code)
        write_status(path, status)


def ending_words(code: int) -> str:
    """How a process ended, from its `returncode`: `exit code 2`, `killed by SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:  # one without a name, such as a real-time signal
        return f"killed by signal {-code}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a status means at a moment."""

    state: State
    stalled: bool = False
    """The process is not known to be gone, and silent."""
    alive: bool = False
    """The process is known to live: it is one of this machine, or holds the run's lock."""
    reason: str = ""
    """Why the state is not the one that was written, in words."""


def judge(status: Status, now: float, lock: Path | None = None) -> Judgement:
    """Whether a run that says it is running still is, at unix seconds `now` on this machine.

    Who holds the run's `lock` file lives, whatever is known of its process.
    """
    if status.state not in ACTIVE:
        return Judgement(status.state, reason=status.ending)
    silence_s = abs(now - status.heartbeat)  # one from the future is none: a clock is wrong
    alive = is_alive(status.process, lock)
    if alive is False:
        return Judgement("crashed", reason=f"its process {status.pid} is gone")
    if alive is None and silence_s > CRASHED_AFTER_S:
        reason = f"nothing from {plain_text(status.host, 40)}"
        with suppress(OverflowError, ValueError, OSError):  # a file may hold any number
            if status.heartbeat > 0.0:
                last = time.localtime(status.heartbeat)
                reason += time.strftime(" since %Y-%m-%d %H:%M", last)
        return Judgement("crashed", reason=reason)
    stalled = silence_s > STALLED_AFTER_S
    return Judgement(status.state, stalled=stalled, alive=alive is True)


# -- one writer for a run directory

_MOST_LOCK_BYTES: Final = 4096
_LISTEN_S: Final = 3.0
"""So long a heartbeat, written every second, is listened for before a run is believed dead."""
_LISTEN_EVERY_S: Final = 0.25
_INSTANT_S: Final = 0.02
_MOST_INSTANTS: Final = 10
"""A reader that looks whether the lock is held keeps it for far less than these together."""


@dataclass(frozen=True, slots=True)
class LockHolder(ProcessMark):
    """The process that holds, or held, a run."""

    since: Real = 0.0
    """Unix seconds."""

    def __str__(self) -> str:
        """`process 4711 on host box`."""
        return f"process {self.pid} on host {plain_text(self.host, 60)}"


class RunLock:
    """Holds a run directory for this process; a context manager."""

    def __init__(
        self,
        paths: RunPaths,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._paths, self._clock, self._sleep, self._handle = paths, clock, sleep, -1
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
            reaches_everyone = self._flock(handle)
            # The flock is ours, but a network disk may keep locks within each machine.
            holder = _holder(os.pread(handle, _MOST_LOCK_BYTES, 0))
            if holder is not None and self._may_still_write(holder, reaches_everyone):
                raise self._locked(holder)
            os.ftruncate(handle, 0)
            mine = {**dataclasses.asdict(own_mark()), "since": self._clock()}
            os.pwrite(handle, encode_plain(mine), 0)
            os.fsync(handle)
        except BaseException:
            os.close(handle)
            raise
        self.took_over, self._handle = holder, handle
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

    def _flock(self, handle: int) -> bool:
        """Take the kernel's lock; False where the disk knows none."""
        for instant in range(1, _MOST_INSTANTS + 1):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if instant == _MOST_INSTANTS:
                    raise self._locked(_holder(os.pread(handle, _MOST_LOCK_BYTES, 0))) from None
                self._sleep(_INSTANT_S)
            except OSError as error:
                if error.errno not in NO_LOCKS_HERE:
                    raise
                break
        return False

    def _may_still_write(self, holder: LockHolder, flock_works: bool) -> bool:
        if flock_works and shares_kernel(holder):
            return False
        alive = is_alive(holder)
        if alive is not None:
            return alive and not flock_works
        return gives_signs(self._paths, self._clock(), self._sleep)

    def _locked(self, holder: LockHolder | None) -> RunLockedError:
        if holder is None:
            told = "being written by another process; wait for it, or choose another --name"
        elif is_alive(holder, self._paths.lock) is False:
            told = f"held by what {holder} left running when it ended; end those processes"
            told += " and try again"
        else:
            told = f"being written by {holder}; watch it with --attach, stop it, or choose another"
            told += " --name"
        return RunLockedError(f'the run "{plain_text(self._paths.name, 64)}" is {told}')


def lock_holder(paths: RunPaths) -> LockHolder | None:
    """Who holds the run according to its lock file, dead or alive; None when nobody does."""
    try:
        with open_own(paths.lock) as file:
            return _holder(file.read(_MOST_LOCK_BYTES))
    except OSError:
        return None


def _holder(data: bytes) -> LockHolder | None:
    holder = fitting(data, LockHolder)
    return holder if holder is not None and 0 < holder.pid < 2**31 and holder.host else None


def writer_lives(paths: RunPaths) -> bool | None:
    """Whether somebody holds a run now; None when only signs of life can tell."""
    holder = lock_holder(paths)
    if holder is None:
        return is_held(paths.lock) is True
    return is_alive(holder, paths.lock)


def gives_signs(paths: RunPaths, now: float, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Whether a run that another machine wrote to is still heard of.

    A recent sign is believed at once. One of another time may come from a clock that is wrong: a
    change of it is waited for, some seconds at most.
    """
    holder, status = lock_holder(paths), read_status(paths.status)
    heartbeat = status.heartbeat if status is not None else 0.0
    since = holder.since if holder is not None else 0.0
    if min(abs(now - since), abs(now - heartbeat)) < CRASHED_AFTER_S:
        return True
    if status is None or status.state not in ACTIVE:
        return False
    for _ in range(round(_LISTEN_S / _LISTEN_EVERY_S)):
        sleep(_LISTEN_EVERY_S)
        status = read_status(paths.status)
        if status is not None and status.heartbeat != heartbeat:
            return True
    return False


# -- the writing side of a run directory, for the one process that holds its lock

_STATUS_EVERY_S: Final = 1.0


class RunRecorder:
    """Lock, event log and status of one run; a context manager.

    Leaving it with an exception leaves the state "crashed"; otherwise the state is what was
    set last, "finished" when that is still "running".
    """

    log: EventLog

    def __init__(
        self,
        paths: RunPaths,
        *,
        job: str,
        listener: Callable[[Record], None] | None = None,
        prepare: Callable[[], object] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is opened yet.

        Args:
            paths: The run directory; made when absent.
            job: The job that writes, by name.
            listener: Gets every record after it was written.
            prepare: Called under the lock before there is a log: what must be there whenever a
                log is. May raise OSError.
            clock: Gives unix seconds.
        """
        self.paths = paths
        self._listener = listener
        self._prepare = prepare
        self._clock = clock
        self._lock = RunLock(paths, clock=clock)
        self._observe: Callable[[], Mapping[str, object]] = dict
        self._status = Status(
            name=paths.name, job=job, **dataclasses.asdict(own_mark()), started=clock()
        )
        self._written = -math.inf

    def __enter__(self) -> Self:
        """Take the lock and open the log; raises RunLockedError, or RunError for what refuses."""
        self.paths.create()
        try:
            self._lock.acquire()
            if self._prepare is not None:
                self._prepare()
            self.log = EventLog(self.paths.events, clock=self._clock)
            self.status(force=True)
            if holder := self._lock.took_over:
                told = f"took over the lock of {holder}, which ended"
                self.record("alert", level="warning", text=told)
        except BaseException as error:
            self._lock.release()
            if not isinstance(error, OSError):
                raise
            raise RunError(
                f"{plain_text(str(self.paths.directory))}: cannot be written ({error.strerror}); "
                "make room, make it writable, or choose another --dir"
            ) from None
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write the last status, close the log and give the lock back."""
        state: State = self.state
        if kind is not None:
            # Ctrl-C in somebody's own program: nothing is broken.
            state = "stopped" if issubclass(kind, KeyboardInterrupt) else "crashed"
        elif state in ACTIVE:
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
        return self._status.state

    def record(self, kind: str, **fields: object) -> Record:
        """Append one event and tell the listener; raises OSError when the disk refuses."""
        record = self.log.append(kind, **fields)
        if self._listener is not None:
            self._listener(record)
        return record

    def observe(self, look: Callable[[], Mapping[str, object]]) -> None:
        """Have `look` give further values whenever `status.json` is written, and only then."""
        self._observe = look

    def status(self, *, force: bool = False, **fields: object) -> bool:
        """Take over new values for `status.json`; whether it was time to write them.

        Call it often: it is the heartbeat. It is written at most once a second; a change of state
        is written at once.

        Raises:
            OSError: The disk is full or refuses; the file is then as it was.
        """
        before, now = self._status.state, self._clock()
        self._take(fields)
        due = now - self._written >= _STATUS_EVERY_S or now < self._written
        if not (due or force or self._status.state != before):
            return False
        self._take({**self._observe(), "heartbeat": now})
        write_status(self.paths.status, self._status)
        self._written = now
        return True

    def _take(self, fields: Mapping[str, object]) -> None:
        for name, value in fields.items():
            setattr(self._status, name, value)
