"""Everything inside the axes: levels, bands, lines, points and the cursor, in that order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.tui.charts.canvas import Canvas, line_layer, span_layer
from azul_tui.tui.charts.curves import Columns, Curve, Level, to_columns
from azul_tui.tui.charts.scale import Scale, cell_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.charts.view import View
    from azul_tui.tui.signs import Signs


ASCII_LINES = "*+ox%@"


def paint_layers(
    canvas: Canvas,
    curves: list[Curve],
    levels: Sequence[Level],
    view: View,
    scale_x: Scale,
    scale_y: Scale,
    signs: Signs,
    patterns: bool,
) -> list[str]:
    """Draw all layers; returns the role of every owner index (odd = line, even = behind)."""
    roles: list[str] = ["level", "cursor"]
    bottom = canvas.dot_height - 1
    top_right = _Columns(canvas, curves, scale_x)
    for level in levels:
        row = cell_row(scale_y, canvas, level.y)
        for column in range(0, canvas.width, 2):
            canvas.put_character(row, column, signs.dash, 0)
    line_curves = [(c, cols) for c, cols in top_right.reduced if c.kind == "line"]
    for curve, columns in line_curves:
        roles.append(curve.role.replace("series", "band"))
        if view.show_band and curve.low is not None:
            low = bottom - scale_y.place(columns.low)
            high = bottom - scale_y.place(columns.high)
            # A logarithm of zero or less reaches to the floor of the chart.
            low = np.where(np.isnan(low) & ~np.isnan(high), bottom, low)
            canvas.put(span_layer(canvas, high, low), len(roles) - 1, ":")
        roles.append(curve.role)
    for index, (_, columns) in enumerate(line_curves):
        layer = line_layer(canvas, bottom - scale_y.place(columns.y), index % 3 if patterns else 0)
        canvas.put(layer, 3 + 2 * index, ASCII_LINES[index % len(ASCII_LINES)])
    for curve, _ in top_right.reduced:
        if curve.kind == "points":
            roles.append(curve.role)
            roles.append(curve.role)
            _paint_points(canvas, curve, scale_x, scale_y, signs, len(roles) - 1)
    for level in levels:
        _name_level(canvas, level.name, cell_row(scale_y, canvas, level.y))
    if view.cursor is not None:
        _paint_cursor(canvas, view.cursor, scale_x, signs)
    return roles


def _name_level(canvas: Canvas, name: str, row: int) -> None:
    """The name on its line, on the right, or on the left where curves cover the right."""
    width = min(len(name), canvas.width - 2)
    right = canvas.width - width - 1
    free = [at for at in (right, 1) if (canvas.owners[row, at : at + width] <= 0).all()]
    start = free[0] if free else right
    for offset, character in enumerate(name[:width]):
        column = start + offset
        if 0 <= column < canvas.width and canvas.owners[row, column] <= 0:
            canvas.put_character(row, column, character, 0)


class _Columns:
    """Curves with their dot columns."""

    def __init__(self, canvas: Canvas, curves: list[Curve], scale_x: Scale) -> None:
        self.reduced: list[tuple[Curve, Columns]] = []
        for curve in curves:
            positions = scale_x.place(curve.x)
            if scale_x.log:
                known = ~np.isnan(positions)
                kept = Curve(
                    name=curve.name,
                    x=curve.x[known],
                    y=curve.y[known],
                    low=None if curve.low is None else curve.low[known],
                    high=None if curve.high is None else curve.high[known],
                    role=curve.role,
                    kind=curve.kind,
                )
                curve, positions = kept, positions[known]
            self.reduced.append((curve, to_columns(curve, np.round(positions), canvas.dot_width)))


def _paint_points(
    canvas: Canvas, curve: Curve, scale_x: Scale, scale_y: Scale, signs: Signs, owner: int
) -> None:
    """Points with error bars, the newest drawn last."""
    columns = np.round(scale_x.place(curve.x)) // canvas.dots_x
    for index, column in enumerate(columns.tolist()):
        y = float(curve.y[index])
        if not (math.isfinite(y) and math.isfinite(column)):
            continue
        if curve.low is not None and curve.high is not None:
            ends = (float(curve.low[index]), float(curve.high[index]))
            if all(map(math.isfinite, ends)) and not (scale_y.log and min(ends) <= 0):
                first = cell_row(scale_y, canvas, ends[1])
                last = cell_row(scale_y, canvas, ends[0])
                for row in range(first, last + 1):
                    canvas.put_character(row, int(column), signs.error_bar, owner - 1)
        canvas.put_character(cell_row(scale_y, canvas, y), int(column), signs.point, owner)


def _paint_cursor(canvas: Canvas, x: float, scale_x: Scale, signs: Signs) -> None:
    place = float(scale_x.place(np.array([x]))[0])
    if not math.isfinite(place):
        return
    column = round(place) // canvas.dots_x
    if 0 <= column < canvas.width:
        for row in range(canvas.height):
            if canvas.owners[row, column] < 0 or canvas.owners[row, column] % 2 == 0:
                canvas.put_character(row, column, signs.vertical, 1)
