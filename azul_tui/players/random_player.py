"""`random`: every legal move is equally likely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from azul_tui.game.kernel import Int8Array, Int32Array, Uint64Array, kernel
from azul_tui.game.playout import random_action
from azul_tui.game.random import PLAYER, derive

if TYPE_CHECKING:
    from azul_tui.players.names import PlayerName


@kernel
def _choose(states: Int8Array, seeds: Uint64Array, actions: Int32Array) -> None:
    stream = np.zeros(1, np.uint64)
    for game in range(states.shape[0]):
        stream[0] = derive(seeds[game], PLAYER, 0)
        actions[game] = random_action(states[game], stream)


class RandomPlayer:
    """Uniform over legal moves."""

    name: str = "random"

    def choose(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool = False
    ) -> Int32Array:
        """See `Player.choose`. A random player has no ties: `deterministic` changes nothing."""
        del deterministic
        actions = np.empty(len(states), np.int32)
        _choose(states, seeds, actions)
        return actions


def create(name: PlayerName, players: int) -> RandomPlayer:
    """The player; it needs nothing from its name and plays with any number."""
    del name, players
    return RandomPlayer()
