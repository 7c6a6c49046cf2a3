"""Where a run stands, as a checkpoint carries it, and how one goes on from there."""

from __future__ import annotations

import dataclasses
import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

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
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.text import plain_text, warn
from azul_tui.training.checkpoint import newest_valid, open_checkpoint, stored_settings
from azul_tui.training.evaluation import BEST, RATINGS, Measure, read_measure
from azul_tui.training.replay import Shard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from azul_tui.config import SettingValue
    from azul_tui.runs.checkpoint_manifest import CheckpointRecord

LOSSES: Final = ("total_loss", "policy_loss", "value_loss")
_FIXED: Final = ("num_players", "network_config")
"""Settings that the weights depend on."""
_COMPUTING: Final = ("device", "inference_precision", "training_precision")
"""Settings that decide what a run is computed with."""
_MOST_READ: Final = 1 << 24
"""Bytes of the log behind a checkpoint that are looked at."""

_Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
_Finite = Annotated[float, msgspec.Meta(ge=-1e300, le=1e300)]


@dataclass(slots=True)
class RunProgress:
    """Counters of a run that a checkpoint carries, apart from weights and optimizer.

    An iteration plays, trains, and may be evaluated. What is written between two of these is
    enough to go on exactly there.
    """

    iteration: _Count = 0
    """Iterations whose training is finished."""
    played: bool = False
    """Whether the games of the iteration after that are in the buffer."""
    steps_done: _Count = 0
    """Training steps made in the iteration after that."""
    steps_wanted: _Count = 0
    """Training steps of that iteration, once it has been played."""
    opponents_left: list[str] = field(default_factory=list[str])
    """Whom the last finished iteration has still to be measured against."""
    score: _Finite | None = None
    """Score of the last finished iteration against its last opponent, once all is measured."""
    measured: _Finite | None = None
    """The same while other parts of the evaluation are left."""
    accepted: bool | None = None
    """What the gate said of the last finished iteration; None where it was not asked."""
    best_iteration: _Count | None = None
    """Whose weights are the best so far."""
    rated_bytes: _Count = 0
    """Bytes of the run's rated games that were played before."""
    games_total: _Count = 0
    samples_total: _Count = 0
    """Samples ever added to the replay buffer."""
    elapsed_s: Annotated[float, msgspec.Meta(ge=0.0, le=1e300)] = 0.0
    """Seconds of training, pauses left out, over all processes."""
    best_score: _Finite | None = None
    loss_sums: dict[str, _Finite] = field(default_factory=dict[str, float])
    """Sums of the losses over `steps_done` steps."""
    shards: list[Shard] = field(default_factory=list[Shard])
    """`Shard`s: files of the replay buffer, oldest first."""

    @property
    def checkpoint_number(self) -> int:
        """Number of a checkpoint written now: that of the iteration under way, if there is one."""
        return self.iteration + self.played

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return dataclasses.asdict(self)

    def begin_training(self, steps: int) -> None:
        """The games of an iteration are in the buffer; `steps` training steps follow."""
        self.played, self.steps_done, self.steps_wanted = True, 0, steps
        self.loss_sums = {}

    def finish_iteration(self, opponents: tuple[str, ...]) -> None:
        """The training of an iteration is done; it is to be measured against `opponents`."""
        self.iteration += 1
        self.played, self.steps_done = False, 0
        self.loss_sums = {}
        self.opponents_left = list(opponents)
        self.score = self.measured = self.accepted = None

    def judge_best(self, number: int, score: float) -> None:
        """Weights with a score are about to be saved as `number`: are they the best?

        The gate has said so, if there is one; else a score no lower than any before does.
        """
        accepted = self.accepted
        if accepted is None:
            accepted = self.best_score is None or score >= self.best_score
        if accepted:
            self.best_score, self.best_iteration = score, number


