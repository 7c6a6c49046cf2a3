"""What a job tells: lines for a person, or with `--json` records and nothing else.

With a folder for records (the dashboard gives one to jobs that are no training runs) the
same records are also appended to its event log, and its status says how far the job is.
"""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from azul_tui.jobs.describe import describe, in_words
from azul_tui.runs.events import encode, encode_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.runs.events import Record
    from azul_tui.runs.status import RunRecorder

TRANSIENT_EVERY_S = 0.1
LINE_EVERY_S = 5.0
ERASE = "\r\x1b[K"


class Reporter:
    """The voice of one job."""

    def __init__(
        self,
        output: TextIO,
        errors: TextIO,
        *,
        json_lines: bool = False,
        recorder: RunRecorder | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Remember where to speak.

        Args:
            output: Standard output: lines for a person, or JSON lines.
            errors: Standard error: with `json_lines`, what would be said to a person.
            json_lines: Whether `output` carries records and nothing else.
            recorder: Where records are kept besides, already entered.
            clock: Gives unix seconds.
        """
        self._output = output
        self._errors = errors
        self._clock = clock
        self._recorder = recorder
        self.json_lines = json_lines
        self._overwrites = not json_lines and output.isatty()
        self._transient_at = -math.inf
        self._transient_shown = False
        self.unwritten: Exception | None = None
        """Why standard output stopped taking lines; None as long as it takes them."""

    def say(self, text: str = "") -> None:
        """A line for a person; with `--json` it goes to standard error."""
        self._clear_transient()
        if self.json_lines:
            with suppress(OSError, ValueError):  # nobody is there to read it
                _write(self._errors, text + "\n")
        else:
            self._put(text + "\n")

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
            return
        if record["event"] == "step":
            self._tell_step(record)
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
        left = (
            f", {in_words(left_s)} left in the run" if left_s is not None and left_s >= 1.0 else ""
        )
        done = math.floor(done)  # a part of the first game is not yet 1% of them
        share = f"{100 * done / total:.0f}%" if total else ""
        self._tell_transient(f"  {done:,}/{total:,.0f} {unit} {share}{left}".rstrip())

    def finish(self) -> None:
        """Leave the last line of a terminal clean."""
        self._clear_transient()

    def _tell_step(self, record: Record) -> None:
        loss = record.get("total_loss")
        told = f"loss {loss:.3f}" if isinstance(loss, float) else "loss –"
        where = f"iteration {record.get('iteration')}, step {record.get('step')}"
        self._tell_transient(f"  {where}: {told}")

    def _tell_transient(self, text: str) -> None:
        if self.json_lines:
            return
        now = self._clock()
        every = TRANSIENT_EVERY_S if self._overwrites else LINE_EVERY_S
        if 0 <= now - self._transient_at < every:
            return
        self._transient_at = now
        if self._overwrites:
            self._put(ERASE + text)
            self._transient_shown = True
        else:
            self._put(text + "\n")

    def _put(self, text: str) -> None:
        """Write on standard output; nothing once it refused, which must not end a training."""
        if self.unwritten is not None:
            return
        try:
            _write(self._output, text)
        except (OSError, ValueError) as error:  # a closed pipe, a full disk, a closed file
            self.unwritten = error

    def _clear_transient(self) -> None:
        if self._transient_shown:
            self._put(ERASE)
            self._transient_shown = False


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:  # a terminal or a pipe without Unicode
        stream.write(text.encode("ascii", "replace").decode("ascii"))
    stream.flush()
