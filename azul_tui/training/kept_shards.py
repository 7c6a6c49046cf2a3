"""Which replay shards the kept checkpoints of a run need; the others are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azul_tui.runs.checkpoint_manifest import CheckpointRecord
    from azul_tui.training.open_run import OpenRun
    from azul_tui.training.run_progress import RunProgress


def mark_shards(progress: RunProgress, number: int, kept: Iterable[CheckpointRecord]) -> None:
    """Remember, with checkpoint `number` about to be written, which shards each one needs.

    Args:
        progress: That will be in the checkpoint.
        number: Of the checkpoint.
        kept: The checkpoints before it.
    """
    numbers = {record.iteration for record in kept}
    oldest = {key: file for key, file in progress.oldest_shards.items() if key in numbers}
    oldest[number] = min((shard.file for shard in progress.shards), default="")
    progress.oldest_shards = oldest


def remove_old_shards(run: OpenRun, kept: Iterable[CheckpointRecord]) -> None:
    """Delete shards that none of the checkpoints `kept` names."""
    progress, folder = run.progress, run.paths.replay
    numbers = {record.iteration for record in kept}
    if not numbers <= set(progress.oldest_shards):
        return  # one of them was written by somebody else: better keep too much
    oldest = min((progress.oldest_shards[number] for number in numbers), default="")
    for file in folder.glob("iter_*.npz"):
        if file.name < oldest:
            run.journal.show(lambda file=file: file.unlink(missing_ok=True))
