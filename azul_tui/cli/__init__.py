"""The command `azul-tui`: arguments in, a job, the dashboard or a listing out."""

from __future__ import annotations

import sys

from azul_tui.child_process import module_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; see `command.main`. Modules are not looked for in the current folder."""
    sys.path[:] = module_folders()
    from azul_tui.cli import command

    return command.main(argv)
