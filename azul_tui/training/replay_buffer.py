"""ReplayBuffer: the newest positions with their search policies and outcomes.

Shapes: N positions, S bytes of a position, A actions, V values, F features, W targets: V, or twice
as many with margins. A position is stored
as its 96 to 160 bytes and turned into an observation when it is drawn, policies as float16: one
two-player sample takes 460 bytes instead of 980.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from azul_tui.errors import ConfigError
from azul_tui.game.constants import (
    action_count,
    check_players,
    observation_size,
    state_size,
)
from azul_tui.training.desk import target_count
from azul_tui.training.replay_kernels import gather_samples

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
    """`(N, W)` final result in [-1, 1], seen by the player to move (index 0 for 3 and 4); then the
    margins, if the buffer keeps them."""


class ReplayBuffer:
    """A ring of preallocated arrays that overwrites its oldest positions."""

    def __init__(self, capacity: int, players: int = 2, *, margins: bool = False) -> None:
        """Reserve memory for `capacity` positions; pages are touched when they are filled.

        Args:
            capacity: Positions.
            players: P.
            margins: Whether each position has margins behind its outcomes.

        Raises:
            ConfigError: The capacity is below 1 or larger than memory.
            GameError: `players` is not 2, 3 or 4.
        """
        if capacity < 1:
            raise ConfigError(f"buffer_capacity must be at least 1, got {capacity}")
        self.players: int = check_players(players)
        self.capacity: int = capacity
        self.targets: int = target_count(players, margins)
        """W."""
        self.added: int = 0
        """Positions ever added; the next one goes to `added % capacity`."""
        try:
            self._states: Int8Array = np.zeros((capacity, state_size(players)), np.int8)
            self._policies: Float16Array = np.zeros((capacity, action_count(players)), np.float16)
            self._outcomes: Float32Array = np.zeros((capacity, self.targets), np.float32)
        except MemoryError as error:
            raise ConfigError(
                f"buffer_capacity {capacity} does not fit into memory: use a smaller one"
            ) from error

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    @property
    def bytes_per_position(self) -> int:
        """Memory that one position takes."""
        return self._states.shape[1] + 2 * self._policies.shape[1] + 4 * self._outcomes.shape[1]

    def add(
        self,
        states: Int8Array,
        policies: npt.NDArray[np.floating],
        outcomes: npt.NDArray[np.floating],
    ) -> None:
        """Append N positions, in order; the oldest make room.

        Args:
            states: `(N, S)` int8.
            policies: `(N, A)`, distributions or rows of zeros (value only).
            outcomes: `(N, W)`, or `(N,)` when W is 1; in [-1, 1].

        Raises:
            ValueError: A shape or type is wrong, or a number is not finite.
        """
        outcomes = outcomes[:, None] if outcomes.ndim == 1 else outcomes
        for name, array, stored in (
            ("states", states, self._states),
            ("policies", policies, self._policies),
            ("outcomes", outcomes, self._outcomes),
        ):
            expected = (len(states), stored.shape[1])
            if array.shape != expected:
                raise ValueError(f"{name} must have the shape {expected}, got {array.shape}")
        if states.dtype != np.int8:
            raise ValueError(f"states must be int8, got {states.dtype}")
        if not (np.isfinite(policies).all() and np.isfinite(outcomes).all()):
            raise ValueError("policies and outcomes must be finite")
        kept = min(len(states), self.capacity)
        first = len(states) - kept
        for source, target in self._runs(self.added + first, kept):
            rows = slice(first + source.start, first + source.stop)
            self._states[target] = states[rows]
            self._policies[target] = policies[rows]
            self._outcomes[target] = outcomes[rows]
        self.added += len(states)

    def sample(
        self, count: int, generator: np.random.Generator, window: int | None = None
    ) -> ReplaySample:
        """Draw `count` positions uniformly, with replacement.

        Args:
            count: N.
            generator: Decides which.
            window: Draw from the newest so many positions only.

        Raises:
            ValueError: The buffer is empty.
        """
        sample = self.empty_sample(count)
        self.sample_into(sample, generator, window)
        return sample

    def empty_sample(self, count: int) -> ReplaySample:
        """Arrays for `sample_into`, reused by whoever draws often."""
        return ReplaySample(
            np.zeros((count, observation_size(self.players)), np.int8),
            np.zeros((count, self._policies.shape[1]), np.float32),
            np.zeros((count, self._outcomes.shape[1]), np.float32),
        )

    def sample_into(
        self, sample: ReplaySample, generator: np.random.Generator, window: int | None = None
    ) -> None:
        """`sample` into arrays that exist already."""
        self.gather_into(sample, self.draw_rows(len(sample.observation), generator, window))

    def draw_rows(
        self, count: int, generator: np.random.Generator, window: int | None = None
    ) -> Int64Array:
        """`(count,)` rows for `gather_into`, drawn as `sample` draws; gone with the next `add`."""
        size = len(self) if window is None else max(1, min(window, len(self)))
        if not len(self):
            raise ValueError("an empty replay buffer has nothing to sample")
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
        self.add(states, policies, outcomes)

    def _runs(self, start: int, count: int) -> Iterator[tuple[slice, slice]]:
        """`(rows of the input, rows of the ring)` for `count` positions from number `start`."""
        done = 0
        while done < count:
            row = (start + done) % self.capacity
            length = min(count - done, self.capacity - row)
            yield slice(done, done + length), slice(row, row + length)
            done += length
