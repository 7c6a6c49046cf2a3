"""A chart as lines of text: axes, bands, curves, points, levels, marks and cursor.

`draw_chart` is a pure function. What makes the axes calm (the limits of the frame
before) goes in and comes out as a value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from azul_tui.tui.charts.canvas import Canvas, line_layer, span_layer
from azul_tui.tui.charts.curves import (
    Columns,
    Curve,
    Level,
    Mark,
    Reading,
    extent,
    in_window,
    read_at,
    to_columns,
    value_range,
)
from azul_tui.tui.charts.ticks import (
    linear_ticks,
    log_ticks,
    stable_limits,
    stable_log_limits,
    tick_label,
    time_label,
    time_ticks,
)
from azul_tui.tui.picture import Line, Picture, crop, text_line
from azul_tui.tui.signs import UNICODE, Signs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.charts.view import View

FloatArray = NDArray[np.float64]
ASCII_LINES = "*+ox%@"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn chart and what the next frame and the panel around it need."""

    picture: Picture
    limits: tuple[float, float] | None
    window: tuple[float, float] | None
    extent: tuple[float, float] | None
    readings: tuple[Reading, ...] = ()
    plot_left: int = 0
    """Column at which the plot begins, right of the labels and the axis."""
    plot_width: int = 0
    log_x: bool = False

    def x_at(self, column: int) -> float | None:
        """The x that column `column` of the picture stands for; None outside of the plot."""
        place = column - self.plot_left
        if self.window is None or not 0 <= place < self.plot_width:
            return None
        left, right = self.window
        share = (place + 0.5) / self.plot_width
        if self.log_x:
            return left * (right / left) ** share
        return left + (right - left) * share


@dataclass(frozen=True, slots=True)
class _Scale:
    """Maps values of one axis to [0, dots - 1]."""

    low: float
    high: float
    dots: int
    log: bool

    def place(self, values: FloatArray) -> FloatArray:
        """Dot positions of `values`; NaN where a logarithm does not exist."""
        if self.log:
            with np.errstate(invalid="ignore", divide="ignore"):
                values = np.where(values > 0, np.log10(values), np.nan)
            low, high = math.log10(self.low), math.log10(self.high)
        else:
            low, high = self.low, self.high
        return (values - low) / ((high - low) or 1.0) * (self.dots - 1)


