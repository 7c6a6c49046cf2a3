"""Teach a network to play the board game Azul, from Python or from a terminal.

The public names below are looked up when they are first used: importing this package
imports neither torch nor numba, which is what lets `azul-tui --help` answer at once.
"""

from __future__ import annotations

import sys

if sys.argv[:1] == ["-m"]:  # what argv holds while Python looks for a module of ours to run
    from azul_tui.child_process import module_folders

    sys.path[:] = module_folders()

import importlib

TYPE_CHECKING = False  # as in typing, which a command does without until it is safe from
if TYPE_CHECKING:  # a file of that name in the current folder
    from typing import Any

    from azul_tui.config import TrainingConfig, create_training_config
    from azul_tui.errors import AzulError
    from azul_tui.game.state import GameState
    from azul_tui.network import AzulNetwork, create_azul_network
    from azul_tui.network.losses import LossFunctions
    from azul_tui.training import (
        AzulTrainer,
        BatchSampler,
        ModelCheckpointManager,
        ReplayBuffer,
        TrainingStep,
        create_training_components,
        self_play_games,
    )

__version__ = "0.1.0"

__all__ = [
    "AzulError",
    "AzulNetwork",
    "AzulTrainer",
    "BatchSampler",
    "GameState",
    "LossFunctions",
    "ModelCheckpointManager",
    "ReplayBuffer",
    "TrainingConfig",
    "TrainingStep",
    "__version__",
    "create_azul_network",
    "create_training_components",
    "create_training_config",
    "self_play_games",
]

_HOME = {
    "AzulError": "azul_tui.errors",
    "TrainingConfig": "azul_tui.config",
    "create_training_config": "azul_tui.config",
    "GameState": "azul_tui.game.state",
    "AzulNetwork": "azul_tui.network",
    "create_azul_network": "azul_tui.network",
    "LossFunctions": "azul_tui.network.losses",
    "AzulTrainer": "azul_tui.training",
    "BatchSampler": "azul_tui.training",
    "ModelCheckpointManager": "azul_tui.training",
    "ReplayBuffer": "azul_tui.training",
    "TrainingStep": "azul_tui.training",
    "create_training_components": "azul_tui.training",
    "self_play_games": "azul_tui.training",
}


def __getattr__(name: str) -> Any:
    """Import a public name from the room it lives in, the first time it is asked for."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, those not yet imported included."""
    return sorted(__all__)
