"""The replay buffer on disk: one file an iteration, written once, never changed.

A checkpoint names the shards that its buffer is made of, so that saving costs what is new. A
shard stores policies as their nonzero entries: a fifth of the bytes.
Letters: N samples, S bytes a position, A actions, V values.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.errors import CheckpointError
from azul_tui.game.constants import action_count, state_size, value_count
from azul_tui.runs.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from azul_tui.training.replay_buffer import ReplayBuffer
    from azul_tui.training.self_play import GameBatch

_ARRAYS = ("states", "outcomes", "counts", "actions", "shares")


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of samples."""

    file: str
    samples: int
    sha256: str

    def as_dict(self) -> dict[str, object]:
        """Plain values, for a checkpoint."""
        return asdict(self)


def shard_from_dict(fields: Mapping[str, object]) -> Shard:
    """The shard that a checkpoint describes.

    Raises:
        CheckpointError: It is not described.
    """
    file, samples, digest = (fields.get(key) for key in ("file", "samples", "sha256"))
    if (
        not isinstance(file, str)
        or not isinstance(samples, int)
        or not isinstance(digest, str)
        or "/" in file
        or file.startswith(".")
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
    return Shard(path.name, len(batch.states), _digest(path))


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
    parts: list[tuple[npt.NDArray[np.int8], npt.NDArray[np.float16], npt.NDArray[np.float32]]] = []
    found = 0
    problems: list[str] = []
    for shard in reversed(shards):
        if found >= needed:
            break
        try:
            parts.append(read_shard(folder / shard.file, shard, buffer.players))
        except CheckpointError as error:
            problems.append(str(error))
            break
        found += shard.samples
    states, policies, outcomes = (
        np.concatenate([part[index] for part in reversed(parts)])[-needed:]
        if parts
        else np.empty((0, 0))
        for index in range(3)
    )
    if problems or found < needed:
        if parts:
            buffer.add(states.astype(np.int8, copy=False), policies, outcomes.astype(np.float32))
        if not problems:
            problems.append(f"the replay shards hold {found} positions, not {needed}")
        return problems
    if needed:
        buffer.restore(
            added,
            states.astype(np.int8, copy=False),
            policies.astype(np.float16, copy=False),
            outcomes.astype(np.float32, copy=False),
        )
    return []


def read_shard(
    path: Path, shard: Shard, players: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16], npt.NDArray[np.float32]]:
    """States `(N, S)`, policies `(N, A)` and outcomes `(N, V)` of a shard.

    Raises:
        CheckpointError: It is absent, damaged, or of another game.
    """
    try:
        if _digest(path) != shard.sha256:
            raise CheckpointError(f"{path.name}: the replay shard is damaged (SHA-256 differs)")
        with np.load(path, allow_pickle=False) as stored:
            states, outcomes, counts, actions, shares = (stored[name] for name in _ARRAYS)
    except OSError as error:
        raise CheckpointError(
            f"{path.name}: the replay shard cannot be read ({error.strerror or error})"
        ) from None
    except (ValueError, KeyError, zipfile.BadZipFile):
        raise CheckpointError(f"{path.name}: is not a replay shard") from None
    count = shard.samples
    if (
        states.shape != (count, state_size(players))
        or outcomes.shape != (count, value_count(players))
        or counts.shape != (count,)
        or actions.shape != (counts.sum(),)
        or shares.shape != actions.shape
        or (len(actions) and actions.max() >= action_count(players))
    ):
        raise CheckpointError(f"{path.name}: the replay shard is of another game")
    policies = np.zeros((count, action_count(players)), np.float16)
    policies[np.repeat(np.arange(count), counts), actions] = shares
    return states, policies, outcomes


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


def _digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
