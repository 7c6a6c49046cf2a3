"""What a dashboard knows of a run, and following its directory at a bounded cost.

`RunData` is pure: records go in, nothing is read and no clock is asked. `RunFeed` reads: a small or
growing event file exactly, a bite at a time. A huge one is first sampled, so that it opens at once,
and then read again exactly in the background; when the exact reading has caught up it takes the
place of the sampled one. Times are unix seconds.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from azul_tui.jobs.reporter import describe
from azul_tui.runs.events import EventTail, Record, last_records, number, text
from azul_tui.runs.files import decoded, open_own, read_bounded
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import Judgement, Status, judge, read_status
from azul_tui.runs.text import plain_text
from azul_tui.views import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from azul_tui.views.charts import FloatArray, XKind

CAPACITY, SMALL_CAPACITY = 32_768, 8192
"""Buckets of steps, and of what happens once in an iteration."""
LARGEST_ITERATION = 1e12
MOST_KEPT = 4096
"""Evaluations, checkpoints and marks that are kept; a run has far fewer."""
X_NAMES = ("step", "iteration", "time")
STEP_VALUES = ("total_loss", "policy_loss", "value_loss", "learning_rate", "gradient_norm")
SELF_PLAY_VALUES = ("games_per_s", "sims_per_s")
ITERATION_VALUES = ("total_loss", "policy_loss", "value_loss", "buffer_fill")


class BucketTable:
    """Columns of one kind of record, in buckets of equally many; when it is full they are merged.

    A bucket keeps `x_names` (step, iteration, time) of its last record, and mean, min and max of
    `value_names`. N is the number of buckets, `capacity` (even, at least 2) the most.
    """

    def __init__(
        self, x_names: Sequence[str], value_names: Sequence[str], capacity: int = CAPACITY
    ) -> None:
        self.x_names, self.value_names = [*x_names], [*value_names]
        self.capacity = max(2, capacity - capacity % 2)
        self.records = 0
        self.records_per_bucket = 1
        self._length = 0
        # The system gives memory only to the part that has been written.
        self._x = np.empty((len(x_names), self.capacity))
        self._values = np.empty((3, len(value_names), self.capacity))
        """Means, minima and maxima."""
        self._pending = np.empty((len(x_names) + len(value_names), 0))
        """Records that do not fill a bucket yet."""

    def __len__(self) -> int:
        """Number of whole buckets."""
        return self._length

    def extend(self, rows: Mapping[str, Sequence[float] | FloatArray]) -> None:
        """Append records given as columns of equal length; a missing column is NaN.

        Infinite values are stored as NaN: they cannot be drawn.
        """
        count = len(next(iter(rows.values())))
        names = (*self.x_names, *self.value_names)
        new = np.array([rows.get(name, [math.nan] * count) for name in names], dtype=np.float64)
        new[~np.isfinite(new)] = np.nan
        self.records += count
        new = np.concatenate([self._pending, new], axis=1)
        while (whole := new.shape[1] // self.records_per_bucket) > 0:
            taken = min(whole, self.capacity - self._length)
            end = taken * self.records_per_bucket
            self._append(new[:, :end].reshape(len(names), taken, self.records_per_bucket))
            new = new[:, end:]
            if taken < whole:
                self._merge_pairs()
        self._pending = new.copy()

    def columns(self, x_name: str, value_name: str) -> tuple[FloatArray, ...]:
        """`(x, mean, low, high)`, each (N,), an unfinished last bucket included."""
        x, value = self.x_names.index(x_name), self.value_names.index(value_name)
        whole = (self._x[x, : self._length], *self._values[:, value, : self._length])
        if self._pending.shape[1] == 0:
            return whole
        rest = _summary(self._pending[None, len(self.x_names) + value])
        tail = (self._pending[x, -1:], *rest)
        return tuple(np.concatenate(pair) for pair in zip(whole, tail, strict=True))

    def cut(self, x_name: str, last: float) -> None:
        """Forget the records behind `last` on an axis: the run went back to there."""
        x = self.x_names.index(x_name)
        self._length = int(np.searchsorted(self._x[x, : self._length], last, side="right"))
        self._pending = self._pending[:, self._pending[x] <= last]

    def last(self, value_name: str) -> float | None:
        """The newest value of a column, None while there is none."""
        newest = self.columns(self.x_names[0], value_name)[1][-1:]
        return float(newest[0]) if len(newest) else None

    def _append(self, blocks: FloatArray) -> None:
        """Blocks of records, (columns, buckets, records of a bucket)."""
        place = slice(self._length, self._length + blocks.shape[1])
        self._x[:, place] = blocks[: len(self._x), :, -1]
        for stored, found in zip(self._values, _summary(blocks[len(self._x) :]), strict=True):
            stored[:, place] = found
        self._length += blocks.shape[1]

    def _merge_pairs(self) -> None:
        """Halve the number of buckets; it is even when the table is full."""
        half = self._length // 2
        self._x[:, :half] = self._x[:, 1 : self._length : 2].copy()
        pairs = self._values[:, :, : self._length].reshape(3, -1, half, 2).copy()
        reduced = (_mean(pairs[0]), np.fmin.reduce(pairs[1], -1), np.fmax.reduce(pairs[2], -1))
        self._values[:, :, :half] = reduced
        self._length = half
        self.records_per_bucket *= 2


def _mean(rows: FloatArray) -> FloatArray:
    """Over the last axis; NaN is left out, and is the mean of nothing."""
    known = ~np.isnan(rows)
    counts = known.sum(axis=-1)
    return np.where(counts, np.where(known, rows, 0.0).sum(axis=-1) / np.maximum(counts, 1), np.nan)


def _summary(rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, min and max over the last axis."""
    return _mean(rows), np.fmin.reduce(rows, axis=-1), np.fmax.reduce(rows, axis=-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Something that happened at a time, in an iteration, after a step."""

    t: float
    iteration: int
    step: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Placed):
    """One match against a named opponent; score, low and high in [0, 1]."""

    opponent: str
    games: int
    wins: int
    draws: int
    losses: int
    score: float
    low: float
    high: float
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedCheckpoint(Placed):
    """A checkpoint as its event tells it."""

    file: str
    score: float | None
    best: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening(Placed):
    """A changed setting, an alert or an answer to a request, in words."""

    kind: str
    text: str
    level: str = "info"


class RunData:
    """Everything read so far. `absorb` is the only way in."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.steps = BucketTable(X_NAMES, STEP_VALUES, capacity)
        self.self_play = BucketTable(X_NAMES, SELF_PLAY_VALUES, SMALL_CAPACITY)
        self.iterations = BucketTable(X_NAMES, ITERATION_VALUES, SMALL_CAPACITY)
        self.evaluations: deque[Evaluation] = deque(maxlen=MOST_KEPT)
        self.checkpoints: deque[SavedCheckpoint] = deque(maxlen=MOST_KEPT)
        self.happenings: deque[Happening] = deque(maxlen=MOST_KEPT)
        self.alerts: deque[Happening] = deque(maxlen=64)
        self.started: Record = {}
        self.compiling = ""
        """How far the first-time compilation is, in words, while it lasts."""
        self.first_t: float | None = None
        self.last_t = 0.0
        self.last_step = 0.0
        self.last_iteration = 0
        self.records = 0
        self.skipped = 0
        """Lines that were no record."""
        self.changed_settings: deque[Record] = deque(maxlen=256)
        """`{name: value}` of every setting that changed, in order."""
        self.said: deque[tuple[float, str]] = deque(maxlen=400)
        """Time and words of the newest records that a person would want to read."""
        self.said_total = 0
        self.others: deque[Record] = deque(maxlen=2000)
        """Records of the other kinds: those of demos, matches and gates."""
        self.version = 0
        """Grows with every record: what is drawn depends on nothing else."""
        self._not_finite_said = False

    def absorb(self, records: Sequence[Record]) -> None:
        """Put records in their places, in order."""
        self.records += len(records)
        self.version += len(records) > 0
        start = 0
        for index, record in enumerate(records):
            if record.get("event") != "step":
                # Steps between other records go in as one block, so that order is kept.
                self._absorb_steps(records[start:index])
                self._absorb_one(record)
                if record.get("event") == "resumed":
                    self._go_back(self.last_iteration, number(record, "step") or 0.0)
                start = index + 1
        self._absorb_steps(records[start:])

    def elapsed(self, t: float) -> float:
        """Seconds since the first record."""
        return t - self.first_t if self.first_t is not None else 0.0

    def x_of(self, placed: Placed, x_kind: XKind) -> float:
        """Where on an axis of that kind something stands."""
        if x_kind == "time":
            return self.elapsed(placed.t)
        return placed.step if x_kind == "step" else float(placed.iteration)

    def _see(self, record: Record) -> dict[str, Any]:
        """Go on to the time and the iteration of a record; the fields that place it."""
        t, iteration = number(record, "t"), number(record, "iteration")
        self.last_t = self.last_t if t is None else t
        self.first_t = self.last_t if self.first_t is None else self.first_t
        if iteration is not None and 0 <= iteration < LARGEST_ITERATION:
            self.last_iteration = int(iteration)
        return {"t": self.last_t, "iteration": self.last_iteration, "step": self.last_step}

    def _absorb_steps(self, block: Sequence[Record]) -> None:
        if not block:
            return
        self._see(block[0])
        rows = {name: _column(block, name) for name in ("step", "iteration", "t", *STEP_VALUES)}
        rows["time"] = rows.pop("t") - (self.first_t or 0.0)
        bad = () if self._not_finite_said else (r for r in block if "not_finite" in r)
        for record in bad:
            if "total_loss" in str(record["not_finite"]):
                self._not_finite_said = True
                told = f"the loss is not finite at step {number(record, 'step') or 0:,.0f}"
                self._happened(record, "alert", told, "error")
                break
        # A resumed run repeats steps: what came later is the truth, and x must ascend.
        steps = np.where(np.isfinite(rows["step"]), rows["step"], -math.inf)
        ascending = steps >= np.maximum.accumulate(np.append(self.last_step, steps))[:-1]
        if ascending.any():
            self.steps.extend({name: values[ascending] for name, values in rows.items()})
            self.last_step = float(steps[ascending][-1])
        self._see(block[-1])

    def _absorb_one(self, record: Record) -> None:
        place = self._see(record)
        if words := describe(record):
            self.said.append((self.last_t, plain_text(words, 400)))
            self.said_total += 1
        match record.get("event"):
            case "run_started":
                if self.started or record.get("resumed_from"):
                    self._happened(
                        record, "resumed", f"resumed from {_word(record, 'resumed_from')}"
                    )
                self.started = record
            case "phase":
                self.compiling = self.compiling if record.get("phase") == "compile" else ""
            case "compile":
                done, total = number(record, "done") or 0, number(record, "total") or 0
                self.compiling = f"{done:.0f} of {total:.0f} ({text(record, 'name', 40)})"
            case "self_play":
                self._add_row(self.self_play, record)
            case "iteration":
                size, room = number(record, "buffer_size"), number(record, "buffer_capacity")
                fill = size / room * 100 if size is not None and room else None
                self._add_row(self.iterations, record | {"buffer_fill": fill})
            case "evaluation" if number(record, "score") is not None:
                names = ("games", "wins", "draws", "losses")
                counts = {name: int(number(record, name) or 0) for name in names}
                told = {name: number(record, name) for name in ("score", "low", "high", "margin")}
                known = {name: math.nan if value is None else value for name, value in told.items()}
                opponent = text(record, "opponent", 60)
                self.evaluations.append(Evaluation(opponent=opponent, **counts, **known, **place))
            case "checkpoint":
                best, score = record.get("best") is True, number(record, "score")
                file = text(record, "file")
                self.checkpoints.append(SavedCheckpoint(file=file, score=score, best=best, **place))
            case "setting":
                told = f"{_word(record, 'key')} {_word(record, 'old')} to {_word(record, 'new')}"
                takes = text(record, "takes_effect", 80)
                self._happened(
                    record, "setting", told + (f", takes effect {takes}" if takes else "")
                )
                self.changed_settings.append({str(record.get("key")): record.get("new")})
            case "control":
                accepted, reason = record.get("accepted") is True, text(record, "reason", 80)
                told = f"{_word(record, 'request')} {'accepted' if accepted else 'refused'}"
                told += f": {reason}" if reason else ""
                self._happened(record, "control", told, "info" if accepted else "warning")
            case "alert":
                level = "error" if record.get("level") == "error" else "warning"
                self._happened(record, "alert", text(record, "text", 300), level)
            case "result" | "resumed" | "evaluation":
                pass
            case _:
                self.others.append(record)

    def _go_back(self, iteration: int, step: float) -> None:
        """Leave out what earlier lines said of later iterations and steps."""
        self.steps.cut("step", step)
        self.self_play.cut("iteration", iteration)
        self.iterations.cut("iteration", iteration)
        for kept in (self.evaluations, self.checkpoints):
            still_true = [placed for placed in kept if placed.iteration <= iteration]
            kept.clear()
            kept.extend(still_true)  # pyright: ignore[reportArgumentType] - of the same kind
        self.last_step = step

    def _add_row(self, table: BucketTable, record: Record) -> None:
        place = (self.last_step, float(self.last_iteration), self.elapsed(self.last_t))
        row: dict[str, float | None] = dict(zip(X_NAMES, place, strict=True))
        row |= {name: number(record, name) for name in table.value_names}
        table.extend({name: np.array([value], dtype=np.float64) for name, value in row.items()})

    def _happened(self, record: Record, kind: str, told: str, level: str = "info") -> None:
        found = Happening(kind=kind, text=told, level=level, **self._see(record))
        self.happenings.append(found)
        if kind == "alert":
            self.alerts.append(found)


def _word(record: Record, key: str) -> str:
    """A harmless text of a field of any type."""
    value = record.get(key)
    if isinstance(value, float):
        return f"{value:.6g}"
    return plain_text(str(value), 80) if value is not None else ""


def _column(block: Sequence[Record], key: str) -> FloatArray:
    """One field of many records, (N,); NaN where it is missing or no number."""
    try:
        array = np.array([record.get(key) for record in block], dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(())
    if array.ndim == 1:
        return array
    return np.array([number(record, key) for record in block], dtype=np.float64)


# -- reading

LONGEST_LINE = 1 << 16
SAMPLED_BYTES, LEAST_STRIDE = 2_000_000, 6
"""Of a backlog of so many times as much, one step record of so many is read first."""
READ_BYTES, CATCH_UP_S = 1 << 23, 0.006
LOG_LAGS_S = 5.0
"""A log that was written this much before the newest record is not this run's any more."""


class LogTail:
    """The last lines of a text file, read as it grows."""

    def __init__(self, path: Path, keep: int = 2000) -> None:
        self.path = path
        self.keep = keep
        self.lines: list[str] = []
        self.total = 0
        """Lines that were read so far, those not kept included."""
        self.changed = 0.0
        """When it was last written, in unix seconds."""
        self._offset = 0
        self._rest = b""

    def read(self, limit: int = 1 << 16) -> bool:
        """Read what is new; whether anything was."""
        try:
            with open_own(self.path) as file:
                facts = os.fstat(file.fileno())
                self.changed = facts.st_mtime
                if facts.st_size < self._offset:
                    self._offset, self._rest, self.lines, self.total = 0, b"", [], 0
                if facts.st_size - self._offset > limit:
                    self._offset, self._rest = facts.st_size - limit, b""
                file.seek(self._offset)
                chunk = file.read(limit)
        except OSError:
            # An absent log is an empty one, and one on a sick disk is not the news here:
            # the events of the same folder report that.
            return False
        self._offset += len(chunk)
        *parts, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[-LONGEST_LINE:]
        self.lines += [part.decode("utf-8", "replace") for part in parts]
        self.total += len(parts)
        del self.lines[: -self.keep]
        return bool(chunk)


def read_object(path: Path, limit: int = 1 << 18) -> Record:
    """The JSON object in a small file; empty when absent, unreadable or no object."""
    return decoded(read_bounded(path, limit), Record) or {}


class _Pass:
    """One reading of an event file from its beginning; one step record of `stride` is kept."""

    def __init__(self, path: Path) -> None:
        self.data = RunData()
        self.tail = EventTail(path)
        self.stride = 1

    def read(self, budget_s: float) -> bool:
        """Go on until the end of the file or of the budget; whether the end was reached."""
        batch = self.tail.read(
            max_bytes=READ_BYTES, max_ms=budget_s * 1000, step_stride=self.stride
        )
        if batch.restarted:
            version, self.data = self.data.version, RunData()
            self.data.version = version + 1
        self.data.skipped += batch.skipped
        self.data.absorb(batch.records)
        return batch.caught_up


class RunFeed:
    """All that a screen shows of a run; `tick` brings it up to date."""

    def __init__(self, directory: Path) -> None:
        self.paths = RunPaths(directory)
        self.directory = directory
        self.name = directory.name
        self.status: Status | None = None
        self.live: Record = {}
        self.log = LogTail(self.paths.log)
        self.at_end = False
        self.problem = ""
        self._main = _Pass(self.paths.events)
        self._exact: _Pass | None = None
        self._live_stamp = 0
        self._heard = 0.0
        """When a heartbeat was last seen to change, by the clock of this machine."""
        self._opened = False

    @property
    def data(self) -> RunData:
        """The records read so far."""
        return self._main.data

    @property
    def is_sampled(self) -> bool:
        """Whether step records are still a sample."""
        return self._exact is not None or self._main.stride > 1

    def tick(self, budget_s: float = 0.02) -> bool:
        """Read what is new for at most about `budget_s` seconds; whether anything was.

        The event file, then the status, the position and the log; an event file that is
        far behind is continued by the next tick.
        """
        before = (self.data.version, self.problem, self.at_end)
        try:
            self._read_events(budget_s)
            gone = self._opened and not self.directory.is_dir()
            self.problem = "its folder is gone: deleted, renamed or archived" if gone else ""
        except OSError as error:
            self.problem = f"{self.paths.events.name} cannot be read: {error.strerror}"
            self.at_end = True
        changed = before != (self.data.version, self.problem, self.at_end)
        return self._read_small_files() or changed

    def log_lines(self) -> tuple[list[str], int, str]:
        """The end of the run's log, how many lines it has had, and where they come from.

        Where no log was kept, or it stopped early, as of a run that was started in another
        terminal, the records in words tell what happened.
        """
        said = self.data.said
        if not said or (self.log.lines and self.log.changed >= said[-1][0] - LOG_LAGS_S):
            return self.log.lines, self.log.total, "log"
        lines = [f"{words.clock_time(t)}  {text.strip()}" for t, text in said]
        return lines, self.data.said_total, "records"

    def read_all(self, deadline_s: float = 60.0, *, exact: bool = True) -> RunData:
        """Read to the end at once, in at most `deadline_s`; a huge file whole only if `exact`."""
        end = time.perf_counter() + deadline_s
        while time.perf_counter() < end:
            self.tick(0.5)
            if self.at_end and not (exact and self.is_sampled):
                break
        return self.data

    def state(self, now: float) -> Judgement | None:
        """What the status means at `now` (unix time); None before there is one."""
        if self.status is None:
            return None
        heard = max(self.status.heartbeat, self._heard)
        return judge(replace(self.status, heartbeat=heard), now, self.paths.lock)

    def _read_events(self, budget_s: float) -> None:
        main, exact = self._main, self._exact
        if not self._opened and self.paths.events.exists():
            self._opened = True
            stride = self.paths.events.stat().st_size // SAMPLED_BYTES
            main.stride = stride if stride >= LEAST_STRIDE else 1
        self.at_end = main.read(budget_s)
        if self.at_end and main.stride > 1:
            # The first look is through: from here on everything, and the past once more.
            main.stride = 1
            newest = [r for r in last_records(self.paths.events) if r.get("event") == "step"]
            main.data.absorb(newest[-1:])
            self._exact = _Pass(self.paths.events)
        elif self.at_end and exact and exact.read(min(budget_s, CATCH_UP_S)):
            exact.data.version = main.data.version + 1
            self._main, self._exact = exact, None

    def _read_small_files(self) -> bool:
        changed, status = self.log.read(), read_status(self.paths.status)
        if status is not None and status != self.status:
            if self.status is not None and status.heartbeat != self.status.heartbeat:
                self._heard = time.time()
            self.status, changed = status, True
        live = self.paths.live
        with suppress(OSError):  # no game is being shown
            if self._live_stamp != (stamp := live.stat().st_mtime_ns):
                self._live_stamp, self.live, changed = stamp, read_object(live), True
        return changed
