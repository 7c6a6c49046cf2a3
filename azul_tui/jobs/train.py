"""Job 8: training with the settings that were chosen; job 6 is the same with its own preset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azul_tui.jobs.describe import in_words
from azul_tui.training.trainer import AzulTrainer, Results

if TYPE_CHECKING:
    from azul_tui.config import TrainingConfig
    from azul_tui.jobs.start import JobContext
    from azul_tui.training.resuming import ResumePoint


def run(context: JobContext) -> dict[str, Any]:
    """Train in the run directory that was made for this start."""
    return train_here(context, context.training_config())


def train_here(
    context: JobContext,
    config: TrainingConfig,
    *,
    resume_from: ResumePoint | None = None,
) -> dict[str, Any]:
    """Train in `context.directory`, and sum it up; the other arguments are the trainer's."""
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
    return told(context, trainer.train())


def told(context: JobContext, results: Results) -> dict[str, Any]:
    """Sum up a training for a person, and as the fields of its result."""
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
        f"{results['games_total']:,} games in "
        f"{in_words(elapsed)}{fall}"
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
