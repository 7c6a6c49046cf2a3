"""Reading a replay shard that may come from a stranger or from a failing disk.

Nothing of it is believed: the archive must be stored without compression, every array must be as
long as its bytes, and every position must be one that the rules' kernels can read without leaving
their arrays: they check nothing themselves.
Letters: N samples, S bytes a position, A actions, V values.
"""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from azul_tui.errors import CheckpointError
from azul_tui.game.constants import action_count, factory_count, state_size, value_count
from azul_tui.game.offsets import (
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
)

if TYPE_CHECKING:
    from pathlib import Path

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
