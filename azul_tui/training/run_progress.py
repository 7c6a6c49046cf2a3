"""Until the rooms are merged: other rooms import from here."""

from azul_tui.training.resuming import LOSSES, RunProgress, progress_from_dict

__all__ = ["LOSSES", "RunProgress", "progress_from_dict"]
