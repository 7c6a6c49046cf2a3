"""`random`, `naive`, `heuristic` and `greedy`: each legal move gets a number, a best one is made.

Also what every scripted player needs: what a move earns before it is made, ties, threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from azul_tui.game.constants import (
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_SIZE,
    BOARD_WALL,
    BOARDS,
    COLOR_COUNT,
    FLOOR_ROW,
    FLOOR_SLOTS,
    MARKER_IN_CENTRE,
    MAX_PLAYERS,
    PLAYERS,
    ROW_COUNT,
    TO_MOVE,
    action_count,
)
from azul_tui.game.kernel import (
    Int8Array,
    Int32Array,
    Int64Array,
    Uint64Array,
    inlined_kernel,
    integer,
    kernel,
    lean_kernel,
)
from azul_tui.game.playout import random_action
from azul_tui.game.random import PLAYER, derive, next_below
from azul_tui.game.rules import FLOOR_COST, earned_points, floor_slots, list_legal, sources_offset
from azul_tui.runs.machine import usable_cores

MAX_ACTIONS: Final = action_count(MAX_PLAYERS)
"""Room for the legal moves of any position."""
_RANDOM, _NAIVE, _HEURISTIC, _GREEDY = range(4)
_KINDS: Final = {"random": _RANDOM, "naive": _NAIVE, "heuristic": _HEURISTIC, "greedy": _GREEDY}
_FLOOR_VALUE: Final = -10
_SPILL_COST: Final = 3
_NEIGHBOUR_VALUE: Final = 3


@lean_kernel
def _wall_neighbours(state: Int8Array, action: int) -> int:
    """Filled cells of the mover's wall orthogonally next to the cell that `action` aims at."""
    row = action % ROW_COUNT
    column = (action // ROW_COUNT % COLOR_COUNT + row) % 5
    wall = BOARDS + BOARD_SIZE * integer(state[TO_MOVE]) + BOARD_WALL
    here = integer(state[wall + row])
    filled = (here << 1 >> column & 1) + (here >> (column + 1) & 1)
    if row > 0:
        filled += integer(state[wall + row - 1]) >> column & 1
    if row + 1 < COLOR_COUNT:
        filled += integer(state[wall + row + 1]) >> column & 1
    return filled


@lean_kernel
def earned_change(state: Int8Array, action: int, earned: int, slots: int) -> int:
    """Change of the mover's `earned_points` by a legal `action`, the round left open.

    Only a completed line and the floor change what is earned, so most moves cost a look-up.
    `earned` and `slots` are the mover's `earned_points` and `floor_slots` now. Writes to its line
    for a moment; `state` is as before afterwards.
    """
    row = action % ROW_COUNT
    taken = integer(state[sources_offset(state) + action // ROW_COUNT])
    spilled = taken
    gain = 0
    seat = integer(state[TO_MOVE])
    if row != FLOOR_ROW:
        at = BOARDS + BOARD_SIZE * seat + row
        held = integer(state[at + BOARD_LINE_TILES])
        spilled = max(0, held + taken - row - 1)
        if held + taken > row:
            color = state[at + BOARD_LINE_COLOR]
            state[at + BOARD_LINE_TILES] = row + 1
            state[at + BOARD_LINE_COLOR] = action // ROW_COUNT % COLOR_COUNT + 1
            gain = earned_points(state, seat) - earned
            state[at + BOARD_LINE_TILES] = held
            state[at + BOARD_LINE_COLOR] = color
    if state[MARKER_IN_CENTRE] and action // 30 == 2 * integer(state[PLAYERS]) + 1:
        spilled += 1
    cost = FLOOR_COST[min(FLOOR_SLOTS, slots + spilled)] - FLOOR_COST[slots]
    return gain - integer(cost)


@inlined_kernel
def insert_ranked(
    actions: Int32Array, ranks: Int64Array, index: int, action: int, rank: int
) -> None:
    """Put `action` into its place among the first `index`, which are sorted by falling rank.

    Behind its equals. Position `index` of both arrays is written over.
    """
    place = index
    while place > 0 and ranks[place - 1] < rank:
        ranks[place] = ranks[place - 1]
        actions[place] = actions[place - 1]
        place -= 1
    ranks[place] = rank
    actions[place] = action


@lean_kernel
def pick_best(values: Int64Array, count: int, deterministic: bool, stream: Uint64Array) -> int:
    """Index of a largest among the first `count` of `values`.

    Args:
        values: One for each legal action, actions ascending.
        count: At least 1.
        deterministic: Take the first of equals; otherwise each of them is equally likely.
        stream: One uint64; advanced only where a tie is broken.
    """
    best = 0
    equals = 1
    for index in range(1, count):
        if values[index] > values[best]:
            best = index
            equals = 1
        elif values[index] == values[best]:
            equals += 1
    if deterministic or equals == 1:
        return best
    skip = next_below(stream, equals)
    index = best
    while skip > 0:
        index += 1
        if values[index] == values[best]:
            skip -= 1
    return index


@lean_kernel
def _value(kind: int, state: Int8Array, action: int, earned: int, slots: int) -> int:
    """What a player of that kind thinks of a legal `action`.

    Greedy: the change of its earned points. Naive: tiles placed, and among equals few to the
    floor. Heuristic, a careful beginner: completed lines next to laid tiles, little spilled.
    """
    if kind == _GREEDY:
        return earned_change(state, action, earned, slots)
    row = action % ROW_COUNT
    taken = integer(state[sources_offset(state) + action // ROW_COUNT])
    room = held = placed = 0
    if row != FLOOR_ROW:
        room = row + 1
        line = BOARDS + BOARD_SIZE * integer(state[TO_MOVE]) + BOARD_LINE_TILES + row
        held = integer(state[line])
        placed = min(taken, room - held)
    spilled = taken - placed
    if kind == _NAIVE:
        return 100 * placed - spilled
    if row == FLOOR_ROW:
        return _FLOOR_VALUE
    filled = held + placed
    progress = 20 + room if filled == room else 10 * filled // room
    near = _NEIGHBOUR_VALUE * _wall_neighbours(state, action)
    return progress - _SPILL_COST * spilled + near


@kernel
def _choose(
    kind: int, states: Int8Array, seeds: Uint64Array, deterministic: bool, chosen: Int32Array
) -> None:
    """Choose in each game; see `Player.choose`."""
    actions = np.empty(MAX_ACTIONS, np.int32)
    values = np.empty(MAX_ACTIONS, np.int64)
    stream = np.zeros(1, np.uint64)
    state = np.empty(states.shape[1], np.int8)
    for game in range(states.shape[0]):
        state[:] = states[game]  # which `earned_change` writes to
        stream[0] = derive(seeds[game], PLAYER, 0)
        if kind == _RANDOM:
            chosen[game] = random_action(state, stream)
            continue
        count = list_legal(state, actions, True)
        seat = integer(state[TO_MOVE])
        earned = earned_points(state, seat)
        slots = floor_slots(state, seat)
        for index in range(count):
            values[index] = _value(kind, state, integer(actions[index]), earned, slots)
        chosen[game] = actions[pick_best(values, count, deterministic, stream)]


class ScriptedPlayer:
    """`random`, `naive`, `heuristic` or `greedy`."""

    def __init__(self, name: str) -> None:
        self.name: str = name

    def choose(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool = False
    ) -> Int32Array:
        """See `Player.choose`. `random` has no ties, so that `deterministic` changes nothing."""
        chosen = np.empty(len(states), np.int32)
        _choose(_KINDS[self.name], states, seeds, deterministic, chosen)
        return chosen


class ThreadedPlayer:
    """A player whose kernels, without the GIL, think long about each game.

    It gets the games of a batch in several parts a thread, which evens out games that take longer
    than others; a choice never depends on it.
    """

    def __init__(self, threads: int | None = None) -> None:
        """At most so many threads; None for one a usable core."""
        self._threads = threads

    def choose_part(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool, chosen: Int32Array
    ) -> None:
        """Write the choices of a part of the games into `chosen`; see `Player.choose`."""
        raise NotImplementedError

    def choose(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool = False
    ) -> Int32Array:
        """See `Player.choose`."""
        games = len(states)
        chosen = np.empty(games, np.int32)
        workers = min(games, usable_cores() if self._threads is None else self._threads)
        if workers <= 1:
            self.choose_part(states, seeds, deterministic, chosen)
            return chosen
        size = -(-games // (4 * workers))
        parts = [slice(first, first + size) for first in range(0, games, size)]
        with ThreadPoolExecutor(workers) as pool:
            running = [
                pool.submit(self.choose_part, states[at], seeds[at], deterministic, chosen[at])
                for at in parts
            ]
        for part in running:
            part.result()
        return chosen
