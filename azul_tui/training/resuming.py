"""Where a run goes on: which checkpoint, which settings, what that changes."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from azul_tui.config import (
    TrainingConfig,
    changed_settings,
    config_from_mapping,
    exactness_broken_by,
)
from azul_tui.errors import CheckpointError, ConfigError
from azul_tui.runs.paths import RunPaths
from azul_tui.training.checkpoints import newest_valid, read_checkpoint
from azul_tui.training.run_progress import RunProgress, progress_from_dict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from azul_tui.config import SettingValue

_FIXED = ("num_players", "network_config")
"""Settings that the weights depend on."""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """A checkpoint to go on from, read and checked."""

    path: Path
    number: int
    """Iteration in the file's name; one above the finished ones if its training is unfinished."""
    config: TrainingConfig
    """Settings of the checkpoint with the changes asked for."""
    changes: dict[str, tuple[SettingValue, SettingValue]]
    notes: tuple[str, ...]
    """What a person should know: files passed over, exactness given up."""
    progress: RunProgress
    model_state: Mapping[str, Tensor]
    training_state: Mapping[str, Any]
    position: int
    """Bytes of the event log when the checkpoint was written."""

    @property
    def name(self) -> str:
        """Run and file, for the records."""
        return f"{self.path.parent.name}/{self.path.name}"

    def log_position(self, paths: RunPaths) -> int | None:
        """Where the log of the resumed run goes on; None when another run begins."""
        return self.position if self._same_run(paths) else None

    def _same_run(self, paths: RunPaths) -> bool:
        return self.path.parent.resolve() == paths.directory.resolve()


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
    extra = content.get("extra")
    if not isinstance(extra, dict) or "progress" not in extra or "training" not in extra:
        raise CheckpointError(
            f"{path}: holds weights but no training state; start a run from it with "
            "another checkpoint, or evaluate it"
        )
    fields = cast("dict[str, Any]", extra)
    saved = config_from_mapping(fields["config"], place=path.name)
    wanted = config or saved
    changes = changed_settings(saved, wanted)
    for name in _FIXED:
        if name in changes:
            old, new = changes[name]
            raise ConfigError(
                f"{name} cannot change on resume: {path.name} has {old!r}, not {new!r}"
            )
    broken = exactness_broken_by(saved, wanted)
    if broken:
        notes.append(
            f"with {', '.join(broken)} changed, the run no longer ends exactly as it would have"
        )
    progress = progress_from_dict(fields["progress"])
    return ResumePoint(
        path=path,
        number=content["iteration"],
        config=wanted,
        changes=changes,
        notes=tuple(notes),
        progress=progress,
        model_state=content["model_state"],
        training_state={**fields["training"], "optimizer": content["optimizer_state"]},
        position=int(fields.get("log_position", 0)),
    )


def take_over_shards(resume: ResumePoint, paths: RunPaths) -> None:
    """Bring the replay shards of another run into this one, as links where the disk allows."""
    source = RunPaths(resume.path.parent)
    if source.directory.resolve() == paths.directory.resolve():
        return
    paths.replay.mkdir(exist_ok=True)
    for shard in resume.progress.shards:
        old, new = source.replay / shard.file, paths.replay / shard.file
        if new.exists() or not old.is_file():
            continue
        try:
            os.link(old, new)
        except OSError:
            with suppress(OSError):  # the buffer then says what it misses
                shutil.copyfile(old, new)
