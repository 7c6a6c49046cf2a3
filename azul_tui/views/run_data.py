"""What a dashboard knows of one run: the records of its event file, put in their places.

Pure: records go in, nothing is read and no clock is asked. Times are unix seconds.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from azul_tui.jobs.describe import describe
from azul_tui.runs.text import plain_text
from azul_tui.views.series import DEFAULT_CAPACITY, BucketTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from azul_tui.views.charts import FloatArray, XKind

Record = dict[str, Any]

LARGEST_ITERATION = 1e12
MOST_KEPT = 4096
"""Evaluations, checkpoints and marks that are kept; a run has far fewer."""
X_NAMES = ("step", "iteration", "time")
STEP_VALUES = ("total_loss", "policy_loss", "value_loss", "learning_rate", "gradient_norm")
SELF_PLAY_VALUES = ("games_per_s", "sims_per_s")
ITERATION_VALUES = ("total_loss", "policy_loss", "value_loss", "buffer_fill")


# -- fields of records, which anybody may have written


def number(value: object) -> float:
    """`value` as a float; NaN for anything that is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def whole(value: object) -> int:
    """`value` as a whole number; 0 for anything else."""
    found = number(value)
    return int(found) if math.isfinite(found) else 0


def word(record: Record, key: str, limit: int = 80) -> str:
    """A harmless text of a field."""
    value = record.get(key)
    if isinstance(value, float):
        return f"{value:.6g}"
    return plain_text(str(value), limit) if value is not None else ""


def column(block: Sequence[Record], key: str) -> FloatArray:
    """One field of many records, (N,); NaN where it is missing or no number."""
    values = cast("list[Any]", [record.get(key) for record in block])
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        array = np.empty(())
    return array if array.ndim == 1 else np.array([number(value) for value in values])


# -- what is kept of them


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Compile:
    """Progress of the first-time compilation."""

    done: int
    total: int
    name: str


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
        self.compile: Compile | None = None
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
        if not records:
            return
        self.records += len(records)
        self.version += 1
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
        t, iteration = number(record.get("t")), number(record.get("iteration"))
        self.last_t = t if math.isfinite(t) else self.last_t
        self.first_t = self.last_t if self.first_t is None else self.first_t
        if 0 <= iteration < LARGEST_ITERATION:
            self.last_iteration = int(iteration)
        return {"t": self.last_t, "iteration": self.last_iteration, "step": self.last_step}

    def _absorb_steps(self, block: Sequence[Record]) -> None:
        if not block:
            return
        self._see(block[0])
        rows = {name: column(block, name) for name in ("step", "iteration", "t", *STEP_VALUES)}
        rows["time"] = rows.pop("t") - (self.first_t or 0.0)
        if not self._not_finite_said:
            bad = [r for r in block if "total_loss" in str(r.get("not_finite", ""))]
            if bad:
                self._not_finite_said = True
                step = number(bad[0].get("step"))
                self._happened(
                    bad[0], "alert", f"the loss is not finite at step {step:,.0f}", "error"
                )
        # A resumed run repeats steps: what came later is the truth, and x must ascend.
        steps = np.where(np.isfinite(rows["step"]), rows["step"], -math.inf)
        ascending = steps >= np.maximum.accumulate(np.append(self.last_step, steps))[:-1]
        if ascending.any():
            self.steps.extend({name: values[ascending] for name, values in rows.items()})
            self.last_step = float(steps[ascending][-1])
        self._see(block[-1])

    def _absorb_one(self, record: Record) -> None:
        place = self._see(record)
        words = describe(record)
        if words:
            self.said.append((self.last_t, plain_text(words, 400)))
            self.said_total += 1
        match record.get("event"):
            case "run_started":
                if self.started or record.get("resumed_from"):
                    text = f"resumed from {word(record, 'resumed_from')}"
                    self._happened(record, "resumed", text)
                self.started = record
            case "phase":
                if record.get("phase") != "compile":
                    self.compile = None
            case "compile":
                done, total = whole(record.get("done")), whole(record.get("total"))
                self.compile = Compile(done=done, total=total, name=word(record, "name", 60))
            case "self_play":
                self.self_play.extend(self._row(record, SELF_PLAY_VALUES))
            case "iteration":
                size, room = (number(record.get(f"buffer_{x}")) for x in ("size", "capacity"))
                fill = size / room * 100 if room > 0 else math.nan
                self.iterations.extend(self._row(record | {"buffer_fill": fill}, ITERATION_VALUES))
            case "evaluation":
                if not math.isnan(number(record.get("score"))):
                    counts = {n: whole(record.get(n)) for n in ("games", "wins", "draws", "losses")}
                    shares = {n: number(record.get(n)) for n in ("score", "low", "high", "margin")}
                    opponent = word(record, "opponent", 60)
                    found = Evaluation(opponent=opponent, **counts, **shares, **place)
                    self.evaluations.append(found)
            case "checkpoint":
                score, file = number(record.get("score")), word(record, "file", 200)
                found = SavedCheckpoint(
                    file=file,
                    score=None if math.isnan(score) else score,
                    best=record.get("best") is True,
                    **place,
                )
                self.checkpoints.append(found)
            case "setting" | "control" | "alert":
                self._absorb_happening(record)
            case "result":
                pass
            case _:
                self.others.append(record)

    def _absorb_happening(self, record: Record) -> None:
        if record["event"] == "setting":
            text = f"{word(record, 'key')} {word(record, 'old')} to {word(record, 'new')}"
            takes = word(record, "takes_effect")
            text += f", takes effect {takes}" if takes else ""
            self._happened(record, "setting", text)
            self.changed_settings.append({str(record.get("key")): record.get("new")})
        elif record["event"] == "control":
            accepted = record.get("accepted") is True
            text = f"{word(record, 'request')} {'accepted' if accepted else 'refused'}"
            text += f": {word(record, 'reason')}" if record.get("reason") else ""
            self._happened(record, "control", text, "info" if accepted else "warning")
        else:
            level = "error" if record.get("level") == "error" else "warning"
            self._happened(record, "alert", word(record, "text", 300), level)

    def _row(self, record: Record, names: Sequence[str]) -> Mapping[str, Sequence[float]]:
        values = {name: [number(record.get(name))] for name in names}
        place = (self.last_step, float(self.last_iteration), self.elapsed(self.last_t))
        return values | {name: [x] for name, x in zip(X_NAMES, place, strict=True)}

    def _happened(self, record: Record, kind: str, text: str, level: str = "info") -> None:
        found = Happening(kind=kind, text=text, level=level, **self._see(record))
        self.happenings.append(found)
        if kind == "alert":
            self.alerts.append(found)
