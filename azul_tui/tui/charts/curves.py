"""What a chart draws: curves, reference levels, marks, and reducing them to columns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """One series. All arrays are (N,), x ascending; NaN is a hole."""

    name: str
    x: FloatArray
    y: FloatArray
    low: FloatArray | None = None
    """Lower end of the raw band, or of the error bar of a point."""
    high: FloatArray | None = None
    role: str = "series.0"
    kind: Literal["line", "points"] = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A dashed horizontal line with a name."""

    name: str
    y: float
    role: str = "level"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened at `x`, shown on the axis."""

    x: float
    sign: str
    role: str = "mark"
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A curve's values at the cursor."""

    name: str
    x: float
    y: float
    low: float | None
    high: float | None
    role: str


@dataclass(frozen=True, slots=True)
class Columns:
    """A curve reduced to dot columns, (W,) each; NaN where a column has no value."""

    y: FloatArray = field(default_factory=lambda: np.empty(0))
    low: FloatArray = field(default_factory=lambda: np.empty(0))
    high: FloatArray = field(default_factory=lambda: np.empty(0))


def in_window(curve: Curve, left: float, right: float) -> Curve:
    """The part of `curve` with x in [left, right]."""
    start = int(np.searchsorted(curve.x, left, side="left"))
    stop = int(np.searchsorted(curve.x, right, side="right"))
    cut = slice(start, stop)
    return Curve(
        name=curve.name,
        x=curve.x[cut],
        y=curve.y[cut],
        low=None if curve.low is None else curve.low[cut],
        high=None if curve.high is None else curve.high[cut],
        role=curve.role,
        kind=curve.kind,
    )


def to_columns(curve: Curve, positions: FloatArray, width: int) -> Columns:
    """Reduce a curve to `width` dot columns: mean of y, min of low, max of high.

    Args:
        curve: The visible part of a curve.
        width: Dot columns.
        positions: Dot column of every point, (N,), ascending, already in [0, width).
    """
    empty = np.full(width, np.nan)
    if len(curve.x) == 0:
        return Columns(empty, empty, empty)
    column = np.clip(positions, 0, width - 1).astype(np.int64)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    places = column[starts]
    known = ~np.isnan(curve.y)
    total = np.add.reduceat(np.where(known, curve.y, 0.0), starts)
    counts = np.add.reduceat(known.astype(np.float64), starts)
    y = empty.copy()
    y[places] = np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
    low, high = empty.copy(), empty.copy()
    if curve.low is not None and curve.high is not None:
        low[places] = np.fmin.reduceat(curve.low, starts)
        high[places] = np.fmax.reduceat(curve.high, starts)
    return Columns(y, low, high)


def value_range(
    curves: list[Curve], *, bands: bool, positive: bool, hide_outliers: bool
) -> tuple[float, float] | None:
    """Smallest and largest value to be shown; None when there is nothing to show.

    With `hide_outliers` the range is that of the middle 96% of the drawn values,
    widened by a tenth, when that is much narrower than the full one.
    """
    parts: list[FloatArray] = []
    for curve in curves:
        parts.append(curve.y)
        if bands and curve.low is not None and curve.high is not None:
            parts.extend((curve.low, curve.high))
    if not parts:
        return None
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    if positive:
        values = values[values > 0]
    if len(values) == 0:
        return None
    low, high = float(values.min()), float(values.max())
    if hide_outliers and len(values) >= 20:
        inner_low, inner_high = (float(v) for v in np.percentile(values, (2, 98)))
        margin = (inner_high - inner_low) * 0.1
        low = max(low, inner_low - margin)
        high = min(high, inner_high + margin)
        if positive and low <= 0:
            low = float(values.min())
    return low, high


def extent(curves: list[Curve]) -> tuple[float, float] | None:
    """Smallest and largest x of all curves; None without a point."""
    firsts = [float(curve.x[0]) for curve in curves if len(curve.x)]
    lasts = [float(curve.x[-1]) for curve in curves if len(curve.x)]
    if not firsts:
        return None
    low, high = min(firsts), max(lasts)
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    return low, high


def read_at(curves: list[Curve], x: float) -> list[Reading]:
    """Each curve's values at its point nearest to `x`."""
    readings: list[Reading] = []
    for curve in curves:
        if len(curve.x) == 0:
            continue
        right = min(int(np.searchsorted(curve.x, x)), len(curve.x) - 1)
        left = max(right - 1, 0)
        nearest = left if abs(curve.x[left] - x) <= abs(curve.x[right] - x) else right
        banded = curve.low is not None and curve.high is not None
        readings.append(
            Reading(
                name=curve.name,
                x=float(curve.x[nearest]),
                y=float(curve.y[nearest]),
                low=float(curve.low[nearest]) if banded and curve.low is not None else None,
                high=float(curve.high[nearest]) if banded and curve.high is not None else None,
                role=curve.role,
            )
        )
    return readings
