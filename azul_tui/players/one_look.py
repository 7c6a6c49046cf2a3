"""Players that look once: each legal move gets a number, and a largest one is made.

What they have in common. The loop over the games stands in each of their files all the same:
numba keeps no compiled code on the disk for a kernel that gets another one handed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.game.kernel import Int8Array, Int32Array, Uint64Array


class OneLookPlayer:
    """A player whose choice is one kernel without memory."""

    def __init__(
        self, name: str, choose: Callable[[Int8Array, Uint64Array, bool, Int32Array], None]
    ) -> None:
        """Wrap a kernel.

        Args:
            name: See `Player.name`.
            choose: Gets the arguments of `Player.choose` and writes `(G,)` actions.
        """
        self.name: str = name
        self._choose = choose

    def choose(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool = False
    ) -> Int32Array:
        """See `Player.choose`."""
        chosen = np.empty(len(states), np.int32)
        self._choose(states, seeds, deterministic, chosen)
        return chosen
