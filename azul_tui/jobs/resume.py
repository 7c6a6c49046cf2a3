"""Job 9: a run goes on from its newest good checkpoint, or from one that is named."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azul_tui.config import combine
from azul_tui.errors import CheckpointError, JobError
from azul_tui.jobs.train import train_here
from azul_tui.runs.listing import more_iterations, run_to_resume
from azul_tui.runs.paths import RunPaths, claim_run, existing_run, new_run
from azul_tui.runs.status import read_status
from azul_tui.runs.text import plain_text
from azul_tui.training.resuming import find_beginning, find_resume_point

if TYPE_CHECKING:
    from azul_tui.config import TrainingConfig
    from azul_tui.jobs.start import JobContext
    from azul_tui.training.resuming import ResumePoint


def run(context: JobContext) -> dict[str, Any]:
    """Find the checkpoint, apply the settings that were named, and train on."""
    source = _source(context)
    try:
        point = find_resume_point(source)
    except CheckpointError:
        beginning = find_beginning(source, context.warn)
        if beginning is None:
            raise
        return _start_over(context, source, combine(beginning, context.changes))
    config = combine(point.config, context.changes)
    paths = _target(context, point)
    context.directory = paths.directory  # where a refusal from here on is told, or leaves nothing
    if _has_ended(point, paths):
        _refuse_finished(point, config)
    return train_here(context, config, resume_from=point)


def _start_over(context: JobContext, folder: Path, config: TrainingConfig) -> dict[str, Any]:
    """Begin a run again that was interrupted before its first checkpoint."""
    paths = RunPaths(folder)
    if context.run_name is not None and context.run_name != paths.name:
        raise JobError(
            f"{plain_text(paths.name)} has no checkpoint yet that another run could go on from; "
            "resume it without --name, and it begins again"
        )
    context.reporter.say(f"{plain_text(paths.name)} has no checkpoint yet: it begins again")
    context.directory = paths.directory
    return train_here(context, config)


def _source(context: JobContext) -> Path:
    """The checkpoint file or the run to go on from."""
    checkpoint, name = context.text("checkpoint"), context.text("run")
    if checkpoint:
        if not Path(checkpoint).exists():
            raise JobError(f"{plain_text(checkpoint)}: there is no such checkpoint file")
        return Path(checkpoint)
    root = context.runs_root
    if name:
        return existing_run(root, name).directory
    return run_to_resume(root, context.changes, time.time()).directory


def _target(context: JobContext, point: ResumePoint) -> RunPaths:
    """The run that goes on.

    With `--name` another run begins from the checkpoint; a checkpoint outside the folder of runs,
    such as a shipped one, always begins another.
    """
    home = RunPaths(point.path.absolute().parent)
    if context.run_name is not None and context.run_name != home.name:
        return claim_run(context.runs_root, context.run_name)
    if home.directory.parent.resolve() != context.runs_root.resolve():
        return new_run(context.runs_root, home.name)
    return home


def _refuse_finished(point: ResumePoint, config: TrainingConfig) -> None:
    """Say what a run that has reached one of its limits would need to go on.

    Raises:
        JobError: It has reached one.
    """
    progress = point.progress
    if progress.iteration >= config.max_iterations:
        more = more_iterations(progress.iteration, config.max_iterations)
        raise JobError(
            f"{point.name} has finished its {config.max_iterations} iterations; ask for more "
            f"with --set max_iterations={more}"
        )
    if config.max_minutes and progress.elapsed_s >= 60.0 * config.max_minutes:
        raise JobError(
            f"{point.name} has trained for its {config.max_minutes:g} minutes; ask for more "
            f"with --set max_minutes={2 * config.max_minutes:g}, or 0 for no limit"
        )


def _has_ended(point: ResumePoint, paths: RunPaths) -> bool:
    """Whether there is nothing left to do, not even to say that a run is finished."""
    if point.progress.opponents_left:
        return False
    status = read_status(paths.status) if point.continues(paths) else None
    return status is None or status.state not in {"running", "paused", "crashed"}
