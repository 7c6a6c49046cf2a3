"""What a run saves of itself: checkpoints, the replay shards that they name, its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from azul_tui import __version__
from azul_tui.config import dump_config
from azul_tui.errors import DivergedError
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.training.checkpoints import ModelCheckpointManager
from azul_tui.training.game_records import write_games
from azul_tui.training.replay_shards import shards_in_window, write_shard

if TYPE_CHECKING:
    from azul_tui.config import TrainingConfig
    from azul_tui.runs.paths import RunPaths
    from azul_tui.training.open_run import OpenRun
    from azul_tui.training.resuming import ResumePoint
    from azul_tui.training.self_play import GameBatch


class CheckpointKeeper:
    """Writes what a later process needs in order to go on exactly where this one is."""

    def __init__(self, run: OpenRun) -> None:
        """Look at what the run directory holds."""
        config = run.config
        self._run = run
        self._manager = ModelCheckpointManager(
            run.paths.directory,
            save_frequency=config.save_frequency,
            keep_latest=config.keep_latest_checkpoints,
            save_best=config.save_best_model,
        )
        self._saved: tuple[dict[str, object], TrainingConfig] | None = None
        self._config_written = config
        self.newest = ""
        """File name of the newest checkpoint."""

    def continue_from(self, resume: ResumePoint, in_log: bool) -> None:
        """Go on from a checkpoint of this run.

        Args:
            resume: The checkpoint.
            in_log: Whether the event log holds its record; if not, it is written now.
        """
        run = self._run
        best = run.progress.best_score
        run.journal.persistently(lambda: self._manager.continue_from(resume.number, best))
        self.newest = resume.path.name
        self._saved = (_lasting(run.progress.as_dict()), resume.saved_config)
        if not in_log:
            score = None if run.progress.partial else run.progress.score
            self._record(resume.number, score, seconds=None)

    def is_due(self) -> bool:
        """Whether the iteration that just ended is to be saved."""
        run = self._run
        self._manager.save_frequency = run.config.save_frequency
        return (
            run.steering.checkpoint_wanted
            or run.progress.score is not None
            or self._manager.should_save_checkpoint(run.progress.iteration)
        )

    def save_unsaved(self) -> None:
        """Save what the newest checkpoint does not hold yet."""
        run = self._run
        if self._saved != (_lasting(run.progress.as_dict()), run.config):
            self.save()

    def save(self, *, silently: bool = False) -> None:
        """Write a checkpoint of everything that later training depends on.

        Args:
            silently: Leave no record: the log has one of this checkpoint already.

        Raises:
            DivergedError: The weights are not finite; nothing was written.
        """
        run = self._run
        progress = run.progress
        run.steering.checkpoint_wanted = False
        number = progress.checkpoint_number
        if number == 0:
            return
        if not run.learner.is_finite():
            raise DivergedError(
                f"the weights are no longer finite after step {run.learner.step.step}: "
                "try a lower learning_rate"
            )
        began = run.stopwatch.seconds
        progress.elapsed_s = began
        score = None if progress.partial else progress.score
        if score is not None and (progress.best_score is None or score >= progress.best_score):
            progress.best_score = score
        self._mark_shards(number)
        run.journal.sync()
        path = run.journal.persistently(lambda: self._write(number, score, silently))
        if path is None:
            return
        self.newest = path.name
        self._saved = (_lasting(progress.as_dict()), run.config)
        self._remove_old_shards()
        if silently:
            run.journal.status(last_checkpoint=path.name)
        else:
            self._record(number, score, seconds=round(run.stopwatch.seconds - began, 3))

    def keep_games(self, iteration: int, batch: GameBatch) -> bool:
        """Put the samples of an iteration into the buffer and onto the disk.

        Returns False when the disk refused until somebody asked to leave; they are then in
        neither.
        """
        run, progress = self._run, self._run.progress
        shard = run.journal.persistently(lambda: write_shard(run.paths.replay, iteration, batch))
        if shard is None:
            return False
        buffer = run.learner.buffer
        buffer.add(batch.states, batch.policies, batch.outcomes)
        progress.samples_total = buffer.added
        progress.games_total += batch.tally.games
        progress.shards = shards_in_window([*progress.shards, shard], buffer.capacity)
        run.journal.show(lambda: write_games(run.paths.games, iteration, batch, run.config))
        return True

    def write_config(self) -> None:
        """Bring `config.toml` up to date with the settings in force."""
        config = self._run.config
        if config != self._config_written:
            self._run.journal.persistently(lambda: write_config(self._run.paths, config))
            self._config_written = config

    def last_good(self) -> str:
        """Name the newest checkpoint, in words."""
        if not self.newest:
            return "no checkpoint was written yet"
        return f"the last good checkpoint is {self.newest}"

    def _write(self, number: int, score: float | None, silently: bool) -> Any:
        """One attempt to write the checkpoint; its path."""
        run = self._run
        config = run.config
        self._manager.keep_latest = config.keep_latest_checkpoints
        return self._manager.save_checkpoint(
            run.learner.model,
            run.learner.step.optimizer,
            number,
            dict(run.history[-1]) if run.history else {},
            score,
            extra={
                "training": run.learner.state_dict(),
                "threads": torch.get_num_threads(),
                "acting_state": run.learner.acting_weights() if config.ema_decay else None,
                "progress": run.progress.as_dict(),
                "config": config.to_dict(),
                "log_position": run.journal.position,
                "in_log": silently,
                "version": __version__,
            },
        )

    def _record(self, number: int, score: float | None, seconds: float | None) -> None:
        """The checkpoint's line in the event log."""
        best_score = self._run.progress.best_score
        self._run.journal.record(
            "checkpoint",
            iteration=number,
            file=self.newest,
            score=score,
            best=score is not None and score == best_score,
            seconds=seconds,
        )
        self._run.journal.status(last_checkpoint=self.newest, best_score=best_score)

    def _mark_shards(self, number: int) -> None:
        """Remember, with the checkpoint about to be written, which shards each kept one needs."""
        progress = self._run.progress
        kept = {record.iteration for record in self._manager.checkpoint_history}
        oldest = {key: file for key, file in progress.oldest_shards.items() if key in kept}
        oldest[number] = min((shard.file for shard in progress.shards), default="")
        progress.oldest_shards = oldest

    def _remove_old_shards(self) -> None:
        """Delete shards that no kept checkpoint names."""
        progress, folder = self._run.progress, self._run.paths.replay
        kept = {record.iteration for record in self._manager.checkpoint_history}
        if not kept <= set(progress.oldest_shards):
            return  # one of them was written by somebody else: better keep too much
        oldest = min((progress.oldest_shards[number] for number in kept), default="")
        for file in folder.glob("iter_*.npz"):
            if file.name < oldest:
                self._run.journal.show(lambda file=file: file.unlink(missing_ok=True))


def write_config(paths: RunPaths, config: TrainingConfig) -> None:
    """Write `config.toml`.

    Raises:
        OSError: The disk is full or refuses.
    """
    write_bytes_atomically(paths.config, dump_config(config).encode())


def _lasting(progress: dict[str, object]) -> dict[str, object]:
    """Progress without what changes while nothing happens."""
    passing = ("elapsed_s", "oldest_shards", "best_score")
    return {name: value for name, value in progress.items() if name not in passing}
