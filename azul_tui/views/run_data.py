"""What a dashboard knows of one run: the records of its event file, put in their places.

Pure: records go in, nothing is read and no clock is asked. Times are unix seconds.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from azul_tui.jobs.describe import describe
from azul_tui.runs.events import Record, number, text
from azul_tui.runs.text import plain_text
from azul_tui.views.series import DEFAULT_CAPACITY, BucketTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.views.charts import FloatArray, XKind

LARGEST_ITERATION = 1e12
MOST_KEPT = 4096
"""Evaluations, checkpoints and marks that are kept; a run has far fewer."""
X_NAMES = ("step", "iteration", "time")
STEP_VALUES = ("total_loss", "policy_loss", "value_loss", "learning_rate", "gradient_norm")
SELF_PLAY_VALUES = ("games_per_s", "sims_per_s")
ITERATION_VALUES = ("total_loss", "policy_loss", "value_loss", "buffer_fill")


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

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self.steps = BucketTable(X_NAMES, STEP_VALUES, capacity)
        self.self_play = BucketTable(X_NAMES, SELF_PLAY_VALUES, 8192)
        self.iterations = BucketTable(X_NAMES, ITERATION_VALUES, 8192)
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
            case "result":
                pass
            case _:
                self.others.append(record)

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
