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
from azul_tui.views.series import BucketTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

Record = dict[str, Any]


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


def column(block: Sequence[Record], key: str) -> NDArray[np.float64]:
    """One field of many records, (N,); NaN where it is missing or no number."""
    values = cast("list[Any]", [record.get(key) for record in block])
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        array = None
    if array is None or array.ndim != 1:
        array = np.array([number(value) for value in values], dtype=np.float64)
    return array


def never_falling(steps: NDArray[np.float64], last: float) -> NDArray[np.bool_]:
    """Which steps are at least the largest one before them."""
    known = np.where(np.isfinite(steps), steps, -math.inf)
    before = np.maximum.accumulate(np.concatenate([[last], known]))[:-1]
    return known >= before


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One match against a named opponent; score, low and high in [0, 1]."""

    t: float
    iteration: int
    step: float
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
class SavedCheckpoint:
    """A checkpoint as its event tells it."""

    t: float
    iteration: int
    step: float
    file: str
    score: float | None
    best: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A changed setting, an alert or an answer to a request, in words."""

    t: float
    iteration: int
    step: float
    kind: str
    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compile:
    """Progress of the first-time compilation."""

    done: int
    total: int
    name: str
    seconds: float


LARGEST_ITERATION = 1e12

MOST_KEPT = 4096
"""Evaluations, checkpoints and marks that are kept; a run has far fewer."""

STEP_VALUES = ("total_loss", "policy_loss", "value_loss", "learning_rate", "gradient_norm")

SELF_PLAY_VALUES = (
    "games_per_s",
    "sims_per_s",
    "mean_moves",
    "first_seat_share",
    "policy_entropy",
)

ITERATION_VALUES = ("total_loss", "policy_loss", "value_loss", "buffer_fill", "games_total")

X_NAMES = ("step", "iteration", "time")


