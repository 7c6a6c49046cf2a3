"""Which run `resume` goes on with when nobody names one. Reads status files alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.errors import JobError, RunLockedError
from azul_tui.runs.listing import list_runs, newest_run
from azul_tui.runs.lock import lock_holder, writer_lives
from azul_tui.runs.status import ACTIVE
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from azul_tui.runs.listing import RunSummary
    from azul_tui.runs.paths import RunPaths

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
