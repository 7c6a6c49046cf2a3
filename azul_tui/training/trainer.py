"""AzulTrainer: trains a network by self-play in a run directory.

Everything that happens is a record in the run directory; whoever watches reads it there.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from azul_tui.config import TrainingConfig
from azul_tui.config.setting import check_instance, check_path
from azul_tui.errors import RunError
from azul_tui.network import resolve_device
from azul_tui.players.registry import create_player
from azul_tui.runs.gpus import GpuMeter
from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.recorder import RunRecorder
from azul_tui.runs.text import plain_text
from azul_tui.training.checkpoint_keeper import CheckpointKeeper
from azul_tui.training.executors import create_executor
from azul_tui.training.journal import Journal
from azul_tui.training.learner import Learner
from azul_tui.training.open_run import OpenRun, ProgressListener
from azul_tui.training.resuming import ResumePoint, find_log_end, find_resume_point
from azul_tui.training.run_compute import compute_of
from azul_tui.training.run_progress import RunProgress
from azul_tui.training.run_start import announce, continue_run
from azul_tui.training.settings_file import SettingsFile, write_config
from azul_tui.training.steering import Steering
from azul_tui.training.stopwatch import Stopwatch
from azul_tui.training.training_loop import TrainingLoop
from azul_tui.training.warm_up import compile_kernels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azul_tui.runs.events import Record

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
