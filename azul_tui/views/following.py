"""Following one run directory: what changed since the last look, at a bounded cost.

A small or growing event file is read exactly, a bite at a time. A huge one is first
sampled, so that it opens at once, and then read again exactly in the background;
when the exact reading has caught up it takes the place of the sampled one.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from azul_tui.runs.events import EventTail, last_records
from azul_tui.runs.files import open_own, read_bounded
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import Judgement, Status, judge, read_status
from azul_tui.views import words
from azul_tui.views.run_data import RunData

if TYPE_CHECKING:
    from pathlib import Path

Record = dict[str, Any]

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
    try:
        item: object = json.loads(read_bounded(path, limit) or b"{}")
    except (ValueError, RecursionError):
        return {}  # not ours, or damaged: shown as if it were not there
    return cast("Record", item) if isinstance(item, dict) else {}


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
