"""How a run begins: new, or where its newest whole checkpoint stands."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from azul_tui import __version__
from azul_tui.config import (
    PLAYED_WITH,
    WEIGHTS,
    TrainingConfig,
    changed_settings,
    exactness_broken_by,
    load_stored_config,
    stored_config,
)
from azul_tui.errors import CheckpointError, ConfigError, PlayerError
from azul_tui.network.compute import Compute
from azul_tui.players.registry import create_player
from azul_tui.runs.events import decode_lines, text
from azul_tui.runs.listing import checkpoint_files
from azul_tui.runs.machine import own_mark
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.text import plain_text, warn
from azul_tui.training.checkpoint import newest_valid, read_checkpoint, unknown_entries
from azul_tui.training.evaluation import BEST, RATINGS, Measure, read_measure
from azul_tui.training.replay import restore_buffer
from azul_tui.training.run_progress import RunProgress, TimeLeft, progress_from_dict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from azul_tui.config import SettingValue
    from azul_tui.runs.events import Record
    from azul_tui.training.journal import Journal
    from azul_tui.training.learner import Learner
    from azul_tui.training.saving import CheckpointKeeper
    from azul_tui.training.trainer import Steering, Stopwatch


# -- one call of `AzulTrainer.train`: what all of its phases work with

ProgressListener = Callable[[float, float, str, float | None], None]
"""`(done, total, unit, seconds left in the run)`."""


@dataclass(kw_only=True, slots=True)
class OpenRun:
    """A run while a process trains it."""

    paths: RunPaths
    journal: Journal
    steering: Steering
    compute: Compute
    """Decided when the process began; never changes."""
    learner: Learner
    progress: RunProgress
    stopwatch: Stopwatch
    on_progress: ProgressListener | None = None
    time_left: TimeLeft = field(default_factory=TimeLeft)
    history: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Records of the iterations that this process finished."""
    phase: str = ""
    iteration_began_s: float = 0.0
    """By the stopwatch."""

    @property
    def config(self) -> TrainingConfig:
        """Settings in force."""
        return self.steering.config

    def begin_phase(self, phase: str, iteration: int) -> None:
        """Say what begins."""
        self.phase = phase
        self.journal.record("phase", phase=phase, iteration=iteration)
        self.journal.status(
            phase=phase,
            iteration=self.progress.iteration,
            max_iterations=self.config.max_iterations,
            done=0,
            total=None,
            force=True,
        )

    def tell(self, done: float, total: float, unit: str) -> None:
        """How far the phase is, to the status and to whoever listens; also polls for requests."""
        self.steering.poll()
        elapsed_s = self.stopwatch.seconds
        left_s = self.time_left.estimate(
            self.config, self.progress, elapsed_s, elapsed_s - self.iteration_began_s
        )
        self.journal.status(
            done=done,
            total=total,
            unit=unit,
            left_s=left_s,
            step=self.learner.step.step,
            learning_rate=self.learner.learning_rate,
        )
        if self.on_progress is not None:
            self.on_progress(done, total, unit, left_s)


# -- the first records of a process in a run: what it is, what it resumes, what that changes


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


# -- where a run goes on: which checkpoint, which settings, what that changes

_FIXED: Final = ("num_players", "network_config")
"""Settings that the weights depend on."""
_COMPUTING: Final = ("device", "inference_precision", "training_precision")
"""Settings that decide what a run is computed with."""
_CLOSING: Final = b'{"event":"result",'
_MOST_THREADS: Final = 4096
_MOST_READ: Final = 1 << 24
"""Bytes of the log behind a checkpoint that are looked at."""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """A checkpoint to go on from, read and checked."""

    path: Path
    number: int
    """Iteration in the file's name; one above the finished ones if its training is unfinished."""
    saved_config: TrainingConfig
    """Settings of the checkpoint."""
    config: TrainingConfig
    """The same with the changes asked for."""
    changes: dict[str, tuple[SettingValue, SettingValue]]
    notes: tuple[str, ...]
    """What a person should know: files passed over, exactness given up."""
    progress: RunProgress
    model_state: Mapping[str, Tensor]
    training_state: Mapping[str, Any]
    compute: Compute | None
    """What it was computed with; None in a file of before that was kept."""
    threads: int
    """Of training, which such a file names as well; 0 where it does not."""
    position: int
    """Bytes of the event log when the checkpoint was written."""
    in_log: bool
    """Whether those bytes hold the checkpoint's own record already."""
    measure: Measure
    """How the best score was measured."""
    stats: Mapping[str, Any]
    """Plain values about the iteration."""
    recorded_later: bool
    """Whether its record comes after the next games, or at the run's end, and not right there."""

    @property
    def name(self) -> str:
        """Run and file, for the records."""
        return f"{self.path.parent.name}/{self.path.name}"

    def continues(self, paths: RunPaths) -> bool:
        """Whether the run at `paths` is the one that wrote the checkpoint."""
        return self.path.parent.resolve() == paths.directory.resolve()


