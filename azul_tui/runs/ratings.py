"""Ratings kept with a run: `ladder.jsonl` the games they rest on, `ratings.json` the last fit."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from azul_tui.runs.files import read_bounded, write_bytes_atomically
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.runs.paths import RunPaths

LADDER_FILE: Final = "ladder.jsonl"
RATINGS_FILE: Final = "ratings.json"
_MOST_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class RatingRow:
    """One player of the ladder."""

    name: str
    """Harmless to show."""
    elo: float
    """Elo points above the anchor."""
    low: float
    high: float
    """95% interval."""
    games: int
    score: float
    """Mean win share over all its games."""
    iteration: int | None = None
    """Iteration of the checkpoint, for a chart over training; None for other players."""


def ladder_file(paths: RunPaths) -> Path:
    """One line a match, as `arena.ladder.results_record` writes it."""
    return paths.directory / LADDER_FILE


def write_ratings(
    paths: RunPaths, rows: Sequence[RatingRow], *, anchor: str, players: int, fitted: float
) -> None:
    """Replace the ratings of a run.

    Args:
        paths: The run.
        rows: Strongest first.
        anchor: Who stands at 0.
        players: Seats at the table.
        fitted: Unix seconds.
    """
    content = {
        "anchor": anchor,
        "players": players,
        "t": fitted,
        "ratings": [asdict(row) for row in rows],
    }
    text = json.dumps(content, allow_nan=False, indent=1) + "\n"
    write_bytes_atomically(paths.directory / RATINGS_FILE, text.encode())


def read_ratings(paths: RunPaths) -> tuple[RatingRow, ...]:
    """The ratings of a run, strongest first; none when they were never fitted or are damaged."""
    data = read_bounded(paths.directory / RATINGS_FILE, _MOST_BYTES)
    try:
        content = cast("dict[str, Any]", json.loads(data or b""))
        return tuple(_row(cast("dict[str, Any]", row)) for row in content["ratings"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return ()  # somebody else's file; a list of runs goes without its ratings


def _row(fields: dict[str, Any]) -> RatingRow:
    """One row, its types made sure of."""
    iteration = fields.get("iteration")
    return RatingRow(
        name=plain_text(str(fields["name"]), 120),
        elo=float(fields["elo"]),
        low=float(fields["low"]),
        high=float(fields["high"]),
        games=int(fields["games"]),
        score=float(fields["score"]),
        iteration=None if iteration is None else int(iteration),
    )
