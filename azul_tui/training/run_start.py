"""The first records of a process in a run: what it is, what it resumes, what that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui import __version__
from azul_tui.runs.events import text
from azul_tui.runs.processes import own_mark
from azul_tui.training.replay_shards import restore_buffer
from azul_tui.training.resuming import described_move, take_over_shards

if TYPE_CHECKING:
    from azul_tui.training.checkpoint_keeper import CheckpointKeeper
    from azul_tui.training.open_run import OpenRun
    from azul_tui.training.resuming import LogEnd, ResumePoint


def announce(run: OpenRun, resume: ResumePoint | None, log_end: LogEnd | None) -> None:
    """Say who trains what with which settings.

    Args:
        run: The run.
        resume: What it goes on from.
        log_end: Where its log went on, if the checkpoint is its own.
    """
    mark = own_mark()
    run.journal.record(
        "run_started",
        name=run.paths.name,
        host=mark.host,
        pid=mark.pid,
        version=__version__,
        config=run.config.to_dict(),
        resumed_from=resume.name if resume else None,
        iteration=run.progress.iteration,
        parameters=run.learner.model.parameter_count,
    )
    run.journal.record("compute", text=run.compute.told, **run.compute.to_plain())
    if resume is None:
        return
    for note in (*resume.notes, described_move(resume.compute, run.compute)):
        if note:
            run.journal.alert(note)
    for record in log_end.lost_settings if log_end else ():
        key, value = text(record, "key", 60), str(record.get("new"))[:60]
        run.journal.alert(
            f"{key} had been set to {value} after {resume.path.name} was written and is as before; "
            "set it again if it is still wanted"
        )
    for key, (old, new) in resume.changes.items():
        run.journal.record(
            "setting",
            key=key,
            old=old,
            new=new,
            iteration=run.progress.iteration,
            takes_effect="resume",
        )


def continue_run(
    run: OpenRun, keeper: CheckpointKeeper, resume: ResumePoint, log_end: LogEnd | None
) -> None:
    """Bring weights, buffer and checkpoints to where the checkpoint left them.

    What was changed is saved at once: another resume would not know of it.

    Raises:
        CheckpointError: The training state in the checkpoint is damaged.
    """
    progress = run.progress
    run.journal.persistently(lambda: take_over_shards(resume, run.paths))
    run.learner.load_state_dict(resume.model_state, resume.training_state)
    for problem in restore_buffer(
        run.learner.buffer, run.paths.replay, progress.shards, progress.samples_total
    ):
        run.journal.alert(f"{problem}; the run goes on with {len(run.learner.buffer):,} positions")
    progress.samples_total = run.learner.buffer.added
    keeper.take_stats(resume.stats)
    if log_end is not None:
        keeper.continue_from(resume, log_end.checkpoint_recorded)
    if keeper.take_measure(resume.measure) and log_end is None:
        progress.score = None  # the first save of a new run is not to make it the best
    run.journal.status(
        iteration=progress.iteration,
        max_iterations=run.config.max_iterations,
        step=run.learner.step.step,
        games_total=progress.games_total,
        buffer_size=len(run.learner.buffer),
        buffer_capacity=run.learner.buffer.capacity,
        best_score=progress.best_score,
    )
    if log_end is None or resume.changes:
        keeper.save(silently=log_end is not None)
