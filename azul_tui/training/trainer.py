"""The trainer: play, learn, evaluate, save, until the run has ended.

Everything that happens is a record in the run directory; whoever watches reads it there.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import torch

from azul_tui import __version__
from azul_tui.config import TrainingConfig
from azul_tui.config.setting import check_instance, check_path
from azul_tui.errors import DivergedError, RunError
from azul_tui.network import resolve_device
from azul_tui.players.registry import create_player
from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.machine import GpuMeter, own_mark
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import RunRecorder
from azul_tui.runs.text import plain_text
from azul_tui.training.evaluation import EvaluationPhase, opponents_due
from azul_tui.training.learner import Learner
from azul_tui.training.replay import restore_buffer
from azul_tui.training.resuming import (
    LOSSES,
    ResumePoint,
    RunProgress,
    find_resume_point,
    take_over_shards,
)
from azul_tui.training.run import TrainingRun, write_config
from azul_tui.training.trackers import Trackers
from azul_tui.training.workers import SelfPlayPhase, compile_kernels, compute_of, create_executor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azul_tui.runs.events import Record
    from azul_tui.training.run import ProgressListener
    from azul_tui.training.training_step import StepReport

Results = dict[str, Any]


class AzulTrainer:
    """Trains a network by self-play in a run directory."""

    def __init__(
        self,
        config: TrainingConfig | None = None,
        save_dir: str | Path = "checkpoints/run",
        resume_from: str | Path | ResumePoint | None = None,
        *,
        job: str = "train",
        listener: Callable[[Record], None] | None = None,
        on_progress: ProgressListener | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check what can be checked before anything starts.

        Args:
            config: Settings; None takes those of the checkpoint, else the defaults.
            save_dir: The run directory.
            resume_from: What to go on from: a checkpoint file, a run directory, or what
                `find_resume_point` made of one.
            job: Name of the job in the run's status.
            listener: Gets every record after it was written.
            on_progress: Told how far the phase is.
            should_stop: Asked often; True saves and leaves.
            clock: Seconds.

        Raises:
            ConfigError: No such device, the settings do not fit the checkpoint, or an argument is
                of another class.
            PlayerError: No such opponent to measure against.
            CheckpointError: Nothing to resume from.
            RunError: `save_dir` holds another run.
        """
        if config is not None:
            check_instance("config", config, TrainingConfig)
        self.paths = RunPaths(check_path("save_dir", save_dir).absolute())
        if resume_from is not None and not isinstance(resume_from, ResumePoint):
            resume_from = find_resume_point(check_path("resume_from", resume_from))
        if resume_from is not None:
            resume_from = resume_from.with_settings(config or resume_from.config)
        self._point: ResumePoint | None = resume_from
        self.config = resume_from.config if resume_from else config or TrainingConfig()
        own = resume_from is not None and resume_from.continues(self.paths)
        if not own and checkpoint_files(self.paths):
            raise RunError(
                f"{plain_text(str(self.paths.directory))}: holds the checkpoints of another "
                "training; go on with it (resume_from=), or choose another save_dir"
            )
        resolve_device(self.config.device)
        if self.config.eval_frequency:
            for opponent in self.config.eval_opponents:
                create_player(opponent, self.config.num_players)
        self._job = job
        self._listener = Trackers(self.config.trackers, self.paths.directory, listener)
        self._on_progress = on_progress
        self._should_stop = should_stop
        self._clock = clock

    def train(self) -> Results:
        """Train until a limit is reached or somebody asks to leave.

        Returns:
            `history` (one dict an iteration of this call), `iterations`, `games_total`,
            `best_evaluation_score` (None without evaluation), `last_checkpoint`, `stopped`.

        Raises:
            RunLockedError: Another process trains this run.
            DivergedError: A loss is not finite; the last good checkpoint is named.
        """
        with ExitStack() as stack:
            recorder = stack.enter_context(
                RunRecorder(
                    self.paths,
                    job=self._job,
                    listener=self._listener,
                    prepare=partial(write_config, self.paths, self.config),
                )
            )
            run = self._open(recorder)
            stack.callback(run.saver.close)
            stack.enter_context(self._listener.following(run.alert))
            _announce(run, self._point)
            # Before the buffer is filled: what it will take is counted as not taken yet.
            executor = create_executor(self.config, run.alert, run.compute.device)
            stack.callback(executor.close)
            if self._point is not None:
                _continue(run, self._point)
            with run.clock_stopped():
                compile_kernels(self.config.num_players, partial(_report_compile, run))
            stopped = _Loop(run, SelfPlayPhase(run, executor)).train()
            if stopped:
                run.status(state="stopped", force=True)
            results: Results = {
                "iterations": run.progress.iteration,
                "games_total": run.progress.games_total,
                "best_evaluation_score": run.progress.best_score,
                "stopped": stopped,
            }
            # The log's last record; the caller tells its listener of it in words of its own.
            run.retry(lambda: recorder.log.append("result", job=self._job, ok=True, **results))
            return {"history": run.history, "last_checkpoint": run.saver.newest, **results}

    def _open(self, recorder: RunRecorder) -> TrainingRun:
        """The parts of a run, put together."""
        point = self._point
        remembered = point.compute if point else None
        compute = compute_of(self.config, remembered.threads if remembered else 0, remembered)
        if (device := torch.device(compute.device)).type == "cuda":
            properties: Any = cast("Any", torch.cuda).get_device_properties(device)
            uuid = str(getattr(properties, "uuid", ""))
            recorder.observe(partial(GpuMeter().status, uuid))
        return TrainingRun(
            recorder,
            self.config,
            compute,
            Learner(self.config, compute),
            point.progress if point else RunProgress(),
            listener=self._listener,
            on_progress=self._on_progress,
            should_stop=self._should_stop,
            clock=self._clock,
        )


