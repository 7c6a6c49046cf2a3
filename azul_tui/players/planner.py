"""`planner`: the strong classical yardstick, a hand-written value and a search inside the round.

Two players: alpha-beta with 256,000 positions a move. Three and four: max-n with 4,000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from azul_tui.game.kernel import Int8Array, Int32Array, Uint64Array, kernel
from azul_tui.game.random import PLAYER, derive
from azul_tui.players.planner_memory import Workspace, create_workspace, make_root
from azul_tui.players.planner_search import plan
from azul_tui.players.threads import share_out
from azul_tui.players.ties import pick_action

if TYPE_CHECKING:
    from azul_tui.players.names import PlayerName

TWO_PLAYER_BUDGET: Final = 256_000
"""Positions valued a move."""
MANY_PLAYER_BUDGET: Final = 4_000


@kernel
def _choose(
    states: Int8Array,
    seeds: Uint64Array,
    deterministic: bool,
    budget: int,
    work: Workspace,
    chosen: Int32Array,
) -> None:
    """Choose in each game; see `Player.choose`."""
    values = np.empty(work.actions.shape[1], np.int64)
    fresh = np.empty(work.actions.shape[1], np.int64)
    stream = np.empty(1, np.uint64)
    for game in range(states.shape[0]):
        make_root(work, states[game])
        work.keys[:] = 0
        count = plan(work, budget, values, fresh)
        stream[0] = derive(seeds[game], PLAYER, 0)
        chosen[game] = pick_action(work.actions[0], values, count, deterministic, stream)


class PlannerPlayer:
    """Iterative deepening inside the round with the value of `prospects`."""

    name: str = "planner"

    def __init__(self, players: int, budget: int | None = None, threads: int | None = None) -> None:
        self.players = players
        self.budget = budget or (TWO_PLAYER_BUDGET if players == 2 else MANY_PLAYER_BUDGET)
        self._threads = threads

    def choose(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool = False
    ) -> Int32Array:
        """See `Player.choose`."""
        chosen = np.empty(len(states), np.int32)

        def work(part: slice) -> None:
            memory = create_workspace(self.players)
            _choose(states[part], seeds[part], deterministic, self.budget, memory, chosen[part])

        share_out(len(states), self._threads, work)
        return chosen


def create(name: PlayerName, players: int) -> PlannerPlayer:
    """The player for a table of that many; it needs nothing from its name."""
    del name
    return PlannerPlayer(players)
