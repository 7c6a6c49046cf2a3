"""From a description, or the name of a preset, to the network."""

from __future__ import annotations

from azul_tui.network.azul_network import AzulNetwork
from azul_tui.network.presets import NetworkDescription, describe_network


def build_network(description: NetworkDescription) -> AzulNetwork:
    """The described network with random weights (torch's global generator)."""
    return AzulNetwork(description)


def create_azul_network(
    preset: str = "medium", players: int = 2, dropout: float = 0.0
) -> AzulNetwork:
    """A network of a named size with random weights.

    Args:
        preset: "small", "medium", "large" or "deep".
        players: P.
        dropout: Share of units dropped before each trunk layer while training.

    Raises:
        ConfigError: No such preset, or a dropout outside [0, 1).
        GameError: `players` is not 2, 3 or 4.
    """
    return build_network(describe_network(preset, players, dropout))
