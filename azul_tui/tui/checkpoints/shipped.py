"""The players that came with the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.paths import pretrained_directory
from azul_tui.tui.checkpoints.row import CheckpointRow, file_facts

if TYPE_CHECKING:
    from pathlib import Path


SHIPPED = "pretrained"


def shipped_rows(root: Path) -> list[CheckpointRow]:
    """The checkpoints that come with the program."""
    for folder in (root / SHIPPED, pretrained_directory()):
        files = sorted(folder.glob("*.pt")) if folder.is_dir() else []
        rows = [
            CheckpointRow(
                run=SHIPPED,
                file=file,
                iteration=0,
                score=None,
                total_loss=None,
                policy_loss=None,
                value_loss=None,
                changed=facts[0],
                size_bytes=facts[1],
                shipped=True,
            )
            for file in files
            if (facts := file_facts(file)) is not None
        ]
        if rows:
            return rows
    return []
