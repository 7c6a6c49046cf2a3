"""Ratings kept with a run, a file for each of the two who fit some.

`ratings.json` is the training's, over its own evaluations (`rated_games.jsonl`);
`ladder_ratings.json` that of a ladder of players and checkpoints (`ladder.jsonl`), which somebody
may have played while the run trained. Neither writes the other's, and readers see both.
"""

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
LADDER_RATINGS_FILE: Final = "ladder_ratings.json"
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
    """One line a match, as `arena.store.encode_match` writes it."""
    return paths.directory / LADDER_FILE


def write_ratings(
    paths: RunPaths,
    rows: Sequence[RatingRow],
    *,
    anchor: str,
    players: int,
    fitted: float,
    file: str = RATINGS_FILE,
) -> None:
    """Replace the ratings of a run.

    Args:
        paths: The run.
        rows: Strongest first.
        anchor: Who stands at 0.
        players: Seats at the table.
        fitted: Unix seconds.
        file: Whose ratings they are.
    """
    content = {
        "anchor": anchor,
        "players": players,
        "t": fitted,
        "ratings": [asdict(row) for row in rows],
    }
    text = json.dumps(content, allow_nan=False, indent=1) + "\n"
    write_bytes_atomically(paths.directory / file, text.encode())


def read_ratings(paths: RunPaths) -> tuple[RatingRow, ...]:
    """The ratings of a run, strongest first; none when they were never fitted or are damaged.

    The training's stand; the ladder adds iterations and players that the training did not rate,
    where both are told from the same player.
    """
    anchor, own = _read(paths, RATINGS_FILE)
    ladder_anchor, ladder = _read(paths, LADDER_RATINGS_FILE)
    if not own:
        return ladder
    if anchor != ladder_anchor:
        return own
    known: set[str | int] = {_whose(row) for row in own}
    more = [row for row in ladder if _whose(row) not in known]
    return tuple(sorted((*own, *more), key=lambda row: -row.elo)) if more else own


def _whose(row: RatingRow) -> str | int:
    """What a rating is about: an iteration, or a player by name."""
    return row.name if row.iteration is None else row.iteration


def _read(paths: RunPaths, file: str) -> tuple[str, tuple[RatingRow, ...]]:
    """Anchor and rows of one file."""
    data = read_bounded(paths.directory / file, _MOST_BYTES)
    try:
        content = cast("dict[str, Any]", json.loads(data or b""))
        rows = tuple(_row(cast("dict[str, Any]", row)) for row in content["ratings"])
        return str(content.get("anchor", "")), rows
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError, AttributeError):
        return "", ()  # somebody else's file; a list of runs goes without its ratings


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
