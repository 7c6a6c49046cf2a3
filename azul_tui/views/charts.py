"""What a chart shows and how it is looked at: curves, levels, marks, the view, round ticks.

Nothing here draws. Arrays of a curve are (N,), x ascending; NaN is a hole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

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
    series: int = 0
    """Which colour of the palette."""
    kind: Literal["line", "points"] = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A dashed horizontal line with a name."""

    name: str
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened at `x`, shown on the axis."""

    x: float
    kind: Literal["checkpoint", "setting"]
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A curve's values at the cursor."""

    name: str
    x: float
    y: float
    low: float | None
    high: float | None
    series: int


class Columns(NamedTuple):
    """A curve reduced to dot columns, (W,) each; NaN where a column has no value."""

    y: FloatArray
    low: FloatArray
    high: FloatArray


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
        series=curve.series,
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
                series=curve.series,
            )
        )
    return readings


TIME_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200),
)
"""Seconds, minutes and hours that read well on an axis."""


def nice_step(span: float, count: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts `span` into <= `count` parts."""
    if span <= 0 or not math.isfinite(span):
        return 1.0
    raw = span / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    for factor in (1.0, 2.0, 5.0, 10.0):
        if raw <= factor * power * (1 + 1e-9):
            return factor * power
    return 10.0 * power


def linear_ticks(low: float, high: float, count: int) -> list[float]:
    """At most about `count` + 1 round values inside [low, high], ascending."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    step = nice_step(high - low, count)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    # A product of integers and the step, so that 0.30000000000000004 does not appear.
    digits = max(0, -math.floor(math.log10(step)) + 1)
    return [round(index * step, digits) for index in range(first, last + 1)]


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """Round values of a logarithmic axis: decades, with 2 and 5 where there is room."""
    if low <= 0 or high <= low:
        return []
    decades = math.log10(high / low)
    factors = (1.0, 2.0, 5.0) if decades * 3 <= count else (1.0,)
    if decades < 0.8:
        return [tick for tick in linear_ticks(low, high, count) if tick > 0]
    stride = 1 if decades <= count else math.ceil(decades / max(1, count))
    ticks: list[float] = []
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        if power % stride:
            continue
        for factor in factors:
            value = factor * 10.0**power
            if low * (1 - 1e-9) <= value <= high * (1 + 1e-9):
                ticks.append(value)
    return ticks


def tick_label(value: float, step: float) -> str:
    """`value` with just the decimals that `step` needs, thousands as k, M or G."""
    size = max(abs(value), abs(step))
    if value == 0:
        return "0"
    if size >= 10_000 or (size >= 1000 and step >= 1000):
        for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if size >= limit:
                return f"{_trim(value / limit, step / limit)}{unit}"
    if abs(value) < 1e-3:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    return _trim(value, step)


def _trim(value: float, step: float) -> str:
    if step <= 0 or not math.isfinite(step):
        return f"{value:g}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    # A step of 2.5 units needs one decimal more than its power of ten says.
    text = f"{value:,.{min(decimals, 6)}f}"
    if abs(float(text.replace(",", "")) - value) > step * 0.01:
        text = f"{value:,.{min(decimals + 1, 7)}f}"
    return text


def time_ticks(low: float, high: float, count: int) -> list[float]:
    """Round times in seconds: whole minutes, quarters, hours or days."""
    span = high - low
    for step in TIME_STEPS:
        if span / step <= count:
            break
    else:
        step = int(nice_step(span / 86400, count)) * 86400 or 86400
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(index * step) for index in range(first, last + 1)]


