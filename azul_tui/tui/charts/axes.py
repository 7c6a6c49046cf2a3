"""The limits of the y axis, the labels of ticks, and the x axis with its marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.tui.charts.curves import Curve, Level, Mark, value_range
from azul_tui.tui.charts.scale import Scale, cell_column
from azul_tui.tui.charts.ticks import (
    linear_ticks,
    log_ticks,
    stable_limits,
    stable_log_limits,
    tick_label,
    time_label,
    time_ticks,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.charts.canvas import Canvas
    from azul_tui.tui.charts.view import View
    from azul_tui.tui.picture import Line
    from azul_tui.tui.signs import Signs


def y_limits(
    curves: list[Curve],
    levels: Sequence[Level],
    view: View,
    previous: tuple[float, float] | None,
) -> tuple[float, float] | None:
    """Limits of the y axis, calm from frame to frame; None when nothing is drawn."""
    bands = view.show_band or any(curve.kind == "points" for curve in curves)
    found = value_range(curves, bands=bands, positive=view.log_y, hide_outliers=view.hide_outliers)
    if found is None and view.log_y:
        found = value_range(curves, bands=bands, positive=False, hide_outliers=False)
    if found is None:
        return None
    low, high = found
    for level in levels:
        low, high = min(low, level.y), max(high, level.y)
    if view.log_y and low > 0:
        return stable_log_limits(previous, low, high)
    return stable_limits(previous, low, high)


def tick_labels(ticks: list[float], *, log: bool) -> list[str]:
    """The labels of ascending ticks, all with the digits that tell them apart."""
    if log:
        return [tick_label(tick, tick) for tick in ticks]
    step = ticks[1] - ticks[0] if len(ticks) > 1 else (abs(ticks[0]) if ticks else 1.0)
    return [tick_label(tick, step) for tick in ticks]


def x_axis(
    scale: Scale,
    canvas: Canvas,
    label_width: int,
    marks: Sequence[Mark],
    view: View,
    signs: Signs,
    rows: int,
) -> list[Line]:
    """The axis with its marks, and the labels under it when there are two rows."""
    count = max(1, canvas.width // 12)
    if view.x_kind == "time" and not scale.log:
        ticks = time_ticks(scale.low, scale.high, count)
        labels = [time_label(tick) for tick in ticks]
    else:
        ticks = (log_ticks if scale.log else linear_ticks)(scale.low, scale.high, count)
        labels = tick_labels(ticks, log=scale.log)
    axis = [(signs.horizontal, "axis")] * canvas.width
    text = [" "] * canvas.width
    free_from = 0
    for tick, label in zip(ticks, labels, strict=True):
        column = cell_column(scale, canvas, tick)
        start = min(max(column - len(label) // 2, 0), canvas.width - len(label))
        if start < free_from:
            continue
        axis[column] = (signs.tick, "axis")
        text[start : start + len(label)] = label
        free_from = start + len(label) + 1
    placed: dict[str, int] = {}
    for mark in marks:
        if scale.low <= mark.x <= scale.high and not (scale.log and mark.x <= 0):
            column = cell_column(scale, canvas, mark.x)
            # A checkpoint every few cells says no more than one here and there.
            if column - placed.get(mark.sign, -9) > 2:
                axis[column] = (mark.sign, mark.role)
                placed[mark.sign] = column
    corner = (" " * label_width + signs.corners[2], "axis")
    if rows == 1:
        return [(corner, *_grouped(axis))]
    # The corner's column carries no label, so labels stay under their ticks.
    return [(corner, *_grouped(axis)), ((" " * (label_width + 1), ""), ("".join(text), "axis"))]


def _grouped(cells: list[tuple[str, str]]) -> Line:
    """Neighbouring cells of one role as one segment."""
    merged: list[tuple[str, str]] = []
    for text, role in cells:
        if merged and merged[-1][1] == role:
            merged[-1] = (merged[-1][0] + text, role)
        else:
            merged.append((text, role))
    return tuple(merged)
