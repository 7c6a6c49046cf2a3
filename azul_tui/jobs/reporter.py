"""What a job tells: lines for a person, or with `--json` records and nothing else.

With a folder for records (the dashboard gives one to jobs that are no training runs) the
same records are also appended to its event log, and its status says how far the job is.
"""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TextIO

from azul_tui.runs.events import encode, encode_plain, number, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.runs.events import Record
    from azul_tui.runs.status import RunRecorder


# -- numbers in words


def in_percent(mean: float, low: float, high: float) -> str:
    """A share with its interval, which is seldom as wide to either side: `51.0% (47.2 to 54.9)`."""
    return f"{mean:.1%} ({100 * low:.1f} to {100 * high:.1f})"


def in_words(seconds: float | None) -> str:
    """A length of time: `0.4 s`, `12 s`, `3 min 05 s`, `1 h 12 min`, `2 d 3 h`."""
    if seconds is None:
        return "?"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def in_bytes(count: float) -> str:
    """A size: `812 B`, `1.4 MB`, `24.1 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit in {"B", "kB"} else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


# -- records as the lines that a person reads when there is no dashboard; anybody may have written
# them, so that every field may be absent or of another kind


def describe(record: Record) -> str:
    """The record as one line, or "" for one that a person need not read."""
    line = _LINES.get(record["event"])
    return line(record) if line else ""


def _figure(record: Record, key: str, digits: int = 0) -> str:
    value = number(record, key)
    return "–" if value is None else f"{value:,.{digits}f}"


def _percent(record: Record) -> str:
    score = number(record, "score")
    return "–" if score is None else f"{100 * score:.1f}%"


def _run_started(record: Record) -> str:
    resumed = text(record, "resumed_from")
    how = f", resumed from {resumed} at iteration {_figure(record, 'iteration')}" if resumed else ""
    return f"run {text(record, 'name', 64)}{how}"


def _compile(record: Record) -> str:
    counted = f"{_figure(record, 'done')}/{_figure(record, 'total')}"
    return f"compiling {counted} {text(record, 'name', 40)} (only the first time)"


def _self_play(record: Record) -> str:
    return (
        f"  played {_figure(record, 'games')} games, {_figure(record, 'positions')} positions in "
        f"{in_words(number(record, 'seconds'))}: {_figure(record, 'sims_per_s')} simulations/s"
    )


def _iteration(record: Record) -> str:
    return (
        f"iteration {_figure(record, 'iteration')}: loss {_figure(record, 'total_loss', 3)} "
        f"(policy {_figure(record, 'policy_loss', 3)}, value {_figure(record, 'value_loss', 3)}), "
        f"{_figure(record, 'successful_steps')} steps in "
        f"{in_words(number(record, 'training_time'))}"
    )


def _evaluation(record: Record) -> str:
    low, high = number(record, "low"), number(record, "high")
    sure = "" if low is None or high is None else f" ({100 * low:.1f} to {100 * high:.1f})"
    return (
        f"  against {text(record, 'opponent', 60)}: {_percent(record)}{sure}, "
        f"{_figure(record, 'wins')} won, {_figure(record, 'draws')} drawn of "
        f"{_figure(record, 'games')} games"
    )


def _gate(record: Record) -> str:
    decision = text(record, "decision", 20)
    if decision == "first":
        return "  gate: the first weights are the best so far"
    moved = ", the new best" if record.get("accepted") is True else ""
    return (
        f"  gate against {text(record, 'opponent', 40)}: {decision}{moved}, {_percent(record)} of "
        f"{_figure(record, 'games')} games in {in_words(number(record, 'seconds'))}"
    )


def _rating(record: Record) -> str:
    return (
        f"  rated {_figure(record, 'elo')} Elo above {text(record, 'anchor', 40)} "
        f"({_figure(record, 'low')} to {_figure(record, 'high')})"
    )


def _checkpoint(record: Record) -> str:
    best = ", the best so far" if record.get("best") is True else ""
    return f"  saved {text(record, 'file', 80)}{best}"


def _setting(record: Record) -> str:
    old, new = str(record.get("old"))[:40], str(record.get("new"))[:40]
    return f"  {text(record, 'key', 40)} changes from {old} to {new}"


def _control(record: Record) -> str:
    verdict = "accepted" if record.get("accepted") is True else "refused"
    reason = text(record, "reason")
    request = text(record, "request", 20) or "request"
    return f"  {request} {verdict}" + (f": {reason}" if reason else "")


_LINES: Final[dict[str, Callable[[Record], str]]] = {
    "run_started": _run_started,
    "compute": lambda record: text(record, "text", 400),
    "compile": _compile,
    "self_play": _self_play,
    "iteration": _iteration,
    "evaluation": _evaluation,
    "gate": _gate,
    "rating": _rating,
    "checkpoint": _checkpoint,
    "alert": lambda record: f"{text(record, 'level', 10) or 'alert'}: {text(record, 'text', 400)}",
    "setting": _setting,
    "control": _control,
}


# -- the reporter of a job

TRANSIENT_EVERY_S: Final = 0.1
LINE_EVERY_S: Final = 5.0
ERASE: Final = "\r\x1b[K"


class Reporter:
    """Takes lines, records and progress, and puts each where it belongs."""

    def __init__(
        self,
        output: TextIO,
        errors: TextIO,
        *,
        json_lines: bool = False,
        recorder: RunRecorder | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Remember where to write.

        Args:
            output: Standard output: lines for a person, or JSON lines.
            errors: Standard error: with `json_lines`, what would be said to a person.
            json_lines: Whether `output` carries records and nothing else.
            recorder: Where records are kept besides, already entered.
            clock: Gives unix seconds.
        """
        self._output, self._errors = output, errors
        self._clock, self._recorder = clock, recorder
        self.json_lines = json_lines
        self._overwrites = not json_lines and output.isatty()
        self._transient_at = -math.inf
        self._transient_shown = False
        self.unwritten: Exception | None = None
        """Why standard output stopped taking lines; None as long as it takes them."""

    def say(self, line: str = "") -> None:
        """A line for a person; with `--json` it goes to standard error."""
        self.finish()
        if self.json_lines:
            with suppress(OSError, ValueError):  # nobody is there to read it
                _write(self._errors, line + "\n")
        else:
            self._put(line + "\n")

    def record(self, kind: str, **fields: object) -> Record:
        """A record: kept, printed with `--json`, and described to a person otherwise.

        Raises:
            OSError: The folder for records is full or refuses.
        """
        record: Record
        if self._recorder is not None:
            record = self._recorder.record(kind, **fields)
        else:
            record = json.loads(encode(kind, self._clock(), fields))
        self.on_record(record)
        return record

    def on_record(self, record: Record) -> None:
        """Pass on a record that somebody else keeps, such as a trainer in its run directory."""
        if self.json_lines:
            self._put(encode_plain(record).decode("ascii"))
        elif record["event"] == "step":
            where = f"iteration {record.get('iteration')}, step {record.get('step')}"
            self._put_transient(f"  {where}: loss {_figure(record, 'total_loss', 3)}")
        elif line := describe(record):
            self.say(line)

    def progress(
        self, done: float, total: float, unit: str = "", *, left_s: float | None = None
    ) -> None:
        """How far the job is; call it freely.

        One line that is overwritten in a terminal, a line now and then otherwise, and the
        status of the folder for records.
        """
        if self._recorder is not None:
            self._recorder.status(done=done, total=total, unit=unit, left_s=left_s)
        # What is left is the run's, not the phase's that is counted before it.
        left = f", {in_words(left_s)} left in the run" if left_s and left_s >= 1.0 else ""
        done = math.floor(done)  # a part of the first game is not yet 1% of them
        share = f"{100 * done / total:.0f}%" if total else ""
        self._put_transient(f"  {done:,}/{total:,.0f} {unit} {share}{left}".rstrip())

    def finish(self) -> None:
        """Leave the last line of a terminal clean."""
        if self._transient_shown:
            self._put(ERASE)
            self._transient_shown = False

    def _put_transient(self, line: str) -> None:
        now = self._clock()
        every = TRANSIENT_EVERY_S if self._overwrites else LINE_EVERY_S
        if self.json_lines or 0 <= now - self._transient_at < every:
            return
        self._transient_at = now
        self._put(ERASE + line if self._overwrites else line + "\n")
        self._transient_shown = self._overwrites

    def _put(self, data: str) -> None:
        """Write on standard output; nothing once it refused, which must not end a training."""
        if self.unwritten is not None:
            return
        try:
            _write(self._output, data)
        except (OSError, ValueError) as error:  # a closed pipe, a full disk, a closed file
            self.unwritten = error


def _write(stream: TextIO, data: str) -> None:
    try:
        stream.write(data)
    except UnicodeEncodeError:  # a terminal or a pipe without Unicode
        stream.write(data.encode("ascii", "replace").decode("ascii"))
    stream.flush()
