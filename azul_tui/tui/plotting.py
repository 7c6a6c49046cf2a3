"""A chart as lines of text. plotext draws what lies inside the axes; only this module imports it.

plotext 5 raises on infinities, on logarithms of what is not positive and at tiny sizes, is slow
with many points, and keeps one figure for the whole process. So it is given a plain area: finite
positions on linear axes, at most two a column, cleared before and after. Axes, ticks and marks
are made here, where they can be round, even and calm.

H = height and W = width in cells; a braille cell has 2 x 4 dots.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from rich.cells import set_cell_size

from azul_tui.views import charts, words
from azul_tui.views.signs import UNICODE, Signs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from azul_tui.views.charts import Curve, FloatArray, Level, Range, View
    from azul_tui.views.words import Spans

Cell = tuple[str, str]
"""A character and its role."""
COLORS = 6
ASCII_LINES = "*+ox%@"
"""One sign a curve, so that curves can be told apart without colour."""
_DOT_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Of a braille character (Unicode, "Braille Patterns"), by row from the top and column."""
_COLORED = re.compile(r"\x1b\[38;5;([0-9]+)m([^\x1b]*)|\x1b\[[0-9;]*m([^\x1b]*)|^([^\x1b]+)")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn chart, and what a pointer or the next drawing has to know of it."""

    lines: list[Spans]
    """Exactly H lines of W cells."""
    extent: Range | None = None
    """Smallest and largest x of all data."""
    window: Range | None = None
    """What is shown of it."""
    calm: Range | None = None
    """Limits of the y axis that the next drawing is to keep while they fit."""
    readings: Sequence[tuple[Curve, float]] = ()
    """Each curve and its value at the cursor."""
    plot_left: int = 0
    """Cells before the area inside the axes."""
    plot_width: int = 0
    log_x: bool = False
    log_y: bool = False

    def x_at(self, column: int) -> float | None:
        """The x under a column of the drawing; None beside the area."""
        place = column - self.plot_left
        if self.window is None or not 0 <= place < self.plot_width:
            return None
        left, right = self.window
        share = (place + 0.5) / self.plot_width
        return left * (right / left) ** share if self.log_x else left + (right - left) * share


@dataclass(frozen=True, slots=True)
class _Axis:
    """Maps values to dots, `each` a cell."""

    low: float
    high: float
    cells: int
    each: int
    log: bool

    @property
    def dots(self) -> int:
        return self.cells * self.each

    def place(self, values: FloatArray) -> FloatArray:
        """Dots from 0 to `dots` - 1, not rounded; NaN where a logarithm does not exist."""
        low, high = self.low, self.high
        if self.log:
            values = np.log10(np.where(values > 0, values, np.nan))
            low, high = math.log10(low), math.log10(high)
        return (values - low) / ((high - low) or 1.0) * (self.dots - 1)

    def cells_of(self, values: Sequence[float]) -> list[int]:
        """The cell of each value inside the limits, -1 of the others."""
        places = self.place(np.array(values, dtype=np.float64))
        inside = (places >= -0.5) & (places <= self.dots - 0.5)
        cells = self.near(np.where(inside, places, 0.0)) // self.each
        return np.where(inside, cells, -1).tolist()

    def near(self, places: FloatArray) -> Any:
        """Whole dots, those beyond the limits on them."""
        return np.clip(np.round(places), 0, self.dots - 1).astype(int)


def draw_chart(
    content: charts.ChartContent,
    view: View,
    width: int,
    height: int,
    *,
    signs: Signs = UNICODE,
    before: Range | None = None,
    growing: bool = False,
    label_width: int = 0,
    with_x: bool = True,
    plain: bool = False,
    name: str = "",
) -> Drawing:
    """Draw `content` as seen by `view` in `width` x `height` cells.

    The limits of y of the drawing `before` are kept while they fit; for `growing` see
    `View.window`. Charts in a column share a `label_width`, have a `name` in a corner and only
    the last one `with_x`. `plain` draws each line with a sign, for a terminal without colours.
    """
    curves = [curve for curve in content.curves if len(curve.x)]
    extent = charts.extent(curves)
    if extent is None or width < 8 or height < 3:
        return Drawing(_notice(content.empty or "no data yet", width, height))
    window, log_x = _window(curves, view, extent, growing)
    curves = [curve.between(*window) for curve in curves]
    limits = None if view.log_y else content.limits
    limits = calm = limits or charts.y_limits(curves, content.levels, view, before)
    if limits is None:
        nothing = "nothing in this window; 0 shows the whole run"
        return Drawing(_notice(nothing, width, height), extent, window, plot_width=width)
    axis_rows = (2 if height >= 5 else 1) if with_x else 0
    rows = height - axis_rows
    ascii_only = signs.ascii or plain
    log_y = view.log_y and limits[0] > 0
    if log_y:
        labels = charts.ticks(*limits, min(8, max(2, rows // 2)), "log")
    else:
        limits, labels = _even_rows(limits, rows, 1 if ascii_only else 4)
    label_width = min(max([label_width, *map(len, labels.values())]), max(0, width - 8))
    x_axis = _Axis(*window, width - label_width - 1, 1 if ascii_only else 2, log_x)
    y_axis = _Axis(*limits, rows, 1 if ascii_only else 4, log_y)
    inside = _painted(x_axis, y_axis, curves, content.levels, view, signs, ascii_only)
    if name:
        word = f" {name} "[-x_axis.cells :]
        inside[0][-len(word) :] = [(char, f"series.{curves[0].series % COLORS}") for char in word]

    label_of = dict(zip(y_axis.cells_of([*labels]), labels.values(), strict=True))
    lines: list[Spans] = []
    for row, cells in enumerate(inside):
        label = label_of.get(rows - 1 - row, "")
        edge = signs.tee if label else signs.vertical
        lines.append(((f"{label:>{label_width}}"[:label_width] + edge, "axis"), *_merged(cells)))
    lines += _x_lines(x_axis, content.marks, view, signs, label_width)[:axis_rows]
    readings = charts.read_at(curves, view.cursor) if view.cursor is not None else ()
    return Drawing(
        lines, extent, window, calm, readings, label_width + 1, x_axis.cells, log_x, log_y
    )


def _window(
    curves: Sequence[Curve], view: View, extent: Range, growing: bool
) -> tuple[Range, bool]:
    """What is shown of x, never empty, and whether on a logarithmic axis."""
    left, right = view.window(extent, growing=growing)
    log = view.log_x and right > 0
    if log and left <= 0:
        positive = [float(x[0]) for curve in curves if len(x := curve.x[curve.x > 0])]
        left = min(positive, default=right / 10)
    if right <= left:
        pad = abs(right) * 0.05 or 0.5
        left, right = (left / 1.1, right * 1.1) if log else (left - pad, right + pad)
    return (left, right), log


def _even_rows(limits: Range, rows: int, per_row: int) -> tuple[Range, dict[float, str]]:
    """Limits around `limits` whose round ticks lie a whole number of rows apart, and labels.

    Of the round steps the one is taken that leaves the least empty above the data.
    """
    low, high = limits
    dots = max(1, rows * per_row - 1)
    wanted = min(4, max(2, rows // 3))
    best, found = -math.inf, (limits, {low: charts.tick_label(low, high - low)})
    magnitude = 10.0 ** math.floor(math.log10((high - low) / rows))
    for factor in (1, 2, 2.5, 5, 10, 20, 25, 50, 100, 200):
        step = factor * magnitude
        base = math.floor(low / step + 1e-9) * step
        apart = math.floor(dots * step / (per_row * (high - base)) + 1e-9)
        if not 1 <= apart < max(2, rows):
            continue
        top = base + step * dots / (per_row * apart)
        count = (rows - 1) // apart + 1
        used = (high - low) / (top - base) - 0.15 * max(0, wanted - count)
        used -= 0.25 if apart == 1 and rows > 4 else 0.0
        if used >= best:
            ticks = [base + index * step for index in range(count)]
            best, found = used, ((base, top), {t: charts.tick_label(t, step) for t in ticks})
    return found


def _painted(
    x: _Axis, y: _Axis, curves: Sequence[Curve], levels: Sequence[Level], view: View,
    signs: Signs, ascii_only: bool,
) -> list[list[Cell]]:  # fmt: skip
    """What lies inside the axes, from back to front: rows from the top of one cell each."""
    grid: list[list[Cell]] = [[(" ", "")] * x.cells for _ in range(y.cells)]
    lines: list[tuple[int, FloatArray]] = []
    for curve in curves:
        if curve.kind == "points":
            continue
        series = curve.series % COLORS
        places = x.place(curve.x)
        known = np.isfinite(places)
        means, low, high = charts.to_columns(curve.part(known), x.near(places[known]), x.dots)
        if view.show_band:
            _paint_band(grid, x, y, low, high, f"band.{series}", ascii_only)
        lines.append((series, y.place(means)))
    for level in levels:
        _paint_level(grid, y, level, signs)
    for column in x.cells_of([] if view.cursor is None else [view.cursor]):
        if column >= 0:
            for row in grid:
                row[column] = (signs.vertical, "cursor")
    for row, drawn in zip(grid, _lines_drawn(x, y, lines, ascii_only), strict=False):
        for column, cell in enumerate(drawn[: x.cells]):
            if cell[0] != " ":
                row[column] = cell
    for curve in curves:
        if curve.kind == "points":
            _paint_points(grid, x, y, curve, signs)
    return grid


def _paint_level(grid: list[list[Cell]], y: _Axis, level: Level, signs: Signs) -> None:
    """A dashed line with its name at the right."""
    (row,), width = y.cells_of([level.y]), len(grid[0])
    if row >= 0:
        name = f" {level.name} "[-width:]
        line = ((signs.dash + " ") * width)[: width - len(name)]
        for column, char in enumerate(line):
            if char != " ":
                grid[-1 - row][column] = (char, "level")
        grid[-1 - row][len(line) :] = [(char, "level") for char in name]


def _paint_points(grid: list[list[Cell]], x: _Axis, y: _Axis, curve: Curve, signs: Signs) -> None:
    """Points over their error bars."""
    series = curve.series % COLORS
    ends = [curve.y if side is None else side for side in (curve.low, curve.high)]
    low, high = (y.place(side) for side in ends)
    known = np.isfinite(low) & np.isfinite(high)
    first, last = (y.near(np.where(known, side, 0)) // y.each for side in (low, high))
    cells = zip(x.cells_of([*curve.x]), y.cells_of([*curve.y]), strict=True)
    places = [(at, *cell) for at, cell in enumerate(cells) if min(cell) >= 0]
    for index, column, _ in places:
        for at in range(first[index], last[index] + 1) if known[index] else ():
            grid[-1 - at][column] = (signs.error_bar, f"band.{series}")
    for _, column, row in places:
        grid[-1 - row][column] = (signs.point, f"series.{series}")


def _lines_drawn(
    x: _Axis, y: _Axis, lines: Sequence[tuple[int, FloatArray]], ascii_only: bool
) -> list[list[Cell]]:
    """What plotext makes of lines, each a series and the dot of every column."""
    import plotext

    plot = cast("Any", plotext)
    plot.clear_figure()
    plot.plotsize(x.cells, y.cells)
    plot.frame(False)
    plot.xaxes(False, False)
    plot.yaxes(False, False)
    plot.xticks([])
    plot.yticks([])
    plot.xlim(0, x.dots - 1)
    plot.ylim(0, y.dots - 1)
    for number, (series, places) in enumerate(lines):
        columns = np.flatnonzero(np.isfinite(places))
        if len(columns):
            marker = ASCII_LINES[number % len(ASCII_LINES)] if ascii_only else "braille"
            dots = np.clip(places[columns], 0, y.dots - 1).tolist()
            plot.plot(columns.tolist(), dots, marker=marker, color=series + 1)
    rows = str(plot.build()).split("\n")
    plot.clear_figure()
    return [
        [
            (char, f"series.{int(color) - 1}" if color else "")
            for color, text, reset, first in _COLORED.findall(row)
            for char in text + reset + first
        ]
        for row in rows
    ]


def _paint_band(
    grid: list[list[Cell]], x: _Axis, y: _Axis, low: FloatArray, high: FloatArray, role: str,
    ascii_only: bool,
) -> None:  # fmt: skip
    """Fill between two lines; a band has thousands of dots, which would cost plotext 30 ms."""
    low, high = y.place(low), y.place(high)
    low = np.where(np.isnan(low), 0.0, low)  # down to the floor
    columns = np.flatnonzero(np.isfinite(high))
    first, last = y.near(low[columns]), y.near(high[columns])
    counts = last - first + 1
    across = np.repeat(columns, counts)
    up = np.arange(len(across)) - np.repeat(np.cumsum(counts) - counts - first, counts)
    bits = np.zeros((y.cells, x.cells), dtype=np.int64)
    dot = 1 if ascii_only else _DOT_BITS[3 - up % 4, across % 2]
    np.bitwise_or.at(bits, (up // y.each, across // x.each), dot)
    for row, column in np.argwhere(bits).tolist():
        sign = ":" if ascii_only else chr(0x2800 + int(bits[row, column]))
        grid[-1 - row][column] = (sign, role)


def _x_lines(
    axis: _Axis, marks: Sequence[charts.Mark], view: View, signs: Signs, label_width: int
) -> list[Spans]:
    """The axis with its marks, and the labels under it."""
    kind = "log" if axis.log else "time" if view.x_kind == "time" else "linear"
    labels = charts.ticks(axis.low, axis.high, max(1, axis.cells // 10), kind)
    line: list[Cell] = [(signs.horizontal, "axis")] * axis.cells
    text, free_from = [" "] * axis.cells, 0
    for column, label in zip(axis.cells_of([*labels]), labels.values(), strict=True):
        if column < 0 or len(label) > axis.cells:
            continue
        start = min(max(column - len(label) // 2, 0), axis.cells - len(label))
        if start >= free_from:
            line[column] = (signs.tick, "axis")
            text[start : start + len(label)] = label
            free_from = start + len(label) + 1
    placed: dict[str, int] = {}
    for column, mark in zip(axis.cells_of([mark.x for mark in marks]), marks, strict=True):
        # A checkpoint every few cells says no more than one here and there.
        if column >= 0 and column - placed.get(mark.kind, -9) > 2:
            saved = mark.kind == "checkpoint"
            sign = signs.mark_checkpoint if saved else signs.mark_setting
            line[column] = (sign, "mark" if saved else "mark.setting")
            placed[mark.kind] = column
    corner = (" " * label_width + signs.corner, "axis")
    return [(corner, *_merged(line)), ((" " * (label_width + 1) + "".join(text), "axis"),)]


def _merged(cells: Iterable[Cell]) -> Spans:
    """Neighbours of one role as one piece."""
    runs = groupby(cells, key=lambda cell: cell[1])
    return tuple(("".join(char for char, _ in run), role) for role, run in runs)


def _notice(text: str, width: int, height: int) -> list[Spans]:
    """`text` in the middle of an empty area, wrapped at blanks."""
    rows = words.wrapped(text, width - 2, 0)[:height]
    rows = [""] * ((height - len(rows)) // 2) + [row.center(width) for row in rows]
    rows += [""] * (height - len(rows))
    return [((set_cell_size(row, width), "quiet"),) for row in rows]
