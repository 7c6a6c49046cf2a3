"""What charts show and how they are looked at: curves, levels, marks, the view, a run's charts.

Nothing here draws. Arrays of a curve are (N,), x ascending; NaN is a hole.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from azul_tui.views import words
from azul_tui.views.ratings import anchor_name, over_training, rating_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from azul_tui.runs.listing import RatingRow
    from azul_tui.views.following import BucketTable, RunData
    from azul_tui.views.words import Spans

FloatArray = NDArray[np.float64]
Range = tuple[float, float]
"""The smallest and the largest of something."""
XKind = Literal["step", "iteration", "time"]
AxisKind = Literal["linear", "log", "time"]
CALM = 0.45
"""Limits of an axis stay while the data fills at least this share of them."""
TIME_STEPS = (
    *(1, 2, 5, 10, 15, 30), *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200, 86400),
)  # fmt: skip
"""Seconds, minutes and hours that read well on an axis."""


# -- what is shown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """One series."""

    name: str
    x: FloatArray
    y: FloatArray
    low: FloatArray | None = None
    """Lower end of the raw band, or of the error bar of a point."""
    high: FloatArray | None = None
    series: int = 0
    """Which colour of the palette."""
    kind: Literal["line", "points"] = "line"

    def part(self, kept: slice | NDArray[np.bool_]) -> Curve:
        """Some of its points."""
        low, high = (side if side is None else side[kept] for side in (self.low, self.high))
        return replace(self, x=self.x[kept], y=self.y[kept], low=low, high=high)

    def between(self, left: float, right: float) -> Curve:
        """The points with x in [left, right]."""
        start = int(np.searchsorted(self.x, left, side="left"))
        return self.part(slice(start, int(np.searchsorted(self.x, right, side="right"))))


class Level(NamedTuple):
    """A dashed horizontal line with a name."""

    name: str
    y: float


class Mark(NamedTuple):
    """Something that happened at `x`, shown on the axis."""

    x: float
    kind: Literal["checkpoint", "setting"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChartContent:
    """What one chart shows."""

    name: str
    title: Spans
    curves: list[Curve]
    levels: list[Level] = field(default_factory=list[Level])
    marks: list[Mark] = field(default_factory=list[Mark])
    limits: Range | None = None
    """Fixed limits of the y axis."""
    unit: str = ""
    smoothed: bool = False
    empty: str = ""
    """What is said while there is nothing to draw."""


def extent(curves: Sequence[Curve]) -> Range | None:
    """Smallest and largest x of all curves; None without a point."""
    ends = [float(curve.x[end]) for curve in curves if len(curve.x) for end in (0, -1)]
    return (min(ends), max(ends)) if ends and all(map(math.isfinite, ends)) else None


def read_at(curves: Sequence[Curve], x: float) -> list[tuple[Curve, float]]:
    """Each curve with its value at its point nearest to `x`."""
    known = [curve for curve in curves if len(curve.x)]
    return [(curve, float(curve.y[np.abs(curve.x - x).argmin()])) for curve in known]


def to_columns(
    curve: Curve, positions: FloatArray, width: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A curve in `width` dot columns: mean of y, min of low, max of high, (W,); NaN where none.

    `positions` are the dot columns of its points, (N,), ascending, in [0, width).
    """
    column, known = positions.astype(np.int64), ~np.isnan(curve.y)
    counts = np.bincount(column[known], minlength=width)
    with np.errstate(invalid="ignore"):
        y = np.bincount(column[known], curve.y[known], width) / counts
    low, high = np.full(width, np.nan), np.full(width, np.nan)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    if curve.low is not None and curve.high is not None and len(starts):
        low[column[starts]] = np.fmin.reduceat(curve.low, starts)
        high[column[starts]] = np.fmax.reduceat(curve.high, starts)
    return y, low, high


