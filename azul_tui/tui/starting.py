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
    from azul_tui.runs.paths import new_job_folder, new_run

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
            paths = _run_to_resume(app, overrides)
            arguments = job_arguments(
                spec.name,
                root=app.runs_root,
                run_name=paths.name,
                overrides=_with_run(overrides, paths),
            )
        else:
            paths = new_job_folder(app.runs_root, spec.name, now_ns=time.time_ns())
            arguments = job_arguments(
                spec.name, root=app.runs_root, record=paths.directory, overrides=list(overrides)
            )
            app.job_settings[paths.name] = tuple(overrides)
        app.start_job(spec.name, arguments, paths)
    except AzulError as error:
        app.notify(str(error), severity="error", markup=False, timeout=10)
        return None
    return paths


async def start_resume(
    app: AzulApp, paths: RunPaths, checkpoint: Path | None = None, overrides: Sequence[str] = ()
) -> RunPaths | None:
    """Go on with the run at `paths`.

    Args:
        app: The dashboard.
        paths: The run.
        checkpoint: The file to go on from; None takes the newest that verifies.
        overrides: Changed settings, `key=value` each.
    """
    from azul_tui.jobs.registry import find_job
    from azul_tui.tui.forms.settings import toml_value

    named = f"run={toml_value(paths.name)}"
    if checkpoint is not None:
        named = f"checkpoint={toml_value(str(checkpoint))}"
    started = await start_spec(app, find_job("resume"), [named, *overrides])
    if started is not None:
        where = f" from {checkpoint.name}" if checkpoint is not None else ""
        app.notify(f"{paths.name} goes on{where}", markup=False)
    return started


async def start_as_new(
    app: AzulApp,
    source: RunPaths,
    checkpoint: Path | None,
    *,
    name: str,
    overrides: Sequence[str] = (),
) -> RunPaths | None:
    """Start a new run from the weights and settings of a checkpoint.

    Args:
        app: The dashboard.
        source: The run that the checkpoint belongs to.
        checkpoint: The file; None takes the newest that verifies.
        name: Of the new run.
        overrides: Changed settings, `key=value` each.
    """
    from azul_tui.jobs.registry import find_job
    from azul_tui.runs.launch import job_arguments
    from azul_tui.runs.paths import claim_run
    from azul_tui.tui.forms.settings import toml_value

    spec = find_job("resume")
    from_what = ("run", source.name) if checkpoint is None else ("checkpoint", str(checkpoint))
    named = f"{from_what[0]}={toml_value(from_what[1])}"
    try:
        paths = claim_run(app.runs_root, name)
        arguments = job_arguments(
            spec.name, root=app.runs_root, run_name=paths.name, overrides=[named, *overrides]
        )
        app.start_job(spec.name, arguments, paths)
    except AzulError as error:
        app.notify(str(error), severity="error", markup=False, timeout=10)
        return None
    app.notify(f"{paths.name} begins with the weights of {source.name}", markup=False)
    return paths


def look_at(app: AzulApp, paths: RunPaths) -> None:
    """Follow a run that was started, on the training screen."""
    app.follow(paths.directory)
    app.action_go("training")


def _run_to_resume(app: AzulApp, overrides: Sequence[str]) -> RunPaths:
    """The run that a resume with these settings writes to, its log above all.

    Raises:
        AzulError: There is none.
    """
    from azul_tui.config import resolve_settings
    from azul_tui.jobs.registry import find_job, job_settings
    from azul_tui.runs.paths import RunPaths, existing_run, new_run
    from azul_tui.runs.resumable import refuse_live, run_to_resume

    named = resolve_settings(job_settings(find_job("resume")), None, None, overrides)
    name, checkpoint = str(named.get("run", "")), str(named.get("checkpoint", ""))
    if checkpoint:
        home = RunPaths(_absolute(checkpoint).parent)
        if home.directory.parent.resolve() != app.runs_root.resolve():
            return new_run(app.runs_root, home.name, now=app.clock())
    elif name:
        home = existing_run(app.runs_root, name)
    else:
        home = run_to_resume(app.runs_root, named, app.clock())
    refuse_live(home)
    return home


def _with_run(overrides: Sequence[str], paths: RunPaths) -> list[str]:
    """The same with the run named, so that the job cannot choose another one."""
    from azul_tui.tui.forms.settings import toml_value

    if any(text.startswith(("run=", "checkpoint=")) for text in overrides):
        return list(overrides)
    return [*overrides, f"run={toml_value(paths.name)}"]


def _absolute(file: str) -> Path:
    from pathlib import Path

    return Path(file).absolute()
