"""The ratings kept with a run, read again when they change, and the chart of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.runs.ratings import (
    LADDER_RATINGS_FILE,
    RATINGS_FILE,
    RatingRow,
    read_ratings,
)
from azul_tui.tui import phrases
from azul_tui.tui.charts.curves import Curve, Level
from azul_tui.tui.picture import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.runs.paths import RunPaths
    from azul_tui.tui.charts.view import XKind
    from azul_tui.tui.following.data import RunData
    from azul_tui.tui.picture import Line
    from azul_tui.tui.signs import Signs

MOST_LEVELS = 4
"""Opponents that are drawn as dashed lines, the strongest."""


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


def rating_words(row: RatingRow, signs: Signs) -> str:
    """`812 ± 34`."""
    half = (row.high - row.low) / 2
    spread = f" {signs.plus_minus} {half:.0f}" if math.isfinite(half) else ""
    return f"{row.elo:,.0f}{spread}"


def rating_title(rows: Sequence[RatingRow], signs: Signs) -> Line:
    """`rating  812 ± 34 over random`: the newest iteration's."""
    own = over_training(rows)
    if not own:
        return (("rating", "title"),)
    anchor = anchor_name(rows)
    over = f" over {shorten(anchor, 24, signs.ellipsis)}" if anchor else ""
    return (("rating", "title"), (f"  {rating_words(own[-1], signs)}", "strong"), (over, "quiet"))


def rating_curves(
    rows: Sequence[RatingRow], data: RunData, x_kind: XKind
) -> tuple[list[Curve], list[Level]]:
    """Points with error bars over training, and the opponents as levels.

    Args:
        rows: Strongest first.
        data: Says at which step and when an iteration ended.
        x_kind: What the x axis counts.
    """
    own = over_training(rows)
    if not own:
        return [], []
    iterations = np.array([row.iteration for row in own], dtype=np.float64)
    known = data.iterations.columns("iteration", "total_loss")[0]
    x = iterations
    if x_kind != "iteration" and len(known):
        x = np.interp(iterations, known, data.iterations.columns(x_kind, "total_loss")[0])
    curve = Curve(
        name="rating",
        x=x,
        y=np.array([row.elo for row in own]),
        low=np.array([row.low for row in own]),
        high=np.array([row.high for row in own]),
        role="series.0",
        kind="points",
    )
    anchor = anchor_name(rows)
    others = [
        row
        for row in rows
        if row.iteration is None
        and math.isfinite(row.elo)
        and row.name != anchor
        and not any(mark in row.name for mark in "/@")
    ]
    return [curve], [
        Level(name=f"{row.name} {phrases.count(row.elo)}", y=row.elo)
        for row in others[:MOST_LEVELS]
    ]
