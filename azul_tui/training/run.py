"""A run while a process trains it: what it records, what people ask of it, what it saves.

Everything that training writes goes through here. What the run depends on (records, shards,
checkpoints, settings) is tried again until the disk has room, and the run counts as paused
meanwhile. What is only there to be looked at (status, the game on show) is left out while it cannot
be written. Neither ends a run.
"""

from __future__ import annotations

import errno
import json
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from azul_tui import __version__
from azul_tui.config import PLAYED_WITH, dump_config, dump_toml, training_setting
from azul_tui.errors import CheckpointError, ConfigError, DivergedError
from azul_tui.runs.control import poll_requests, remove_request
from azul_tui.runs.events import encode
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.runs.text import plain_text
from azul_tui.training.checkpoint import ModelCheckpointManager
from azul_tui.training.game_records import write_games
from azul_tui.training.replay import shards_in_window, write_shard
from azul_tui.training.resuming import in_words, measure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import Future
    from pathlib import Path

    from azul_tui.config import TrainingConfig
    from azul_tui.network import Compute
    from azul_tui.runs.control import ControlRequest
    from azul_tui.runs.events import Record
    from azul_tui.runs.paths import RunPaths
    from azul_tui.runs.status import RunRecorder
    from azul_tui.training.checkpoint import Snapshot
    from azul_tui.training.game_records import GameBatch
    from azul_tui.training.learner import Learner
    from azul_tui.training.replay import Shard
    from azul_tui.training.resuming import Measure, ResumePoint, RunProgress

    ProgressListener = Callable[[float, float, str, float | None], None]
    """`(done, total, unit, seconds left in the run)`."""

T = TypeVar("T")

POLL_EVERY_S: Final = 0.2
PAUSE_POLL_S: Final = 0.1
RETRY_EVERY_S: Final = 5.0
RESERVE_BYTES: Final = 1 << 16
"""Of `.reserve`, which is given up on a full disk so that the run can still say so."""
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT}
_ITERATIONS_TIMED: Final = 5


