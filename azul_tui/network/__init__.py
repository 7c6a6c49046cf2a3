"""The network, its losses, and the callable that a search asks for values (torch).

Knows observations and the sizes of the game; knows nothing of searching or of training.
"""

from __future__ import annotations

from azul_tui.network.azul_network import AzulNetwork
from azul_tui.network.building import build_network, create_azul_network
from azul_tui.network.compute import Compute, resolve_compute
from azul_tui.network.devices import resolve_device, resolve_precision
from azul_tui.network.evaluator import NetworkEvaluator
from azul_tui.network.losses import LossFunctions
from azul_tui.network.presets import NETWORK_PRESETS, NetworkDescription

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
    "resolve_precision",
]
