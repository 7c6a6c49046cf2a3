"""Which charts a run has, and how their curves come from its records and ratings."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.views import words
from azul_tui.views.charts import ChartContent, Curve, Level, Mark
from azul_tui.views.ratings import anchor_name, over_training, rating_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from azul_tui.runs.listing import RatingRow
    from azul_tui.views.charts import FloatArray, View, XKind
    from azul_tui.views.run_data import BucketTable, RunData
    from azul_tui.views.words import Spans

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


class ChartSource:
    """Makes the contents of the charts of one run."""

    def __init__(self, data: RunData) -> None:
        self.data = data
        self.ratings: tuple[RatingRow, ...] = ()
        """What the run's last fit says; set by whoever reads it."""

    def curve(self, table_name: str, column: str, view: View, label: str, series: int = 0) -> Curve:
        """One column of a table as a smoothed line over its raw band."""
        table: BucketTable = getattr(self.data, table_name)
        x, y, low, high = table.columns(view.x_kind, column)
        if view.smoothing > 0 and column in SMOOTHED and table_name == "steps":
            # A bucket of k records takes the weight of k steps, so a merge changes no curve; the
            # last one, not whole yet, would be too restless.
            whole = smooth(y[: len(table)], view.smoothing**table.records_per_bucket)
            rest = whole[-1:] if len(whole) else y[-1:]
            y = np.concatenate([whole, rest[: len(y) - len(whole)]])
        return Curve(name=label, x=x, y=y, low=low, high=high, series=series)

    def content(self, chart: str, view: View) -> ChartContent:
        """The chart called `chart`, one of `CHARTS`."""
        if chart == "loss":
            content = self._losses(view)
        elif chart == "score":
            content = self._scores(view)
        elif chart == "rating":
            content = self._ratings(view)
        else:
            table_name, column, said, empty = _COLUMNS[chart]
            table: BucketTable = getattr(self.data, table_name)
            share = chart == "buffer"
            value = table.last(column)
            content = ChartContent(
                name=chart,
                title=(("  ", ""), (said(value / 100 if share and value else value), "strong")),
                curves=[self.curve(table_name, column, view, chart)] if table.records else [],
                limits=(0.0, 100.0) if share else None,
                unit="%" if share else "",
                smoothed=column in SMOOTHED,
                empty=empty,
            )
        title = ((chart, "title"), *content.title)
        return replace(content, title=title, marks=self._marks(view.x_kind))

    def _marks(self, x_kind: XKind) -> list[Mark]:
        """Checkpoints and changed settings on the axis."""
        data = self.data
        saved = [Mark(x=data.x_of(each, x_kind), kind="checkpoint") for each in data.checkpoints]
        changed = [h for h in data.happenings if h.kind in {"setting", "resumed"}]
        return saved + [Mark(x=data.x_of(each, x_kind), kind="setting") for each in changed]

    def _losses(self, view: View) -> ChartContent:
        by_step = self.data.steps.records or not self.data.iterations.records
        table_name = "steps" if by_step else "iterations"
        curves: list[Curve] = []
        title: list[tuple[str, str]] = []
        for index, column in enumerate(LOSSES):
            label = column.removesuffix("_loss")
            curve = self.curve(table_name, column, view, label, index)
            known = curve.y[np.isfinite(curve.y)]
            curves.append(curve)
            title.append((f"  {label} ", f"series.{index}"))
            title.append((words.loss(float(known[-1]) if len(known) else None), "strong"))
        return ChartContent(name="loss", title=tuple(title), curves=curves, smoothed=True)

    def _ratings(self, view: View) -> ChartContent:
        curves, levels = rating_curves(self.ratings, self.data, view.x_kind)
        own = over_training(self.ratings)
        title: Spans = ()
        if own:
            anchor = anchor_name(self.ratings)
            over = f" Elo over {anchor}" if anchor else " Elo"
            title = ((f"  {rating_words(own[-1])}", "strong"), (over, "quiet"))
        empty = "the first rating comes with the first evaluation"
        return ChartContent(name="rating", title=title, curves=curves, levels=levels, empty=empty)

    def _scores(self, view: View) -> ChartContent:
        by_opponent: dict[str, list[tuple[float, float, float, float]]] = {}
        for e in self.data.evaluations:
            x = self.data.x_of(e, view.x_kind)
            point = (x, e.score * 100, e.low * 100, e.high * 100)
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
            title.append((f"  {opponent} ", f"series.{index}"))
            title.append((f"{score:.0f}%{spread}", "strong"))
        return ChartContent(
            name="score",
            title=tuple(title),
            curves=curves,
            levels=[Level(name="even", y=50.0)] if curves else [],
            limits=(0.0, 100.0),
            unit="%",
            empty="the first score comes with the first evaluation",
        )


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
        Level(name=f"{row.name} {words.count(row.elo)}", y=row.elo)
        for row in rows
        if row.iteration is None and math.isfinite(row.elo) and row.name != anchor
        if not any(mark in row.name for mark in "/@")
    ]
    curve = Curve(name="rating", x=x, y=y, low=low, high=high, kind="points")
    return [curve], others[:MOST_LEVELS]


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
