"""Names of the scripted players, as plain text: for menus, settings and messages.

Imports nothing heavy, so that players are listed without compiling one.
"""

from __future__ import annotations

import difflib
import re
from typing import Final, NamedTuple

from azul_tui.errors import PlayerError

UCT_EXAMPLE: Final = "uct-1000"
MAX_UCT_PLAYOUTS: Final = 1_000_000
TWO_PLAYER_ONLY: Final = tuple(
    f"alphabeta-{level}" for level in ("easy", "medium", "hard", "extreme")
)
"""Players that cannot sit at a table of three or four."""
SCRIPTED_PLAYERS: Final = (
    "random", "naive", "heuristic", "greedy", *TWO_PLAYER_ONLY, UCT_EXAMPLE, "planner",
)  # fmt: skip
"""Every scripted player, weakest kinds first; `uct-N` takes any number of playouts."""


class PlayerName(NamedTuple):
    """A player's name, taken apart."""

    kind: str
    """`random`, `naive`, `heuristic`, `greedy`, `alphabeta`, `uct` or `planner`."""
    level: str
    """Level of `alphabeta`, else empty."""
    playouts: int
    """Playouts a move of `uct`, else 0."""


def scripted_players(players: int) -> tuple[str, ...]:
    """Names of the scripted players that can sit at a table of that many."""
    if players == 2:
        return SCRIPTED_PLAYERS
    return tuple(name for name in SCRIPTED_PLAYERS if name not in TWO_PLAYER_ONLY)


def plays_elsewhere(name: str) -> bool:
    """Whether it is a scripted player's name, though perhaps not of one for the table at hand."""
    return name.strip().lower() in SCRIPTED_PLAYERS


def parse_player_name(name: str, players: int = 2) -> PlayerName:
    """Take the name of a scripted player apart.

    Raises:
        PlayerError: No player has this name, or it cannot play with `players`; the message
            names the nearest one that can.
    """
    text = name.strip().lower()
    counted = re.fullmatch(r"uct-([0-9]{1,9})", text)
    if counted is not None:
        if not 1 <= int(counted[1]) <= MAX_UCT_PLAYOUTS:
            raise PlayerError(
                f"{name!r}: uct takes 1 to {MAX_UCT_PLAYOUTS} playouts a move, such as"
                f" {UCT_EXAMPLE}"
            )
        return PlayerName("uct", "", int(counted[1]))
    known = scripted_players(players)
    if text in known:
        kind, _, level = text.partition("-")
        return PlayerName(kind, level, 0)
    if text in SCRIPTED_PLAYERS:
        raise PlayerError(
            f"{text} plays games of two only; for {players} players take one of {', '.join(known)}"
        )
    near = difflib.get_close_matches(text, [*known, "alphabeta", "uct"], n=1, cutoff=0.5)
    whole = {"alphabeta": "alphabeta-medium", "uct": UCT_EXAMPLE}
    hint = f"did you mean {whole.get(near[0], near[0])}? " if near else ""
    raise PlayerError(f"no player is called {name!r}; {hint}Players are {', '.join(known)}")
