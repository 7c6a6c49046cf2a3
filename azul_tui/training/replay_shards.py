"""The replay buffer on disk: one file an iteration, written once, never changed.

A checkpoint names the shards that its buffer is made of, so that saving costs what is new. A
shard stores policies as their nonzero entries: a fifth of the bytes.
Letters: N samples, S bytes a position, A actions, V values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from azul_tui.errors import CheckpointError
from azul_tui.runs.files import write_atomically
from azul_tui.training.shard_reading import ShardArrays, digest_of, read_arrays

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.training.game_batch import GameBatch
    from azul_tui.training.replay_buffer import ReplayBuffer

_FILE: Final = re.compile(r"iter_\d{6,9}\.npz")
_LARGEST_COUNT: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of samples."""

    file: str
    samples: int
    sha256: str

    def as_dict(self) -> dict[str, object]:
        """Plain values, for a checkpoint."""
        return asdict(self)


def shard_from_dict(entry: object) -> Shard:
    """The shard that a checkpoint describes.

    Raises:
        CheckpointError: It is not described.
    """
    fields: Mapping[str, object] = {}
    if isinstance(entry, Mapping):
        fields = cast("Mapping[str, object]", entry)
    file, samples, digest = (fields.get(key) for key in ("file", "samples", "sha256"))
    if (
        not isinstance(file, str)
        or _FILE.fullmatch(file) is None
        or type(samples) is not int
        or not 0 <= samples < _LARGEST_COUNT
        or not isinstance(digest, str)
    ):
        raise CheckpointError("the checkpoint's list of replay shards is damaged")
    return Shard(file, samples, digest)


def write_shard(folder: Path, iteration: int, batch: GameBatch) -> Shard:
    """Write the samples of an iteration as `iter_000005.npz`.

    Raises:
        OSError: The disk is full or refuses; nothing is left behind.
    """
    folder.mkdir(exist_ok=True)
    path = folder / f"iter_{iteration:06d}.npz"
    kept = batch.policies > 0
    arrays = {
        "states": batch.states,
        "outcomes": batch.outcomes,
        "counts": kept.sum(axis=1).astype(np.uint16),
        "actions": np.nonzero(kept)[1].astype(np.uint16),
        "shares": batch.policies[kept],
    }

    def fill(target: Path) -> None:
        with target.open("wb") as file:
            np.savez(file, **arrays)  # pyright: ignore[reportArgumentType] - arrays by name

    write_atomically(path, fill)
    return Shard(path.name, len(batch.states), digest_of(path))


def restore_buffer(
    buffer: ReplayBuffer, folder: Path, shards: Sequence[Shard], added: int
) -> list[str]:
    """Fill an empty `buffer` as it was after `added` samples.

    Args:
        buffer: The buffer of the run that resumes.
        folder: Where the shards lie.
        shards: Oldest first.
        added: Samples that were ever added when the checkpoint was written.

    Returns:
        What could not be restored, in words; the buffer then starts with what there is.
    """
    needed = min(added, buffer.capacity)
    parts: list[ShardArrays] = []
    problems: list[str] = []
    found = 0
    for shard in reversed(shards):
        if found >= needed:
            break
        try:
            part = read_arrays(folder / shard.file, shard.sha256, buffer.players, buffer.values)
            if len(part.states) != shard.samples:
                raise CheckpointError(f"{shard.file}: the replay shard is of another run")
        except CheckpointError as error:
            problems.append(str(error))
            break
        parts.append(part)
        found += shard.samples
    if found < needed and not problems:
        problems.append(f"the replay shards hold {found:,} positions, not {needed:,}")
    if not parts or not needed:
        return problems
    newest = (np.concatenate(column[::-1])[-needed:] for column in zip(*parts, strict=True))
    if problems:
        buffer.append(*newest)
    else:
        buffer.restore(added, *newest)
    return problems


def shards_in_window(shards: Sequence[Shard], capacity: int) -> list[Shard]:
    """The newest shards that together still matter to a buffer of that capacity."""
    kept: list[Shard] = []
    samples = 0
    for shard in reversed(shards):
        if samples >= capacity:
            break
        kept.append(shard)
        samples += shard.samples
    return kept[::-1]
