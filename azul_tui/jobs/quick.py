"""Job 6: the whole loop in under two minutes."""

from __future__ import annotations

from azul_tui.jobs.train import run

__all__ = ["run"]
