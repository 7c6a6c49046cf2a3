"""The one question that every player answers, and scripted players by name.

`create_player` compiles only the kind that is asked for. Shapes: G games, S bytes of a position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from azul_tui.game.constants import check_players
from azul_tui.players.names import parse_player_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.game.kernel import Int8Array, Int32Array, Uint64Array


class Player(Protocol):
    """Chooses moves in many games at once; it knows nothing of matches, opponents or results."""

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


@runtime_checkable
class StoppablePlayer(Player, Protocol):
    """A player that may think for long about a move, and can be interrupted."""

    def choose_until(
        self, state: Int8Array, seed: int, stopped: Callable[[], bool]
    ) -> tuple[int, bool]:
        """As `choose` for one game with `deterministic`, unless somebody wants it to end early.

        Args:
            state: `(S,)` position with a move to make.
            seed: Seed of this decision.
            stopped: Asked now and then, after some thought: whether to answer at once.

        Returns:
            The action, and whether it was interrupted: then the best found so far.
        """
        ...


def create_player(name: str, players: int = 2) -> Player:
    """Make the scripted player called `name` for games of `players`.

    Raises:
        PlayerError: No player has this name, or it cannot play with that many.
        GameError: `players` is not 2, 3 or 4.
    """
    kind, level, playouts = parse_player_name(name, check_players(players))
    if kind == "uct":
        from azul_tui.players.uct import UctPlayer

        return UctPlayer(playouts)
    if kind in ("planner", "alphabeta"):
        from azul_tui.players.planner import AlphaBetaPlayer, PlannerPlayer

        return PlannerPlayer(players) if kind == "planner" else AlphaBetaPlayer(level)
    from azul_tui.players.scripted import ScriptedPlayer

    return ScriptedPlayer(kind)