class RunData:
    """Everything read so far. `absorb` is the only way in."""

    def __init__(self, capacity: int = 32_768) -> None:
        self.steps = BucketTable(X_NAMES, STEP_VALUES, capacity)
        self.self_play = BucketTable(X_NAMES, SELF_PLAY_VALUES, 8192)
        self.iterations = BucketTable(X_NAMES, ITERATION_VALUES, 8192)
        self.evaluations: deque[Evaluation] = deque(maxlen=MOST_KEPT)
        self.checkpoints: deque[SavedCheckpoint] = deque(maxlen=MOST_KEPT)
        self.happenings: deque[Happening] = deque(maxlen=MOST_KEPT)
        self.alerts: deque[Happening] = deque(maxlen=64)
        self.started: Record = {}
        self.result: Record = {}
        self.phase = ""
        self.compile: Compile | None = None
        self.last_evaluation: Record = {}
        """The newest evaluation record, one without a score included."""
        self.first_t: float | None = None
        self.last_t: float | None = None
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
        self._handlers: dict[str, Callable[[Record, float], None]] = {
            "run_started": self._on_started,
            "phase": self._on_phase,
            "self_play": self._on_self_play,
            "iteration": self._on_iteration,
            "evaluation": self._on_evaluation,
            "checkpoint": self._on_checkpoint,
            "setting": self._on_setting,
            "control": self._on_control,
            "alert": self._on_alert,
            "compile": self._on_compile,
            "result": self._on_result,
        }

    def absorb(self, records: Sequence[Record]) -> None:
        """Put records in their places, in order."""
        if not records:
            return
        self.records += len(records)
        self.version += 1
        start = 0
        for index, record in enumerate(records):
            if record.get("event") == "step":
                continue
            # Steps between other records go in as one block, so that order is kept.
            self._absorb_steps(records[start:index])
            self._absorb_one(record)
            start = index + 1
        self._absorb_steps(records[start:])

    def elapsed(self, t: float) -> float:
        """Seconds since the first record."""
        return t - self.first_t if self.first_t is not None else 0.0

    @property
    def is_empty(self) -> bool:
        """Whether no record has been seen."""
        return self.records == 0

    def _see_time(self, record: Record) -> float:
        t = number(record.get("t"))
        if not math.isfinite(t):
            t = self.last_t or 0.0
        if self.first_t is None:
            self.first_t = t
        self.last_t = t
        return t

    def _absorb_steps(self, block: Sequence[Record]) -> None:
        if not block:
            return
        self._see_time(block[0])
        rows: dict[str, NDArray[np.float64]] = {
            "step": column(block, "step"),
            "iteration": column(block, "iteration"),
            "time": column(block, "t") - (self.first_t or 0.0),
        }
        for name in STEP_VALUES:
            rows[name] = column(block, name)
        # A resumed run repeats steps: what came later is the truth, and x must ascend.
        ascending = never_falling(rows["step"], self.last_step)
        if not ascending.all():
            rows = {name: values[ascending] for name, values in rows.items()}
        self._notice_not_finite(block)
        if len(rows["step"]) == 0:
            return
        self.steps.extend(rows)
        self.last_step = float(rows["step"][-1])
        if 0 <= float(rows["iteration"][-1]) < LARGEST_ITERATION:
            self.last_iteration = int(rows["iteration"][-1])
        self._see_time(block[-1])

    def _notice_not_finite(self, block: Sequence[Record]) -> None:
        if self._not_finite_said:
            return
        for record in block:
            if "total_loss" in str(record.get("not_finite", "")):
                self._not_finite_said = True
                step = number(record.get("step"))
                text = f"the loss is not finite at step {step:,.0f}"
                self._add_happening(record, "alert", text, "error")
                return

    def _absorb_one(self, record: Record) -> None:
        t = self._see_time(record)
        iteration = number(record.get("iteration"))
        if 0 <= iteration < LARGEST_ITERATION:
            self.last_iteration = int(iteration)
        words = describe(record)
        if words:
            self.said.append((t, plain_text(words, 400)))
            self.said_total += 1
        handler = self._handlers.get(str(record.get("event")))
        if handler is None:
            self.others.append(record)
        else:
            handler(record, t)

    def _place(self, t: float) -> dict[str, Sequence[float]]:
        return {
            "step": [self.last_step],
            "iteration": [float(self.last_iteration)],
            "time": [self.elapsed(t)],
        }

    def _on_started(self, record: Record, _t: float) -> None:
        again = bool(self.started)
        self.started = record
        if again or record.get("resumed_from"):
            self._add_happening(record, "resumed", f"resumed from {word(record, 'resumed_from')}")
        self.result = {}

    def _on_phase(self, record: Record, _t: float) -> None:
        self.phase = plain_text(str(record.get("phase", "")), 40)
        if self.phase != "compile":
            self.compile = None

    def _on_self_play(self, record: Record, t: float) -> None:
        values = {name: [number(record.get(name))] for name in SELF_PLAY_VALUES}
        self.self_play.extend(self._place(t) | values)

    def _on_iteration(self, record: Record, t: float) -> None:
        size, capacity = number(record.get("buffer_size")), number(record.get("buffer_capacity"))
        values = {
            name: [number(record.get(name))] for name in ITERATION_VALUES if name != "buffer_fill"
        }
        values["buffer_fill"] = [size / capacity * 100 if capacity > 0 else math.nan]
        self.iterations.extend(self._place(t) | values)

    def _on_evaluation(self, record: Record, t: float) -> None:
        self.last_evaluation = record
        if math.isnan(number(record.get("score"))):
            return
        self.evaluations.append(
            Evaluation(
                t=t,
                iteration=self.last_iteration,
                step=self.last_step,
                opponent=word(record, "opponent", 60),
                games=whole(record.get("games")),
                wins=whole(record.get("wins")),
                draws=whole(record.get("draws")),
                losses=whole(record.get("losses")),
                score=number(record.get("score")),
                low=number(record.get("low")),
                high=number(record.get("high")),
                margin=number(record.get("margin")),
            )
        )

    def _on_checkpoint(self, record: Record, t: float) -> None:
        score = number(record.get("score"))
        self.checkpoints.append(
            SavedCheckpoint(
                t=t,
                iteration=self.last_iteration,
                step=self.last_step,
                file=word(record, "file", 200),
                score=None if math.isnan(score) else score,
                best=record.get("best") is True,
                seconds=number(record.get("seconds")),
            )
        )

    def _on_setting(self, record: Record, _t: float) -> None:
        text = f"{word(record, 'key')} {word(record, 'old')} to {word(record, 'new')}"
        takes = word(record, "takes_effect")
        self._add_happening(record, "setting", f"{text}, takes effect {takes}" if takes else text)
        self.changed_settings.append({str(record.get("key")): record.get("new")})

    def _on_control(self, record: Record, _t: float) -> None:
        accepted = record.get("accepted") is True
        reason = word(record, "reason") if record.get("reason") else ""
        text = f"{word(record, 'request')} {'accepted' if accepted else 'refused'}"
        self._add_happening(
            record,
            "control",
            f"{text}: {reason}" if reason else text,
            "info" if accepted else "warning",
        )

    def _on_alert(self, record: Record, _t: float) -> None:
        level = "error" if record.get("level") == "error" else "warning"
        self._add_happening(record, "alert", word(record, "text", 300), level)

    def _on_compile(self, record: Record, _t: float) -> None:
        self.compile = Compile(
            done=whole(record.get("done")),
            total=whole(record.get("total")),
            name=word(record, "name", 60),
            seconds=number(record.get("seconds")),
        )

    def _on_result(self, record: Record, _t: float) -> None:
        self.result = record

    def _add_happening(self, record: Record, kind: str, text: str, level: str = "info") -> None:
        happening = Happening(
            t=self._see_time(record),
            iteration=self.last_iteration,
            step=self.last_step,
            kind=kind,
            text=text,
            level=level,
        )
        self.happenings.append(happening)
        if kind == "alert":
            self.alerts.append(happening)
