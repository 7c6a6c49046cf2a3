"""What produces samples and changes weights: self-play, the buffer, the step, checkpoints (torch).

Public names are looked up when first used, so that a self-play worker loads only what it needs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azul_tui.training.checkpoint import ModelCheckpointManager
    from azul_tui.training.learner import create_training_components
    from azul_tui.training.replay import ReplayBuffer
    from azul_tui.training.self_play import self_play_games
    from azul_tui.training.trainer import AzulTrainer
    from azul_tui.training.training_step import BatchSampler, TrainingStep

__all__ = [
    "AzulTrainer",
    "BatchSampler",
    "ModelCheckpointManager",
    "ReplayBuffer",
    "TrainingStep",
    "create_training_components",
    "self_play_games",
]

_HOME = {
    "AzulTrainer": "trainer",
    "BatchSampler": "training_step",
    "ModelCheckpointManager": "checkpoint",
    "ReplayBuffer": "replay",
    "TrainingStep": "training_step",
    "create_training_components": "learner",
    "self_play_games": "self_play",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its file, the first time it is asked for."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
