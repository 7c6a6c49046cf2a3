"""The replay buffer: the newest positions, drawn from uniformly, and kept on disk in shards.

Shapes: N samples, C samples that a buffer holds, S bytes a position, A actions, V values,
F features. A position is stored as its 96 to 160 bytes and turned into an observation when it is
drawn, its policy as float16: one two-player sample takes 460 bytes instead of 980.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, cast

import msgspec
import numpy as np
import numpy.typing as npt

from azul_tui.config.setting import check_instance, check_int, shown
from azul_tui.errors import CheckpointError, ConfigError
from azul_tui.game.constants import (
    BAG,
    BOARD_MARKER,
    BOARD_SCORE,
    BOARD_SIZE,
    BOARDS,
    COLOR_COUNT,
    FLOOR_SLOTS,
    LINE_COUNT,
    NEXT_FIRST,
    OVER,
    PHASE,
    PLAYERS,
    TABLE_TILES,
    TILES_PER_COLOR,
    TO_MOVE,
    action_count,
    check_players,
    observation_size,
    state_size,
    value_count,
)
from azul_tui.game.kernel import Float32Array, Int8Array, Int64Array, kernel
from azul_tui.game.notation import format_move
from azul_tui.game.observation import write_observation
from azul_tui.game.rules import list_legal
from azul_tui.game.violations import violations
from azul_tui.runs.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.training.game_records import GameBatch

Float16Array = npt.NDArray[np.float16]
Uint16Array = npt.NDArray[np.uint16]


class ReplaySample(NamedTuple):
    """Positions drawn from a buffer, as a network wants them."""

    observation: Int8Array
    """`(N, F)` raw observation, seen by the player to move."""
    policy: Float32Array
    """`(N, A)` the search's policy; a row of zeros where only the value is known."""
    outcome: Float32Array
    """`(N, V)` value target in [-1, 1], seen by the player to move (index 0 for 3 and 4)."""


class StoredSamples(NamedTuple):
    """Positions as a buffer and a shard keep them."""

    states: Int8Array
    """`(N, S)`."""
    policies: Float16Array
    """`(N, A)`, none negative."""
    outcomes: Float32Array
    """`(N, V)`."""


def bytes_per_position(players: int) -> int:
    """Memory that one position of a game of so many takes in a buffer."""
    return state_size(players) + 2 * action_count(players) + 4 * value_count(players)


