"""Saving while training goes on: what is due, one thread that writes, a full disk."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from azul_tui import __version__
from azul_tui.config import PLAYED_WITH
from azul_tui.errors import DivergedError
from azul_tui.training.checkpoint_manager import ModelCheckpointManager
from azul_tui.training.evaluation import BestMeasure
from azul_tui.training.game_records import write_games
from azul_tui.training.replay import mark_shards, remove_old_shards, shards_in_window, write_shard

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from azul_tui.config import TrainingConfig
    from azul_tui.training.checkpoint_manager import Snapshot
    from azul_tui.training.evaluation import Measure
    from azul_tui.training.game_records import GameBatch
    from azul_tui.training.replay import Shard
    from azul_tui.training.resuming import OpenRun, ResumePoint

    Aftermath = Callable[[], None]
    """What is left to do, on the trainer's thread, once something has been written."""


# -- writing beside training: one write at a time, on a thread of its own
#
# The thread writes what was copied for it and touches nothing that training goes on changing. What
# became of the write is found out by the trainer's thread when it asks: there the run's books are
# kept, and there it is waited for a disk that refuses.

_HEARTBEAT_S: Final = 0.2


class Saver:
    """The thread that writes, as the trainer sees it."""

    def __init__(
        self,
        heartbeat: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is written yet.

        Args:
            heartbeat: Called now and then while the trainer waits for the thread.
            clock: Seconds.
        """
        self._heartbeat = heartbeat
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._write: Callable[[], Aftermath] | None = None
        self._aftermath: Aftermath | None = None
        self._error: BaseException | None = None
        self.seconds = 0.0
        """Seconds that the last write took that worked."""

    @property
    def busy(self) -> bool:
        """Whether something was begun and not yet put behind."""
        return self._write is not None

    @property
    def failed(self) -> bool:
        """Whether the thread has ended without having written what was begun."""
        running = self._thread is not None and self._thread.is_alive()
        return self.busy and not running and self._aftermath is None

    def begin(self, write: Callable[[], Aftermath]) -> None:
        """Write on the thread; what was begun before must be behind.

        Args:
            write: Called once, and again by `finish` if it failed.
        """
        if self.busy:
            raise RuntimeError("the last write has not been put behind")
        self._write = write
        self._thread = threading.Thread(target=self._run, name="saver", daemon=True)
        self._thread.start()

    def finish(self) -> Aftermath:
        """Wait until it is written; what is left to do then.

        A failure of the thread is raised here, once; the next call writes again, on the
        caller's thread. A call after it was written returns the same again.

        Raises:
            OSError: The disk is full or refuses.
            CheckpointError: What was written does not read back.
        """
        self.wait()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if self._aftermath is None:
            self._attempt()
        if self._aftermath is None:
            raise RuntimeError("there is nothing to finish")
        return self._aftermath

    def wait(self) -> None:
        """Wait until the thread has ended, whatever became of it."""
        while self._thread is not None:
            self._thread.join(_HEARTBEAT_S)
            if self._thread.is_alive():
                self._heartbeat()
            else:
                self._thread = None

    def put_behind(self) -> None:
        """Forget what was begun: it is written, or given up."""
        self._write = self._aftermath = self._error = None

    def _run(self) -> None:
        """Life of the thread."""
        try:
            self._attempt()
        except BaseException as error:  # noqa: BLE001 - `finish` raises it where it can be told
            self._error = error

    def _attempt(self) -> None:
        """Write once."""
        if self._write is not None:
            began = self._clock()
            self._aftermath = self._write()
            self.seconds = self._clock() - began


# -- what a run saves of itself: checkpoints and the replay shards that they name
#
# A checkpoint is copied where training stands and written beside the games that follow; the shard
# of an iteration's games is written beside the training on them. Its record comes into the log at a
# fixed place, once the next games are played, however long the disk took: the log of a run does
# not depend on the speed of a disk, nor on whether it was killed meanwhile.


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
        self._saver = Saver(run.journal.status)
        self._unrecorded: Callable[[], None] | None = None
        self._games_lost = False
        self._held_s = 0.0
        self._measure = BestMeasure(run)
        self._stats: dict[str, Any] = {}
        self._saved: tuple[dict[str, object], TrainingConfig] | None = None
        self.newest = ""
        """File name of the newest checkpoint."""
        run.steering.watch = self.notice

    def continue_from(self, resume: ResumePoint, in_log: bool) -> None:
        """Go on from a checkpoint of this run.

        Args:
            resume: The checkpoint.
            in_log: Whether the event log holds its record; if not, it is written where it
                belongs.
        """
        run = self._run
        best = run.progress.best_score
        run.journal.persistently(lambda: self._manager.continue_from(resume.number, best))
        self.newest = resume.path.name
        self._saved = (_lasting(run.progress.as_dict()), resume.saved_config)
        if not in_log:
            score = None if run.progress.partial else run.progress.score
            self._unrecorded = partial(self._record, resume.number, score, None)
            if not resume.recorded_later:
                self._record_what_is_due()

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
        """Save what the newest checkpoint does not hold yet, and wait until it is written.

        Raises:
            DivergedError: As `save`.
        """
        run = self._run
        self.settle()
        if self._saved != (_lasting(run.progress.as_dict()), run.config):
            self.save()

    def save(self, *, beside: bool = False, silently: bool = False) -> None:
        """Write a checkpoint of everything that later training depends on.

        Args:
            beside: Only begin to: `settle` waits for it, and records it.
            silently: Leave no record: the log has one of this checkpoint, or will have.

        Raises:
            DivergedError: The weights are not finite; nothing was written.
        """
        run = self._run
        progress = run.progress
        run.steering.checkpoint_wanted = False
        number = progress.checkpoint_number
        if number == 0:
            return
        if silently:
            beside = self._unrecorded is not None
        else:
            self.settle()
        if self._games_lost:  # what is in memory is on no disk: an earlier checkpoint is whole
            return
        if not run.learner.is_finite():
            raise DivergedError(
                f"the weights are no longer finite after step {run.learner.step.step}: "
                "try a lower learning_rate"
            )
        with self._holding():
            progress.elapsed_s = run.stopwatch.seconds
            score = None if progress.partial else progress.score
            if score is not None and not silently:  # else it was judged before
                self._forget_incomparable()
                self._measure.take_current()
                progress.judge_best(number, score)
            mark_shards(progress, number, self._manager.checkpoint_history)
            self._manager.keep_latest = run.config.keep_latest_checkpoints
            snapshot = self._snapshot(number, score, in_log=silently and not beside, later=beside)
            self._saved = (_lasting(progress.as_dict()), run.config)
            self._saver.begin(partial(self._write, snapshot, silently))
        if silently:
            self._collect()
        elif not beside:
            self.settle()

    def settle(self) -> bool:
        """Wait for what is being written beside, and record it; False when that was given up.

        It is given up when the disk refuses until somebody asks to leave.
        """
        if not self._collect():
            return False
        self._record_what_is_due()
        return True

    def notice(self) -> None:
        """Have the run wait for the disk if what is written beside has failed. Called often."""
        if self._saver.failed and not self._run.journal.waiting:
            self._run.journal.persistently(self._saver.finish)

    def close(self) -> None:
        """Let what is being written come to its end, whatever ends the run."""
        self._saver.wait()

    def keep_games(self, iteration: int, batch: GameBatch) -> bool:
        """Put the samples of an iteration into the buffer, and begin to write them to the disk.

        Here the record of a checkpoint that was written beside the games comes into the log.
        Returns False when the disk refused it until somebody asked to leave; the samples are
        then nowhere.
        """
        run, progress = self._run, self._run.progress
        if not self.settle():
            return False
        buffer = run.learner.buffer
        buffer.append(batch.states, batch.policies, batch.outcomes)
        progress.samples_total = buffer.added
        progress.games_total += batch.tally.games
        self._games_lost = True
        self._saver.begin(partial(self._write_shard, iteration, batch))
        run.journal.persistently(lambda: write_games(run.paths.games, iteration, batch, run.config))
        return True

    def take_stats(self, stats: Mapping[str, Any]) -> None:
        """Know the figures of the last iteration, which another process trained."""
        self._stats = dict(stats)

    def take_measure(self, measure: Measure) -> bool:
        """Know how the scores so far were measured; whether they count no more for that."""
        self._measure.take(measure)
        return self._forget_incomparable()

    def last_good(self) -> str:
        """Name the newest checkpoint, in words."""
        if not self.newest:
            return "no checkpoint was written yet"
        return f"the last good checkpoint is {self.newest}"

    def _forget_incomparable(self) -> bool:
        """Set the best score back when it does not compare any more; whether it was."""
        if not self._measure.forget_incomparable():
            return False
        self._manager.best_score = None
        return True

    def _snapshot(self, number: int, score: float | None, *, in_log: bool, later: bool) -> Snapshot:
        """Copies of what the checkpoint holds, and where its record is in the log."""
        run = self._run
        config = run.config
        return self._manager.snapshot(
            run.learner.model,
            run.learner.step.optimizer,
            number,
            dict(run.history[-1]) if run.history else self._stats,
            score,
            extra={
                "training": run.learner.state_dict(),
                "compute": run.compute.to_plain(),
                "threads": run.compute.threads,  # an older version finds it here
                "acting_state": run.learner.acting_weights() if config.ema_decay else None,
                "progress": run.progress.as_dict(),
                "best": run.progress.best_iteration == number,
                "measure": self._measure.as_plain(),
                "playing": {name: config.to_dict()[name] for name in PLAYED_WITH},
                "config": config.to_dict(),
                "log_position": run.journal.position,
                "in_log": in_log,
                "recorded_later": later,
                "version": __version__,
            },
        )

    # On the saver's thread, or again on the trainer's after a failure

    def _write(self, snapshot: Snapshot, silently: bool) -> Callable[[], None]:
        """One attempt to write a checkpoint, after the log that it names a place in."""
        self._run.journal.flush()
        path = self._manager.write(snapshot)
        return partial(self._take_in, path.name, snapshot, silently)

    def _write_shard(self, iteration: int, batch: GameBatch) -> Callable[[], None]:
        """One attempt to write an iteration's samples."""
        shard = write_shard(self._run.paths.replay, iteration, batch)
        return partial(self._take_in_shard, shard)

    # On the trainer's thread

    def _collect(self) -> bool:
        """Wait for what is being written and keep the books; False when it was given up."""
        if not self._saver.busy:
            return True
        with self._holding():
            aftermath = self._run.journal.persistently(self._saver.finish)
        self._saver.put_behind()
        if aftermath is None:
            self._saved = None
            return False
        aftermath()
        return True

    def _take_in(self, name: str, snapshot: Snapshot, silently: bool) -> None:
        """A checkpoint is on the disk."""
        self.newest = name
        remove_old_shards(self._run, self._manager.checkpoint_history)
        self._run.journal.status(last_checkpoint=name)
        if not silently:
            number, score = snapshot["iteration"], snapshot["score"]
            self._unrecorded = partial(self._record, number, score, round(self._saver.seconds, 3))

    def _take_in_shard(self, shard: Shard) -> None:
        """The samples of the last games are on the disk."""
        progress = self._run.progress
        progress.shards = shards_in_window(
            [*progress.shards, shard], self._run.learner.buffer.capacity
        )
        self._games_lost = False

    def _record_what_is_due(self) -> None:
        """Write the record of a checkpoint that has none yet."""
        record, self._unrecorded = self._unrecorded, None
        if record is not None:
            record()

    def _record(self, number: int, score: float | None, seconds: float | None) -> None:
        """The checkpoint's line in the event log.

        `seconds` took the writing, beside training; `held_s` seconds stood training still for
        saving since the last such record.
        """
        best_score = self._run.progress.best_score
        held_s, self._held_s = self._held_s, 0.0
        self._run.journal.record(
            "checkpoint",
            iteration=number,
            file=self.newest,
            score=score,
            best=score is not None and number == self._run.progress.best_iteration,
            seconds=seconds,
            held_s=round(held_s, 4),
        )
        self._run.journal.status(last_checkpoint=self.newest, best_score=best_score)

    @contextmanager
    def _holding(self) -> Generator[None]:
        """Count the time inside as time that training stands still for saving."""
        began = self._run.stopwatch.seconds
        try:
            yield
        finally:
            self._held_s += self._run.stopwatch.seconds - began


def _lasting(progress: dict[str, object]) -> dict[str, object]:
    """Progress without what changes while nothing happens."""
    passing = ("elapsed_s", "oldest_shards", "best_score", "best_iteration")
    return {name: value for name, value in progress.items() if name not in passing}