def time_label(seconds: float) -> str:
    """`0`, `45s`, `12m`, `1h30`, `3d4h` of an elapsed time."""
    whole = round(seconds)
    if whole == 0:
        return "0"
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m" if whole % 60 == 0 else f"{whole // 60}m{whole % 60:02d}"
    if whole < 86400:
        return (
            f"{whole // 3600}h"
            if whole % 3600 == 0
            else f"{whole // 3600}h{whole % 3600 // 60:02d}"
        )
    hours = whole % 86400 // 3600
    return f"{whole // 86400}d" if hours == 0 else f"{whole // 86400}d{hours}h"


def stable_limits(
    previous: tuple[float, float] | None, low: float, high: float, *, count: int = 5
) -> tuple[float, float]:
    """Round axis limits around data in [low, high] that move seldom.

    The limits of before stay while the data fits in them and fills at least half
    of them; otherwise they jump to round values with a margin. So a chart that
    gains a point does not change its scale.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return previous or (0.0, 1.0)
    if previous is not None:
        old_low, old_high = previous
        if old_low <= low and high <= old_high and (high - low) >= 0.45 * (old_high - old_low):
            return previous
    span = high - low
    if span <= 1e-6 * max(abs(low), abs(high)):
        # A constant, perhaps with the last digit of an average: no mountain out of that.
        span = abs(high) or 1.0
        low, high = min(low, high - span / 2), high + span / 2
    step = nice_step(span, count * 2)
    new_low = math.floor(low / step + 1e-9) * step
    new_high = math.ceil(high / step - 1e-9) * step
    if new_high - high < 0.02 * span:
        new_high += step
    if low >= 0:
        new_low = max(0.0, new_low)
        if new_low > 0 and low < 0.35 * high:
            new_low = 0.0  # near zero, zero is the honest floor
    return new_low, new_high


def stable_log_limits(
    previous: tuple[float, float] | None, low: float, high: float
) -> tuple[float, float]:
    """As `stable_limits` for a logarithmic axis of positive data."""
    if previous is not None and previous[0] <= 0:
        previous = None
    logs = None if previous is None else (math.log10(previous[0]), math.log10(previous[1]))
    low_log, high_log = math.log10(low), math.log10(high)
    if previous is not None and logs is not None:
        fits = logs[0] <= low_log and high_log <= logs[1]
        if fits and (high_log - low_log) >= 0.45 * (logs[1] - logs[0]):
            return previous
    step = 0.1 if high_log - low_log < 2 else 0.5
    bottom = math.floor(low_log / step - 1e-9) * step
    top = math.ceil(high_log / step + 1e-9) * step
    if top <= bottom:
        bottom, top = bottom - step, top + step
    return 10.0**bottom, 10.0**top


XKind = Literal["step", "iteration", "time"]
X_KINDS: tuple[XKind, ...] = ("step", "iteration", "time")
SMOOTHING_LEVELS = (0.0, 0.5, 0.8, 0.9, 0.97, 0.99, 0.997)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What part of the data is shown, and how."""

    x_kind: XKind = "step"
    smoothing: float = 0.9
    log_x: bool = False
    log_y: bool = False
    hide_outliers: bool = False
    show_band: bool = True
    span: float | None = None
    """Width of the window in x units; None shows everything."""
    end: float | None = None
    """Right edge of the window; None keeps to the newest value."""
    cursor: float | None = None
    """x that is read out, None when there is no cursor."""

    def window(self, extent: tuple[float, float], *, growing: bool = False) -> tuple[float, float]:
        """`(left, right)` that is shown of data in `extent`.

        Args:
            extent: Smallest and largest x of the data.
            growing: More data is coming: the right edge is ahead of it by a part of a round
                step, so that the picture moves now and then instead of with every point.
        """
        first, last = extent
        edge = last
        if growing and self.end is None and last > first and not self.log_x:
            step = nice_step(self.span or last - first, 20)
            edge = math.ceil(last / step + 0.1) * step
        if self.span is None:
            return first, edge
        right = edge if self.end is None else min(self.end, last)
        left = max(first, right - self.span)
        right = min(edge, left + self.span)
        return (left, right) if right > left else extent

    def zoomed(
        self, factor: float, extent: tuple[float, float], around: float | None = None
    ) -> View:
        """A window `factor` times as wide, keeping `around` (default: the cursor or the right)."""
        left, right = self.window(extent)
        full = extent[1] - extent[0]
        if full <= 0:
            return self
        width = max((right - left) * factor, full * 1e-5)
        if width >= full * 0.999:
            return replace(self, span=None, end=None)
        fixed = around if around is not None else self.cursor
        if fixed is None or not left <= fixed <= right:
            sticks = self.end is None
            return replace(self, span=width, end=None if sticks else right)
        share = (fixed - left) / (right - left)
        new_right = fixed + (1 - share) * width
        return replace(self, span=width, end=None if new_right >= extent[1] else new_right)

    def panned(self, share: float, extent: tuple[float, float]) -> View:
        """The window moved by `share` of its width; at the newest value it sticks there."""
        if self.span is None:
            return self
        left, right = self.window(extent)
        width = right - left
        new_right = max(extent[0] + width, right + share * width)
        return replace(self, end=None if new_right >= extent[1] else new_right)

    def whole(self) -> View:
        """Everything, following the newest value."""
        return replace(self, span=None, end=None)

    def with_next_smoothing(self, direction: int = 1) -> View:
        """The next or previous level of smoothing, stopping at both ends."""
        nearest = min(
            range(len(SMOOTHING_LEVELS)),
            key=lambda index: abs(SMOOTHING_LEVELS[index] - self.smoothing),
        )
        chosen = min(max(nearest + direction, 0), len(SMOOTHING_LEVELS) - 1)
        return replace(self, smoothing=SMOOTHING_LEVELS[chosen])

    def with_next_x(self) -> View:
        """The next kind of x; window and cursor are in other units then and go."""
        kind = X_KINDS[(X_KINDS.index(self.x_kind) + 1) % len(X_KINDS)]
        return replace(self, x_kind=kind, span=None, end=None, cursor=None)

    def with_cursor_moved(self, share: float, extent: tuple[float, float]) -> View:
        """The cursor moved by `share` of the window, inside it; the first move sets it right."""
        left, right = self.window(extent)
        start = right if self.cursor is None else self.cursor
        moved = min(max(start + share * (right - left), left), right)
        return replace(self, cursor=moved)


def curves_csv(curves: list[Curve], x_name: str) -> str:
    """The curves as CSV: one line a point, columns curve, x, value, low, high."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["curve", x_name, "value", "low", "high"])
    for curve in curves:
        lows = curve.low if curve.low is not None else curve.y
        highs = curve.high if curve.high is not None else curve.y
        for x, y, low, high in zip(
            curve.x.tolist(), curve.y.tolist(), lows.tolist(), highs.tolist(), strict=True
        ):
            writer.writerow([curve.name, f"{x:.10g}", f"{y:.6g}", f"{low:.6g}", f"{high:.6g}"])
    return out.getvalue()