class ReplayBuffer:
    """A ring of preallocated arrays that overwrites its oldest positions."""

    def __init__(self, capacity: int, players: int = 2) -> None:
        """Reserve memory for `capacity` positions; pages are touched when they are filled.

        Raises:
            ConfigError: The capacity is below 1 or larger than memory.
            GameError: `players` is not 2, 3 or 4.
        """
        self.players: int = check_players(players)
        self.capacity: int = check_int("capacity", capacity, 1)
        self.added: int = 0
        """Positions ever added; the next one goes to `added % capacity`."""
        sizes = state_size(self.players), action_count(self.players), value_count(self.players)
        try:
            self._stored = StoredSamples(
                np.zeros((self.capacity, sizes[0]), np.int8),
                np.zeros((self.capacity, sizes[1]), np.float16),
                np.zeros((self.capacity, sizes[2]), np.float32),
            )
        except (MemoryError, ValueError, OverflowError) as error:  # numpy counts bytes in 63 bits
            raise ConfigError(
                f"capacity {shown(self.capacity)} does not fit into memory: use a smaller one"
            ) from error

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    @property
    def bytes_per_position(self) -> int:
        """Memory that one position takes."""
        return bytes_per_position(self.players)

    def add(self, states: object, policies: object, outcomes: object) -> None:
        """Append N positions, in order; the oldest make room. Nothing is added if one is refused.

        Args:
            states: `(N, S)` int8, positions as `GameState.array` and `self_play_games` have them.
            policies: `(N, A)`, distributions over the legal actions, to within a thousandth, or
                rows of zeros (value only, as of a position between two rounds).
            outcomes: `(N, V)`, or `(N,)` when V is 1; in [-1, 1].

        Raises:
            ConfigError: A shape, a type, a position or a number is wrong; the row is named.
        """
        self.append(*checked_samples(states, policies, outcomes, self.players))

    def append(
        self,
        states: Int8Array,
        policies: npt.NDArray[np.floating],
        outcomes: npt.NDArray[np.floating],
    ) -> None:
        """`add` for what self-play or a verified file gives: nothing is checked."""
        first = max(0, len(states) - self.capacity)
        rows = np.arange(self.added + first, self.added + len(states)) % self.capacity
        self._stored.states[rows] = states[first:]
        self._stored.policies[rows] = policies[first:]
        self._stored.outcomes[rows] = outcomes[first:]
        self.added += len(states)

    def sample(self, count: int, generator: np.random.Generator) -> ReplaySample:
        """Draw `count` positions uniformly, with replacement; `generator` decides which.

        Raises:
            ConfigError: The buffer is empty, or an argument is of the wrong type or out of range.
        """
        count = check_int("count", count, 1)
        check_instance("generator", generator, np.random.Generator)
        sample = self.empty_sample(count)
        self.gather_into(sample, self.draw_rows(count, generator))
        return sample

    def empty_sample(self, count: int) -> ReplaySample:
        """Arrays for `gather_into`, reused by whoever draws often."""
        return ReplaySample(
            np.zeros((count, observation_size(self.players)), np.int8),
            np.zeros((count, action_count(self.players)), np.float32),
            np.zeros((count, value_count(self.players)), np.float32),
        )

    def draw_rows(self, count: int, generator: np.random.Generator) -> Int64Array:
        """`(count,)` rows for `gather_into`, drawn as `sample` draws; gone with the next `add`."""
        size = len(self)
        if not size:
            raise ConfigError("an empty replay buffer has nothing to sample")
        return (self.added - size + generator.integers(0, size, size=count)) % self.capacity

    def gather_into(self, sample: ReplaySample, rows: Int64Array) -> None:
        """The positions stored at `rows`, into the first rows of `sample`."""
        states, policies, outcomes = self._stored
        _gather(states, policies.view(np.uint16), outcomes, rows, *sample)

    def newest(self, count: int) -> StoredSamples:
        """Copies of the last `count` positions as stored, oldest first."""
        count = min(count, len(self))
        rows = np.arange(self.added - count, self.added) % self.capacity
        states, policies, outcomes = self._stored
        return StoredSamples(states[rows], policies[rows], outcomes[rows])


# -- drawing: observations are made of positions, policies are widened, compiled

_GROUP: Final = 16
_LINE_BYTES: Final = 64
"""Of a cache line."""
_SMALLEST_NORMAL: Final = np.int32(0x400)
_SUBNORMAL_UNIT: Final = np.float32(2.0**-24)
_MANTISSA_SHIFT: Final = np.int32(13)
_EXPONENT_BIAS: Final = np.int32((127 - 15) << 23)


