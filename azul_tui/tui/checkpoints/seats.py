"""For how many players a run's networks are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.config import read_toml
from azul_tui.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def seats_of(config: Path) -> int | None:
    """Seats at the table of a run, from its `config.toml`; None when it does not say so."""
    try:
        players = read_toml(config).get("num_players")
    except ConfigError:
        return None  # the engine says what is wrong when the network is asked for
    return players if isinstance(players, int) and 2 <= players <= 4 else None