@dataclass(frozen=True, slots=True)
class LogEnd:
    """Where the event log of a run goes on."""

    keep: int
    """Bytes that stay."""
    checkpoint_recorded: bool
    """Whether they hold the record of the checkpoint that the run goes on from."""
    lost_settings: tuple[Record, ...]
    """Settings that were set after that checkpoint and are gone with it."""
    closing: bytes
    """Lines from behind those bytes that say how earlier processes ended; they stay, too."""


def find_resume_point(source: Path, config: TrainingConfig | None) -> ResumePoint:
    """Read the checkpoint that a run goes on from.

    Args:
        source: A checkpoint file, or a run directory: then its newest file that verifies.
        config: Settings to go on with; None keeps the checkpoint's.

    Raises:
        CheckpointError: There is none, or it is no checkpoint of a training run.
        ConfigError: The settings do not fit its network.
    """
    notes: list[str] = []
    path = source
    if source.is_dir():
        path, skipped = newest_valid(source)
        notes += [f"{name} was passed over: {why}" for name, why in skipped]
    content = read_checkpoint(path)
    place = plain_text(str(path))
    extra = _training_part(content["extra"], place)
    saved, odd = _saved_config(content, plain_text(path.name))
    if odd:
        notes += [*odd, "for that, the run may not end exactly as it would have"]
    wanted = config or saved
    changes = changed_settings(saved, wanted)
    for name in _FIXED:
        if name in changes:
            old, new = changes[name]
            raise ConfigError(
                f"{name} cannot change on resume: {path.name} has {old!r}, not {new!r}"
            )
    compute, threads = Compute.from_plain(extra.get("compute")), _count(extra.get("threads", 0))
    broken = exactness_broken_by(saved, wanted)
    if compute is not None:  # what these lead to is compared instead, with the machine's own part
        broken = tuple(name for name in broken if name not in _COMPUTING)
    if broken:
        notes.append(
            f"with {', '.join(broken)} changed, the run no longer ends exactly as it would have"
        )
    return ResumePoint(
        path=path,
        number=content["iteration"],
        saved_config=saved,
        config=wanted,
        changes=changes,
        notes=tuple(notes),
        progress=_progress(extra["progress"], content["iteration"], place, saved.num_players),
        model_state=content["model_state"],
        training_state={**extra["training"], "optimizer": content["optimizer_state"]},
        compute=compute,
        threads=threads if threads <= _MOST_THREADS else 0,
        position=_count(extra.get("log_position", 0)),
        in_log=extra.get("in_log") is True,
        measure=read_measure(extra.get("measure"), saved),
        stats=content["stats"],
        recorded_later=extra.get("recorded_later") is True,
    )


def described_move(before: Compute | None, here: Compute) -> str:
    """Why a resumed run will not end bit for bit as it would have where it was; empty if it will.

    Args:
        before: What the checkpoint was computed with, None where it does not say so.
        here: What it is computed with from now on.
    """
    if before is None:
        return (
            "what the checkpoint was computed with is not known, for an older version wrote it: "
            "the run may not end bit for bit as it would have"
        )
    there, now = before.to_plain(), here.to_plain()
    moved = [
        f"{name.replace('_', ' ')} {now[name]} (was {there[name]})"
        for name in there
        if now[name] != there[name]
    ]
    if not moved:
        return ""
    return (
        f"computed with {', '.join(plain_text(part, 300) for part in moved)}: the run goes on, "
        "and will not end bit for bit as it would have"
    )


def find_beginning(directory: Path, warn: Callable[[str], object] = warn) -> TrainingConfig | None:
    """Settings of a run that was interrupted before its first checkpoint; None for any other.

    `warn` is told what is odd about them.

    Raises:
        ConfigError: Its `config.toml` is damaged.
    """
    paths = RunPaths(directory)
    if checkpoint_files(paths) or paths.best_model.exists() or not paths.events.is_file():
        return None
    if not paths.config.is_file() or paths.config.is_symlink():
        return None
    config, notes = load_stored_config(paths.config)
    for note in notes:
        warn(note)
    return config


