"""`status.json`: what a run is doing now, and what to make of it when nobody rewrites it."""

from __future__ import annotations

import dataclasses
import json
import math
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from azul_tui.errors import EXIT_INTERRUPTED, EXIT_TERMINATED
from azul_tui.runs.events import encode_plain
from azul_tui.runs.files import read_bounded, write_bytes_atomically
from azul_tui.runs.machine import ProcessMark, is_alive, own_mark
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

State = Literal["running", "paused", "finished", "stopped", "crashed"]
STATES: tuple[State, ...] = ("running", "paused", "finished", "stopped", "crashed")
ACTIVE: frozenset[State] = frozenset({"running", "paused"})

STALLED_AFTER_S = 30.0
"""After so long without a word that is said; whether its process lives is said as well."""
NO_NEWS = "no news"
"""The one word for a run that goes on, as far as anybody knows, and has not written for long."""
CRASHED_AFTER_S = 120.0
"""On another machine, silence for so long means that the process is gone."""
MAX_STATUS_BYTES = 1 << 16
ASKED_CODES = frozenset(
    {EXIT_INTERRUPTED, EXIT_TERMINATED, -int(signal.SIGINT), -int(signal.SIGTERM)}
)
"""How a process ends (`subprocess.Popen.returncode`) that was asked to."""


@dataclass(kw_only=True, slots=True)
class Status:
    """The content of `status.json`. Times are unix seconds; None is not known yet."""

    name: str = ""
    job: str = ""
    pid: int = 0
    host: str = ""
    birth: str = ""
    space: str = ""
    started: float = 0.0
    heartbeat: float = 0.0
    state: State = "running"
    phase: str = ""
    iteration: int = 0
    max_iterations: int | None = None
    step: int = 0
    done: float | None = None
    """Of the current phase, in `unit`."""
    total: float | None = None
    unit: str = ""
    left_s: float | None = None
    games_total: int = 0
    games_per_s: float | None = None
    sims_per_s: float | None = None
    buffer_size: int | None = None
    buffer_capacity: int | None = None
    learning_rate: float | None = None
    mcts_simulations: int | None = None
    policy_entropy: float | None = None
    total_loss: float | None = None
    policy_loss: float | None = None
    value_loss: float | None = None
    best_score: float | None = None
    last_checkpoint: str = ""
    ending: str = ""
    """How its process ended without saying so itself, as its parent saw it; see `ending_words`."""
    gpu_name: str = ""
    """Of the GPU that the run trains on, where its driver tells; these are empty elsewhere."""
    gpu_percent: float | None = None
    gpu_memory_used: int | None = None
    """Bytes, of all processes on it."""
    gpu_memory_total: int | None = None
    gpu_watts: float | None = None

    @property
    def process(self) -> ProcessMark:
        """The process that writes."""
        return ProcessMark(self.pid, self.host, self.birth, self.space)


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


