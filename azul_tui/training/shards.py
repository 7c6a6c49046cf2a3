"""The replay buffer on the disk: append-only shards, read again after a kill."""

from __future__ import annotations

import hashlib
import io
import math
import re
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from azul_tui.errors import CheckpointError
from azul_tui.game.constants import (
    BAG,
    BOARD_FLOOR,
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_MARKER,
    BOARD_SCORE,
    BOARD_SIZE,
    BOARD_WALL,
    BOARDS,
    END_REASON,
    MARKER_IN_CENTRE,
    NEXT_FIRST,
    NO_TILES,
    OVER,
    PHASE,
    PLAYERS,
    ROUND,
    TABLE_TILES,
    TO_MOVE,
    action_count,
    factory_count,
    state_size,
    value_count,
)
from azul_tui.runs.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from azul_tui.runs.checkpoint_manifest import CheckpointRecord
    from azul_tui.training.game_records import GameBatch
    from azul_tui.training.replay import ReplayBuffer
    from azul_tui.training.resuming import OpenRun
    from azul_tui.training.run_progress import RunProgress


# -- the replay buffer on disk: one file an iteration, written once, never changed
#
# A checkpoint names the shards that its buffer is made of, so that saving costs what is new. A
# shard stores policies as their nonzero entries: a fifth of the bytes.
# Letters: N samples, S bytes a position, A actions, V values.

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


# -- reading a replay shard that may come from a stranger or from a failing disk
#
# Nothing of it is believed: the archive must be stored without compression, every array must be as
# long as its bytes, and every position must be one that the rules' kernels can read without leaving
# their arrays: they check nothing themselves.
# Letters: N samples, S bytes a position, A actions, V values.

_TYPES: Final = {
    "states": np.int8,
    "outcomes": np.float32,
    "counts": np.uint16,
    "actions": np.uint16,
    "shares": np.float16,
}
_LARGEST_FILE: Final = 1 << 34
_TILES: Final = 20
"""Of one colour."""


class ShardArrays(NamedTuple):
    """The samples of a shard."""

    states: npt.NDArray[np.int8]
    """`(N, S)`."""
    policies: npt.NDArray[np.float16]
    """`(N, A)`."""
    outcomes: npt.NDArray[np.float32]
    """`(N, V)`."""


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_arrays(path: Path, sha256: str, players: int, targets: int = 0) -> ShardArrays:
    """The samples in the shard at `path`.

    Args:
        path: The file.
        sha256: Its digest.
        players: P.
        targets: Numbers of each sample besides its policy; 0 for the V outcomes alone.

    Raises:
        CheckpointError: It is absent, damaged, or of another game.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise CheckpointError(f"{path.name}: is too large for a replay shard")
        if digest_of(path) != sha256:
            raise CheckpointError(f"{path.name}: the replay shard is damaged (SHA-256 differs)")
        stored = _read_members(path)
    except OSError as error:
        raise CheckpointError(
            f"{path.name}: the replay shard cannot be read ({error.strerror or error})"
        ) from None
    except CheckpointError:
        raise
    except Exception as error:  # noqa: BLE001 - zipfile and numpy raise a dozen kinds
        kind = type(error).__name__
        raise CheckpointError(f"{path.name}: is not a replay shard ({kind})") from None
    if not _fits(stored, players, targets or value_count(players)):
        raise CheckpointError(f"{path.name}: the replay shard is of another game, or damaged")
    counts, actions = stored["counts"], stored["actions"]
    policies = np.zeros((len(counts), action_count(players)), np.float16)
    policies[np.repeat(np.arange(len(counts)), counts), actions] = stored["shares"]
    return ShardArrays(stored["states"], policies, stored["outcomes"])


def _read_members(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays by name; raises whatever a damaged archive leads to."""
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        # Another version may keep more of a sample; a member twice is nobody's.
        missing = {f"{name}.npy" for name in _TYPES} - set(members)
        if missing or len(archive.infolist()) != len(members):
            raise ValueError("other members")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members.values()):
            raise ValueError("compressed members")
        return {
            name: _array(archive.read(f"{name}.npy"), np.dtype(kind))
            for name, kind in _TYPES.items()
        }


def _array(data: bytes, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """An array in numpy's file format, no larger than its bytes and of the type expected."""
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("another version of the format")
    header = cast("tuple[tuple[int, ...], bool, Any]", np.lib.format.read_array_header_1_0(stream))
    shape, by_column, found = header
    body = data[stream.tell() :]
    if found != dtype or by_column or math.prod(shape) * dtype.itemsize != len(body):
        raise ValueError("another type or size")
    return np.frombuffer(body, dtype).reshape(shape)


def _fits(stored: dict[str, npt.NDArray[Any]], players: int, targets: int) -> bool:
    """Whether shapes belong together and every number is one that training can take."""
    states, outcomes, counts = stored["states"], stored["outcomes"], stored["counts"]
    actions, shares = stored["actions"], stored["shares"]
    count = len(states) if states.ndim == 2 else -1
    if (
        states.shape != (count, state_size(players))
        or outcomes.shape != (count, targets)
        or counts.shape != (count,)
        or actions.shape != (int(counts.sum()),)
        or shares.shape != actions.shape
    ):
        return False
    if len(actions) and (int(actions.max()) >= action_count(players)):
        return False
    numbers_fit = bool(np.isfinite(shares).all() and (np.abs(outcomes) <= 1.0).all())
    return (
        numbers_fit
        and bool(((states >= 0) & (states <= _most(players))).all())
        and bool((states[:, PLAYERS] == players).all())
    )


def _most(players: int) -> npt.NDArray[np.int8]:
    """`(S,)`: the largest value that each byte of a position can have."""
    most = np.zeros(state_size(players), np.int8)
    most[PLAYERS] = players
    most[[TO_MOVE, NEXT_FIRST]] = players - 1
    most[MARKER_IN_CENTRE] = 1
    most[[ROUND, TABLE_TILES]] = 127
    most[PHASE] = OVER
    most[END_REASON] = NO_TILES
    most[BAG:BOARDS] = _TILES
    for seat in range(players):
        board = most[BOARDS + BOARD_SIZE * seat :]
        board[BOARD_LINE_COLOR:BOARD_LINE_TILES] = 5
        board[BOARD_LINE_TILES:BOARD_WALL] = 5
        board[BOARD_WALL:BOARD_FLOOR] = 31
        board[BOARD_FLOOR:BOARD_MARKER] = _TILES
        board[BOARD_MARKER] = 1
        board[BOARD_SCORE] = 99
        board[BOARD_SCORE + 1] = 127
    sources = BOARDS + BOARD_SIZE * players
    most[sources : sources + 5 * (factory_count(players) + 1)] = _TILES
    return most


# -- which replay shards the kept checkpoints of a run need; the others are deleted


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