def curves_csv(curves: Sequence[Curve], x_name: str) -> str:
    """The curves as CSV: one line a point, columns curve, x, value, low, high."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["curve", x_name, "value", "low", "high"])
    for curve in curves:
        low, high = (curve.y if side is None else side for side in (curve.low, curve.high))
        for row in zip(curve.x, curve.y, low, high, strict=True):
            writer.writerow([curve.name, *(f"{value:.10g}" for value in row)])
    return out.getvalue()


# -- the charts of a run

LOSSES = ("total_loss", "policy_loss", "value_loss")
SMOOTHED = (*LOSSES, "gradient_norm")
"""Columns that are noisy enough to be smoothed."""
HIDDEN_BELOW = 0.2
"""A curve that uses less of a shared axis than this share of it looks flat."""
MOST_LEVELS = 4
"""Opponents that are drawn as dashed lines, the strongest."""
_SPEED = "the speed is known after the first self-play"
_COLUMNS: dict[str, tuple[str, str, Callable[[float | None], str], str]] = {
    "games/s": ("self_play", "games_per_s", words.amount, _SPEED),
    "simulations/s": ("self_play", "sims_per_s", words.amount, _SPEED),
    "buffer": ("iterations", "buffer_fill", words.percent, "it is reported after an iteration"),
    "learning rate": ("steps", "learning_rate", words.short_float, "no learning rate yet"),
    "gradient norm": ("steps", "gradient_norm", words.short_float, "no gradient norm yet"),
}
"""Table and column of a chart of one line, how its newest value is said, what it waits for."""
CHARTS = ("loss", "score", "rating", *_COLUMNS)
"""Names of the charts, in the order in which `tab` goes through them."""


def run_chart(
    data: RunData, name: str, view: View, ratings: Sequence[RatingRow] = ()
) -> ChartContent:
    """The chart of a run called `name`, one of `CHARTS`; `ratings` are those of its last fit."""
    x_kind = view.x_kind
    if name == "loss":
        content = _losses(data, view)
    elif name == "score":
        content = _scores(data, x_kind)
    elif name == "rating":
        content = _ratings(data, x_kind, ratings)
    else:
        table_name, column, said, empty = _COLUMNS[name]
        table: BucketTable = getattr(data, table_name)
        share, value = name == "buffer", table.last(column)
        told = said(value / 100 if share and value else value)
        content = ChartContent(
            name=name,
            title=(("  ", ""), (told, "strong")),
            curves=[_column(data, table_name, column, view, name)] if table.records else [],
            limits=(0.0, 100.0) if share else None,
            unit="%" if share else "",
            smoothed=column in SMOOTHED,
            empty=empty,
        )
    marks = [Mark(data.x_of(each, x_kind), "checkpoint") for each in data.checkpoints]
    changed = [h for h in data.happenings if h.kind in {"setting", "resumed"}]
    marks += [Mark(data.x_of(each, x_kind), "setting") for each in changed]
    return replace(content, title=((name, "title"), *content.title), marks=marks)


def _column(
    data: RunData, table_name: str, column: str, view: View, label: str, series: int = 0
) -> Curve:
    """One column of a table as a smoothed line over its raw band."""
    table: BucketTable = getattr(data, table_name)
    x, y, low, high = table.columns(view.x_kind, column)
    if view.smoothing > 0 and column in SMOOTHED and table_name == "steps":
        # A bucket of k records takes the weight of k steps, so a merge changes no curve; the
        # last one, not whole yet, would be too restless.
        whole = smooth(y[: len(table)], view.smoothing**table.records_per_bucket)
        rest = whole[-1:] if len(whole) else y[-1:]
        y = np.concatenate([whole, rest[: len(y) - len(whole)]])
    return Curve(name=label, x=x, y=y, low=low, high=high, series=series)


def _losses(data: RunData, view: View) -> ChartContent:
    table_name = "steps" if data.steps.records or not data.iterations.records else "iterations"
    curves: list[Curve] = []
    title: list[tuple[str, str]] = []
    for index, column in enumerate(LOSSES):
        label = column.removesuffix("_loss")
        curves.append(_column(data, table_name, column, view, label, index))
        known = curves[-1].y[np.isfinite(curves[-1].y)]
        title.append((f"  {label} ", f"series.{index}"))
        title.append((words.loss(float(known[-1]) if len(known) else None), "strong"))
    return ChartContent(name="loss", title=tuple(title), curves=curves, smoothed=True)


def _ratings(data: RunData, x_kind: XKind, rows: Sequence[RatingRow]) -> ChartContent:
    curves, levels = rating_curves(rows, data, x_kind)
    title: Spans = ()
    if own := over_training(rows):
        anchor = anchor_name(rows)
        over = f" Elo over {anchor}" if anchor else " Elo"
        title = ((f"  {rating_words(own[-1])}", "strong"), (over, "quiet"))
    empty = "the first rating comes with the first evaluation"
    return ChartContent(name="rating", title=title, curves=curves, levels=levels, empty=empty)


def rating_curves(
    rows: Sequence[RatingRow], data: RunData, x_kind: XKind
) -> tuple[list[Curve], list[Level]]:
    """Points with error bars over training, and the opponents as levels, of `rows`.

    The strongest come first; `data` says at which step and when an iteration ended.
    """
    own = over_training(rows)
    if not own:
        return [], []
    x = np.array([row.iteration for row in own], dtype=np.float64)
    known = data.iterations.columns("iteration", "total_loss")[0]
    if x_kind != "iteration" and len(known):
        x = np.interp(x, known, data.iterations.columns(x_kind, "total_loss")[0])
    y, low, high = np.array([(row.elo, row.low, row.high) for row in own]).T
    anchor = anchor_name(rows)
    others = [
        Level(f"{row.name} {words.count(row.elo)}", row.elo)
        for row in rows
        if row.iteration is None and math.isfinite(row.elo) and row.name != anchor
        if not any(mark in row.name for mark in "/@")
    ]
    curve = Curve(name="rating", x=x, y=y, low=low, high=high, kind="points")
    return [curve], others[:MOST_LEVELS]


def _scores(data: RunData, x_kind: XKind) -> ChartContent:
    by_opponent: dict[str, list[tuple[float, float, float, float]]] = {}
    for e in data.evaluations:
        point = (data.x_of(e, x_kind), e.score * 100, e.low * 100, e.high * 100)
        by_opponent.setdefault(e.opponent, []).append(point)
    curves: list[Curve] = []
    title: list[tuple[str, str]] = []
    for index, (opponent, points) in enumerate(list(by_opponent.items())[-6:]):
        x, y, low, high = np.array(sorted(points), dtype=np.float64).T
        curves.append(
            Curve(name=opponent, x=x, y=y, low=low, high=high, series=index, kind="points")
        )
        _, score, least, most = points[-1]
        half = (most - least) / 2
        spread = f" ± {half:.0f}" if math.isfinite(half) else ""
        title += [(f"  {opponent} ", f"series.{index}"), (f"{score:.0f}%{spread}", "strong")]
    return ChartContent(
        name="score",
        title=tuple(title),
        curves=curves,
        levels=[Level("even", 50.0)] if curves else [],
        limits=(0.0, 100.0),
        unit="%",
        empty="the first score comes with the first evaluation",
    )


def apart(losses: ChartContent) -> list[ChartContent]:
    """The losses as charts of their own, each with its own axis, the marks below the last."""
    last = losses.curves[-1]
    return [
        replace(
            losses, name=curve.name, curves=[curve], marks=losses.marks if curve is last else []
        )
        for curve in losses.curves
    ]


def one_looks_flat(losses: ChartContent) -> bool:
    """Whether a shared axis hides how one of the losses changes."""
    known = [curve.y[len(curve.y) // 10 :] for curve in losses.curves]
    known = [y[np.isfinite(y)] for y in known]
    if not all(len(y) >= 20 for y in known):
        return False
    span = max(float(y.max()) for y in known) - min(float(y.min()) for y in known)
    return any(float(np.ptp(y)) < HIDDEN_BELOW * span for y in known)


def smooth(values: FloatArray, weight: float) -> FloatArray:
    """Debiased exponential average, (N,) to (N,).

    `s_t = w * s_(t-1) + (1 - w) * x_t`, divided by `1 - w^t` (Kingma and Ba 2015,
    section 3, the same correction). A NaN is skipped: it takes no weight and its
    place shows the average so far (NaN before the first value).

    Args:
        values: x, (N,).
        weight: w in [0, 1); 0 returns the values themselves.
    """
    w = min(weight, 0.9999)
    known = ~np.isnan(values)
    if w < 1e-6 or not known.any():
        return values
    given = values[known]
    smoothed = np.empty(len(given))
    # Blocks so short that w^-k stays far from an overflow.
    block = int(200.0 / -math.log(w)) + 1
    powers = w ** np.arange(1, block + 1)
    total, left = 0.0, 1.0
    for start in range(0, len(given), block):
        part = given[start : start + block]
        p = powers[: len(part)]
        sums = p * (total + (1 - w) * np.cumsum(part / p))
        smoothed[start : start + block] = sums / (1 - left * p)
        total, left = float(sums[-1]), left * float(p[-1])
    before = np.cumsum(known)
    return np.where(before > 0, smoothed[np.maximum(before, 1) - 1], np.nan)


# -- limits of the y axis


def y_limits(
    curves: Sequence[Curve], levels: Sequence[Level], view: View, before: Range | None
) -> Range | None:
    """Limits of y for what is visible, calm from drawing to drawing; None without a value.

    They are of positive values alone where the view is logarithmic and there are any. Without
    outliers the range is that of the middle 96% of the values, widened by a tenth.
    """
    bands = view.show_band or any(curve.kind == "points" for curve in curves)
    sides = [(curve.y, curve.low, curve.high) if bands else (curve.y,) for curve in curves]
    parts = [side for each in sides for side in each if side is not None]
    values = np.concatenate(parts) if parts else np.empty(0)
    values = values[np.isfinite(values)]
    log = view.log_y and bool((values > 0).any())
    values = values[values > 0] if log else values
    if len(values) == 0:
        return None
    low, high = float(values.min()), float(values.max())
    if view.hide_outliers and len(values) >= 20:
        inner = [float(value) for value in np.percentile(values, (2, 98))]
        margin = (inner[1] - inner[0]) * 0.1
        low, high = max(low, inner[0] - margin), min(high, inner[1] + margin)
    ends = [low, high, *(level.y for level in levels if level.y > 0 or not log)]
    return stable_limits(before, min(ends), max(ends), log=log)


def stable_limits(before: Range | None, low: float, high: float, *, log: bool = False) -> Range:
    """Limits around data in [low, high] that move seldom.

    The limits of before stay while the data fits in them and fills a good part of them;
    otherwise they jump to round values. So a point more does not change the scale.
    """
    kept = before
    if log:
        low, high = math.log10(low), math.log10(high)
        kept = (math.log10(before[0]), math.log10(before[1])) if before and before[0] > 0 else None
    span = high - low
    if span <= 1e-6 * max(abs(low), abs(high)):
        # A constant, perhaps with the last digit of an average: no mountain out of that.
        span = 0.2 if log else abs(high) or 1.0
        low, high = min(low, high - span / 2), high + span / 2
    fits = kept is not None and kept[0] <= low and high <= kept[1]
    if before and kept and fits and high - low >= CALM * (kept[1] - kept[0]):
        return before
    step = nice_step(span, 10)
    bottom, top = math.floor(low / step + 1e-9) * step, math.ceil(high / step + 0.02) * step
    if log:
        return 10.0**bottom, 10.0**top
    return 0.0 if 0 <= low < 0.35 * high else bottom, top  # near zero, zero is the honest floor


# -- ticks


def nice_step(span: float, count: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts `span` into <= `count` parts."""
    if span <= 0 or not math.isfinite(span):
        return 1.0
    raw = span / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    return next((f * power for f in (1.0, 2.0, 5.0) if raw <= f * power * (1 + 1e-9)), 10.0 * power)


