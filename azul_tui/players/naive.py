"""`naive`: fills a line as far as it can, and avoids the floor among equals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
from azul_tui.players.effects import MAX_ACTIONS, tiles_placed, tiles_taken
from azul_tui.players.one_look import OneLookPlayer
from azul_tui.players.ties import pick_best

if TYPE_CHECKING:
    from azul_tui.players.names import PlayerName


@lean_kernel
def naive_values(state: Int8Array, actions: Int32Array, count: int, values: Int64Array) -> None:
    """Write tiles placed, and among equals few to the floor, into `values`; see `greedy_values`."""
    for index in range(count):
        action = integer(actions[index])
        placed = tiles_placed(state, action)
        spilled = tiles_taken(state, action) - placed
        values[index] = 100 * placed - spilled


@kernel
def _choose(states: Int8Array, seeds: Uint64Array, deterministic: bool, chosen: Int32Array) -> None:
    actions = np.empty(MAX_ACTIONS, np.int32)
    values = np.empty(MAX_ACTIONS, np.int64)
    stream = np.zeros(1, np.uint64)
    for game in range(states.shape[0]):
        count = list_legal(states[game], actions, True)
        naive_values(states[game], actions, count, values)
        stream[0] = derive(seeds[game], PLAYER, 0)
        chosen[game] = actions[pick_best(values, count, deterministic, stream)]


def create(name: PlayerName, players: int) -> OneLookPlayer:
    """The player; it needs nothing from its name and plays with any number."""
    del name, players
    return OneLookPlayer("naive", _choose)