class TrainingRun:
    """What all phases of a training work with."""

    def __init__(
        self,
        recorder: RunRecorder,
        config: TrainingConfig,
        compute: Compute,
        learner: Learner,
        progress: RunProgress,
        *,
        listener: Callable[[Record], None] | None = None,
        on_progress: ProgressListener | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Put a run together, with the recorder entered; the others are `AzulTrainer`'s."""
        self.paths: RunPaths = recorder.paths
        self.config = config
        """Settings in force; another value when one is set."""
        self.compute = compute
        """Decided when the process began; never changes."""
        self.learner = learner
        self.progress = progress
        self.history: list[dict[str, Any]] = []
        """Records of the iterations that this process finished."""
        self.paused = False
        self.stop_after_iteration = False
        self.checkpoint_wanted = False
        self.waiting = False
        """Whether the disk refuses, and the run waits for it."""
        self._recorder = recorder
        self._listener = listener
        self._on_progress = on_progress
        self._should_stop = should_stop
        self._clock = clock
        self._began_s = clock() - progress.elapsed_s
        self._stopped_at_s: float | None = None
        self._iteration_began_s = 0.0
        self._seconds_of_iterations: deque[float] = deque(maxlen=_ITERATIONS_TIMED)
        self._phase = ""
        self._polled_s = -POLL_EVERY_S
        self._cancelled = False
        self._answered: set[str] = set()
        self._unwritten: deque[tuple[str, dict[str, Any], list[Record]]] = deque()
        self._passed_over: set[str] = set()
        self._reserve: Path = recorder.paths.directory / ".reserve"
        self._fill_reserve()
        self._config_written: TrainingConfig | None = None
        self.saver = Saver(self)

    # Seconds of training

    @property
    def seconds(self) -> float:
        """Seconds of training over all processes, pauses left out."""
        now = self._clock() if self._stopped_at_s is None else self._stopped_at_s
        return now - self._began_s

    @contextmanager
    def clock_stopped(self) -> Generator[None]:
        """Let no training time pass inside; a pause within a pause is one pause."""
        if self._stopped_at_s is not None:
            yield
            return
        self._stopped_at_s = self._clock()
        try:
            yield
        finally:
            self._began_s += self._clock() - self._stopped_at_s
            self._stopped_at_s = None

    def begin_iteration(self) -> None:
        """Time an iteration from here."""
        self._iteration_began_s = self.seconds

    def end_iteration(self) -> None:
        """Learn how long an iteration takes."""
        self._seconds_of_iterations.append(self.seconds - self._iteration_began_s)

    def _left_s(self) -> float | None:
        """Seconds until the run ends by its limits; None before the first iteration is done."""
        limits: list[float] = []
        if self.config.max_minutes:
            limits.append(60.0 * self.config.max_minutes - self.seconds)
        if timed := self._seconds_of_iterations:
            left = self.config.max_iterations - self.progress.iteration
            spent_s = self.seconds - self._iteration_began_s
            limits.append(left * sum(timed) / len(timed) - spent_s)
        return max(0.0, min(limits)) if limits else None

    # Records and status

    @property
    def log_position(self) -> int:
        """Bytes of the event log."""
        return self._recorder.log.position

    def record(self, kind: str, **fields: object) -> Record:
        """Append one event, once there is room, and tell the listener."""
        written: list[Record] = []
        self._unwritten.append((kind, fields, written))
        self.retry(self._write_records)
        # What could not be written is told as a reader would see it.
        record: Record = written[0] if written else json.loads(encode(kind, time.time(), fields))
        if self._listener is not None:
            self._listener(record)
        return record

    def alert(self, text: str, level: str = "warning") -> None:
        """Record something that a person should see."""
        self.record("alert", level=level, text=text)

    def status(self, *, force: bool = False, **fields: object) -> None:
        """New values for `status.json`; also the heartbeat. A disk that refuses is passed over."""
        with suppress(OSError):  # whatever matters more meets the same disk and says so
            self._recorder.status(force=force, **fields)

    def begin_phase(self, phase: str, iteration: int) -> None:
        """Say what begins."""
        self._phase = phase
        self.record("phase", phase=phase, iteration=iteration)
        self.status(
            phase=phase,
            iteration=self.progress.iteration,
            max_iterations=self.config.max_iterations,
            done=0,
            total=None,
            force=True,
        )

    def tell(self, done: float, total: float, unit: str) -> None:
        """How far the phase is, to the status and to whoever listens; also polls for requests."""
        self.poll()
        left_s = self._left_s()
        self.status(
            done=done,
            total=total,
            unit=unit,
            left_s=left_s,
            step=self.learner.step.step,
            learning_rate=self.learner.learning_rate,
        )
        if self._on_progress is not None:
            self._on_progress(done, total, unit, left_s)

    def save_settings(self) -> None:
        """Bring `config.toml` up to date with the settings in force."""
        if self.config != self._config_written:
            self.retry(lambda: write_config(self.paths, self.config, self.compute))
            self._config_written = self.config

    def _write_records(self) -> None:
        """Append what was recorded, in order."""
        while self._unwritten:
            kind, fields, written = self._unwritten[0]
            written.append(self._recorder.log.append(kind, **fields))
            self._unwritten.popleft()

    # A disk that refuses

    def retry(self, write: Callable[[], T]) -> T | None:
        """The result of `write`, tried again while the disk is full or refuses.

        Meanwhile the run counts as paused, with an alert that says why; None when somebody asks
        to leave before there is room.
        """
        try:
            return write()
        except (OSError, CheckpointError) as error:
            if self.waiting:  # whoever waits for the disk tries again
                return None
            refusal = error
        with self.clock_stopped():
            return self._wait_for_disk(write, refusal)

    def try_to(self, write: Callable[[], object]) -> None:
        """Write something that is only there to be looked at; say once that it cannot be."""
        try:
            write()
        except OSError as error:
            text = f"{self._place(error)}: cannot be written ({error.strerror})"
            if text not in self._passed_over:
                self._passed_over.add(text)
                self.alert(f"{text}; the run goes on without it")

    def _wait_for_disk(self, write: Callable[[], T], error: OSError | CheckpointError) -> T | None:
        """Say what is wrong, then try until it works or somebody asks to leave."""
        state, self.waiting = self._recorder.state, True
        try:
            why = str(error)
            if isinstance(error, OSError):
                why = f"{self._place(error)}: cannot be written ({error.strerror or error})"
                if error.errno in _NO_ROOM:
                    with suppress(OSError):
                        self._reserve.unlink(missing_ok=True)
            self.status(state="paused", force=True)
            self.alert(f"{why}; the run waits and tries again until it can", level="error")
            done: list[T] = []
            while not self._leaves_before_retry():
                try:
                    if not done:
                        done.append(write())
                    self._write_records()
                except (OSError, CheckpointError):
                    continue
                self._fill_reserve()
                self.alert("writing works again, the run goes on")
                break
            return done[0] if done else None
        finally:
            self.waiting = False
            self.status(state=state, force=True)

    def _leaves_before_retry(self) -> bool:
        """Wait until the next attempt; whether somebody asks to leave meanwhile."""
        waited_s = 0.0
        while not self.interrupts(pause=False) and waited_s < RETRY_EVERY_S:
            time.sleep(PAUSE_POLL_S)
            waited_s += PAUSE_POLL_S
            self.status()
        return self.leaving

    def _fill_reserve(self) -> None:
        """Keep some room if there is any; a disk that is full already goes without."""
        with suppress(OSError):
            if not self._reserve.is_file() or self._reserve.stat().st_size < RESERVE_BYTES:
                try:
                    self._reserve.write_bytes(bytes(RESERVE_BYTES))
                except OSError:
                    self._reserve.unlink(missing_ok=True)

    def _place(self, error: OSError) -> str:
        return plain_text(str(error.filename or self.paths.directory))

    # What people ask for: signals and control requests

    @property
    def leaving(self) -> bool:
        """Whether to save and leave as soon as possible."""
        return self._cancelled or self._should_stop()

    @property
    def iteration(self) -> int:
        """The iteration under way."""
        return self.progress.iteration + (not self.progress.opponents_left)

    def interrupts(self, *, pause: bool = True) -> bool:
        """Poll, and say whether what is under way must be given up: to leave, or to pause."""
        self.poll()
        return self.leaving or (pause and self.paused)

    def poll(self) -> None:
        """Obey the requests that wait; looks at the folder a few times a second at most."""
        now_s = self._clock()
        if now_s - self._polled_s < POLL_EVERY_S:
            return
        self._polled_s = now_s
        if not self.waiting:
            self.saver.take_finished()
        for request in poll_requests(self.paths):
            if request.file.name not in self._answered:
                self._obey(request)

    def wait_while_paused(self) -> None:
        """Stay here while paused; a checkpoint that is asked for meanwhile is saved."""
        self.poll()
        if not self.paused or self.leaving:
            return
        with self.clock_stopped():
            self.record("phase", phase="paused", iteration=self.iteration)
            self.status(state="paused", phase="paused", left_s=None, force=True)
            while self.paused and not self.leaving:
                if self.checkpoint_wanted:
                    self.saver.save()
                time.sleep(PAUSE_POLL_S)
                self.poll()
                self.status()
            self.status(state="running", phase=self._phase, force=True)

    def _obey(self, request: ControlRequest) -> None:
        """Take one request in, answer it with a record, and take it out of the folder."""
        reason, changed = request.refusal or None, {}
        if reason is None:
            match request.request:
                case "pause":
                    self.paused = True
                case "resume":
                    self.paused = False
                case "stop":
                    self.stop_after_iteration, self.paused = True, False
                case "cancel":
                    self._cancelled = True
                case "checkpoint":
                    self.checkpoint_wanted = True
                case _:
                    try:
                        changed = self._set(request)
                    except ConfigError as error:
                        reason = str(error)
        self.record(
            "control",
            request=request.request,
            accepted=reason is None,
            reason=reason,
            key=request.key,
            value=request.value,
            id=request.id,
        )
        if changed:
            self.record("setting", **changed)
        try:
            remove_request(request)
        except OSError:  # a folder that cannot be changed must not have it obeyed again and again
            self._answered.add(request.file.name)

    def _set(self, request: ControlRequest) -> dict[str, Any]:
        """Change one setting that may change while a run is live; the fields of its record."""
        spec = training_setting(request.key)
        if not spec.live:
            raise ConfigError(f"{spec.name} cannot change while the run is live")
        value, old = spec.check(request.value), getattr(self.config, spec.name)
        self.config = self.config.replace(**{spec.name: value})
        return {
            "key": spec.name,
            "old": old,
            "new": value,
            "iteration": self.iteration,
            "takes_effect": "now" if spec.name == "learning_rate" else "next iteration",
        }


def write_config(paths: RunPaths, config: TrainingConfig, compute: Compute | None = None) -> None:
    """Write `config.toml`; what the run computes with stands in it as comments.

    Raises:
        OSError: The disk is full or refuses.
    """
    text = dump_config(config)
    if compute is not None:
        in_use = dump_toml(compute.to_plain()).splitlines()
        text += "\n# in use\n" + "".join(f"# {line}\n" for line in in_use)
    write_bytes_atomically(paths.config, text.encode())


# -- checkpoints and replay shards, written on a thread beside training
#
# A checkpoint is copied where training stands and written beside the games that follow; the shard
# of an iteration's games is written beside the training on them. The thread touches nothing that
# training goes on changing. Its result is taken in on the trainer's thread, and there it is waited
# for a disk that refuses.


class Saver:
    """Saves what a later process needs in order to go on exactly where this one is."""

    def __init__(self, run: TrainingRun) -> None:
        """Look at what the run directory holds."""
        config = run.config
        self.newest = ""
        """File name of the newest checkpoint."""
        self._run = run
        self._manager = ModelCheckpointManager(
            run.paths.directory,
            save_frequency=config.save_frequency,
            keep_latest=config.keep_latest_checkpoints,
            save_best=config.save_best_model,
        )
        self._thread = ThreadPoolExecutor(1, "saver")
        self._future: Future[Any] | None = None
        self._write: Callable[[], Any] = lambda: None
        self._take_in: Callable[[Any], None] = lambda _: None
        self._given_up = False
        self._held_s = 0.0
        self._measure: Measure | None = None
        """How the best score so far was measured."""
        self._stats: dict[str, Any] = {}
        self._saved: object = None

    def continue_from(self, point: ResumePoint) -> None:
        """Know what the checkpoint says of the process that wrote it.

        Of another run's checkpoint a first one of this run is made at once, and where settings were
        changed: another resume would not know of it.
        """
        run, progress = self._run, self._run.progress
        self._stats = dict(point.stats)
        own = point.continues(run.paths)
        if own:
            best = progress.best_iteration == point.number
            run.retry(
                lambda: self._manager.continue_from(point.record, progress.best_score, best=best)
            )
            self.newest = point.path.name
            self._saved = self._state(point.saved_config)
        self._measure = point.measure
        if self._forget_incomparable():
            progress.score = None  # the next save is not to make it the best
        if point.changes or not own:
            self.save()

    def is_due(self) -> bool:
        """Whether the iteration that just ended is to be saved."""
        run = self._run
        self._manager.save_frequency = run.config.save_frequency
        return (
            run.checkpoint_wanted
            or run.progress.score is not None
            or self._manager.should_save_checkpoint(run.progress.iteration)
        )

    def save_unsaved(self) -> None:
        """Save what the newest checkpoint does not hold yet, and wait until it is written.

        Raises:
            DivergedError: As `save`.
        """
        self.settle()
        if self._saved != self._state(self._run.config):
            self.save()

    def save(self, *, beside: bool = False) -> None:
        """Save everything that later training depends on.

        Args:
            beside: Only begin to: what comes next does not wait for it.

        Raises:
            DivergedError: The weights are not finite; nothing was written.
        """
        run, progress = self._run, self._run.progress
        run.checkpoint_wanted = False
        number = progress.checkpoint_number
        # Once a write was given up, what is in memory is not on the disk: an earlier one is whole.
        if number == 0 or not self.settle():
            return
        if not run.learner.is_finite():
            raise DivergedError(
                f"the weights are no longer finite after step {run.learner.step.step}: "
                "try a lower learning_rate"
            )
        with self._holding():
            progress.elapsed_s = run.seconds
            score = None if progress.played else progress.score
            if score is not None:
                self._forget_incomparable()
                self._measure = measure_of(run.config)
                progress.judge_best(number, score)
            self._manager.keep_latest = run.config.keep_latest_checkpoints
            snapshot = self._snapshot(number, score)
            self._saved = self._state(run.config)
            self._begin(partial(self._write_checkpoint, snapshot), self._checkpoint_written)
        if not beside:
            self.settle()

    def keep_games(self, iteration: int, batch: GameBatch) -> bool:
        """Put the samples of an iteration into the buffer, and begin to write them to the disk.

        Returns False when the disk refused the last checkpoint until somebody asked to leave; the
        samples are then nowhere.
        """
        run, progress = self._run, self._run.progress
        if not self.settle():
            return False
        buffer = run.learner.buffer
        buffer.append(batch.states, batch.policies, batch.outcomes)
        progress.samples_total = buffer.added
        progress.games_total += batch.tally.games
        self._begin(partial(write_shard, run.paths.replay, iteration, batch), self._shard_written)
        run.retry(lambda: write_games(run.paths.games, iteration, batch, run.config))
        return True

    def settle(self) -> bool:
        """Wait until what was begun is written; False when that was given up.

        It is given up when the disk refuses until somebody asks to leave.
        """
        if self._future is None:
            return not self._given_up
        first, self._future = self._future, None
        attempts = iter([first.result])  # then the same write again, on this thread

        def attempt() -> Any:
            return next(attempts, self._write)()

        with self._holding():
            while not wait([first], 0.2).done:
                self._run.status()  # a slow disk: the run lives
            result = self._run.retry(attempt)
        if result is None:
            self._given_up, self._saved = True, None
        else:
            self._take_in(result)
        return not self._given_up

    def take_finished(self) -> None:
        """Take in what has been written meanwhile, or wait for the disk if it refused."""
        if self._future is not None and self._future.done():
            self.settle()

    def close(self) -> None:
        """Let what is being written come to its end, whatever ends the run."""
        self._thread.shutdown()

    def last_good(self) -> str:
        """Name the newest checkpoint, in words."""
        if not self.newest:
            return "no checkpoint was written yet"
        return f"the last good checkpoint is {self.newest}"

    def _begin(self, write: Callable[[], T], take_in: Callable[[T], None]) -> None:
        """Write on the thread; `take_in` gets the result on the trainer's."""
        self._write, self._take_in = write, take_in
        self._future = self._thread.submit(write)

    def _write_checkpoint(self, snapshot: Snapshot) -> tuple[Snapshot, str, float]:
        """On the thread; returns the file's name and the seconds that it took as well."""
        began = time.monotonic()
        path = self._manager.write(snapshot)
        return snapshot, path.name, time.monotonic() - began

    def _checkpoint_written(self, written: tuple[Snapshot, str, float]) -> None:
        """Record a checkpoint that is on the disk.

        `seconds` took the writing, beside training; `held_s` seconds stood training still for
        saving since the last such record.
        """
        run, (snapshot, self.newest, seconds) = self._run, written
        needed = min(record.replay_from for record in self._manager.checkpoint_history)
        for file in run.paths.replay.glob("iter_*.npz"):
            if file.name < needed:
                run.try_to(partial(file.unlink, missing_ok=True))
        number, score = snapshot["iteration"], snapshot["score"]
        run.record(
            "checkpoint",
            iteration=number,
            file=self.newest,
            score=score,
            best=score is not None and snapshot["extra"]["best"],
            seconds=round(seconds, 3),
            held_s=round(self._held_s, 4),
        )
        self._held_s = 0.0
        run.status(last_checkpoint=self.newest, best_score=run.progress.best_score)

    def _shard_written(self, shard: Shard) -> None:
        progress = self._run.progress
        progress.shards = shards_in_window(
            [*progress.shards, shard], self._run.learner.buffer.capacity
        )

    def _forget_incomparable(self) -> bool:
        """Set the best score back when scores are measured otherwise by now; whether it was."""
        run, old, new = self._run, self._measure, measure_of(self._run.config)
        best = run.progress.best_score
        if best is None or old is None or old == new or not run.config.eval_frequency:
            return False
        run.alert(
            f"the best score so far, {100 * best:.1f}% {in_words(old)}, does not compare with "
            f"scores {in_words(new)}: it begins anew with the next best weights"
        )
        run.progress.best_score = self._measure = self._manager.best_score = None
        return True

    def _snapshot(self, number: int, score: float | None) -> Snapshot:
        """Copies of what the checkpoint holds."""
        run, config = self._run, self._run.config.to_dict()
        return self._manager.snapshot(
            run.learner.model,
            run.learner.step.optimizer,
            number,
            dict(run.history[-1]) if run.history else self._stats,
            score,
            extra={
                "training": run.learner.state_dict(),
                "compute": run.compute.to_plain(),
                "acting_state": run.learner.acting_weights() if run.config.ema_decay else None,
                "progress": run.progress.as_dict(),
                "best": run.progress.best_iteration == number,
                "replay_from": run.progress.shards[0].file if run.progress.shards else "",
                "measure": list(self._measure) if self._measure else None,
                "playing": {name: config[name] for name in PLAYED_WITH},
                "config": config,
                "log_position": run.log_position,
                "version": __version__,
            },
        )

    def _state(self, config: TrainingConfig) -> object:
        """What a checkpoint would hold, without what changes while nothing happens."""
        passing = ("elapsed_s", "best_score", "best_iteration")
        progress = self._run.progress.as_dict()
        return {name: value for name, value in progress.items() if name not in passing}, config

    @contextmanager
    def _holding(self) -> Generator[None]:
        """Count the time inside as time that training stands still for saving."""
        began_s = self._run.seconds
        try:
            yield
        finally:
            self._held_s += self._run.seconds - began_s
