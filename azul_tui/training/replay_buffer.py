"""ReplayBuffer: the newest positions with their search policies and outcomes.

Shapes: N positions, S bytes of a position, A actions, V values, F features. A position is stored as
its 96 to 160 bytes and turned into an observation when it is drawn, policies as float16: one
two-player sample takes 460 bytes instead of 980.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from azul_tui.config.setting import check_instance, check_int, shown
from azul_tui.errors import ConfigError
from azul_tui.game.constants import (
    action_count,
    check_players,
    observation_size,
    state_size,
    value_count,
)
from azul_tui.game.notation import format_move
from azul_tui.game.violations import violations
from azul_tui.training.replay_kernels import (
    NO_POSITION,
    NOT_A_DISTRIBUTION,
    NOT_FINITE,
    find_fault,
    gather_samples,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Int8Array = npt.NDArray[np.int8]
Int64Array = npt.NDArray[np.int64]
Float16Array = npt.NDArray[np.float16]
Float32Array = npt.NDArray[np.float32]


class ReplaySample(NamedTuple):
    """Positions drawn from a buffer, as a network wants them."""

    observation: Int8Array
    """`(N, F)` raw observation, seen by the player to move."""
    policy: Float32Array
    """`(N, A)` the search's policy; a row of zeros where only the value is known."""
    outcome: Float32Array
    """`(N, V)` final result in [-1, 1], seen by the player to move (index 0 for 3 and 4)."""


