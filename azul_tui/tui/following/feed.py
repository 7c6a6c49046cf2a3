"""Following one run directory: what changed since the last look, at a bounded cost.

A small or growing event file is read exactly, a bite at a time. A huge one is first
sampled, so that it opens at once, and then read again exactly in the background;
when the exact reading has caught up it takes the place of the sampled one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from azul_tui.runs.paths import RunPaths, run_folders
from azul_tui.runs.status import Judgement, Status, judge, read_status
from azul_tui.runs.tail import EventTail, last_records
from azul_tui.tui import phrases
from azul_tui.tui.following.data import RunData
from azul_tui.tui.following.log_tail import LogTail, read_object

if TYPE_CHECKING:
    from pathlib import Path

Record = dict[str, Any]

SAMPLED_FROM = 12_000_000
"""Bytes of backlog from which a file is sampled first."""
SAMPLED_RECORDS = 40_000
TYPICAL_RECORD = 180
READ_BYTES = 1 << 20
LOG_LAGS_S = 5.0
"""A log that was written this much before the newest record is not this run's any more."""


@dataclass(slots=True)
class Reader:
    """One exact pass over the event file."""

    data: RunData
    tail: EventTail
    stride: int = 1
    """One step record of this many is kept."""


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
        self._main = Reader(RunData(), EventTail(self.paths.events))
        self._exact: Reader | None = None
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
        before = (self._main.data.version, self.problem, self.at_end)
        try:
            self._open()
            self.at_end = self._read(self._main, budget_s)
            if self.at_end and self._main.stride > 1:
                # The first look is through: from here on everything, and the past once more.
                self._main.stride = 1
                newest = [r for r in last_records(self.paths.events) if r.get("event") == "step"]
                self._main.data.absorb(newest[-1:])
                self._exact = Reader(RunData(), EventTail(self.paths.events))
            elif self.at_end and self._exact is not None:
                self._catch_up(self._exact, min(budget_s, 0.006))
            self.problem = ""
        except OSError as error:
            self.problem = f"{self.paths.events.name} cannot be read: {error.strerror}"
            self.at_end = True
        changed = before != (self._main.data.version, self.problem, self.at_end)
        return self._read_small_files() or changed

    def log_lines(self) -> list[str]:
        """The log of the run; its records in words where no log was kept, or it stopped early.

        A run that was started without the dashboard says everything to its terminal, so that
        only its records are left to tell what happened.
        """
        said = self.data.said
        if not said or (self.log.lines and self.log.changed >= said[-1][0] - LOG_LAGS_S):
            return self.log.lines
        return [f"{phrases.clock_time(t)}  {words.strip()}" for t, words in said]

    def read_all(self, deadline_s: float = 60.0) -> RunData:
        """Read to the end at once, for `--once` and tests; at most `deadline_s` seconds."""
        end = time.perf_counter() + deadline_s
        while time.perf_counter() < end:
            self.tick(0.5)
            if self.at_end and self._exact is None:
                break
        return self.data

    def open_fast(self, deadline_s: float = 5.0) -> RunData:
        """Read to the end, sampled where the file is huge."""
        end = time.perf_counter() + deadline_s
        while not self.at_end and time.perf_counter() < end:
            self.tick(0.5)
        return self.data

    def state(self, now: float) -> Judgement | None:
        """What the status means at `now` (unix time); None before there is one."""
        if self.status is None:
            return None
        heard = replace(self.status, heartbeat=max(self.status.heartbeat, self._heard))
        return judge(heard, now, self.paths.lock)

    def _open(self) -> None:
        if self._opened:
            return
        try:
            size = self.paths.events.stat().st_size
        except FileNotFoundError:
            return  # not there yet: a later tick will find it
        self._opened = True
        if size >= SAMPLED_FROM:
            self._main.stride = max(2, size // TYPICAL_RECORD // SAMPLED_RECORDS)

    def _read(self, reader: Reader, budget_s: float) -> bool:
        """Read until the end of the file or of the budget; whether the end was reached."""
        batch = reader.tail.read(
            max_bytes=READ_BYTES * 8, max_ms=budget_s * 1000, step_stride=reader.stride
        )
        if batch.restarted:
            reader.data = RunData()
            if reader is self._main:
                self._exact = None
        reader.data.skipped += batch.skipped
        reader.data.absorb(batch.records)
        return batch.caught_up

    def _catch_up(self, exact: Reader, budget_s: float) -> None:
        if self._read(exact, budget_s) and self._exact is exact:
            exact.data.version = self._main.data.version + 1
            self._main, self._exact = exact, None

    def _read_small_files(self) -> bool:
        changed = self.log.read()
        status = read_status(self.paths.status)
        if status is not None and status != self.status:
            if self.status is not None and status.heartbeat != self.status.heartbeat:
                self._heard = now_s()
            self.status = status
            changed = True
        try:
            stamp = self.paths.live.stat().st_mtime_ns
        except OSError:
            return changed  # no game is being shown
        if stamp != self._live_stamp:
            self._live_stamp = stamp
            self.live = read_object(self.paths.live)
            changed = True
        return changed


def newest_run(root: Path) -> Path | None:
    """The run directory under `root` whose events or status changed last."""
    best: tuple[float, Path] | None = None
    for directory in run_folders(root):
        stamp = 0.0
        for name in ("status.json", "events.jsonl", "config.toml"):
            try:
                stamp = max(stamp, (directory / name).stat().st_mtime)
            except OSError:
                continue
        if best is None or stamp > best[0]:
            best = (stamp, directory)
    return best[1] if best else None


def now_s() -> float:
    """Unix time; the one place where the dashboard asks the clock."""
    return time.time()
