"""The players that came with the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.paths import SHIPPED_NAMES, pretrained_directory
from azul_tui.tui.checkpoints.row import CheckpointRow, file_facts

if TYPE_CHECKING:
    from pathlib import Path


def shipped_rows(root: Path) -> list[CheckpointRow]:
    """The checkpoints that come with the program, of one player for each number of seats."""
    return [row for players, name in SHIPPED_NAMES.items() for row in _rows(root, players, name)]


def _rows(root: Path, players: int, name: str) -> list[CheckpointRow]:
    """Those for `players` at the table: of the folder of runs, or else beside the code."""
    for folder in (root / name, pretrained_directory(players)):
        files = sorted(folder.glob("*.pt")) if folder.is_dir() else []
        rows = [
            CheckpointRow(
                run=name,
                file=file,
                iteration=0,
                score=None,
                total_loss=None,
                policy_loss=None,
                value_loss=None,
                changed=facts[0],
                size_bytes=facts[1],
                players=players,
                shipped=True,
            )
            for file in files
            if (facts := file_facts(file)) is not None
        ]
        if rows:
            return rows
    return []
