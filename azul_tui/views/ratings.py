"""The ratings kept with a run, read again when they change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from azul_tui.runs.ratings import LADDER_RATINGS_FILE, RATINGS_FILE, RatingRow, read_ratings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.runs.paths import RunPaths


class RatingsFile:
    """The ratings of one run; `refresh` looks whether they were fitted anew."""

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths
        self._stamps = (0, 0)
        self.rows: tuple[RatingRow, ...] = ()

    def refresh(self) -> tuple[RatingRow, ...]:
        """The ratings as they are now, strongest first; none while there are none."""
        stamps = (self._stamp(RATINGS_FILE), self._stamp(LADDER_RATINGS_FILE))
        if stamps != self._stamps:
            self._stamps = stamps
            self.rows = read_ratings(self._paths) if any(stamps) else ()
        return self.rows

    def _stamp(self, file: str) -> int:
        """When it was written; 0 while it is not there."""
        try:
            return (self._paths.directory / file).stat().st_mtime_ns
        except OSError:
            return 0


def over_training(rows: Sequence[RatingRow]) -> list[RatingRow]:
    """The ratings of the run's own iterations, the oldest first, one for each."""
    by_iteration: dict[int, RatingRow] = {}
    for row in rows:
        if row.iteration is not None and math.isfinite(row.elo):
            by_iteration.setdefault(row.iteration, row)
    return [by_iteration[iteration] for iteration in sorted(by_iteration)]


def anchor_name(rows: Sequence[RatingRow]) -> str:
    """Who stands at 0; empty where nobody does.

    Its interval says how far it is known from the others, as everybody's does.
    """
    return next((row.name for row in rows if row.elo == 0.0), "")


def rating_words(row: RatingRow) -> str:
    """`812 ± 34`."""
    half = (row.high - row.low) / 2
    spread = f" ± {half:.0f}" if math.isfinite(half) else ""
    return f"{row.elo:,.0f}{spread}"
