"""AzulTrainer: the one training loop.

An iteration is self-play, training, now and then an evaluation and a checkpoint. Everything that
happens is a record in the run directory; whoever watches reads it there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from azul_tui import __version__
from azul_tui.config import TrainingConfig, dump_config
from azul_tui.errors import DivergedError
from azul_tui.game.notation import describe_move, format_position
from azul_tui.game.view import view_position
from azul_tui.network import LossFunctions, create_azul_network, resolve_device
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.recorder import RunRecorder
from azul_tui.training.batch_sampler import BatchSampler
from azul_tui.training.checkpoints import ModelCheckpointManager
from azul_tui.training.evaluation import Evaluation
from azul_tui.training.executors import SelfPlayTask, create_executor, usable_cores
from azul_tui.training.game_records import write_games
from azul_tui.training.persistence import persistently
from azul_tui.training.replay_buffer import ReplayBuffer
from azul_tui.training.replay_shards import restore_buffer, shards_in_window, write_shard
from azul_tui.training.resuming import ResumePoint, find_resume_point, take_over_shards
from azul_tui.training.run_progress import RunProgress, TimeLeft
from azul_tui.training.schedule import LearningRateSchedule
from azul_tui.training.steering import Steering
from azul_tui.training.training_step import StepReport, TrainingStep
from azul_tui.training.warm_up import compile_kernels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from azul_tui.runs.events import Record
    from azul_tui.training.self_play import GameBatch, SelfPlayProgress

Results = dict[str, Any]
ProgressListener = Callable[[float, float, str, float | None], None]
"""`(done, total, unit, seconds left in the run)`."""

_LOSSES = ("total_loss", "policy_loss", "value_loss")
_MOST_TRAINING_THREADS = 8


class AzulTrainer:
    """Trains a network by self-play in a run directory."""

    def __init__(
        self,
        config: TrainingConfig | None = None,
        save_dir: str | Path = "checkpoints/run",
        resume_from: str | Path | None = None,
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
            resume_from: A checkpoint file or a run directory to go on from.
            job: Name of the job in the run's status.
            listener: Gets every record after it was written.
            on_progress: Told how far the phase is.
            should_stop: Asked often; True saves and leaves.
            clock: Seconds.

        Raises:
            ConfigError: No such device, or the settings do not fit the checkpoint.
            CheckpointError: Nothing to resume from.
        """
        self.paths = RunPaths(Path(save_dir).absolute())
        self._resume: ResumePoint | None = (
            find_resume_point(Path(resume_from), config) if resume_from is not None else None
        )
        if self._resume is not None:
            config = self._resume.config
        self.config = config or TrainingConfig()
        self._device = resolve_device(self.config.device)
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
        with ExitStack() as stack:
            recorder = stack.enter_context(
                RunRecorder(
                    self.paths,
                    job=self._job,
                    listener=self._listener,
                    keep=self._resume.log_position(self.paths) if self._resume else None,
                )
            )
            return _Training(
                self.config,
                self._device,
                self.paths,
                recorder,
                self._resume,
                self._on_progress,
                self._should_stop,
                self._clock,
                stack,
            ).run()


