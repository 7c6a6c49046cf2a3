"""The replay buffer: the newest positions, drawn from uniformly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from azul_tui.config.setting import check_instance, check_int, shown
from azul_tui.errors import ConfigError
from azul_tui.game.constants import (
    BAG,
    BOARD_FLOOR,
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_SCORE,
    BOARD_WALL,
    COLOR_COUNT,
    FLOOR_SLOTS,
    LID,
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
from azul_tui.game.kernel import Float32Array, Int8Array, Int64Array, integer, kernel
from azul_tui.game.notation import format_move
from azul_tui.game.observation import write_observation
from azul_tui.game.rules import board_offset, list_legal, sources_offset
from azul_tui.game.violations import violations

if TYPE_CHECKING:
    from collections.abc import Iterator


# -- drawing positions from the replay buffer's arrays, compiled
#
# Shapes: N positions drawn out of C stored, S bytes of a position, A actions, V values.

Uint16Array = npt.NDArray[np.uint16]

NO_POSITION: Final = -1
NOT_FINITE: Final = -2
"""A probability is not finite, or negative."""
NOT_A_DISTRIBUTION: Final = -3
_SUM_TOLERANCE: Final = 1e-3
"""Twice what rounding to float16 may change the sum of a policy by."""

_GROUP: Final = 16
_LINE_BYTES: Final = 64
"""Of a cache line."""
_SMALLEST_NORMAL: Final = np.int32(0x400)
_SUBNORMAL_UNIT: Final = np.float32(2.0**-24)
_MANTISSA_SHIFT: Final = np.int32(13)
_EXPONENT_BIAS: Final = np.int32((127 - 15) << 23)


@kernel
def gather_samples(
    states: Int8Array,
    policy_bits: Uint16Array,
    outcomes: Float32Array,
    rows: Int64Array,
    observation_out: Int8Array,
    policy_out: Float32Array,
    outcome_out: Float32Array,
) -> int:
    """Observation, policy and outcome of the positions at `rows`.

    Rows lie anywhere in a buffer that no cache holds. They are touched in groups before they are
    read, so that the memory fetches a whole group at once: a third less time for 200,000 rows.

    Args:
        states: `(C, S)`.
        policy_bits: `(C, A)` float16 bits, none negative.
        outcomes: `(C, V)`.
        rows: `(N,)` which positions.
        observation_out: `(N, F)`, written.
        policy_out: `(N, A)`, written.
        outcome_out: `(N, V)`, written.

    Returns:
        A number that means nothing and keeps the touching from being optimised away.
    """
    seats = outcome_out.shape[1]
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
            for seat in range(seats):
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


@kernel
def find_fault(states: Int8Array, policies: Float32Array, players: int) -> tuple[int, int]:
    """The first row that is no sample, and what is wrong with it; `(-1, 0)` when all are right.

    Args:
        states: `(N, S)`, any bytes.
        policies: `(N, A)`.
        players: P.

    Returns:
        The row, and `NO_POSITION`, `NOT_FINITE`, `NOT_A_DISTRIBUTION`, or the action that has a
        probability and is not legal.
    """
    actions = np.empty(policies.shape[1], np.int32)
    legal = np.zeros(policies.shape[1], np.bool_)
    for row in range(len(states)):
        state, policy = states[row], policies[row]
        if not _is_position(state, players):
            return row, NO_POSITION
        count = list_legal(state, actions, False)
        for index in range(count):
            legal[actions[index]] = True
        total = 0.0
        for action in range(len(policy)):
            probability = policy[action]
            if not 0.0 <= probability < np.inf:
                return row, NOT_FINITE
            total += probability
            if probability > 0.0 and not legal[action]:
                return row, action
            legal[action] = False
        if total != 0.0 and abs(total - 1.0) > _SUM_TOLERANCE:
            return row, NOT_A_DISTRIBUTION
    return -1, 0


@kernel
def _is_position(state: Int8Array, players: int) -> bool:
    """Whether the numbers lie in their ranges and every colour has its tiles.

    `violations` says more, in words and a thousand times slower.
    """
    for byte in range(len(state)):
        if state[byte] < 0:
            return False
    if state[PLAYERS] != players or state[PHASE] > OVER:
        return False
    for seat in range(players):
        if not _is_board(state, board_offset(seat)):
            return False
    on_table = 0
    for color in range(COLOR_COUNT):
        tiles = state[BAG + color] + state[LID + color]
        for source in range(2 * players + 2):
            here = state[sources_offset(state) + COLOR_COUNT * source + color]
            on_table += here
            tiles += here
        for seat in range(players):
            tiles += _tiles_on_board(state, board_offset(seat), color)
        if tiles != TILES_PER_COLOR:
            return False
    seats_exist = state[TO_MOVE] < players and state[NEXT_FIRST] < players
    return seats_exist and on_table == state[TABLE_TILES]


@kernel
def _is_board(state: Int8Array, board: int) -> bool:
    """Whether lines, wall, floor line and score of the board at `board` hold what they can."""
    on_floor = 0
    for line in range(LINE_COUNT):
        color = state[board + BOARD_LINE_COLOR + line]
        held = state[board + BOARD_LINE_TILES + line]
        if color > COLOR_COUNT or held > line + 1 or (color == 0) != (held == 0):
            return False
        if state[board + BOARD_WALL + line] >= 1 << LINE_COUNT:
            return False
        on_floor += state[board + BOARD_FLOOR + line]
    return on_floor <= FLOOR_SLOTS and state[board + BOARD_SCORE] < 100


@kernel
def _tiles_on_board(state: Int8Array, board: int, color: int) -> int:
    """Tiles of a colour on the board at `board`."""
    tiles = integer(state[board + BOARD_FLOOR + color])
    for line in range(LINE_COUNT):
        if state[board + BOARD_LINE_COLOR + line] == color + 1:
            tiles += state[board + BOARD_LINE_TILES + line]
        tiles += state[board + BOARD_WALL + line] >> ((color + line) % COLOR_COUNT) & 1
    return tiles


# -- replayBuffer: the newest positions with their search policies and outcomes
#
# Shapes: N positions, S bytes of a position, A actions, V values, F features. A position is stored
# as
# its 96 to 160 bytes and turned into an observation when it is drawn, policies as float16: one
# two-player sample takes 460 bytes instead of 980.

Float16Array = npt.NDArray[np.float16]


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