def find_log_end(resume: ResumePoint, paths: RunPaths) -> LogEnd:
    """Where the log of the run at `paths` goes on from a checkpoint of its own."""
    behind = b""
    with suppress(OSError), paths.events.open("rb") as file:
        file.seek(resume.position)
        behind = file.read(_MOST_READ)
    records, _, _ = decode_lines(behind[: behind.rfind(b"\n") + 1])
    first = records[0] if records else {}
    recorded = (
        not resume.in_log
        and not resume.recorded_later
        and first.get("event") == "checkpoint"
        and first.get("file") == resume.path.name
    )
    keep = resume.position + (behind.index(b"\n") + 1 if recorded else 0)
    lost = [
        record
        for record in records
        if record["event"] == "setting" and record.get("takes_effect") != "resume"
    ]
    lines = behind[: behind.rfind(b"\n") + 1].splitlines(keepends=True)
    closing = b"".join(line for line in lines if line.startswith(_CLOSING))
    return LogEnd(keep, recorded or resume.in_log, tuple(lost), closing)


def take_over_shards(resume: ResumePoint, paths: RunPaths) -> None:
    """Bring the replay shards of another run into this one, as links where the disk allows.

    Raises:
        OSError: The disk is full or refuses.
    """
    source = RunPaths(resume.path.parent)
    if resume.continues(paths):
        return
    paths.replay.mkdir(exist_ok=True)
    for shard in resume.progress.shards:
        old, new = source.replay / shard.file, paths.replay / shard.file
        if new.exists() or not old.is_file():  # the buffer then says what it misses
            continue
        try:
            os.link(old, new)
        except OSError:
            shutil.copyfile(old, new)


def _training_part(extra: object, place: str) -> dict[str, Any]:
    """What a checkpoint of a training run holds besides weights.

    Raises:
        CheckpointError: It is none.
    """
    fields = cast("dict[str, Any]", extra) if isinstance(extra, dict) else {}
    if "progress" not in fields or "training" not in fields:
        raise CheckpointError(
            f"{place}: holds weights but no training state; go on from a checkpoint_iter file, "
            "or evaluate this one"
        )
    for key in ("config", "training"):
        if not isinstance(fields.get(key), dict):
            raise CheckpointError(f"{place}: its {key} is damaged; take another checkpoint")
    return fields


def _saved_config(content: Mapping[str, Any], place: str) -> tuple[TrainingConfig, tuple[str, ...]]:
    """A checkpoint's settings, as far as this version knows them, and what is odd about them.

    Raises:
        ConfigError: One that the weights, or a game with them, depend on is not understood.
    """
    extra = content["extra"]
    entries: dict[str, Any] = dict.fromkeys(unknown_entries(content))
    for table in (extra.get("playing"), extra["config"]):
        if isinstance(table, dict):
            entries |= cast("dict[str, Any]", table)
    saved, notes = stored_config(entries, place=place, needed=(*WEIGHTS, *PLAYED_WITH))
    strangers = _strangers(saved.eval_opponents, saved.num_players)
    if not strangers:
        return saved, notes
    left = tuple(name for name in saved.eval_opponents if name not in strangers)
    named = ", ".join(plain_text(name, 60) for name in strangers)
    note = f"{place}: eval_opponents names {named}, which this version does not know; left out"
    return saved.replace(eval_opponents=left), (*notes, note)


def _strangers(names: Sequence[str], players: int) -> tuple[str, ...]:
    """Those of the scripted players that there are none of."""
    unknown: list[str] = []
    for name in names:
        try:
            create_player(name, players)
        except PlayerError:
            unknown.append(name)
    return tuple(unknown)


def _progress(fields: object, number: int, place: str, players: int) -> RunProgress:
    """The checkpoint's progress, which must be that of its number.

    Raises:
        CheckpointError: It is damaged.
    """
    try:
        progress = progress_from_dict(fields)
    except CheckpointError as error:
        raise CheckpointError(f"{place}: {error}") from None
    if progress.checkpoint_number != number:
        raise CheckpointError(f"{place}: its progress is not that of iteration {number}")
    left = progress.opponents_left
    strangers = _strangers([name for name in left if name not in {BEST, RATINGS}], players)
    progress.opponents_left = [name for name in left if name not in strangers]
    return progress


def _count(value: object) -> int:
    """A number that may be missing or damaged without harm; then 0."""
    return value if type(value) is int and 0 <= value < 1 << 53 else 0
