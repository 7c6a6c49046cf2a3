"""Job 9: a run goes on from its newest good checkpoint, or from one that is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from azul_tui.config import combine
from azul_tui.errors import JobError
from azul_tui.jobs.train import told
from azul_tui.runs.listing import newest_run
from azul_tui.runs.paths import RunPaths, existing_run, new_run
from azul_tui.training.resuming import find_resume_point
from azul_tui.training.trainer import AzulTrainer

if TYPE_CHECKING:
    from azul_tui.jobs.context import JobContext


def run(context: JobContext) -> dict[str, Any]:
    """Find the checkpoint, apply the settings that were named, and train on."""
    source, paths = _source_and_target(context)
    point = find_resume_point(source, None)
    config = combine(point.config, context.changes)
    if point.progress.iteration >= config.max_iterations:
        raise JobError(
            f"{point.name} has finished its {config.max_iterations} iterations; ask for more "
            f"with --set max_iterations={2 * config.max_iterations}"
        )
    context.directory = paths.directory
    trainer = AzulTrainer(
        config,
        paths.directory,
        resume_from=source,
        job=context.spec.name,
        listener=context.reporter.on_record,
        on_progress=lambda done, total, unit, left: context.reporter.progress(
            done, total, unit, left_s=left
        ),
        should_stop=context.stop.is_set,
    )
    return told(context, trainer.train())


def _source_and_target(context: JobContext) -> tuple[Path, RunPaths]:
    """Where the checkpoint is, and the run that it goes on in.

    With `--name` another run begins from the checkpoint; a checkpoint outside the folder of runs,
    such as a shipped one, always begins another.
    """
    checkpoint, name = context.text("checkpoint"), context.text("run")
    if checkpoint:
        source = Path(checkpoint)
        if not source.exists():
            raise JobError(f"{checkpoint}: there is no such checkpoint file")
        home = RunPaths(source.absolute().parent)
    else:
        home = existing_run(context.runs_root, name) if name else newest_run(context.runs_root, 0.0)
        source = home.directory
    if context.run_name is not None and context.run_name != home.name:
        return source, new_run(context.runs_root, context.run_name)
    if home.directory.parent.resolve() != context.runs_root.resolve():
        return source, new_run(context.runs_root, home.name)
    return source, home
