"""One column of several runs over each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from azul_tui.runs.text import plain_text
from azul_tui.tui import phrases
from azul_tui.tui.charts.curves import Curve
from azul_tui.tui.picture import shorten_middle
from azul_tui.tui.training.charts import LOSSES, ChartContent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.charts.view import View
    from azul_tui.tui.signs import Signs
    from azul_tui.tui.training.charts import ChartSource


def overlay_content(
    title: str, column: str, sources: Sequence[ChartSource], view: View, signs: Signs
) -> ChartContent:
    """The chart of `column` ("score" for evaluations) with one curve a run."""
    curves: list[Curve] = []
    words: list[tuple[str, str]] = [(title, "title")]
    for index, source in enumerate(sources):
        role = f"series.{index % 6}"
        name = shorten_middle(plain_text(source.name, 64), 24, signs.ellipsis)
        curve = (
            _score(source, view, role, name, signs)
            if column == "score"
            else _column(source, column, view, role, name)
        )
        words.append((f"  {name} ", role))
        if curve is None or len(curve.x) == 0:
            words.append(("–", "quiet"))
            continue
        curves.append(curve)
        known = curve.y[np.isfinite(curve.y)]
        words.append((phrases.short_float(float(known[-1])) if len(known) else "–", "strong"))
    limits = (0.0, 100.0) if column == "score" else None
    return ChartContent(
        name=title, title=tuple(words), curves=curves, limits=limits, smoothed=column in LOSSES
    )


def _column(source: ChartSource, column: str, view: View, role: str, name: str) -> Curve | None:
    table = "self_play" if column == "sims_per_s" else "steps"
    if table == "steps" and not source.data.steps.records:
        table = "iterations"
    return source.curve(table, column, view, label=name, role=role)


def _score(source: ChartSource, view: View, role: str, name: str, signs: Signs) -> Curve | None:
    """The evaluations against the opponent that was met last."""
    content = source.content("score", view, signs)
    if not content.curves or not source.data.evaluations:
        return None
    last = source.data.evaluations[-1].opponent
    found = next((curve for curve in content.curves if curve.name == last), content.curves[-1])
    return Curve(
        name=name, x=found.x, y=found.y, low=found.low, high=found.high, role=role, kind="points"
    )
