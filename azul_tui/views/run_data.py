"""What a dashboard knows of one run: the records of its event file, put in their places.

Pure: records go in, nothing is read and no clock is asked. Times are unix seconds.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from azul_tui.jobs.reporter import describe
from azul_tui.runs.events import Record, number, text
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
            case "evaluation":
                self._absorb_evaluation(record, place)
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
            case "result" | "resumed":
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

    def _absorb_evaluation(self, record: Record, place: dict[str, Any]) -> None:
        if number(record, "score") is not None:
            counts = {n: int(number(record, n) or 0) for n in ("games", "wins", "draws", "losses")}
            told = {name: number(record, name) for name in ("score", "low", "high", "margin")}
            known = {name: math.nan if value is None else value for name, value in told.items()}
            opponent = text(record, "opponent", 60)
            self.evaluations.append(Evaluation(opponent=opponent, **counts, **known, **place))

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