class ReplayBuffer:
    """A ring of preallocated arrays that overwrites its oldest positions."""

    def __init__(self, capacity: int, players: int = 2) -> None:
        """Reserve memory for `capacity` positions; pages are touched when they are filled.

        Args:
            capacity: Positions.
            players: P.

        Raises:
            ConfigError: The capacity is below 1 or larger than memory.
            GameError: `players` is not 2, 3 or 4.
        """
        capacity = check_int("capacity", capacity, 1)
        players = check_players(players)
        self.players: int = players
        self.capacity: int = capacity
        self.values: int = value_count(players)
        """V."""
        self.added: int = 0
        """Positions ever added; the next one goes to `added % capacity`."""
        try:
            self._states: Int8Array = np.zeros((capacity, state_size(players)), np.int8)
            self._policies: Float16Array = np.zeros((capacity, action_count(players)), np.float16)
            self._outcomes: Float32Array = np.zeros((capacity, self.values), np.float32)
        except (MemoryError, ValueError, OverflowError) as error:  # numpy counts bytes in 63 bits
            raise ConfigError(
                f"capacity {shown(capacity)} does not fit into memory: use a smaller one"
            ) from error

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    @property
    def bytes_per_position(self) -> int:
        """Memory that one position takes."""
        return self._states.shape[1] + 2 * self._policies.shape[1] + 4 * self._outcomes.shape[1]

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
        positions = _numbers("states", states, "i")
        wanted = _numbers("policies", policies, "fiu")
        results = _numbers("outcomes", outcomes, "fiu")
        results = results[:, None] if results.ndim == 1 else results
        count = len(positions) if positions.ndim else 0
        for name, array, stored in (
            ("states", positions, self._states),
            ("policies", wanted, self._policies),
            ("outcomes", results, self._outcomes),
        ):
            expected = (count, stored.shape[1])
            if array.shape != expected:
                raise ConfigError(f"{name} must have the shape {expected}, got {array.shape}")
        if positions.dtype != np.int8:
            raise ConfigError(f"states must be int8, got {positions.dtype}")
        with np.errstate(over="ignore"):  # what is infinite then is refused
            narrow = results.astype(np.float32)
            probabilities = np.ascontiguousarray(wanted, np.float32)
        _refuse_row("outcomes", ~np.isfinite(narrow), narrow, "must be finite")
        values = narrow[:, : value_count(self.players)]
        _refuse_row("outcomes", np.abs(values) > 1.0, narrow, "must be in [-1, 1]")
        row, fault = find_fault(np.ascontiguousarray(positions), probabilities, self.players)
        if row >= 0:
            raise ConfigError(_fault_in_words(positions[row], probabilities[row], row, fault))
        # Kernels that read halves know no sign, and -0.0 has one.
        bits = np.ascontiguousarray(wanted, np.float16).view(np.uint16) & np.uint16(0x7FFF)
        self.append(positions, bits.view(np.float16), narrow)

    def append(
        self,
        states: Int8Array,
        policies: npt.NDArray[np.floating],
        outcomes: npt.NDArray[np.floating],
    ) -> None:
        """`add` for what self-play or a verified file gives: nothing is checked."""
        outcomes = outcomes[:, None] if outcomes.ndim == 1 else outcomes
        kept = min(len(states), self.capacity)
        first = len(states) - kept
        for source, target in self._runs(self.added + first, kept):
            rows = slice(first + source.start, first + source.stop)
            self._states[target] = states[rows]
            self._policies[target] = policies[rows]
            self._outcomes[target] = outcomes[rows]
        self.added += len(states)

    def sample(self, count: int, generator: np.random.Generator) -> ReplaySample:
        """Draw `count` positions uniformly, with replacement.

        Args:
            count: N.
            generator: Decides which.

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
            np.zeros((count, self._policies.shape[1]), np.float32),
            np.zeros((count, self._outcomes.shape[1]), np.float32),
        )

    def draw_rows(self, count: int, generator: np.random.Generator) -> Int64Array:
        """`(count,)` rows for `gather_into`, drawn as `sample` draws; gone with the next `add`."""
        size = len(self)
        if not size:
            raise ConfigError("an empty replay buffer has nothing to sample")
        return (self.added - size + generator.integers(0, size, size=count)) % self.capacity

    def gather_into(self, sample: ReplaySample, rows: Int64Array) -> None:
        """The positions stored at `rows`, into the first rows of `sample`."""
        bits = self._policies.view(np.uint16)
        gather_samples(self._states, bits, self._outcomes, rows, *sample)

    def newest(self, count: int) -> tuple[Int8Array, Float16Array, Float32Array]:
        """Copies of the last `count` positions as stored, oldest first."""
        count = min(count, len(self))
        rows = np.arange(self.added - count, self.added) % self.capacity
        return self._states[rows], self._policies[rows], self._outcomes[rows]

    def restore(
        self, added: int, states: Int8Array, policies: Float16Array, outcomes: Float32Array
    ) -> None:
        """Become a buffer to which `added` positions were added, these being the last.

        Positions return to the rows where they were, so that the same draws find them again.

        Raises:
            ValueError: There are more or fewer positions than such a buffer would hold.
        """
        if len(states) != min(added, self.capacity):
            holds = min(added, self.capacity)
            raise ValueError(
                f"after {added} positions this buffer holds {holds}, not {len(states)}"
            )
        self.added = added - len(states)
        self.append(states, policies, outcomes)

    def _runs(self, start: int, count: int) -> Iterator[tuple[slice, slice]]:
        """`(rows of the input, rows of the ring)` for `count` positions from number `start`."""
        done = 0
        while done < count:
            row = (start + done) % self.capacity
            length = min(count - done, self.capacity - row)
            yield slice(done, done + length), slice(row, row + length)
            done += length


def _numbers(name: str, value: object, kinds: str) -> npt.NDArray[Any]:
    """An argument as an array of numbers of those kinds.

    Raises:
        ConfigError: It is none.
    """
    try:
        array: npt.NDArray[Any] = np.asarray(cast("Any", value))
    except (TypeError, ValueError, RuntimeError):  # ragged lists; tensors on a GPU
        raise ConfigError(f"{name} must be an array of numbers, got {shown(value)}") from None
    if array.dtype.kind not in kinds or not array.ndim:
        what = "int8" if kinds == "i" else "numbers"
        found = array.dtype if array.ndim else shown(value)
        raise ConfigError(f"{name} must be an array of {what}, got {found}")
    return array


def _refuse_row(name: str, wrong: npt.NDArray[np.bool_], array: Float32Array, words: str) -> None:
    """Raise ConfigError for the first row of which anything is wrong."""
    if wrong.any():
        row = int(np.argwhere(wrong)[0, 0])
        raise ConfigError(f"{name}[{row}] {words}, got {shown(array[row].tolist())}")


def _fault_in_words(state: Int8Array, policy: Float32Array, row: int, fault: int) -> str:
    """What `find_fault` found."""
    if fault == NO_POSITION:
        reasons = violations(state.tolist())
        reason = reasons[0] if reasons else "its bytes mean nothing"
        return f"states[{row}] must be a position of this game: {reason}"
    if fault == NOT_FINITE:
        return f"policies[{row}] must be finite and at least 0, got {shown(_worst(policy))}"
    if fault == NOT_A_DISTRIBUTION:
        total = float(policy.sum(dtype=np.float64))
        wanted = "must sum to 1, or be all 0 where only the value counts"
        return f"policies[{row}] {wanted}, got {total:.6g}"
    move = format_move(fault, int(state[0]))
    return (
        f"policies[{row}] must be 0 where a move is not legal, got "
        f"{float(policy[fault]):.6g} for {move} (action {fault})"
    )


def _worst(policy: Float32Array) -> float:
    """The first entry that no probability can be."""
    return float(policy[~(np.isfinite(policy) & (policy >= 0))][0])
