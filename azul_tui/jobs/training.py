"""Jobs that make checkpoints of a run or take weights out of them: quick, train, resume, export."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azul_tui.config import combine, stored_config
from azul_tui.errors import CheckpointError, JobError
from azul_tui.jobs.reporter import in_bytes, in_words
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.runs.listing import more_iterations, run_to_resume
from azul_tui.runs.paths import RunPaths, claim_run, existing_run, is_shipped, named_path, new_run
from azul_tui.runs.status import read_status
from azul_tui.runs.text import plain_text
from azul_tui.training.checkpoint import load_network
from azul_tui.training.checkpoint_players import find_checkpoint
from azul_tui.training.resuming import find_beginning, find_resume_point
from azul_tui.training.trainer import AzulTrainer

if TYPE_CHECKING:
    from azul_tui.config import TrainingConfig
    from azul_tui.jobs.start import JobContext
    from azul_tui.training.resuming import ResumePoint


def train(context: JobContext) -> dict[str, Any]:
    """Jobs 6 and 8: train in the run directory that was made for this start."""
    assert context.config is not None
    return _train(context, context.config)


def _train(
    context: JobContext, config: TrainingConfig, resume_from: ResumePoint | None = None
) -> dict[str, Any]:
    """Train in `context.directory`, and sum it up."""
    trainer = AzulTrainer(
        config,
        context.directory,
        resume_from,
        job=context.spec.name,
        listener=context.reporter.on_record,
        on_progress=lambda done, total, unit, left: context.reporter.progress(
            done, total, unit, left_s=left
        ),
        should_stop=context.stop.is_set,
    )
    results = trainer.train()
    history = results.pop("history")
    say = context.reporter.say
    run_name = context.directory.name
    losses = [entry["total_loss"] for entry in history if entry["total_loss"] is not None]
    elapsed = history[-1]["elapsed_s"] if history else 0.0
    fall = f", loss {losses[0]:.3f} -> {losses[-1]:.3f}" if losses else ""
    if losses and history[0]["iteration"] > 1:
        fall += " since it was resumed"
    say(
        f"{run_name}: {results['iterations']:,} iteration{'s' * (results['iterations'] != 1)}, "
        f"{results['games_total']:,} games in {in_words(elapsed)}{fall}"
    )
    if results["best_evaluation_score"] is not None:
        say(f"the best weights against the last opponent: {results['best_evaluation_score']:.1%}")
    if results["stopped"]:
        saved = "stopped and saved" if results["last_checkpoint"] else "stopped, nothing saved yet"
        say(f"{saved}; go on with: azul-tui --run resume --set run={run_name}")
    else:
        say(f"look at it: azul-tui --attach {run_name}")
    return {
        "run": run_name,
        "first_loss": losses[0] if losses else None,
        "last_loss": losses[-1] if losses else None,
        "elapsed_s": elapsed,
        **results,
    }


# -- job 9


def resume(context: JobContext) -> dict[str, Any]:
    """Find the checkpoint, apply the settings that were named, and train on."""
    checkpoint, name = context.text("checkpoint"), context.text("run")
    if checkpoint:
        source = Path(checkpoint)
    elif name:
        source = existing_run(context.runs_root, name).directory
    else:
        source = run_to_resume(context.runs_root, context.changes, time.time()).directory
    try:
        point = find_resume_point(source)
    except CheckpointError:
        beginning = find_beginning(source, context.warn)
        if beginning is None:
            raise
        return _start_over(context, RunPaths(source), combine(beginning, context.changes))
    config = combine(point.config, context.changes)
    paths = _run_that_goes_on(context, point)
    context.directory = paths.directory  # where a refusal from here on is told, or leaves nothing
    # Of a run that was killed after its last checkpoint only the end is missing, which is told.
    status = read_status(paths.status) if point.continues(paths) else None
    killed = status is not None and status.state in {"running", "paused", "crashed"}
    if not point.progress.opponents_left and not killed:
        _refuse_finished(point, config)
    return _train(context, config, resume_from=point)


def _start_over(context: JobContext, paths: RunPaths, config: TrainingConfig) -> dict[str, Any]:
    """Begin a run again that was interrupted before its first checkpoint."""
    if context.run_name is not None and context.run_name != paths.name:
        raise JobError(
            f"{plain_text(paths.name)} has no checkpoint yet that another run could go on from; "
            "resume it without --name, and it begins again"
        )
    context.reporter.say(f"{plain_text(paths.name)} has no checkpoint yet: it begins again")
    context.directory = paths.directory
    return _train(context, config)


def _run_that_goes_on(context: JobContext, point: ResumePoint) -> RunPaths:
    """The run of the checkpoint.

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


# -- job `export`


def export(context: JobContext) -> dict[str, Any]:
    """Write the weights that play (averaged ones where a run averages) as safetensors.

    The network's description is the metadata; optimizer, random streams and history stay behind.

    Raises:
        CheckpointError: The checkpoint cannot be loaded.
        JobError: The output cannot be written.
    """
    from safetensors.torch import save

    path = find_checkpoint(context.text("checkpoint"), context.runs_root)
    beside = path.with_suffix(".safetensors")
    if is_shipped(path):  # the program's own folder stays as it came
        beside = Path(f"{path.parent.name}_{beside.name}")
    output = named_path(context.text("output") or str(beside))
    network, settings = load_network(path)
    for note in stored_config(settings, place=plain_text(str(path)))[1]:
        context.warn(note)
    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    metadata = {
        "format": "pt",
        "source": path.name,
        "network": json.dumps(dataclasses.asdict(network.description)),
    }
    data = save(tensors, metadata)
    shown = plain_text(str(output), 300)
    try:
        write_bytes_atomically(output, data)
    except OSError as error:
        raise JobError(
            f"{shown} cannot be written: {error.strerror or error}; name another with --set output="
        ) from None
    parameters = sum(value.numel() for value in network.parameters())
    context.reporter.say(
        f"{len(tensors)} tensors, {parameters:,} parameters, {in_bytes(len(data))}"
    )
    context.reporter.say(f"written: {shown}")
    return {"file": str(output), "bytes": len(data), "parameters": parameters}
