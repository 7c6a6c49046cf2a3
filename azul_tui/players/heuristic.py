"""`heuristic`: completes lines next to laid tiles, and counts what is spilled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from azul_tui.game.constants import FLOOR_ROW, ROW_COUNT
from azul_tui.game.kernel import (
    Int8Array,
    Int32Array,
    Int64Array,
    Uint64Array,
    integer,
    kernel,
    lean_kernel,
)
from azul_tui.game.moves import list_legal
from azul_tui.game.random import PLAYER, derive
from azul_tui.players.effects import (
    MAX_ACTIONS,
    line_tiles,
    tiles_placed,
    tiles_taken,
    wall_neighbours,
)
from azul_tui.players.one_look import OneLookPlayer
from azul_tui.players.ties import pick_best

if TYPE_CHECKING:
    from azul_tui.players.names import PlayerName

_FLOOR_VALUE: Final = -10
_SPILL_COST: Final = 3
_NEIGHBOUR_VALUE: Final = 3


@lean_kernel
def heuristic_values(state: Int8Array, actions: Int32Array, count: int, values: Int64Array) -> None:
    """Write the rule of thumb of a careful beginner into `values`; see `greedy_values`."""
    for index in range(count):
        action = integer(actions[index])
        row = action % ROW_COUNT
        if row == FLOOR_ROW:
            values[index] = _FLOOR_VALUE
            continue
        room = row + 1
        placed = tiles_placed(state, action)
        filled = line_tiles(state, action) + placed
        progress = 20 + room if filled == room else 10 * filled // room
        spilled = tiles_taken(state, action) - placed
        near = wall_neighbours(state, action)
        values[index] = progress - _SPILL_COST * spilled + _NEIGHBOUR_VALUE * near


@kernel
def _choose(states: Int8Array, seeds: Uint64Array, deterministic: bool, chosen: Int32Array) -> None:
    actions = np.empty(MAX_ACTIONS, np.int32)
    values = np.empty(MAX_ACTIONS, np.int64)
    stream = np.zeros(1, np.uint64)
    for game in range(states.shape[0]):
        count = list_legal(states[game], actions, True)
        heuristic_values(states[game], actions, count, values)
        stream[0] = derive(seeds[game], PLAYER, 0)
        chosen[game] = actions[pick_best(values, count, deterministic, stream)]


def create(name: PlayerName, players: int) -> OneLookPlayer:
    """The player; it needs nothing from its name and plays with any number."""
    del name, players
    return OneLookPlayer("heuristic", _choose)
