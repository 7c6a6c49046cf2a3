"""The trainer: play, learn, evaluate, save, until the run has ended."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import torch

from azul_tui.config import TrainingConfig, training_setting
from azul_tui.config.setting import check_instance, check_path
from azul_tui.errors import ConfigError, DivergedError, RunError
from azul_tui.network import resolve_device
from azul_tui.players.registry import create_player
from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.machine import GpuMeter
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import RunRecorder
from azul_tui.runs.text import plain_text
from azul_tui.training.evaluation import EvaluationPhase, opponents_due
from azul_tui.training.journal import Journal
from azul_tui.training.learner import Learner, LearningPhase
from azul_tui.training.resuming import (
    OpenRun,
    ProgressListener,
    ResumePoint,
    announce,
    continue_run,
    find_log_end,
    find_resume_point,
)
from azul_tui.training.run_compute import compile_kernels, compute_of
from azul_tui.training.run_progress import LOSSES, RunProgress
from azul_tui.training.saving import CheckpointKeeper
from azul_tui.training.self_play_phase import SelfPlayPhase
from azul_tui.training.settings_file import SettingsFile, write_config
from azul_tui.training.workers import create_executor

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from azul_tui.runs.control import ControlRequest
    from azul_tui.runs.events import Record
    from azul_tui.training.workers import SelfPlayExecutor


# -- seconds of training, with pauses left out


class Stopwatch:
    """Runs from the moment it is made, except inside `paused`."""

    def __init__(self, clock: Callable[[], float], before_s: float = 0.0) -> None:
        """Start from `before_s`, the seconds of earlier processes; `clock` gives seconds."""
        self._clock = clock
        self._started = clock() - before_s
        self._paused_at: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        now = self._clock() if self._paused_at is None else self._paused_at
        return now - self._started

    @contextmanager
    def paused(self) -> Generator[None]:
        """Stand still while inside; a pause within a pause is one pause."""
        if self._paused_at is not None:
            yield
            return
        self._paused_at = self._clock()
        try:
            yield
        finally:
            self._started += self._clock() - self._paused_at
            self._paused_at = None


# -- what people ask of a run while it trains: signals and control requests
#
# `poll` is called often and cheaply; what was asked is then read from attributes at the places
# where it can be obeyed.

POLL_EVERY_S = 0.2
PAUSE_POLL_S = 0.1


class Steering:
    """Requests to one run, as far as they have been understood."""

    def __init__(
        self,
        journal: Journal,
        config: TrainingConfig,
        stopwatch: Stopwatch,
        should_stop: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember where requests come from.

        Args:
            journal: The run.
            config: Settings in force; replaced when one is set.
            stopwatch: Stands still while the run is paused.
            should_stop: Whether a signal asked this process to leave.
            clock: Seconds.
        """
        self.config = config
        self.iteration = 0
        """Iteration under way, for the records."""
        self.paused = False
        self.stop_after_iteration = False
        self.cancelled = False
        self.checkpoint_wanted = False
        self.watch: Callable[[], None] = lambda: None
        """Called with every look at the requests: something that wants to be looked at as often."""
        self._journal = journal
        self._stopwatch = stopwatch
        self._should_stop = should_stop
        self._clock = clock
        self._polled = -POLL_EVERY_S

    @property
    def leaving(self) -> bool:
        """Whether to save and leave as soon as possible."""
        return self.cancelled or self._should_stop()

    def gives_up(self) -> bool:
        """Poll, and say whether the process is to leave: for whoever waits for a disk."""
        self.poll()
        return self.leaving

    def interrupts(self) -> bool:
        """Poll, and say whether the games under way must be given up."""
        self.poll()
        return self.leaving or self.paused

    def poll(self) -> None:
        """Obey the requests that wait; looks at the folder a few times a second at most."""
        now = self._clock()
        if now - self._polled < POLL_EVERY_S:
            return
        self._polled = now
        self.watch()
        for request in self._journal.requests():
            self._obey(request)

    def wait_while_paused(
        self, phase: str, save: Callable[[], None], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Stay here while paused.

        Args:
            phase: What goes on afterwards, for the status.
            save: Writes a checkpoint, for somebody who asks for one meanwhile.
            sleep: Waits so many seconds.
        """
        self.poll()
        if not self.paused or self.leaving:
            return
        with self._stopwatch.paused():
            self._journal.record("phase", phase="paused", iteration=self.iteration)
            self._journal.status(state="paused", phase="paused", left_s=None, force=True)
            while self.paused and not self.leaving:
                if self.checkpoint_wanted:
                    save()
                sleep(PAUSE_POLL_S)
                self.poll()
                self._journal.status()
            self._journal.status(state="running", phase=phase, force=True)

    def _obey(self, request: ControlRequest) -> None:
        """Take one request in and answer it."""
        if request.request == "set":
            self._set(request)
            return
        if request.request == "pause":
            self.paused = True
        elif request.request == "resume":
            self.paused = False
        elif request.request == "stop":
            self.stop_after_iteration = True
            self.paused = False
        elif request.request == "cancel":
            self.cancelled = True
        elif request.request == "checkpoint":
            self.checkpoint_wanted = True
        self._journal.answer(request, accepted=True)

    def _set(self, request: ControlRequest) -> None:
        """Change one setting that may change while a run is live."""
        try:
            spec = training_setting(request.key)
            if not spec.live:
                raise ConfigError(f"{spec.name} cannot change while the run is live")
            value = spec.check(request.value)
            config = self.config.replace(**{spec.name: value})
        except ConfigError as error:
            self._journal.answer(request, accepted=False, reason=str(error))
            return
        old = getattr(self.config, spec.name)
        self.config = config
        self._journal.answer(request, accepted=True)
        self._journal.record(
            "setting",
            key=spec.name,
            old=old,
            new=value,
            iteration=self.iteration,
            takes_effect="now" if spec.name == "learning_rate" else "next iteration",
        )


# -- the loop: an iteration is self-play, training, now and then an evaluation and a checkpoint
#
# What is done and what is left stands in `RunProgress`, so that a resumed process enters the
# iteration where the checkpoint left it.


class TrainingLoop:
    """Iterations of one run, until a limit is reached or somebody asks to leave."""

    def __init__(
        self,
        run: OpenRun,
        executor: SelfPlayExecutor,
        keeper: CheckpointKeeper,
        settings_file: SettingsFile,
    ) -> None:
        """Put the phases together."""
        self._run = run
        self._keeper = keeper
        self._settings_file = settings_file
        self._self_play = SelfPlayPhase(run, executor, keeper)
        self._learning = LearningPhase(run, keeper)
        self._evaluation = EvaluationPhase(run, keeper)

    def run(self) -> bool:
        """Train; whether somebody asked to leave before the limits were reached.

        Raises:
            DivergedError: A loss or a weight is not finite; the last good checkpoint is named.
        """
        try:
            while self._is_wanted():
                finished = self._iterate()
                if not finished or self._run.steering.stop_after_iteration:
                    self._keeper.save_unsaved()
                    return True
            self._keeper.save_unsaved()
        except DivergedError as error:
            self._keeper.settle()
            text = f"{error}; {self._keeper.last_good()}"
            self._run.journal.alert(text, level="error")
            raise DivergedError(text) from None
        return False

    def _is_wanted(self) -> bool:
        """Whether the limits leave something to do."""
        config, progress = self._run.config, self._run.progress
        if progress.opponents_left:
            return True
        if config.max_minutes and self._run.stopwatch.seconds >= 60.0 * config.max_minutes:
            return False
        return progress.iteration < config.max_iterations

    def _iterate(self) -> bool:
        """One iteration, or what a checkpoint left of it; False when somebody asked to leave."""
        run, progress = self._run, self._run.progress
        run.iteration_began_s = run.stopwatch.seconds
        if not progress.opponents_left:
            iteration = progress.iteration + 1
            run.steering.iteration = iteration
            self._self_play.seconds = 0.0
            if not progress.played and not self._self_play.play(iteration):
                return False
            if not self._learning.learn(iteration):
                return False
            self._finish_iteration()
        if not self._evaluation.evaluate():
            return False
        run.time_left.finished(run.stopwatch.seconds - run.iteration_began_s)
        self._settings_file.bring_up_to_date(run.config)
        if self._keeper.is_due():
            # Somebody who asked for it is told of it at once.
            self._keeper.save(beside=not run.steering.checkpoint_wanted)
        return not run.steering.leaving

    def _finish_iteration(self) -> None:
        """Record the iteration and turn to the next."""
        run, progress = self._run, self._run.progress
        steps = progress.steps_done
        losses: dict[str, Any] = {
            name: progress.loss_sums[name] / steps if steps else None for name in LOSSES
        }
        progress.finish_iteration(opponents_due(run.config, progress.iteration + 1))
        record: dict[str, Any] = run.journal.record(
            "iteration",
            iteration=progress.iteration,
            **losses,
            successful_steps=steps,
            training_time=round(self._learning.seconds, 3),
            self_play_time=round(self._self_play.seconds, 3),
            buffer_size=len(run.learner.buffer),
            buffer_capacity=run.learner.buffer.capacity,
            games_total=progress.games_total,
            elapsed_s=round(run.stopwatch.seconds, 3),
        )
        run.history.append(record)
        run.journal.status(iteration=progress.iteration, step=run.learner.step.step, **losses)


# -- azulTrainer: trains a network by self-play in a run directory
#
# Everything that happens is a record in the run directory; whoever watches reads it there.

Results = dict[str, Any]


class AzulTrainer:
    """Trains a network by self-play in a run directory."""

    def __init__(
        self,
        config: TrainingConfig | None = None,
        save_dir: str | Path = "checkpoints/run",
        resume_from: str | Path | None = None,
        *,
        start_over: bool = False,
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
            resume_from: A checkpoint file or a run directory to go on from.
            start_over: Begin a run anew that was interrupted before its first checkpoint.
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
        self._resume: ResumePoint | None = (
            find_resume_point(check_path("resume_from", resume_from), config)
            if resume_from is not None
            else None
        )
        if self._resume is not None:
            config = self._resume.config
        self.config = config or TrainingConfig()
        own = self._resume is not None and self._resume.continues(self.paths)
        if not own and checkpoint_files(self.paths):
            raise RunError(
                f"{plain_text(str(self.paths.directory))}: holds the checkpoints of another "
                "training; go on with it (resume_from=), or choose another save_dir"
            )
        resolve_device(self.config.device)
        if self.config.eval_frequency:
            for opponent in self.config.eval_opponents:
                create_player(opponent, self.config.num_players)
        self._start_over = start_over
        self._job = job
        self._listener = listener
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
        resume = self._resume
        log_end = None
        if resume is not None and resume.continues(self.paths):
            log_end = find_log_end(resume, self.paths)
        keep = 0 if self._start_over else log_end.keep if log_end else None
        with ExitStack() as stack:
            recorder = stack.enter_context(
                RunRecorder(
                    self.paths,
                    job=self._job,
                    listener=self._listener,
                    keep=keep,
                    carried=log_end.closing if log_end else b"",
                    prepare=partial(write_config, self.paths, self.config),
                )
            )
            run = self._open(recorder)
            device = torch.device(run.compute.device)
            if device.type == "cuda":
                properties: Any = cast("Any", torch.cuda).get_device_properties(device)
                uuid = str(getattr(properties, "uuid", ""))
                recorder.observe(partial(GpuMeter().status, uuid))
            settings_file = SettingsFile(self.paths, run.compute, run.journal)
            settings_file.bring_up_to_date(self.config)
            keeper = CheckpointKeeper(run)
            stack.callback(keeper.close)
            announce(run, resume, log_end)
            # Before the buffer is filled: what it will take is counted as not taken yet.
            executor = create_executor(self.config, run.journal.alert, run.compute.device)
            stack.callback(executor.close)
            if resume is not None:
                continue_run(run, keeper, resume, log_end)
            with run.stopwatch.paused():
                compile_kernels(self.config.num_players, partial(_report_compile, run))
            stopped = TrainingLoop(run, executor, keeper, settings_file).run()
            if stopped:
                run.journal.status(state="stopped", force=True)
            _record_the_end(run, recorder, self._job, stopped=stopped)
            return {
                "history": run.history,
                "iterations": run.progress.iteration,
                "games_total": run.progress.games_total,
                "best_evaluation_score": run.progress.best_score,
                "last_checkpoint": keeper.newest,
                "stopped": stopped,
            }

    def _open(self, recorder: RunRecorder) -> OpenRun:
        """The parts of a run, put together."""
        progress = self._resume.progress if self._resume else RunProgress()
        resume = self._resume
        compute = compute_of(
            self.config, resume.threads if resume else 0, resume.compute if resume else None
        )
        stopwatch = Stopwatch(self._clock, progress.elapsed_s)
        journal = Journal(recorder, stopwatch, self._listener)
        steering = Steering(journal, self.config, stopwatch, self._should_stop, self._clock)
        journal.leaving = steering.gives_up
        steering.iteration = progress.iteration + 1
        return OpenRun(
            paths=self.paths,
            journal=journal,
            steering=steering,
            compute=compute,
            learner=Learner(self.config, compute),
            progress=progress,
            stopwatch=stopwatch,
            on_progress=self._on_progress,
        )


def _record_the_end(run: OpenRun, recorder: RunRecorder, job: str, *, stopped: bool) -> None:
    """The log's last record; whoever called `train` tells its listener of it in words of its own.

    A resume carries it over what it cuts off, so it changes nothing about where a run goes on.
    """
    run.journal.persistently(
        lambda: recorder.log.append(
            "result",
            job=job,
            ok=True,
            stopped=stopped,
            iterations=run.progress.iteration,
            games_total=run.progress.games_total,
            best_evaluation_score=run.progress.best_score,
        )
    )


def _report_compile(run: OpenRun, done: int, total: int, name: str, seconds: float) -> None:
    """Show the first start's compilation."""
    if done == 0:
        run.journal.status(phase="compile", force=True)
        run.journal.record("phase", phase="compile", iteration=run.progress.iteration)
    run.journal.record("compile", done=done, total=total, name=name, seconds=round(seconds, 2))