def draw_chart(
    curves: Sequence[Curve],
    view: View,
    width: int,
    height: int,
    *,
    levels: Sequence[Level] = (),
    marks: Sequence[Mark] = (),
    signs: Signs = UNICODE,
    patterns: bool = False,
    previous_limits: tuple[float, float] | None = None,
    fixed_limits: tuple[float, float] | None = None,
    empty_text: str = "no data yet",
    growing: bool = False,
) -> Drawing:
    """Draw `curves` as seen by `view` in `width` x `height` cells.

    Args:
        curves: What is drawn, the first ones behind.
        view: How it is looked at.
        width: Cells.
        height: Lines.
        levels: Dashed horizontal lines.
        marks: Signs on the x axis.
        signs: Unicode or ASCII.
        growing: More data is coming, see `View.window`.
        empty_text: What is said while there is no data.
        patterns: Tell curves apart by dashes (for terminals without colour).
        previous_limits: The y limits of the frame before, kept while they fit.
        fixed_limits: y limits that override the data's own.

    Returns:
        A drawing whose picture has exactly `height` lines of `width` cells.
    """
    drawn = [curve for curve in curves if len(curve.x)]
    full = extent(drawn)
    if full is None or width < 8 or height < 3:
        return Drawing(_notice(empty_text, width, height), None, None, None)
    left, right = view.window(full, growing=growing)
    log_x = view.log_x and right > 0
    if log_x and left <= 0:
        positive = [c.x[c.x > 0] for c in drawn]
        left = min((float(x[0]) for x in positive if len(x)), default=right / 10)
    visible = [in_window(curve, left, right) for curve in drawn]
    if right <= left:
        pad = abs(right) * 0.05 or 0.5
        left, right = left - pad, right + pad
    limits = fixed_limits or _limits(visible, levels, view, previous_limits)
    if limits is None:
        return Drawing(_notice(empty_text, width, height), None, (left, right), full)
    log_y = view.log_y and limits[0] > 0

    axis_rows = 2 if height >= 7 else 1
    plot_height = height - axis_rows
    count_y = min(8, max(2, plot_height // 2))
    y_ticks = (log_ticks if log_y else linear_ticks)(limits[0], limits[1], count_y)
    labels = _labels(y_ticks, log=log_y)
    label_width = min(max((len(label) for label in labels), default=0), max(0, width - 8))
    plot_width = width - label_width - 1
    canvas = Canvas(plot_width, plot_height, ascii_only=signs.ascii)
    scale_x = _Scale(left, right, canvas.dot_width, log_x)
    scale_y = _Scale(limits[0], limits[1], canvas.dot_height, log_y)
    roles = _paint(canvas, visible, levels, view, scale_x, scale_y, signs, patterns)

    cell_of_tick = {
        _cell_row(scale_y, canvas, tick): label for tick, label in zip(y_ticks, labels, strict=True)
    }
    rows = canvas.rows(roles)
    picture: Picture = []
    for row, line in enumerate(rows):
        label = cell_of_tick.get(row, "")
        edge = signs.tee_right if label else signs.vertical
        picture.append(((f"{label:>{label_width}}"[:label_width] + edge, "axis"), *line))
    picture.extend(_x_axis(scale_x, canvas, label_width, marks, view, signs, axis_rows))
    readings = tuple(read_at(visible, view.cursor)) if view.cursor is not None else ()
    return Drawing(
        crop(picture, width, height),
        limits,
        (left, right),
        full,
        readings,
        plot_left=label_width + 1,
        plot_width=plot_width,
        log_x=log_x,
    )


def _notice(text: str, width: int, height: int) -> Picture:
    """`text` in the middle of an empty frame, wrapped at blanks."""
    words, lines = text.split(), [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width - 2:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    top = max(0, (height - len(lines)) // 2)
    picture: Picture = [()] * top
    picture.extend(text_line(line.center(width).rstrip(), "quiet") for line in lines)
    return crop(picture, width, height)


def _limits(
    curves: list[Curve],
    levels: Sequence[Level],
    view: View,
    previous: tuple[float, float] | None,
) -> tuple[float, float] | None:
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


def _labels(ticks: list[float], *, log: bool) -> list[str]:
    if log:
        return [tick_label(tick, tick) for tick in ticks]
    step = ticks[1] - ticks[0] if len(ticks) > 1 else (abs(ticks[0]) if ticks else 1.0)
    return [tick_label(tick, step) for tick in ticks]


def _cell_row(scale: _Scale, canvas: Canvas, value: float) -> int:
    place = float(scale.place(np.array([value]))[0])
    dot = canvas.dot_height - 1 - place
    return int(min(max(round(dot), 0), canvas.dot_height - 1)) // canvas.dots_y


def _paint(
    canvas: Canvas,
    curves: list[Curve],
    levels: Sequence[Level],
    view: View,
    scale_x: _Scale,
    scale_y: _Scale,
    signs: Signs,
    patterns: bool,
) -> list[str]:
    """Draw all layers; returns the role of every owner index (odd = line, even = behind)."""
    roles: list[str] = ["level", "cursor"]
    bottom = canvas.dot_height - 1
    top_right = _Columns(canvas, curves, scale_x)
    for level in levels:
        row = _cell_row(scale_y, canvas, level.y)
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
        _name_level(canvas, level.name, _cell_row(scale_y, canvas, level.y))
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

    def __init__(self, canvas: Canvas, curves: list[Curve], scale_x: _Scale) -> None:
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
    canvas: Canvas, curve: Curve, scale_x: _Scale, scale_y: _Scale, signs: Signs, owner: int
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
                first = _cell_row(scale_y, canvas, ends[1])
                last = _cell_row(scale_y, canvas, ends[0])
                for row in range(first, last + 1):
                    canvas.put_character(row, int(column), signs.error_bar, owner - 1)
        canvas.put_character(_cell_row(scale_y, canvas, y), int(column), signs.point, owner)


def _paint_cursor(canvas: Canvas, x: float, scale_x: _Scale, signs: Signs) -> None:
    place = float(scale_x.place(np.array([x]))[0])
    if not math.isfinite(place):
        return
    column = round(place) // canvas.dots_x
    if 0 <= column < canvas.width:
        for row in range(canvas.height):
            if canvas.owners[row, column] < 0 or canvas.owners[row, column] % 2 == 0:
                canvas.put_character(row, column, signs.vertical, 1)


def _x_axis(
    scale: _Scale,
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
        labels = _labels(ticks, log=scale.log)
    axis = [(signs.horizontal, "axis")] * canvas.width
    text = [" "] * canvas.width
    free_from = 0
    for tick, label in zip(ticks, labels, strict=True):
        column = _cell_column(scale, canvas, tick)
        start = min(max(column - len(label) // 2, 0), canvas.width - len(label))
        if start < free_from:
            continue
        axis[column] = (signs.tick, "axis")
        text[start : start + len(label)] = label
        free_from = start + len(label) + 1
    placed: dict[str, int] = {}
    for mark in marks:
        if scale.low <= mark.x <= scale.high and not (scale.log and mark.x <= 0):
            column = _cell_column(scale, canvas, mark.x)
            # A checkpoint every few cells says no more than one here and there.
            if column - placed.get(mark.sign, -9) > 2:
                axis[column] = (mark.sign, mark.role)
                placed[mark.sign] = column
    corner = (" " * label_width + signs.corners[2], "axis")
    if rows == 1:
        return [(corner, *_grouped(axis))]
    # The corner's column carries no label, so labels stay under their ticks.
    return [(corner, *_grouped(axis)), ((" " * (label_width + 1), ""), ("".join(text), "axis"))]


def _cell_column(scale: _Scale, canvas: Canvas, x: float) -> int:
    place = float(scale.place(np.array([x]))[0])
    if not math.isfinite(place):
        return 0
    return min(max(round(place) // canvas.dots_x, 0), canvas.width - 1)


def _grouped(cells: list[tuple[str, str]]) -> Line:
    """Neighbouring cells of one role as one segment."""
    merged: list[tuple[str, str]] = []
    for text, role in cells:
        if merged and merged[-1][1] == role:
            merged[-1] = (merged[-1][0] + text, role)
        else:
            merged.append((text, role))
    return tuple(merged)
