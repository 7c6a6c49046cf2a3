"""The ratings kept with a run, read again when their files changed."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from azul_tui.runs.listing import LADDER_RATINGS_FILE, RATINGS_FILE, RatingRow, read_ratings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.runs.paths import RunPaths


def stamps(folder: Path, *names: str) -> tuple[tuple[int, int], ...]:
    """When these files were changed, in ns, and their bytes; zeros for what is not there."""
    found: dict[str, tuple[int, int]] = dict.fromkeys(names, (0, 0))
    for name in names:
        with suppress(OSError):
            facts = os.stat(f"{folder}/{name}")  # noqa: PTH116 - twice as fast, of 1,500 runs
            found[name] = (facts.st_mtime_ns, facts.st_size)
    return tuple(found.values())


class RatingsFile:
    """The ratings of one run; `refresh` looks whether they were fitted anew."""

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths
        self._read: object = None
        self.rows: tuple[RatingRow, ...] = ()

    def refresh(self) -> tuple[RatingRow, ...]:
        """The ratings as they are now, strongest first; none while there are none."""
        found = stamps(self._paths.directory, RATINGS_FILE, LADDER_RATINGS_FILE)
        if found != self._read:
            self._read, self.rows = found, read_ratings(self._paths)
        return self.rows


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
    return f"{row.elo:,.0f}" + (f" ± {half:.0f}" if math.isfinite(half) else "")