class _Training:
    """One call of `train`: everything it holds, and the loop."""

    def __init__(
        self,
        config: TrainingConfig,
        device: torch.device,
        paths: RunPaths,
        recorder: RunRecorder,
        resume: ResumePoint | None,
        on_progress: ProgressListener | None,
        should_stop: Callable[[], bool],
        clock: Callable[[], float],
        stack: ExitStack,
    ) -> None:
        """Build the parts, and bring them to where the checkpoint left them."""
        self.paths = paths
        self.recorder = recorder
        self.clock = clock
        self.on_progress = on_progress
        self.steering = Steering(recorder, config, should_stop)
        self.progress = resume.progress if resume else RunProgress()
        self.time_left = TimeLeft()
        self.history: list[dict[str, Any]] = []
        torch.set_num_threads(max(1, min(_MOST_TRAINING_THREADS, usable_cores() - 1)))
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)  # pyright: ignore[reportUnknownMemberType] - untyped in torch
            self.model = create_azul_network(
                config.network_config, config.num_players, config.dropout
            )
        self.buffer = ReplayBuffer(config.buffer_capacity, config.num_players)
        sampler = BatchSampler(
            self.buffer, config.batch_size, device, config.seed, config.min_buffer_size
        )
        self.step = TrainingStep(
            self.model,
            sampler,
            losses=LossFunctions(
                config.policy_loss_weight, config.value_loss_weight, config.loss_temperature
            ),
            schedule=_schedule(config),
            weight_decay=config.weight_decay,
            gradient_clip_norm=config.gradient_clip_norm,
            precision=config.training_precision,
            ema_decay=config.ema_decay,
        )
        self.checkpoints = ModelCheckpointManager(
            paths.directory,
            save_frequency=config.save_frequency,
            keep_latest=config.keep_latest_checkpoints,
            save_best=config.save_best_model,
        )
        self.last_checkpoint = ""
        self.evaluation: Evaluation | None = None
        self.live_written = -1e9
        self._announce(resume)
        self.executor = create_executor(config, self._alert)
        stack.callback(self.executor.close)

    @property
    def config(self) -> TrainingConfig:
        """Settings in force."""
        return self.steering.config

    def run(self) -> Results:
        """The loop over iterations."""
        compile_kernels(self.config.num_players, self._report_compile)
        stopped = False
        while self._wanted():
            if not self._iteration():
                self._save_unfinished()
                stopped = True
                break
            if self.steering.stop_after_iteration:
                self._save_unfinished()
                stopped = True
                break
        else:
            self._save_unfinished()
        if stopped:
            self.recorder.status(state="stopped", force=True)
        return {
            "history": self.history,
            "iterations": self.progress.iteration,
            "games_total": self.progress.games_total,
            "best_evaluation_score": self.progress.best_score,
            "last_checkpoint": self.last_checkpoint,
            "stopped": stopped,
        }

    def _wanted(self) -> bool:
        """Whether the limits leave another iteration."""
        config = self.config
        if config.max_minutes and self.progress.elapsed_s >= 60.0 * config.max_minutes:
            return False
        return self.progress.iteration < config.max_iterations

    def _iteration(self) -> bool:
        """One iteration; False when it was left unfinished because somebody asked to leave."""
        started = self.clock()
        before_s = self.progress.elapsed_s
        number = self.progress.iteration + 1
        self.steering.iteration = number
        self.iteration_started = started
        self_play_s = 0.0
        if not self.progress.played:
            seconds = self._self_play(number)
            if seconds is None:
                self.progress.elapsed_s = before_s + self.clock() - started
                return False
            self_play_s = seconds
        training_s = self._train(number)
        self.progress.elapsed_s = before_s + self.clock() - started
        if training_s is None:
            return False
        self._finish_iteration(number, self_play_s, training_s)
        score = self._evaluate(number)
        self.progress.elapsed_s = before_s + self.clock() - started
        self.time_left.finished(self.clock() - started)
        wanted = self.steering.checkpoint_wanted or self.steering.leaving
        if wanted or score is not None or self.checkpoints.should_save_checkpoint(number):
            self._save(score)
        return not self.steering.leaving

    def _self_play(self, number: int) -> float | None:
        """Play the iteration's games into the buffer; seconds, or None when leaving."""
        config = self.config
        count = config.self_play_games_per_iteration
        task = SelfPlayTask(
            number - 1,
            np.arange(self.progress.games_total, self.progress.games_total + count),
            config,
        )
        weights = {name: tensor.cpu() for name, tensor in self._acting_weights().items()}
        batch: GameBatch | None = None
        started = self.clock()
        while batch is None:
            self.steering.wait_while_paused()
            if self.steering.leaving:
                return None
            self._phase("self-play", number)
            started = self.clock()
            batch = self.executor.play(
                task,
                weights,
                on_progress=lambda seen: self._show_self_play(seen, count, started),
                should_stop=self.steering.interrupts,
            )
        seconds = self.clock() - started
        self._keep(number, batch)
        tally = batch.tally
        self.recorder.record(
            "self_play",
            iteration=number,
            games=tally.games,
            positions=len(batch.states),
            seconds=round(seconds, 3),
            games_per_s=tally.games / seconds,
            sims_per_s=tally.simulations / seconds,
            mean_moves=tally.moves / max(1, tally.games),
            first_seat_share=tally.first_seat_wins / max(1, tally.games),
            policy_entropy=tally.entropy / max(1, tally.policies),
            games_total=self.progress.games_total,
        )
        self.recorder.status(
            games_total=self.progress.games_total,
            games_per_s=tally.games / seconds,
            sims_per_s=tally.simulations / seconds,
            buffer_size=len(self.buffer),
            buffer_capacity=self.buffer.capacity,
            policy_entropy=tally.entropy / max(1, tally.policies),
            mcts_simulations=config.mcts_simulations,
        )
        return seconds

    def _keep(self, number: int, batch: GameBatch) -> None:
        """Put the samples into the buffer and onto the disk."""
        shard = persistently(
            lambda: write_shard(self.paths.replay, number, batch), self.recorder, self.steering
        )
        self.buffer.add(batch.states, batch.policies, batch.outcomes)
        self.progress.samples_total = self.buffer.added
        self.progress.games_total += batch.tally.games
        self.progress.played = True
        self.progress.steps_done = 0
        self.progress.loss_sums = {}
        if shard is not None:
            shards = [*self.progress.shards, shard]
            self.progress.shards = shards_in_window(shards, self.buffer.capacity)
        write_games(self.paths.games, number, batch, self.config)

    def _train(self, number: int) -> float | None:
        """Make the iteration's training steps; seconds, or None when leaving."""
        config = self.config
        total = config.training_steps_per_iteration
        self._phase("training", number)
        growth = config.buffer_growth_iterations
        share = min(1.0, number / growth) if growth else 1.0
        self.step.sampler.window = max(
            config.batch_size, config.min_buffer_size, round(share * config.buffer_capacity)
        )
        seconds = 0.0
        while self.progress.steps_done < total:
            self.step.schedule = _schedule(self.config)
            chunk = min(config.log_every_steps, total - self.progress.steps_done)
            try:
                report = self.step.train_for_steps(
                    chunk, on_step=lambda seen: self._show_step(seen, number), every=chunk
                )
            except DivergedError as error:
                self._report_divergence(error)
                raise DivergedError(f"{error}; {self._last_good()}") from None
            done = int(report["successful_steps"])
            seconds += report["training_time"]
            if done == 0:  # the buffer is still too small
                break
            self.progress.steps_done += done
            sums = self.progress.loss_sums
            for name in _LOSSES:
                sums[name] = sums.get(name, 0.0) + done * report[name]
            self._tell(self.progress.steps_done, total, "steps")
            self.steering.wait_while_paused()
            if self.steering.checkpoint_wanted:
                self._save(None)
            if self.steering.leaving and self.progress.steps_done < total:
                return None
        return seconds

    def _finish_iteration(self, number: int, self_play_s: float, training_s: float) -> None:
        """Record the iteration and turn to the next."""
        progress = self.progress
        steps = progress.steps_done
        losses = {name: progress.loss_sums[name] / steps if steps else None for name in _LOSSES}
        record = self.recorder.record(
            "iteration",
            iteration=number,
            **losses,
            successful_steps=steps,
            training_time=round(training_s, 3),
            self_play_time=round(self_play_s, 3),
            buffer_size=len(self.buffer),
            buffer_capacity=self.buffer.capacity,
            games_total=progress.games_total,
            elapsed_s=round(progress.elapsed_s, 3),
        )
        self.history.append(record)
        progress.iteration = number
        progress.steps_done = 0
        progress.played = False
        progress.loss_sums = {}
        self.recorder.status(iteration=number, step=self.step.step, **losses)

    def _evaluate(self, number: int) -> float | None:
        """Measure the acting weights; the score against the last opponent."""
        config = self.config
        due = config.eval_frequency and number % config.eval_frequency == 0
        last = number >= config.max_iterations and config.eval_frequency
        if not (due or last) or not config.eval_opponents or self.steering.leaving:
            return None
        self._phase("evaluation", number)
        if self.evaluation is None:
            self.evaluation = Evaluation(self.model, config)
        score: float | None = None
        for index, opponent in enumerate(config.eval_opponents):
            result = self.evaluation.play(
                config,
                self._acting_weights(),
                opponent,
                number,
                on_progress=lambda done, total, index=index: self._tell(
                    index * total + done, len(config.eval_opponents) * total, "games"
                ),
                stop=self.steering.interrupts,
            )
            if result.stopped:
                return None
            score = result.score
            self.recorder.record(
                "evaluation",
                iteration=number,
                opponent=opponent,
                games=result.games,
                wins=result.wins,
                draws=result.draws,
                losses=result.losses,
                score=result.score,
                low=result.low,
                high=result.high,
                margin=result.margin,
                simulations=config.eval_simulations,
            )
        return score

    def _save(self, score: float | None) -> None:
        """Write a checkpoint of everything that later training depends on."""
        progress = self.progress
        partial = progress.played or progress.steps_done > 0
        number = progress.iteration + (1 if partial else 0)
        if number == 0:
            return
        self.steering.checkpoint_wanted = False
        started = self.clock()
        best = score is not None and (progress.best_score is None or score >= progress.best_score)
        if best:
            progress.best_score = score
        self.recorder.log.sync()
        path = persistently(
            lambda: self.checkpoints.save_checkpoint(
                self.model,
                self.step.optimizer,
                number,
                dict(self.history[-1]) if self.history else {},
                score,
                extra={
                    "training": self._training_state(),
                    "acting_state": self._acting_weights() if self.config.ema_decay else None,
                    "progress": progress.as_dict(),
                    "config": self.config.to_dict(),
                    "log_position": self.recorder.log.position,
                    "version": __version__,
                },
            ),
            self.recorder,
            self.steering,
        )
        if path is None:
            return
        self.last_checkpoint = path.name
        self._remove_old_shards()
        self.recorder.record(
            "checkpoint",
            iteration=number,
            file=path.name,
            score=score,
            best=best,
            seconds=round(self.clock() - started, 3),
        )
        self.recorder.status(last_checkpoint=path.name, best_score=progress.best_score)

    def _training_state(self) -> dict[str, Any]:
        """What later steps depend on; the optimizer has a place of its own in a checkpoint."""
        state = self.step.state_dict()
        del state["optimizer"]
        return state

    def _save_unfinished(self) -> None:
        """Save what the newest checkpoint does not hold yet."""
        number = self.progress.iteration
        saved = self.last_checkpoint == self.paths.checkpoint(number).name
        if self.progress.played or not saved:
            self._save(None)

    def _remove_old_shards(self) -> None:
        """Delete shards that no kept checkpoint can need."""
        kept = {shard.file for shard in self.progress.shards}
        oldest = min(kept, default="")
        history = [entry.iteration for entry in self.checkpoints.checkpoint_history]
        spare = len(kept) + (max(history) - min(history) if history else 0) + 1
        if not oldest or not self.paths.replay.is_dir():
            return
        files = sorted(file for file in self.paths.replay.glob("iter_*.npz"))
        for file in files[: max(0, len(files) - spare)]:
            file.unlink(missing_ok=True)

    def _acting_weights(self) -> Mapping[str, Tensor]:
        """The weights that play: averaged ones when the run keeps an average."""
        return self.step.averaged_state()

    def _phase(self, phase: str, number: int) -> None:
        """Say what begins."""
        self.recorder.record("phase", phase=phase, iteration=number)
        self.recorder.status(
            phase=phase,
            iteration=self.progress.iteration,
            max_iterations=self.config.max_iterations,
            done=0,
            total=None,
            force=True,
        )

    def _tell(self, done: float, total: float, unit: str) -> None:
        """How far the phase is, to the status and to whoever listens; also polls for requests."""
        self.steering.poll()
        left = self.time_left.estimate(
            self.config, self.progress, self.clock() - self.iteration_started
        )
        self.recorder.status(
            done=done,
            total=total,
            unit=unit,
            left_s=left,
            step=self.step.step,
            learning_rate=self.step.schedule.rate_at(max(0, self.step.step - 1)),
        )
        if self.on_progress is not None:
            self.on_progress(done, total, unit, left)

    def _show_step(self, seen: StepReport, number: int) -> None:
        """Record the means over the last steps."""
        self.recorder.record(
            "step",
            iteration=number,
            step=seen.step,
            total_loss=seen.total_loss,
            policy_loss=seen.policy_loss,
            value_loss=seen.value_loss,
            learning_rate=seen.learning_rate,
            gradient_norm=seen.gradient_norm,
        )
        self.recorder.status(
            total_loss=seen.total_loss, policy_loss=seen.policy_loss, value_loss=seen.value_loss
        )

    def _show_self_play(self, seen: SelfPlayProgress, count: int, started: float) -> None:
        """Status and the game to look at."""
        seconds = max(1e-9, self.clock() - started)
        self.recorder.status(
            games_per_s=seen.games / seconds, sims_per_s=seen.simulations / seconds
        )
        self._tell(seen.games, count, "games")
        if self.clock() - self.live_written < 1.0:
            return
        self.live_written = self.clock()
        view = view_position(np.frombuffer(seen.position, np.int8))
        live = {
            "game": seen.number,
            "move": seen.moves,
            "players": self.config.num_players,
            "position": format_position(view),
            "last_move": (
                describe_move(seen.last_action, self.config.num_players)
                if seen.last_action >= 0
                else ""
            ),
            "value": seen.value,
        }
        write_bytes_atomically(self.paths.live, json.dumps(live).encode() + b"\n", durable=False)

    def _announce(self, resume: ResumePoint | None) -> None:
        """First records of this process: settings, what was resumed, what changed."""
        config = self.config
        write_bytes_atomically(self.paths.config, dump_config(config).encode())
        if resume is not None:
            take_over_shards(resume, self.paths)
            self.model.load_state_dict(resume.model_state)
            self.step.load_state_dict(resume.training_state)
            self.checkpoints.continue_from(resume.number)
        status = self.recorder._status.status  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - pid and host
        self.recorder.record(
            "run_started",
            name=self.paths.name,
            host=status.host,
            pid=status.pid,
            version=__version__,
            config=config.to_dict(),
            resumed_from=resume.name if resume else None,
            iteration=self.progress.iteration,
            parameters=self.model.parameter_count,
        )
        if resume is None:
            return
        for text in resume.notes:
            self._alert(text)
        for key, (old, new) in resume.changes.items():
            self.recorder.record(
                "setting",
                key=key,
                old=old,
                new=new,
                iteration=self.progress.iteration,
                takes_effect="resume",
            )
        for problem in restore_buffer(
            self.buffer, self.paths.replay, self.progress.shards, self.progress.samples_total
        ):
            self._alert(f"{problem}; the run goes on with {len(self.buffer):,} positions")

    def _alert(self, text: str, level: str = "warning") -> None:
        """Record something that a person should see."""
        self.recorder.record("alert", level=level, text=text)

    def _report_compile(self, done: int, total: int, name: str, seconds: float) -> None:
        """Show the first start's compilation."""
        if done == 0:
            self.recorder.status(phase="compile", force=True)
            self.recorder.record("phase", phase="compile", iteration=self.progress.iteration)
        self.recorder.record(
            "compile", done=done, total=total, name=name, seconds=round(seconds, 2)
        )

    def _report_divergence(self, error: DivergedError) -> None:
        """Leave the reason where the dashboard looks."""
        self._alert(f"{error}; {self._last_good()}", level="error")

    def _last_good(self) -> str:
        """Name the newest checkpoint, in words."""
        if not self.last_checkpoint:
            return "no checkpoint was written yet"
        return f"the last good checkpoint is {self.last_checkpoint}"


def _schedule(config: TrainingConfig) -> LearningRateSchedule:
    """The learning rate that `config` asks for."""
    cosine = config.learning_rate_schedule == "cosine"
    steps = config.max_iterations * config.training_steps_per_iteration
    return LearningRateSchedule(
        peak=config.learning_rate,
        warmup_steps=config.warmup_steps,
        total_steps=steps if cosine else None,
    )
