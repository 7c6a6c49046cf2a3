"""The network, its losses, and the callable that a search asks for values (torch).

Knows observations and the sizes of the game; knows nothing of searching or of training.
"""

from __future__ import annotations

from azul_tui.network.compute import (
    Compute,
    NetworkEvaluator,
    resolve_compute,
    resolve_device,
)
from azul_tui.network.losses import LossFunctions
from azul_tui.network.model import (
    NETWORK_PRESETS,
    AzulNetwork,
    NetworkDescription,
    build_network,
    create_azul_network,
)

__all__ = [
    "NETWORK_PRESETS",
    "AzulNetwork",
    "Compute",
    "LossFunctions",
    "NetworkDescription",
    "NetworkEvaluator",
    "build_network",
    "create_azul_network",
    "resolve_compute",
    "resolve_device",
]
