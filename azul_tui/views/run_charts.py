"""Which charts a run has, and how their curves come from its records and ratings."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.views import words
from azul_tui.views.charts import Curve, Level, Mark
from azul_tui.views.ratings import anchor_name, over_training, rating_words
from azul_tui.views.series import Smoother

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from azul_tui.runs.ratings import RatingRow
    from azul_tui.views.charts import View, XKind
    from azul_tui.views.run_data import RunData
    from azul_tui.views.series import BucketTable
    from azul_tui.views.words import Spans

MOST_LEVELS = 4
"""Opponents that are drawn as dashed lines, the strongest."""


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
        Level(name=f"{row.name} {words.count(row.elo)}", y=row.elo) for row in others[:MOST_LEVELS]
    ]


CHARTS = (
    "loss",
    "score",
    "rating",
    "games/s",
    "simulations/s",
    "buffer",
    "learning rate",
    "gradient norm",
)
"""Names of the charts, in the order in which `tab` goes through them."""
LOSSES = ("total_loss", "policy_loss", "value_loss")
SMOOTHED = (*LOSSES, "gradient_norm")
"""Columns that are noisy enough to be smoothed."""
HIDDEN_BELOW = 0.2
"""A curve that uses less of a shared axis than this share of it looks flat."""

_TABLE_CHARTS: dict[str, tuple[str, str]] = {
    "games/s": ("self_play", "games_per_s"),
    "simulations/s": ("self_play", "sims_per_s"),
    "buffer": ("iterations", "buffer_fill"),
    "learning rate": ("steps", "learning_rate"),
    "gradient norm": ("steps", "gradient_norm"),
}
_EMPTY = {
    "score": "the first score comes with the first evaluation",
    "rating": "the first rating comes with the first evaluation",
    "games/s": "the speed is known after the first self-play",
    "simulations/s": "the speed is known after the first self-play",
    "buffer": "the buffer is reported after the first iteration",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChartContent:
    """What one chart shows."""

    name: str
    title: Spans
    curves: list[Curve]
    levels: list[Level] = field(default_factory=list[Level])
    marks: list[Mark] = field(default_factory=list[Mark])
    limits: tuple[float, float] | None = None
    """Fixed limits of the y axis."""
    unit: str = ""
    smoothed: bool = False
    empty: str = ""
    """What is said while there is nothing to draw."""


class _Smoothed:
    """One smoothed column, extended as the table grows."""

    def __init__(self) -> None:
        self.key: tuple[float, int] = (-1.0, -1)
        self.smoother = Smoother(0.0)
        self.values: NDArray[np.float64] = np.empty(0)

    def of(self, table: BucketTable, name: str, weight: float) -> NDArray[np.float64]:
        """Smoothed means of the whole buckets, (N,)."""
        key = (weight, table.merges)
        whole = table.whole(name)
        if key != self.key or len(self.values) > len(whole):
            # A bucket of k records takes the weight of k steps, so a merge changes no curve.
            self.key = key
            self.smoother = Smoother(weight**table.records_per_bucket if weight > 0 else 0.0)
            self.values = np.empty(0)
        if len(whole) > len(self.values):
            fresh = self.smoother.extend(whole[len(self.values) :])
            self.values = np.concatenate([self.values, fresh])
        return self.values


class ChartSource:
    """Makes the contents of the charts of one run; remembers what it has smoothed."""

    def __init__(self, data: RunData) -> None:
        self.data = data
        self.ratings: tuple[RatingRow, ...] = ()
        """What the run's last fit says; set by whoever reads it."""
        self._smoothed: dict[str, _Smoothed] = {}

    def curve(self, table_name: str, column: str, view: View, label: str, series: int = 0) -> Curve:
        """One column of a table as a smoothed line over its raw band."""
        table: BucketTable = getattr(self.data, table_name)
        noisy = column in SMOOTHED and table_name == "steps"
        weight = view.smoothing if noisy else 0.0
        x, mean, low, high = table.columns(view.x_kind, column)
        key = f"{table_name}.{column}"
        smoothed = self._smoothed.setdefault(key, _Smoothed()).of(table, column, weight)
        if len(smoothed) < len(mean):
            last = smoothed[-1:] if len(smoothed) and weight > 0 else mean[-1:]
            smoothed = np.concatenate([smoothed, last])
        return Curve(name=label, x=x, y=smoothed, low=low, high=high, series=series)

    def content(self, chart: str, view: View) -> ChartContent:
        """The chart called `chart`, one of `CHARTS`."""
        marks = self.marks(view.x_kind)
        if chart == "loss":
            return self._losses(view, marks)
        if chart == "score":
            return self._scores(view, marks)
        if chart == "rating":
            return self._ratings(view, marks)
        table_name, column = _TABLE_CHARTS[chart]
        table: BucketTable = getattr(self.data, table_name)
        value = table.last(column)
        shown = words.amount(value)
        if chart == "buffer":
            shown = words.percent(None if value is None else value / 100)
        elif chart in {"learning rate", "gradient norm"}:
            shown = words.short_float(value)
        return ChartContent(
            name=chart,
            title=((chart, "title"), ("  ", ""), (shown, "strong")),
            curves=[self.curve(table_name, column, view, chart)] if len(table) else [],
            marks=marks,
            limits=(0.0, 100.0) if chart == "buffer" else None,
            unit="%" if chart == "buffer" else "",
            smoothed=column in SMOOTHED,
            empty=_EMPTY.get(chart, f"no {chart} yet"),
        )

    def losses_apart(self, view: View) -> list[ChartContent]:
        """The three losses as three charts, each with an axis of its own."""
        whole = self._losses(view, self.marks(view.x_kind))
        return [
            ChartContent(
                name=curve.name,
                title=whole.title,
                curves=[curve],
                marks=whole.marks if curve is whole.curves[-1] else [],
                smoothed=True,
            )
            for curve in whole.curves
        ]

    def losses_look_flat(self, view: View) -> bool:
        """Whether a shared axis hides how one of the losses changes."""
        curves = self._losses(view, []).curves
        known = [curve.y[len(curve.y) // 10 :] for curve in curves]
        known = [y[np.isfinite(y)] for y in known]
        if not all(len(y) >= 20 for y in known) or not known:
            return False
        span = max(float(y.max()) for y in known) - min(float(y.min()) for y in known)
        return any(float(np.ptp(y)) < HIDDEN_BELOW * span for y in known)

    def marks(self, x_kind: XKind) -> list[Mark]:
        """Checkpoints and changed settings on the axis."""
        found = [
            Mark(x=self._x(c.t, c.step, c.iteration, x_kind), kind="checkpoint", text=c.file)
            for c in self.data.checkpoints
        ]
        found.extend(
            Mark(x=self._x(h.t, h.step, h.iteration, x_kind), kind="setting", text=h.text)
            for h in self.data.happenings
            if h.kind in {"setting", "resumed"}
        )
        return found

    def _x(self, t: float, step: float, iteration: int, x_kind: XKind) -> float:
        if x_kind == "step":
            return step
        return float(iteration) if x_kind == "iteration" else self.data.elapsed(t)

    def _losses(self, view: View, marks: list[Mark]) -> ChartContent:
        use_steps = len(self.data.steps) or not len(self.data.iterations)
        table_name = "steps" if use_steps else "iterations"
        table: BucketTable = getattr(self.data, table_name)
        curves: list[Curve] = []
        title: list[tuple[str, str]] = [("loss", "title")]
        for index, column in enumerate(LOSSES):
            label = column.removesuffix("_loss")
            value = None
            if table.records:
                curve = self.curve(table_name, column, view, label, index)
                curves.append(curve)
                known = curve.y[np.isfinite(curve.y)]
                value = float(known[-1]) if len(known) else None
            title.append((f"  {label} ", f"series.{index}"))
            title.append((words.loss(value), "strong"))
        return ChartContent(
            name="loss", title=tuple(title), curves=curves, marks=marks, smoothed=True
        )

    def _ratings(self, view: View, marks: list[Mark]) -> ChartContent:
        curves, levels = rating_curves(self.ratings, self.data, view.x_kind)
        own = over_training(self.ratings)
        title: list[tuple[str, str]] = [("rating", "title")]
        if own:
            title.append((f"  {rating_words(own[-1])}", "strong"))
            anchor = anchor_name(self.ratings)
            title.append((f" Elo over {anchor}" if anchor else " Elo", "quiet"))
        return ChartContent(
            name="rating",
            title=tuple(title),
            curves=curves,
            levels=levels,
            marks=marks,
            empty=_EMPTY["rating"],
        )

    def _scores(self, view: View, marks: list[Mark]) -> ChartContent:
        by_opponent: dict[str, list[tuple[float, float, float, float]]] = {}
        for e in self.data.evaluations:
            x = self._x(e.t, e.step, e.iteration, view.x_kind)
            point = (x, e.score * 100, e.low * 100, e.high * 100)
            by_opponent.setdefault(e.opponent, []).append(point)
        curves: list[Curve] = []
        title: list[tuple[str, str]] = [("score", "title")]
        for index, (opponent, points) in enumerate(list(by_opponent.items())[-6:]):
            x, y, low, high = np.array(sorted(points), dtype=np.float64).T
            curves.append(
                Curve(name=opponent, x=x, y=y, low=low, high=high, series=index, kind="points")
            )
            _, score, least, most = points[-1]
            title.append((f"  {opponent} ", f"series.{index}"))
            half = (most - least) / 2
            spread = f" ± {half:.0f}" if math.isfinite(half) else ""
            title.append((f"{score:.0f}%{spread}", "strong"))
        return ChartContent(
            name="score",
            title=tuple(title),
            curves=curves,
            levels=[Level(name="even", y=50.0)] if curves else [],
            marks=marks,
            limits=(0.0, 100.0),
            unit="%",
            empty=_EMPTY["score"],
        )