def multiples(low: float, high: float, step: float) -> list[float]:
    """Every multiple of `step` in [low, high], without the last digits of a sum."""
    digits = max(0, 1 - math.floor(math.log10(step)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, digits) for index in range(first, last + 1)]


def ticks(low: float, high: float, count: int, kind: AxisKind = "linear") -> dict[float, str]:
    """At most about `count` + 1 round values in [low, high], ascending, and their labels.

    Of a logarithmic axis they are decades, with 2 and 5 where there is room; of a time in
    seconds whole minutes, quarters, hours or days.
    """
    if kind == "time":
        days = nice_step((high - low) / 86400, count) * 86400
        step = next((step for step in TIME_STEPS if (high - low) / step <= count), days)
        return {tick: time_label(tick) for tick in multiples(low, high, step)}
    decades = math.log10(high / low) if kind == "log" else 0.0
    if decades < 0.8:
        step = nice_step(high - low, count)
        return {tick: tick_label(tick, step) for tick in multiples(low, high, step)}
    factors = (1.0, 2.0, 5.0) if decades * 3 <= count else (1.0,)
    stride = math.ceil(decades / max(1, count))
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [factor * 10.0**power for power in powers if power % stride == 0 for factor in factors]
    inside = [tick for tick in every if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
    return {tick: tick_label(tick, tick) for tick in inside}


def tick_label(value: float, step: float) -> str:
    """`value` with just the decimals that `step` needs, thousands as k, M or G."""
    if value == 0:
        return "0"
    size = max(abs(value), step)
    if abs(value) < 1e-3 and step < 2.5e-4:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    unit = ""
    if size >= 10_000 or (size >= 1000 and step >= 1000):
        limit, unit = next(u for u in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if size >= u[0])
        value, step = value / limit, step / limit
    decimals = next((d for d in range(6) if abs(round(step, d) - step) <= 0.01 * step), 6)
    return f"{value:,.{decimals}f}{unit}"


def time_label(seconds: float) -> str:
    """`0`, `45s`, `12m`, `1h30`, `3d4h` of an elapsed time."""
    whole = round(seconds)
    for size, unit, part in ((86400, "d", 3600), (3600, "h", 60), (60, "m", 1)):
        if whole >= size:
            rest = whole % size // part
            smaller = f"{rest}h" if unit == "d" else f"{rest:02d}"
            return f"{whole // size}{unit}{smaller if rest else ''}"
    return f"{whole}s" if whole else "0"


# -- the view


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

    def window(self, extent: Range, *, growing: bool = False) -> Range:
        """`(left, right)` that is shown of data in `extent`.

        While data is `growing`, the right edge is ahead of it by a part of a round step, so that
        the picture moves now and then instead of with every point.
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

    def zoomed(self, factor: float, extent: Range, around: float | None = None) -> View:
        """A window `factor` times as wide, keeping `around` (default: the cursor or the right)."""
        left, right = self.window(extent)
        full = extent[1] - extent[0]
        width = max((right - left) * factor, full * 1e-5)
        if width >= full * 0.999:
            return self.whole()
        fixed = around if around is not None else self.cursor
        if fixed is None or not left <= fixed <= right:
            return replace(self, span=width, end=None if self.end is None else right)
        share = (fixed - left) / (right - left)
        end = fixed + (1 - share) * width
        return replace(self, span=width, end=None if end >= extent[1] else end)

    def panned(self, share: float, extent: Range) -> View:
        """The window moved by `share` of its width; at the newest value it sticks there."""
        if self.span is None:
            return self
        left, right = self.window(extent)
        width = right - left
        end = max(extent[0] + width, right + share * width)
        return replace(self, end=None if end >= extent[1] else end)

    def whole(self) -> View:
        """Everything, following the newest value."""
        return replace(self, span=None, end=None)
