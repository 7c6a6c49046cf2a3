"""Old place of names that `constants` now holds, for branches that still import them from here."""

from azul_tui.game.constants import *  # noqa: F403