def _announce(run: TrainingRun, point: ResumePoint | None) -> None:
    """The first records of a process: who trains what, what it goes on from, what that changes."""
    warnings = point.warnings(run.paths, run.compute) if point else []
    if run.log_position:  # what earlier processes said of what comes after this is void
        step = point.training_state.get("step") if point else 0
        run.record("resumed", iteration=point.number if point else 0, step=step)
    iteration, mark = run.progress.iteration, own_mark()
    run.record(
        "run_started",
        name=run.paths.name,
        host=mark.host,
        pid=mark.pid,
        version=__version__,
        config=run.config.to_dict(),
        resumed_from=point.name if point else None,
        iteration=iteration,
        parameters=run.learner.model.parameter_count,
    )
    run.record("compute", text=run.compute.summary, **run.compute.to_plain())
    for warning in warnings:
        run.alert(warning)
    for key, (old, new) in point.changes.items() if point else ():
        run.record("setting", key=key, old=old, new=new, iteration=iteration, takes_effect="resume")
    run.save_settings()


def _continue(run: TrainingRun, point: ResumePoint) -> None:
    """Bring weights, buffer and checkpoints to where the checkpoint left them.

    Raises:
        CheckpointError: The training state in the checkpoint is damaged.
    """
    progress, buffer = run.progress, run.learner.buffer
    run.retry(lambda: take_over_shards(point, run.paths))
    run.learner.load_state_dict(point.model_state, point.training_state)
    for problem in restore_buffer(
        buffer, run.paths.replay, progress.shards, progress.samples_total
    ):
        run.alert(f"{problem}; the run goes on with {len(buffer):,} positions")
    progress.samples_total = buffer.added
    run.status(
        iteration=progress.iteration,
        max_iterations=run.config.max_iterations,
        step=run.learner.step.step,
        games_total=progress.games_total,
        buffer_size=len(buffer),
        buffer_capacity=buffer.capacity,
        best_score=progress.best_score,
    )
    run.saver.continue_from(point)


