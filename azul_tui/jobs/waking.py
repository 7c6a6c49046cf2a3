"""The first move of a player, whose kernels may have to be compiled: nobody waits unexplained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from azul_tui.game.constants import state_size
from azul_tui.game.kernel import noticing_compilation
from azul_tui.game.rules import clear_game, refill_canonical

if TYPE_CHECKING:
    from azul_tui.jobs.start import JobContext
    from azul_tui.players.registry import Player


def wake_player(context: JobContext, player: Player, seats: int) -> None:
    """Let `player` choose once at the opening of a game, and say so if its kernels are compiled.

    Args:
        context: Whose reporter tells a person.
        player: Whose kernels are wanted.
        seats: Players at the table.
    """
    state = np.zeros((1, state_size(seats)), np.int8)
    clear_game(state[0], seats)
    refill_canonical(state[0], np.uint64(0), np.zeros(1, np.uint64))
    words = f"compiling {player.name}, only the first time"
    with noticing_compilation(lambda: context.reporter.say(words)):
        player.choose(state, np.zeros(1, np.uint64), deterministic=True)
