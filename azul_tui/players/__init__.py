"""Who plays Azul. A new scripted player is a name in `names` and a rule in `scripted`."""

from azul_tui.players.registry import Player, create_player

__all__ = ["Player", "create_player"]