class StatusWriter:
    """Keeps `status.json` at most `interval_s` behind."""

    def __init__(
        self,
        path: Path,
        *,
        name: str = "",
        job: str = "",
        interval_s: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin with this process as the writer; nothing is written yet."""
        self._path = path
        self._interval_s = interval_s
        self._clock = clock
        self._written = -math.inf
        self.observe: Callable[[], Mapping[str, object]] | None = None
        """Gives further values whenever the file is written, and only then."""
        mark = own_mark()
        self.status = Status(name=name, job=job, **dataclasses.asdict(mark), started=clock())

    def update(self, *, force: bool = False, **fields: object) -> bool:
        """Take over new values, and write when it is time; returns whether it wrote.

        Call it often: it is the heartbeat. A change of state is written at once.

        Raises:
            OSError: The disk is full or refuses; the file is then as it was.
        """
        before = self.status.state
        for name, value in fields.items():
            setattr(self.status, name, value)
        now = self._clock()
        due = now - self._written >= self._interval_s or now < self._written
        if not (due or force or self.status.state != before):
            return False
        if self.observe is not None:
            for name, value in self.observe().items():
                setattr(self.status, name, value)
        self.status.heartbeat = now
        write_status(self._path, self.status)
        self._written = now
        return True


def write_status(path: Path, status: Status) -> None:
    """Replace `status.json`.

    Raises:
        OSError: The disk is full or refuses.
    """
    write_bytes_atomically(path, encode_plain(dataclasses.asdict(status)), durable=False)


def read_status(path: Path) -> Status | None:
    """The status, None when there is none or it cannot be read as one.

    Values of the wrong type are left at their defaults; texts are made harmless to show.
    """
    data = read_bounded(path, MAX_STATUS_BYTES)
    if data is None:
        return None
    try:
        value: object = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    status = Status()
    for name, found in cast("dict[str, object]", value).items():
        _take(status, name, found)
    return status if status.state in STATES else None


def claim_status(path: Path, name: str, process: ProcessMark, now: float) -> None:
    """Say that `process` begins a run in which nothing was recorded yet.

    From here on it is known who is at work, and so when nobody is any more, however early the
    process ends: readers need no parent of it.

    Args:
        path: The `status.json`, replaced unless it is that process's own already.
        name: Of the run.
        process: What was started.
        now: Unix seconds.

    Raises:
        OSError: The disk is full or refuses.
    """
    before = read_status(path)
    if before is not None and before.process == process:
        return
    write_status(
        path,
        Status(
            name=name,
            **dataclasses.asdict(process),
            started=now,
            heartbeat=now,
            phase="starting",
        ),
    )


def note_ending(path: Path, pid: int, code: int) -> None:
    """Keep how a process of this machine ended, when its status does not say that it did.

    Called by its parent, whom alone the kernel tells; whoever looks later reads it here.

    Args:
        path: The `status.json`.
        pid: The process that has ended.
        code: As `subprocess.Popen.returncode`.

    Raises:
        OSError: The disk is full or refuses.
    """
    status = read_status(path)
    here = own_mark()
    if status is None or (status.pid, status.space, status.host) != (pid, here.space, here.host):
        return  # another process's already
    if code == 0 or status.ending or status.state not in {*ACTIVE, "crashed"}:
        return
    status.state = "stopped" if code in ASKED_CODES else "crashed"
    status.ending = ending_words(code)
    write_status(path, status)


def ending_words(code: int) -> str:
    """How a process ended: `exit code 2`, `killed by SIGKILL`.

    Args:
        code: As `subprocess.Popen.returncode`: negative for a signal.
    """
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:  # one without a name, such as a real-time signal
        return f"killed by signal {-code}"


def judge(status: Status, now: float, lock: Path | None = None) -> Judgement:
    """Whether a run that says it is running still is.

    Args:
        status: As it was read.
        now: Unix seconds on this machine.
        lock: The run's lock file: who holds it lives, whatever is known of its process.
    """
    if status.state not in ACTIVE:
        return Judgement(status.state, reason=status.ending)
    silence_s = abs(now - status.heartbeat)  # one from the future is none: a clock is wrong
    alive = is_alive(status.process, lock)
    if alive is False:
        return Judgement("crashed", reason=f"its process {status.pid} is gone")
    if alive is None and silence_s > CRASHED_AFTER_S:
        host = plain_text(status.host, 40)
        reason = f"nothing from {host}"
        if status.heartbeat > 0.0:  # a file may hold any number
            last = time.localtime(status.heartbeat)
            reason += time.strftime(" since %Y-%m-%d %H:%M", last)
        return Judgement("crashed", reason=reason)
    stalled = silence_s > STALLED_AFTER_S
    return Judgement(status.state, stalled=stalled, alive=alive is True)


_KINDS: dict[str, str] = {field.name: str(field.type) for field in dataclasses.fields(Status)}


def _take(status: Status, name: str, value: object) -> None:
    """Set one field when the value fits it."""
    kind = _KINDS.get(name, "")
    if value is None and "None" in kind:
        setattr(status, name, None)
    elif isinstance(value, str) and kind in {"str", "State"}:
        setattr(status, name, plain_text(value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _take_number(status, name, kind, value)


def _take_number(status: Status, name: str, kind: str, value: float) -> None:
    if not -(10**18) < value < 10**18:  # NaN and infinities too
        return
    if kind.startswith("float"):
        setattr(status, name, float(value))
    elif kind.startswith("int") and isinstance(value, int):
        setattr(status, name, value)
