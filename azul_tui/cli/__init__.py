"""The command `azul-tui`: arguments in, a job, the dashboard or a listing out."""

from __future__ import annotations

from azul_tui.cli.command import main

__all__ = ["main"]
