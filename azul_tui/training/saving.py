"""Until the rooms are merged: other rooms import from here."""

from azul_tui.training.run import Saver as CheckpointKeeper

__all__ = ["CheckpointKeeper"]
