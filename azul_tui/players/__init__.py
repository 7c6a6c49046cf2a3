"""Who plays Azul: one protocol, one file a kind of player.

A player gets many positions at once and names one action for each. It knows nothing of matches,
opponents or results. Importing this package compiles nothing: `create_player` loads the kind
that is asked for.
"""

from azul_tui.players.protocol import Player
from azul_tui.players.registry import create_player

__all__ = ["Player", "create_player"]
