"""A chart as lines of text: axes, bands, curves, points, levels, marks and cursor.

`draw_chart` is a pure function. What makes the axes calm (the limits of the frame
before) goes in and comes out as a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.tui.charts.axes import tick_labels, x_axis, y_limits
from azul_tui.tui.charts.canvas import Canvas
from azul_tui.tui.charts.curves import Curve, Level, Mark, Reading, extent, in_window, read_at
from azul_tui.tui.charts.layers import paint_layers
from azul_tui.tui.charts.scale import Scale, cell_row
from azul_tui.tui.charts.ticks import linear_ticks, log_ticks
from azul_tui.tui.picture import Picture, crop, text_line
from azul_tui.tui.signs import UNICODE, Signs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.charts.view import View


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
    log_y: bool = False

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
    limits = fixed_limits or y_limits(visible, levels, view, previous_limits)
    if limits is None:
        return Drawing(_notice(empty_text, width, height), None, (left, right), full)
    log_y = view.log_y and limits[0] > 0

    axis_rows = 2 if height >= 7 else 1
    plot_height = height - axis_rows
    count_y = min(8, max(2, plot_height // 2))
    y_ticks = (log_ticks if log_y else linear_ticks)(limits[0], limits[1], count_y)
    labels = tick_labels(y_ticks, log=log_y)
    label_width = min(max((len(label) for label in labels), default=0), max(0, width - 8))
    plot_width = width - label_width - 1
    canvas = Canvas(plot_width, plot_height, ascii_only=signs.ascii)
    scale_x = Scale(left, right, canvas.dot_width, log_x)
    scale_y = Scale(limits[0], limits[1], canvas.dot_height, log_y)
    roles = paint_layers(canvas, visible, levels, view, scale_x, scale_y, signs, patterns)

    cell_of_tick = {
        cell_row(scale_y, canvas, tick): label for tick, label in zip(y_ticks, labels, strict=True)
    }
    rows = canvas.rows(roles)
    picture: Picture = []
    for row, line in enumerate(rows):
        label = cell_of_tick.get(row, "")
        edge = signs.tee_right if label else signs.vertical
        picture.append(((f"{label:>{label_width}}"[:label_width] + edge, "axis"), *line))
    picture.extend(x_axis(scale_x, canvas, label_width, marks, view, signs, axis_rows))
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
        log_y=log_y,
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
