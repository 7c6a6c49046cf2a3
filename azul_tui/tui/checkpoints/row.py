"""One checkpoint file, as the list shows it and as the disk has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.runs.ratings import RatingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRow:
    """One checkpoint file."""

    run: str
    file: Path
    iteration: int
    score: float | None
    total_loss: float | None
    policy_loss: float | None
    value_loss: float | None
    changed: float
    size_bytes: int
    best: bool = False
    newest: bool = False
    shipped: bool = False
    games_total: float | None = None
    evaluations: tuple[tuple[str, float, float, float, int], ...] = ()
    """Opponent, score, low, high, games."""
    players: int | None = 2
    """Seats at the table that it was trained for; None when its run does not say so."""
    rating: RatingRow | None = None
    """Of the last fit of its run's rated games."""
    rated_over: str = ""
    """Who stands at 0 in that fit."""

    @property
    def key(self) -> str:
        """What tells it apart."""
        return str(self.file)


def file_facts(file: Path) -> tuple[float, int] | None:
    """`(changed, bytes)` of a file; None when it went away."""
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_mtime, facts.st_size
