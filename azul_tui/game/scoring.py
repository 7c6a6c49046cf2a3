"""Old place of names that `rules` now holds, for branches that still import them from here."""

from azul_tui.game.rules import *  # noqa: F403
