"""Until the rooms are merged: other rooms import from here."""

from azul_tui.training.learner import create_training_components

__all__ = ["create_training_components"]