@kernel
def _gather(
    states: Int8Array,
    policy_bits: Uint16Array,
    outcomes: Float32Array,
    rows: Int64Array,
    observation_out: Int8Array,
    policy_out: Float32Array,
    outcome_out: Float32Array,
) -> int:
    """Observation, policy and outcome of the positions at `rows` `(N,)`.

    Rows lie anywhere in a buffer that no cache holds. They are touched in groups before they are
    read, so that the memory fetches a whole group at once: a third less time for 200,000 rows.
    What is returned means nothing and keeps the touching from being optimised away.
    """
    touched = np.int64(0)
    for first in range(0, len(rows), _GROUP):
        last = min(first + _GROUP, len(rows))
        for index in range(first, last):
            row = rows[index]
            for action in range(0, policy_bits.shape[1], _LINE_BYTES // 2):
                touched += np.int64(policy_bits[row, action])
            for byte in range(0, states.shape[1], _LINE_BYTES):
                touched += np.int64(states[row, byte])
        for index in range(first, last):
            row = rows[index]
            write_observation(states[row], observation_out[index])
            _widen(policy_bits[row], policy_out[index])
            for seat in range(outcome_out.shape[1]):
                outcome_out[index, seat] = outcomes[row, seat]
    return int(touched)


@kernel
def _widen(bits: Uint16Array, out: Float32Array) -> None:
    """Half floats from their bits, none negative; numba has no such type on processors.

    Two exact formulas, one for subnormal halves: as float32 they would be subnormal too, and a
    product with one of those takes a hundred cycles.
    """
    for index in range(len(out)):
        half = np.int32(bits[index])
        normal = np.int32((half << _MANTISSA_SHIFT) + _EXPONENT_BIAS).view(np.float32)
        subnormal = np.float32(half) * _SUBNORMAL_UNIT
        out[index] = normal if half >= _SMALLEST_NORMAL else subnormal


# -- the one check of samples: what a person adds, and what a file holds
#
# Kernels check nothing: a seat of 9 would be read from beyond the board.

_SUM_TOLERANCE: Final = 1e-3
"""Twice what rounding to float16 may change the sum of a policy by."""


def checked_samples(
    states: object, policies: object, outcomes: object, players: int
) -> StoredSamples:
    """Samples of a game of so many, as a buffer keeps them; see `ReplayBuffer.add`.

    Raises:
        ConfigError: A shape, a type, a position or a number is wrong; the row is named.
    """
    positions = _numbers("states", states, "i")
    wanted = _numbers("policies", policies, "fiu")
    results = _numbers("outcomes", outcomes, "fiu")
    results = results[:, None] if results.ndim == 1 else results
    for name, array, columns in (
        ("states", positions, state_size(players)),
        ("policies", wanted, action_count(players)),
        ("outcomes", results, value_count(players)),
    ):
        if array.shape != (len(positions), columns):
            expected = (len(positions), columns)
            raise ConfigError(f"{name} must have the shape {expected}, got {array.shape}")
    if positions.dtype != np.int8:
        raise ConfigError(f"states must be int8, got {positions.dtype}")
    with np.errstate(over="ignore"):  # what is infinite then is refused
        narrow = results.astype(np.float32)
        probabilities = np.ascontiguousarray(wanted, np.float32)
    if (row := _first(~np.isfinite(narrow))) >= 0:
        raise ConfigError(f"outcomes[{row}] must be finite, got {shown(narrow[row].tolist())}")
    if (row := _first(np.abs(narrow) > 1.0)) >= 0:
        raise ConfigError(f"outcomes[{row}] must be in [-1, 1], got {shown(narrow[row].tolist())}")
    if (row := _first(_impossible(positions, players))) >= 0:
        reasons = [*violations(positions[row].tolist()), "its bytes mean nothing"]
        raise ConfigError(f"states[{row}] must be a position of this game: {reasons[0]}")
    unlikely = ~(np.isfinite(probabilities) & (probabilities >= 0))
    if (row := _first(unlikely)) >= 0:
        worst = float(probabilities[row][unlikely[row]][0])
        raise ConfigError(f"policies[{row}] must be finite and at least 0, got {shown(worst)}")
    illegal = (probabilities > 0) & ~_legal_actions(positions, action_count(players))
    if (row := _first(illegal)) >= 0:
        action = int(np.flatnonzero(illegal[row])[0])
        raise ConfigError(
            f"policies[{row}] must be 0 where a move is not legal, got "
            f"{float(probabilities[row, action]):.6g} for {format_move(action, players)} "
            f"(action {action})"
        )
    total = probabilities.sum(axis=1, dtype=np.float64)
    if (row := _first((total != 0) & (np.abs(total - 1.0) > _SUM_TOLERANCE))) >= 0:
        wanted = "must sum to 1, or be all 0 where only the value counts"
        raise ConfigError(f"policies[{row}] {wanted}, got {total[row]:.6g}")
    # Kernels that read halves know no sign, and -0.0 has one.
    bits = np.ascontiguousarray(wanted, np.float16).view(np.uint16) & np.uint16(0x7FFF)
    return StoredSamples(positions, bits.view(np.float16), narrow)


def _numbers(name: str, value: object, kinds: str) -> npt.NDArray[Any]:
    """An argument as an array of numbers of those kinds."""
    try:
        array: npt.NDArray[Any] = np.asarray(cast("Any", value))
    except (TypeError, ValueError, RuntimeError):  # ragged lists; tensors on a GPU
        raise ConfigError(f"{name} must be an array of numbers, got {shown(value)}") from None
    if array.dtype.kind not in kinds or not array.ndim:
        what = "int8" if kinds == "i" else "numbers"
        found = array.dtype if array.ndim else shown(value)
        raise ConfigError(f"{name} must be an array of {what}, got {found}")
    return array


def _first(wrong: npt.NDArray[np.bool_]) -> int:
    """The first row of which anything is wrong, -1 when nothing is."""
    rows = np.flatnonzero(wrong.any(axis=tuple(range(1, wrong.ndim))))
    return int(rows[0]) if len(rows) else -1


def _impossible(states: Int8Array, players: int) -> npt.NDArray[np.bool_]:
    """`(N,)` whether a number is out of its range, or a colour has not all of its tiles.

    `violations` says more, in words and a thousand times slower.
    """
    numbers = states.astype(np.int16)
    stocks, rest = np.split(numbers[:, BAG:], [BOARDS - BAG], axis=1)
    boards, sources = np.split(rest, [BOARD_SIZE * players], axis=1)
    boards = boards.reshape(-1, players, BOARD_SIZE)
    sources = sources[:, : COLOR_COUNT * (2 * players + 2)]
    on_table = sources.reshape(-1, 2 * players + 2, COLOR_COUNT).sum(axis=1)
    each, fives = np.arange(COLOR_COUNT), (LINE_COUNT, 2 * LINE_COUNT, 3 * LINE_COUNT, BOARD_MARKER)
    held_colors, held, wall, floor, _ = np.split(boards, fives, axis=2)  # (N, P, 5) each
    on_lines = np.where(held_colors[..., None] == each + 1, held[..., None], 0)
    on_wall = wall[..., None] >> (each[:, None] + each) % COLOR_COUNT & 1  # (N, P, line, colour)
    tiles = stocks.reshape(-1, 2, COLOR_COUNT).sum(axis=1) + on_table + floor.sum(axis=1)
    tiles += (on_lines + on_wall).sum(axis=(1, 2))
    wrong_board = (
        (held_colors > COLOR_COUNT)
        | (held > each + 1)
        | ((held_colors == 0) != (held == 0))
        | (wall >= 1 << LINE_COUNT)
        | (floor.sum(axis=2, keepdims=True) > FLOOR_SLOTS)
        | (boards[:, :, BOARD_SCORE, None] >= 100)
    )
    return (
        (numbers < 0).any(axis=1)
        | (numbers[:, PLAYERS] != players)
        | (numbers[:, [TO_MOVE, NEXT_FIRST]] >= players).any(axis=1)
        | (numbers[:, PHASE] > OVER)
        | (numbers[:, TABLE_TILES] != on_table.sum(axis=1))
        | wrong_board.any(axis=(1, 2))
        | (tiles != TILES_PER_COLOR).any(axis=1)
    )


@kernel
def _legal_actions(states: Int8Array, actions: int) -> npt.NDArray[np.bool_]:
    """`(N, A)` which moves are legal."""
    legal = np.zeros((len(states), actions), np.bool_)
    listed = np.empty(actions, np.int32)
    for row in range(len(states)):
        for index in range(list_legal(states[row], listed, False)):
            legal[row, listed[index]] = True
    return legal


# -- on disk: one shard an iteration, written once, never changed
#
# A checkpoint names the shards that its buffer is made of, so that saving costs what is new. A
# shard stores policies as their nonzero entries: a fifth of the bytes. It may come from a stranger
# or from a failing disk, and nothing of it is believed.

_LARGEST_FILE: Final = 1 << 34
_TYPES: Final = {
    "states": np.int8,
    "outcomes": np.float32,
    "counts": np.uint16,
    "actions": np.uint16,
    "shares": np.float16,
}


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of samples, as a checkpoint names it."""

    file: Annotated[str, msgspec.Meta(pattern=r"^iter_[0-9]{6,9}\.npz\Z")]
    samples: Annotated[int, msgspec.Meta(ge=0, lt=1 << 40)]
    sha256: str


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def read_shard(path: Path, sha256: str, players: int) -> StoredSamples:
    """The samples in the shard at `path`, whose digest is known.

    Raises:
        CheckpointError: It is absent, damaged, or of another game.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise CheckpointError(f"{path.name}: is too large for a replay shard")
        if digest_of(path) != sha256:
            raise CheckpointError(f"{path.name}: the replay shard is damaged (SHA-256 differs)")
        stored = _read_arrays(path)
        counts = stored["counts"]
        if len(stored["states"]) != len(counts) or len(stored["actions"]) != counts.sum():
            raise ValueError("arrays of other lengths")
        policies = np.zeros((len(counts), action_count(players)), np.float16)
        policies[np.repeat(np.arange(len(counts)), counts), stored["actions"]] = stored["shares"]
        return checked_samples(stored["states"], policies, stored["outcomes"], players)
    except OSError as error:
        raise CheckpointError(
            f"{path.name}: the replay shard cannot be read ({error.strerror or error})"
        ) from None
    except CheckpointError:
        raise
    except (ConfigError, IndexError) as error:
        raise CheckpointError(
            f"{path.name}: the replay shard is of another game, or damaged ({error})"
        ) from None
    except Exception as error:  # noqa: BLE001 - zipfile and numpy raise a dozen kinds
        kind = type(error).__name__
        raise CheckpointError(f"{path.name}: is not a replay shard ({kind})") from None


def _read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays by name; raises whatever a damaged archive leads to.

    numpy refuses pickles, and reads no more than there is. A compressed member may unpack to more
    than memory holds. Another version may keep more of a sample.
    """
    with path.open("rb") as file, np.load(file) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.zip.infolist()):
            raise ValueError("compressed members")
        found: dict[str, npt.NDArray[Any]] = {name: archive[name] for name in _TYPES}
    if any(found[name].dtype != dtype for name, dtype in _TYPES.items()):
        raise ValueError("arrays of another type")
    return found


def restore_buffer(
    buffer: ReplayBuffer, folder: Path, shards: Sequence[Shard], added: int
) -> list[str]:
    """Fill an empty `buffer` as it was after `added` samples, each in the row where it was.

    Args:
        buffer: The buffer of the run that resumes.
        folder: Where the shards lie.
        shards: Oldest first.
        added: Samples that were ever added when the checkpoint was written.

    Returns:
        What could not be restored, in words; the buffer then starts with what there is.
    """
    needed = min(added, buffer.capacity)
    parts: list[StoredSamples] = []
    problems: list[str] = []
    found = 0
    for shard in reversed(shards):
        if found >= needed:
            break
        try:
            part = read_shard(folder / shard.file, shard.sha256, buffer.players)
            if len(part.states) != shard.samples:
                raise CheckpointError(f"{shard.file}: the replay shard is of another run")
        except CheckpointError as error:
            problems.append(str(error))
            break
        parts.append(part)
        found += shard.samples
    if found < needed and not problems:
        problems.append(f"the replay shards hold {found:,} positions, not {needed:,}")
    if parts and needed:
        newest = [np.concatenate(column[::-1])[-needed:] for column in zip(*parts, strict=True)]
        buffer.added = 0 if problems else added - needed
        buffer.append(*newest)
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
