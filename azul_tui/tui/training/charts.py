"""Which charts a training run has, and how their curves come from its records."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.tui import phrases
from azul_tui.tui.charts.curves import Curve, Level, Mark
from azul_tui.tui.charts.smoothing import Smoother
from azul_tui.tui.run_ratings import rating_curves, rating_title
from azul_tui.tui.signs import UNICODE, Signs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from azul_tui.runs.ratings import RatingRow
    from azul_tui.tui.charts.buckets import BucketTable
    from azul_tui.tui.charts.view import View, XKind
    from azul_tui.tui.following.data import RunData
    from azul_tui.tui.picture import Line

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

_TABLE_CHARTS: dict[str, tuple[str, str]] = {
    "games/s": ("self_play", "games_per_s"),
    "simulations/s": ("self_play", "sims_per_s"),
    "buffer": ("iterations", "buffer_fill"),
    "learning rate": ("steps", "learning_rate"),
    "gradient norm": ("steps", "gradient_norm"),
}
LOSSES = ("total_loss", "policy_loss", "value_loss")
SMOOTHED = (*LOSSES, "gradient_norm")
"""Columns that are noisy enough to be smoothed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartContent:
    """What one chart shows."""

    name: str
    title: Line
    curves: list[Curve]
    levels: list[Level] = field(default_factory=list[Level])
    marks: list[Mark] = field(default_factory=list[Mark])
    limits: tuple[float, float] | None = None
    unit: str = ""
    smoothed: bool = False


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

    def __init__(self, data: RunData, *, name: str = "", role: int = 0) -> None:
        self.data = data
        self.name = name
        self.role = role
        self.ratings: tuple[RatingRow, ...] = ()
        """What the run's last fit says; set by whoever reads it."""
        self._smoothed: dict[str, _Smoothed] = {}

    def curve(self, table_name: str, column: str, view: View, *, label: str, role: str) -> Curve:
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
        return Curve(name=label, x=x, y=smoothed, low=low, high=high, role=role)

    def content(self, chart: str, view: View, signs: Signs = UNICODE) -> ChartContent:
        """The chart called `chart`, one of `CHARTS`."""
        marks = self.marks(view.x_kind, signs)
        if chart == "loss":
            return self._losses(view, marks)
        if chart == "score":
            return self._scores(view, signs, marks)
        if chart == "rating":
            return self._ratings(view, signs, marks)
        table_name, column = _TABLE_CHARTS[chart]
        table: BucketTable = getattr(self.data, table_name)
        value = table.last(column)
        shown = phrases.amount(value)
        if chart == "buffer":
            shown = phrases.percent(None if value is None else value / 100)
        elif chart in {"learning rate", "gradient norm"}:
            shown = phrases.short_float(value)
        curves = [self.curve(table_name, column, view, label=chart, role="series.0")]
        limits = (0.0, 100.0) if chart == "buffer" else None
        return ChartContent(
            name=chart,
            title=((chart, "title"), ("  ", ""), (shown, "strong")),
            curves=curves if len(table) else [],
            marks=marks,
            limits=limits,
            unit="%" if chart == "buffer" else "",
            smoothed=column in SMOOTHED,
        )

    def marks(self, x_kind: XKind, signs: Signs) -> list[Mark]:
        """Checkpoints and changed settings on the axis."""
        found = [
            Mark(x=self._x(c.t, c.step, c.iteration, x_kind), sign=signs.mark_checkpoint)
            for c in self.data.checkpoints
        ]
        found.extend(
            Mark(
                x=self._x(h.t, h.step, h.iteration, x_kind),
                sign=signs.mark_setting,
                role="mark.setting",
                text=h.text,
            )
            for h in self.data.happenings
            if h.kind in {"setting", "resumed"}
        )
        return found

    def _x(self, t: float, step: float, iteration: int, x_kind: XKind) -> float:
        if x_kind == "step":
            return step
        return float(iteration) if x_kind == "iteration" else self.data.elapsed(t)

    def _losses(self, view: View, marks: list[Mark]) -> ChartContent:
        table_name = (
            "steps" if len(self.data.steps) or not len(self.data.iterations) else "iterations"
        )
        table: BucketTable = getattr(self.data, table_name)
        curves: list[Curve] = []
        title: list[tuple[str, str]] = [("loss", "title")]
        for index, column in enumerate(LOSSES):
            label = column.removesuffix("_loss")
            role = f"series.{index}"
            value = None
            if table.records:
                curve = self.curve(table_name, column, view, label=label, role=role)
                curves.append(curve)
                known = curve.y[np.isfinite(curve.y)]
                value = float(known[-1]) if len(known) else None
            title.append((f"  {label} ", role))
            title.append((phrases.loss(value), "strong"))
        return ChartContent(
            name="loss", title=tuple(title), curves=curves, marks=marks, smoothed=True
        )

    def _ratings(self, view: View, signs: Signs, marks: list[Mark]) -> ChartContent:
        curves, levels = rating_curves(self.ratings, self.data, view.x_kind)
        title = rating_title(self.ratings, signs)
        return ChartContent(name="rating", title=title, curves=curves, levels=levels, marks=marks)

    def _scores(self, view: View, signs: Signs, marks: list[Mark]) -> ChartContent:
        by_opponent: dict[str, list[tuple[float, float, float, float]]] = {}
        for e in self.data.evaluations:
            x = self._x(e.t, e.step, e.iteration, view.x_kind)
            point = (x, e.score * 100, e.low * 100, e.high * 100)
            by_opponent.setdefault(e.opponent, []).append(point)
        curves: list[Curve] = []
        title: list[tuple[str, str]] = [("score", "title")]
        for index, (opponent, points) in enumerate(list(by_opponent.items())[-6:]):
            ordered = np.array(sorted(points), dtype=np.float64)
            role = f"series.{index % 6}"
            curves.append(
                Curve(
                    name=opponent,
                    x=ordered[:, 0],
                    y=ordered[:, 1],
                    low=ordered[:, 2],
                    high=ordered[:, 3],
                    role=role,
                    kind="points",
                )
            )
            _, score, low, high = points[-1]
            title.append((f"  {opponent} ", role))
            half = (high - low) / 2
            spread = f" {signs.plus_minus} {half:.0f}" if math.isfinite(half) else ""
            title.append((f"{score:.0f}%{spread}", "strong"))
        levels = [Level(name="even", y=50.0)] if curves else []
        return ChartContent(
            name="score",
            title=tuple(title),
            curves=curves,
            levels=levels,
            marks=marks,
            limits=(0.0, 100.0),
            unit="%",
        )