def progress_from_dict(fields: object) -> RunProgress:
    """The progress that a checkpoint describes; fields that older ones lack keep their defaults.

    Raises:
        CheckpointError: It is damaged.
    """
    try:
        progress = msgspec.convert(fields, RunProgress)
    except msgspec.ValidationError as error:
        raise CheckpointError(f"the checkpoint's progress is damaged ({error})") from None
    if (progress.steps_done or progress.loss_sums) and set(progress.loss_sums) != set(LOSSES):
        raise CheckpointError("the checkpoint's progress is damaged (sums of other losses)")
    return progress


# -- a checkpoint to go on from


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """A checkpoint of a training run, read and checked once; the run goes on from this value."""

    path: Path
    record: CheckpointRecord
    """Of the file as it is."""
    saved_config: TrainingConfig
    """Settings of the checkpoint, as far as this version knows them."""
    config: TrainingConfig
    """Settings to go on with."""
    notes: tuple[str, ...]
    """What a person should know: files passed over, settings not understood."""
    progress: RunProgress
    model_state: Mapping[str, Tensor]
    training_state: Mapping[str, Any]
    compute: Compute | None
    """What it was computed with; None in a file of before that was kept."""
    measure: Measure
    """How the best score was measured."""
    stats: Mapping[str, Any]
    """Plain values about the iteration."""
    log_position: int
    """Bytes of the event log when the checkpoint was written."""

    @property
    def number(self) -> int:
        """Iteration in the file's name; one above the finished ones within an iteration."""
        return self.record.iteration

    @property
    def name(self) -> str:
        """Run and file, for the records."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def changes(self) -> dict[str, tuple[SettingValue, SettingValue]]:
        """`name -> (old, new)` of the settings that were changed."""
        return changed_settings(self.saved_config, self.config)

    def continues(self, paths: RunPaths) -> bool:
        """Whether the run at `paths` is the one that wrote the checkpoint."""
        return self.path.parent.resolve() == paths.directory.resolve()

    def with_settings(self, config: TrainingConfig) -> ResumePoint:
        """The same checkpoint, gone on from with other settings.

        Raises:
            ConfigError: They do not fit its network.
        """
        changed = dataclasses.replace(self, config=config)
        for name in _FIXED:
            if name in changed.changes:
                old, new = changed.changes[name]
                raise ConfigError(
                    f"{name} cannot change on resume: {self.path.name} has {old!r}, not {new!r}"
                )
        return changed

    def warnings(self, paths: RunPaths, compute: Compute) -> list[str]:
        """What a person should know of a run at `paths` that goes on, computed with `compute`."""
        told = list(self.notes)
        broken = exactness_broken_by(self.saved_config, self.config)
        if (
            self.compute is not None
        ):  # what these lead to is compared below, with the machine's part
            broken = tuple(name for name in broken if name not in _COMPUTING)
        if broken:
            told.append(
                f"with {', '.join(broken)} changed, the run no longer ends exactly as it would have"
            )
        told.append(_moved(self.compute, compute))
        if self.continues(paths):
            told += self._lost_settings(paths)
        return [text for text in told if text]

    def _lost_settings(self, paths: RunPaths) -> list[str]:
        """Settings that were set after the checkpoint and are gone with it."""
        try:
            with paths.events.open("rb") as file:
                file.seek(self.log_position)
                behind = file.read(_MOST_READ)
        except OSError:  # a run without its log goes on as well
            return []
        lost = {
            text(record, "key", 60): str(record.get("new"))[:60]
            for record in decode_lines(behind[: behind.rfind(b"\n") + 1])[0]
            if record["event"] == "setting" and record.get("takes_effect") != "resume"
        }
        return [
            f"{key} had been set to {value} after {self.path.name} was written and is as before; "
            "set it again if it is still wanted"
            for key, value in lost.items()
        ]


def find_resume_point(source: Path, config: TrainingConfig | None = None) -> ResumePoint:
    """Read the checkpoint that a run goes on from, once.

    Args:
        source: A checkpoint file, or a run directory: then its newest file that verifies.
        config: Settings to go on with; None keeps the checkpoint's.

    Raises:
        CheckpointError: There is none, or it is no checkpoint of a training run.
        ConfigError: The settings do not fit its network.
    """
    path, notes = source, []
    if source.is_dir():
        path, content, record, skipped = newest_valid(source)
        notes = [f"{name} was passed over: {why}" for name, why in skipped]
    else:
        content, record = open_checkpoint(path)
    place, extra = plain_text(str(path)), content["extra"]
    if "progress" not in extra or "training" not in extra:
        raise CheckpointError(
            f"{place}: holds weights but no training state; go on from a checkpoint_iter file, "
            "or evaluate this one"
        )
    for key in ("config", "training"):
        if not isinstance(extra.get(key), dict):
            raise CheckpointError(f"{place}: its {key} is damaged; take another checkpoint")
    saved, odd = stored_config(
        stored_settings(content, "playing", "config"),
        place=plain_text(path.name),
        needed=(*WEIGHTS, *PLAYED_WITH),
    )
    if strangers := _strangers(saved.eval_opponents, saved.num_players):
        named = ", ".join(plain_text(name, 60) for name in strangers)
        known = tuple(name for name in saved.eval_opponents if name not in strangers)
        saved = saved.replace(eval_opponents=known)
        listed = f"{plain_text(path.name)}: eval_opponents names {named}"
        odd = (*odd, f"{listed}, which this version does not know; left out")
    if odd:
        notes += [*odd, "for that, the run may not end exactly as it would have"]
    try:
        progress = progress_from_dict(extra["progress"])
    except CheckpointError as error:
        raise CheckpointError(f"{place}: {error}") from None
    if progress.checkpoint_number != record.iteration:
        raise CheckpointError(f"{place}: its progress is not that of iteration {record.iteration}")
    left = [name for name in progress.opponents_left if name not in {BEST, RATINGS}]
    strangers = _strangers(left, saved.num_players)
    progress.opponents_left = [n for n in progress.opponents_left if n not in strangers]
    position = extra.get("log_position")
    point = ResumePoint(
        path=path,
        record=record,
        saved_config=saved,
        config=saved,
        notes=tuple(notes),
        progress=progress,
        model_state=content["model_state"],
        training_state={**extra["training"], "optimizer": content["optimizer_state"]},
        compute=Compute.from_plain(extra.get("compute")),
        measure=read_measure(extra.get("measure"), saved),
        stats=content["stats"],
        log_position=position if type(position) is int and 0 <= position < 1 << 53 else 0,
    )
    return point if config is None else point.with_settings(config)


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


def take_over_shards(point: ResumePoint, paths: RunPaths) -> None:
    """Bring the replay shards of another run into this one, as links where the disk allows.

    Raises:
        OSError: The disk is full or refuses.
    """
    if point.continues(paths):
        return
    paths.replay.mkdir(exist_ok=True)
    for shard in point.progress.shards:
        old, new = RunPaths(point.path.parent).replay / shard.file, paths.replay / shard.file
        if new.exists() or not old.is_file():  # the buffer then says what it misses
            continue
        try:
            os.link(old, new)
        except OSError:
            shutil.copyfile(old, new)


def _moved(before: Compute | None, here: Compute) -> str:
    """Why a run will not end bit for bit as it would have where it was; empty if it will."""
    if before is None:
        return (
            "what the checkpoint was computed with is not known, for an older version wrote it: "
            "the run may not end bit for bit as it would have"
        )
    there, now = before.to_plain(), here.to_plain()
    moved = [
        plain_text(f"{name.replace('_', ' ')} {now[name]} (was {there[name]})", 300)
        for name in there
        if now[name] != there[name]
    ]
    told = f"computed with {', '.join(moved)}: the run goes on, "
    return told + "and will not end bit for bit as it would have" if moved else ""


def _strangers(names: Sequence[str], players: int) -> tuple[str, ...]:
    """Those of the scripted players that there are none of."""
    unknown: list[str] = []
    for name in names:
        try:
            create_player(name, players)
        except PlayerError:
            unknown.append(name)
    return tuple(unknown)
