"""`greedy`: takes whatever earns most at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from azul_tui.game.kernel import Int8Array, Int32Array, Int64Array, Uint64Array, integer, kernel
from azul_tui.game.layout import TO_MOVE
from azul_tui.game.moves import list_legal
from azul_tui.game.random import PLAYER, derive
from azul_tui.game.scoring import earned_points
from azul_tui.players.effects import MAX_ACTIONS, apply_unscored
from azul_tui.players.one_look import OneLookPlayer
from azul_tui.players.ties import pick_best

if TYPE_CHECKING:
    from azul_tui.players.names import PlayerName


@kernel
def greedy_values(state: Int8Array, actions: Int32Array, count: int, values: Int64Array) -> None:
    """Write the change of the mover's earned points into `values`.

    Args:
        state: `(S,)`, with a move to make.
        actions: Legal ones, the first `count` of them.
        count: At least 1.
        values: One for each action, written; see `earned_points`.
    """
    seat = integer(state[TO_MOVE])
    after = np.empty_like(state)
    for index in range(count):
        after[:] = state
        apply_unscored(after, integer(actions[index]))
        values[index] = earned_points(after, seat)


@kernel
def _choose(states: Int8Array, seeds: Uint64Array, deterministic: bool, chosen: Int32Array) -> None:
    actions = np.empty(MAX_ACTIONS, np.int32)
    values = np.empty(MAX_ACTIONS, np.int64)
    stream = np.zeros(1, np.uint64)
    for game in range(states.shape[0]):
        count = list_legal(states[game], actions, True)
        greedy_values(states[game], actions, count, values)
        stream[0] = derive(seeds[game], PLAYER, 0)
        chosen[game] = actions[pick_best(values, count, deterministic, stream)]


def create(name: PlayerName, players: int) -> OneLookPlayer:
    """The player; it needs nothing from its name and plays with any number."""
    del name, players
    return OneLookPlayer("greedy", _choose)
