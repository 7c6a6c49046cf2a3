"""Until the rooms are merged: other rooms import from here."""

from azul_tui.training.checkpoint import ModelCheckpointManager

__all__ = ["ModelCheckpointManager"]
