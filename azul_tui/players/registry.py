"""From a player's name to the player, compiling only the kind that is asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, cast

from azul_tui.game.constants import check_players
from azul_tui.players.names import PlayerName, parse_player_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.players.protocol import Player

_HOME: Final = {
    "random": "azul_tui.players.random_player",
    "naive": "azul_tui.players.naive",
    "heuristic": "azul_tui.players.heuristic",
    "greedy": "azul_tui.players.greedy",
    "alphabeta": "azul_tui.players.alphabeta",
    "uct": "azul_tui.players.uct",
    "planner": "azul_tui.players.planner",
}
"""Module of each kind; it has a function `create(name, players)`."""


def create_player(name: str, players: int = 2) -> Player:
    """Make the scripted player called `name` for games of `players`.

    Raises:
        PlayerError: No player has this name, or it cannot play with that many.
        GameError: `players` is not 2, 3 or 4.
    """
    parsed = parse_player_name(name, check_players(players))
    module = importlib.import_module(_HOME[parsed.kind])
    create = cast("Callable[[PlayerName, int], Player]", module.create)
    return create(parsed, players)
