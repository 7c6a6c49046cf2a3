"""The one question that every player answers. Shapes: G games, S bytes of a position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from azul_tui.game.kernel import Int8Array, Int32Array, Uint64Array


class Player(Protocol):
    """Chooses moves in many games at once."""

    @property
    def name(self) -> str:
        """Name to show, and for scripted players the name that `create_player` takes."""
        ...

    def choose(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool = False
    ) -> Int32Array:
        """Return one legal action for each position.

        The choice in a game depends on its own position and seed alone, never on the other
        games of the batch, and a player keeps nothing from one call to the next that could
        change a choice.

        Args:
            states: `(G, S)` positions of one number of players, each with a move to make and
                its factories in canonical order, to which the actions refer. Not changed.
            seeds: `(G,)` seeds of this decision. Not changed.
            deterministic: Break ties by the lowest action index, and play without noise.

        Returns:
            `(G,)` actions.
        """
        ...
