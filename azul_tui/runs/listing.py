"""The runs of a folder: what each is, and whether it can be resumed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from azul_tui.errors import JobError, RunError, RunLockedError
from azul_tui.runs.events import Record, last_records, number, text
from azul_tui.runs.lock import lock_holder, writer_lives
from azul_tui.runs.paths import RunPaths, run_folders
from azul_tui.runs.status import ACTIVE, Judgement, Status, judge, read_status
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping


# -- which run `resume` goes on with when nobody names one. Reads status files alone

LIMITS = ("max_iterations", "max_minutes")
"""Settings that give a finished run something to do again."""


def run_to_resume(root: Path, changes: Mapping[str, object], now: float) -> RunPaths:
    """The newest run that is not going on and has something left to do.

    Args:
        root: The folder of runs.
        changes: Training settings that somebody named; more iterations make a finished run fit.
        now: Unix seconds.

    Raises:
        RunError: There is no run at all.
        JobError: Every run goes on or has finished; the message says what would do.
    """
    # One that ended before its first record holds nothing to go on from.
    runs = [
        run
        for run in list_runs(root, now)
        if run.status.iteration or run.checkpoints or run.paths.events.exists()
    ]
    for run in runs:
        if has_work_left(run, changes):
            return run.paths
    if not runs:
        return newest_run(root, now)
    newest = runs[0]
    if newest.state in ACTIVE:
        raise JobError(
            f"{newest.name} is going on already (azul-tui --attach {newest.name}), and no other "
            "run here has anything left to do; name one with --set run=NAME"
        )
    raise JobError(finished_sentence(newest))


def refuse_live(paths: RunPaths) -> None:
    """Refuse a run that somebody named and that is going on, before anything is loaded.

    Raises:
        RunLockedError: Another process trains it.
    """
    if writer_lives(paths):
        name = plain_text(paths.name, 64)
        who = lock_holder(paths) or "another process"
        raise RunLockedError(
            f"{name} is going on already, in {who}; look at it: azul-tui --attach {name}"
        )


def has_work_left(run: RunSummary, changes: Mapping[str, object]) -> bool:
    """Whether a run could be resumed now and would do something."""
    if run.state in ACTIVE:
        return False
    most = changes.get("max_iterations", run.status.max_iterations)
    if isinstance(most, int) and 0 < most <= run.status.iteration:
        return False
    return run.state != "finished" or any(limit in changes for limit in LIMITS)


def finished_sentence(run: RunSummary) -> str:
    """What would make a finished run go on."""
    if run.status.iteration < (run.status.max_iterations or 0):
        return (
            f"{run.name} has trained for as long as it was asked to; ask for more with "
            f"--set run={run.name} --set max_minutes=MINUTES, 0 for no limit"
        )
    more = more_iterations(run.status.iteration, run.status.max_iterations or 0)
    return (
        f"{run.name} has finished its {run.status.iteration:,} iterations; ask for more with "
        f"--set run={run.name} --set max_iterations={more}"
    )


def more_iterations(done: int, planned: int) -> int:
    """A sensible larger limit for a run that has done `done` of `planned` iterations."""
    return planned if done < planned else 2 * max(done, planned, 1)


# -- all runs of a folder at a glance, read from their status files alone

_CHECKPOINT = re.compile(r"checkpoint_iter_([0-9]{6,12})\.pt")
MAX_FILES_COUNTED = 20_000


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in a list."""

    paths: RunPaths
    state: str
    """A `State`, or "empty" for a folder in which nothing was recorded yet."""
    stalled: bool
    alive: bool
    reason: str
    status: Status
    changed: float
    """Unix seconds of the last sign of life, by the clock of whoever gave it."""
    size_bytes: int
    checkpoints: int

    @property
    def name(self) -> str:
        """The run's name, harmless to show."""
        return plain_text(self.paths.name, 64)


def list_runs(root: Path, now: float) -> list[RunSummary]:
    """Every run in `root`, the one with the newest sign of life first.

    Args:
        root: The folder in which runs live.
        now: Unix seconds.
    """
    runs = [summarize(RunPaths(folder), now) for folder in run_folders(root)]
    return sorted(runs, key=lambda run: (-run.changed, run.paths.name))


def summarize(paths: RunPaths, now: float) -> RunSummary:
    """One run; folders that are being made, moved or damaged are summarized as far as possible."""
    status = read_status(paths.status)
    if status is None:
        status, judgement = _from_events(paths)
    else:
        judgement = judge(status, now, paths.lock)
        if status.total_loss is None and status.iteration > 0:
            _recall_losses(status, paths)
    size_bytes, checkpoints = _sizes(paths.directory)
    changed = max(status.heartbeat, status.started) or _modified(paths.directory)
    return RunSummary(
        paths,
        judgement.state if status.name or status.heartbeat else "empty",
        judgement.stalled,
        judgement.alive,
        judgement.reason,
        status,
        changed,
        size_bytes,
        checkpoints,
    )


def newest_run(root: Path, now: float) -> RunPaths:
    """The run with the newest sign of life; which one that is does not depend on `now`.

    Raises:
        RunError: There is no run at all.
    """
    runs = list_runs(root, now)
    if not runs:
        raise RunError(
            f"there are no runs in {plain_text(str(root))}; "
            "azul-tui --run quick makes the first one"
        )
    return runs[0].paths


def checkpoint_files(paths: RunPaths) -> list[tuple[int, Path]]:
    """`(iteration, file)` of every regular checkpoint that is no link, oldest first."""
    try:
        files = list(paths.directory.iterdir())
    except OSError:  # absent or forbidden: there is nothing to show
        return []
    found = ((_CHECKPOINT.fullmatch(file.name), file) for file in files)
    return sorted((int(match[1]), file) for match, file in found if match and not file.is_symlink())


def _from_events(paths: RunPaths) -> tuple[Status, Judgement]:
    """What the last records tell of a run whose status is lost."""
    status = Status(state="stopped")
    for record in last_records(paths.events):
        status.name = paths.name
        status.heartbeat = number(record, "t") or status.heartbeat
        if (iteration := number(record, "iteration")) is not None:
            status.iteration = int(iteration)
        _take_losses(status, record)
        if record["event"] == "checkpoint":
            status.last_checkpoint = text(record, "file")
    return status, Judgement("stopped", reason="its status file is missing or damaged")


def _recall_losses(status: Status, paths: RunPaths) -> None:
    """A process that has not trained yet since a resume has no losses: the log has the last."""
    for record in last_records(paths.events):
        _take_losses(status, record)


def _take_losses(status: Status, record: Record) -> None:
    for key in ("total_loss", "policy_loss", "value_loss"):
        if (loss := number(record, key)) is not None:
            setattr(status, key, loss)


def _sizes(folder: Path) -> tuple[int, int]:
    """Bytes in all files of the folder and below, and the number of its checkpoints."""
    total = counted = checkpoints = 0
    waiting = [folder]
    while waiting and counted < MAX_FILES_COUNTED:
        try:
            with os.scandir(waiting.pop()) as scan:
                entries = list(scan)
        except OSError:  # vanished, or not ours to read
            continue
        for entry in entries:
            counted += 1
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                    continue
                total += entry.stat(follow_symlinks=False).st_size
            except OSError:  # renamed between the two calls
                continue
            checkpoints += _CHECKPOINT.fullmatch(entry.name) is not None
    return total, checkpoints


def _modified(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