class _Loop:
    """Iterations of one run. What is done and what is left stands in its progress."""

    def __init__(self, run: TrainingRun, self_play: SelfPlayPhase) -> None:
        self._run = run
        self._self_play = self_play
        self._evaluation = EvaluationPhase(run)
        self._training_s = 0.0

    def train(self) -> bool:
        """Iterate; whether somebody asked to leave before the limits were reached.

        Raises:
            DivergedError: A loss or a weight is not finite; the last good checkpoint is named.
        """
        run = self._run
        try:
            while self._something_is_left():
                run.begin_iteration()
                if not run.progress.opponents_left:
                    iteration = run.progress.iteration + 1
                    if not (self._play(iteration) and self._learn(iteration)):
                        break
                    self._finish_iteration()
                if not self._evaluation.evaluate():
                    break
                run.end_iteration()
                run.save_settings()
                if run.saver.is_due():
                    # Somebody who asked for it is told of it at once.
                    run.saver.save(beside=not run.checkpoint_wanted)
                if run.leaving or run.stop_after_iteration:
                    break
            else:
                run.saver.save_unsaved()
                return False
            run.saver.save_unsaved()
        except DivergedError as error:
            run.saver.settle()
            text = f"{error}; {run.saver.last_good()}"
            run.alert(text, level="error")
            raise DivergedError(text) from None
        return True

    def _something_is_left(self) -> bool:
        """Whether the limits leave something to do."""
        config, progress = self._run.config, self._run.progress
        if progress.opponents_left:
            return True
        if config.max_minutes and self._run.seconds >= 60.0 * config.max_minutes:
            return False
        return progress.iteration < config.max_iterations

    def _play(self, iteration: int) -> bool:
        """Play the iteration's games, unless a checkpoint brought them; False when leaving."""
        self._self_play.seconds = 0.0
        return self._run.progress.played or self._self_play.play(iteration)

    def _learn(self, iteration: int) -> bool:
        """Make the training steps that are left; False when leaving before the last."""
        run, progress = self._run, self._run.progress
        self._training_s = 0.0
        run.begin_phase("training", iteration)
        while progress.steps_done < progress.steps_wanted:
            chunk = min(run.config.log_every_steps, progress.steps_wanted - progress.steps_done)
            report = run.learner.train(chunk, run.config, partial(_record_step, run, iteration))
            done = int(report["successful_steps"])
            if done == 0:  # the buffer is still too small
                break
            self._training_s += report["training_time"]
            progress.steps_done += done
            for name in LOSSES:
                progress.loss_sums[name] = progress.loss_sums.get(name, 0.0) + done * report[name]
            run.tell(progress.steps_done, progress.steps_wanted, "steps")
            run.wait_while_paused()
            if run.checkpoint_wanted:
                run.saver.save()
            if run.leaving and progress.steps_done < progress.steps_wanted:
                return False
        return True

    def _finish_iteration(self) -> None:
        """Record the iteration and turn to the next."""
        run, progress = self._run, self._run.progress
        steps = progress.steps_done
        losses: dict[str, Any] = {
            name: progress.loss_sums[name] / steps if steps else None for name in LOSSES
        }
        progress.finish_iteration(opponents_due(run.config, progress.iteration + 1))
        record = run.record(
            "iteration",
            iteration=progress.iteration,
            **losses,
            successful_steps=steps,
            training_time=round(self._training_s, 3),
            self_play_time=round(self._self_play.seconds, 3),
            buffer_size=len(run.learner.buffer),
            buffer_capacity=run.learner.buffer.capacity,
            games_total=progress.games_total,
            elapsed_s=round(run.seconds, 3),
        )
        run.history.append(record)
        run.status(iteration=progress.iteration, step=run.learner.step.step, **losses)


def _record_step(run: TrainingRun, iteration: int, seen: StepReport) -> None:
    """Record the means over the last steps."""
    losses = {name: getattr(seen, name) for name in LOSSES}
    run.record(
        "step",
        iteration=iteration,
        step=seen.step,
        **losses,
        learning_rate=seen.learning_rate,
        gradient_norm=seen.gradient_norm,
    )
    run.status(**losses)


def _report_compile(run: TrainingRun, done: int, total: int, name: str, seconds: float) -> None:
    """Show the first start's compilation."""
    if done == 0:
        run.status(phase="compile", force=True)
        run.record("phase", phase="compile", iteration=run.progress.iteration)
    run.record("compile", done=done, total=total, name=name, seconds=round(seconds, 2))
