"""Starting jobs from the dashboard: the same command line that a person would type."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from azul_tui.errors import AzulError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.jobs.registry import JobSpec
    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.app import AzulApp


async def start_spec(
    app: AzulApp, spec: JobSpec, overrides: Sequence[str], *, preset: str | None = None
) -> RunPaths | None:
    """Start a job in the background; says why when it cannot be, and returns None then.

    Args:
        app: The dashboard.
        spec: The job.
        overrides: `key=value` each.
        preset: The preset that a training starts from, when it is not the job's own.
    """
    from azul_tui.runs.launch import job_arguments
    from azul_tui.runs.paths import existing_run, new_job_folder, new_run

    try:
        if spec.makes_run:
            stem = preset or spec.preset or spec.name
            paths = new_run(app.runs_root, stem, now=app.clock())
            arguments = job_arguments(
                spec.name,
                root=app.runs_root,
                run_name=paths.name,
                config=preset if preset != spec.preset else None,
                overrides=list(overrides),
            )
        elif spec.resumes:
            name = next((text[4:].strip('"') for text in overrides if text.startswith("run=")), "")
            paths = existing_run(app.runs_root, name) if name else _newest(app)
            arguments = job_arguments(spec.name, root=app.runs_root, overrides=list(overrides))
        else:
            paths = new_job_folder(app.runs_root, spec.name, now_ns=time.time_ns())
            arguments = job_arguments(
                spec.name, root=app.runs_root, record=paths.directory, overrides=list(overrides)
            )
        app.start_job(spec.name, arguments, paths)
    except AzulError as error:
        app.notify(str(error), severity="error", markup=False, timeout=10)
        return None
    return paths


async def start_resume(
    app: AzulApp, paths: RunPaths, overrides: Sequence[str] = ()
) -> RunPaths | None:
    """Go on with the run at `paths` and look at it."""
    from azul_tui.jobs.registry import find_job

    started = await start_spec(app, find_job("resume"), [f'run="{paths.name}"', *overrides])
    if started is not None:
        app.follow(started.directory)
        app.action_go("training")
    return started


def _newest(app: AzulApp) -> RunPaths:
    from azul_tui.runs.listing import newest_run

    return newest_run(app.runs_root, app.clock())


async def start_as_new(app: AzulApp, checkpoint: Path) -> RunPaths | None:
    """Start a new run from the weights and settings of a checkpoint file, and look at it.

    The resume job takes `--name` for a run that does not exist yet.
    """
    from azul_tui.jobs.registry import find_job
    from azul_tui.runs.launch import job_arguments
    from azul_tui.runs.paths import new_run
    from azul_tui.tui.settings_form import toml_value

    spec = find_job("resume")
    try:
        paths = new_run(app.runs_root, "resumed", now=app.clock())
        overrides = [f"checkpoint={toml_value(str(checkpoint))}"]
        arguments = job_arguments(
            spec.name, root=app.runs_root, run_name=paths.name, overrides=overrides
        )
        app.start_job(spec.name, arguments, paths)
    except AzulError as error:
        app.notify(str(error), severity="error", markup=False, timeout=10)
        return None
    app.follow(paths.directory)
    app.action_go("training")
    return paths
