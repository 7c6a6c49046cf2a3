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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from azul_tui.views import charts
from azul_tui.views.charts import Curve, Reading, View
from azul_tui.views.signs import UNICODE, Signs

if TYPE_CHECKING:
    import types
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from azul_tui.views.charts import FloatArray, Level, Mark
    from azul_tui.views.run_charts import ChartContent
    from azul_tui.views.words import Spans

ROLES = (
    "",
    "axis",
    "level",
    "cursor",
    *(f"series.{index}" for index in range(6)),
    *(f"band.{index}" for index in range(6)),
    "mark",
    "mark.setting",
)
"""What a piece of a chart is; its number is the colour that plotext is given."""
_NUMBER = {role: number for number, role in enumerate(ROLES)}
ASCII_LINES = "*+ox%@"
"""One sign a curve, so that curves can be told apart without colour."""
_DOT_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Of a braille character (Unicode, "Braille Patterns"), by row from the top and column."""
_PIECE = re.compile(r"\x1b\[38;5;([0-9]+)m|\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn chart, and what a pointer or the next drawing has to know of it."""

    lines: list[Spans]
    """Exactly H lines of W cells."""
    extent: tuple[float, float] | None = None
    """Smallest and largest x of all data."""
    window: tuple[float, float] | None = None
    """What is shown of it."""
    calm: tuple[float, float] | None = None
    """Limits of the y axis that the next drawing is to keep while they fit."""
    readings: tuple[Reading, ...] = ()
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
        if self.log_x:
            return left * (right / left) ** share
        return left + (right - left) * share


@dataclass(frozen=True, slots=True)
class _Axis:
    """Maps values to dots 0 to `dots` - 1; NaN where a logarithm does not exist."""

    low: float
    high: float
    dots: int
    log: bool = False

    def place(self, values: FloatArray) -> FloatArray:
        low, high = self.low, self.high
        if self.log:
            with np.errstate(invalid="ignore", divide="ignore"):
                values = np.where(values > 0, np.log10(values), np.nan)
            low, high = math.log10(low), math.log10(high)
        return (values - low) / ((high - low) or 1.0) * (self.dots - 1)

    def cell(self, value: float, dots_per_cell: int) -> int | None:
        place = float(self.place(np.array([value]))[0])
        if not math.isfinite(place) or not -0.5 <= place <= self.dots - 0.5:
            return None
        return round(place) // dots_per_cell


@dataclass(slots=True)
class _Area:
    """The area inside the axes: dots go to plotext, characters over them are put in after."""

    width: int
    height: int
    ascii: bool
    over: dict[tuple[int, int], tuple[str, str]] = field(
        default_factory=dict[tuple[int, int], tuple[str, str]]
    )
    """`(row from the top, column)` to a character and its role."""
    under: dict[tuple[int, int], tuple[str, str]] = field(
        default_factory=dict[tuple[int, int], tuple[str, str]]
    )

    @property
    def per_x(self) -> int:
        return 1 if self.ascii else 2

    @property
    def per_y(self) -> int:
        return 1 if self.ascii else 4

    def begin(self) -> Any:
        """The empty figure; dot (0, 0) is bottom left."""
        import plotext

        plot = cast("types.ModuleType", plotext)
        plot.clear_figure()
        plot.plotsize(self.width, self.height)
        plot.frame(False)
        plot.xaxes(False, False)
        plot.yaxes(False, False)
        plot.xticks([])
        plot.yticks([])
        plot.xlim(0, self.width * self.per_x - 1)
        plot.ylim(0, self.height * self.per_y - 1)
        return plot

    def end(self, plot: Any) -> list[list[tuple[str, str]]]:
        """Rows of one `(character, role)` a cell."""
        text = str(plot.build())
        plot.clear_figure()
        rows = [_cells(line, self.width) for line in text.split("\n")[: self.height]]
        rows.extend([[(" ", "")] * self.width for _ in range(self.height - len(rows))])
        for (row, column), cell in self.under.items():
            if rows[row][column][0] == " ":
                rows[row][column] = cell
        for (row, column), cell in self.over.items():
            rows[row][column] = cell
        return rows


def _cells(line: str, width: int) -> list[tuple[str, str]]:
    """One line of plotext's output, cell by cell."""
    cells: list[tuple[str, str]] = []
    role, at = "", 0
    for match in _PIECE.finditer(line):
        cells.extend((char, role) for char in line[at : match.start()])
        number = int(match[1]) if match[1] else 0
        role = ROLES[number] if number < len(ROLES) else ""
        at = match.end()
    cells.extend((char, role) for char in line[at:])
    cells.extend([(" ", "")] * (width - len(cells)))
    return cells[:width]


def merged(cells: Sequence[tuple[str, str]]) -> Spans:
    """Neighbours of one role as one piece."""
    pieces: list[tuple[str, str]] = []
    for text, role in cells:
        if pieces and pieces[-1][1] == role:
            pieces[-1] = (pieces[-1][0] + text, role)
        else:
            pieces.append((text, role))
    return tuple(pieces)


def draw_chart(
    content: ChartContent,
    view: View,
    width: int,
    height: int,
    *,
    signs: Signs = UNICODE,
    before: tuple[float, float] | None = None,
    growing: bool = False,
    label_width: int = 0,
    with_x: bool = True,
    plain: bool = False,
    name: str = "",
) -> Drawing:
    """Draw `content` as seen by `view` in `width` x `height` cells.

    Args:
        content: Curves, levels, marks.
        view: Window, scales, cursor.
        width: Cells.
        height: Lines.
        signs: Unicode or ASCII.
        before: The y limits of the drawing before, kept while they fit.
        growing: More data is coming, see `View.window`.
        label_width: Least width of the labels of y, so that charts can stand in a column.
        with_x: Whether the labels of x are shown.
        name: Written into the upper right corner.
        plain: Draw lines with a sign each, for a terminal without colours.
    """
    drawn = [curve for curve in content.curves if len(curve.x)]
    extent = charts.extent(drawn)
    if extent is None or width < 8 or height < 3:
        return Drawing(_notice(content.empty or "no data yet", width, height))
    window, log_x = _window(drawn, view, extent, growing)
    visible = [charts.in_window(curve, *window) for curve in drawn]
    limits = None if view.log_y else content.limits
    limits = limits or _limits(visible, content.levels, view, before)
    if limits is None:
        nothing = "nothing in this window; 0 shows the whole run"
        return Drawing(_notice(nothing, width, height), extent, window, plot_width=width)
    log_y = view.log_y and limits[0] > 0
    calm = limits

    axis_rows = (2 if height >= 5 else 1) if with_x else 0
    rows = height - axis_rows
    if log_y:
        y_ticks, labels = _ticks(limits, min(8, max(2, rows // 2)), log=True)
    else:
        limits, y_ticks, labels = _even_rows(limits, rows, 1 if signs.ascii or plain else 4)
    label_width = max([label_width, *(len(label) for label in labels)])
    label_width = min(label_width, max(0, width - 8))
    area = _Area(width - label_width - 1, rows, signs.ascii or plain)
    x_axis = _Axis(*window, area.width * area.per_x, log_x)
    y_axis = _Axis(*limits, rows * area.per_y, log_y)
    for offset, char in enumerate(f" {name} " if name else ""):
        column = area.width - len(name) - 2 + offset
        area.over[0, max(0, column)] = (char, f"series.{visible[0].series % 6}")
    cells = _inside(area, visible, content.levels, view, x_axis, y_axis, signs)

    label_of: dict[int, str] = {}
    for tick, label in zip(y_ticks, labels, strict=True):
        at = y_axis.cell(tick, area.per_y)
        if at is not None:
            label_of[rows - 1 - at] = label
    lines: list[Spans] = []
    for row in range(rows):
        label = label_of.get(row, "")
        edge = signs.tee if label else signs.vertical
        axis = (f"{label:>{label_width}}"[:label_width] + edge, "axis")
        lines.append((axis, *merged(cells[row])))
    lines.extend(_x_lines(x_axis, area, content.marks, view, signs, label_width, axis_rows))
    readings = tuple(charts.read_at(visible, view.cursor)) if view.cursor is not None else ()
    return Drawing(lines, extent, window, calm, readings, label_width + 1, area.width, log_x, log_y)


def _window(
    curves: list[Curve], view: View, extent: tuple[float, float], growing: bool
) -> tuple[tuple[float, float], bool]:
    """What is shown of x, never empty, and whether on a logarithmic axis."""
    left, right = view.window(extent, growing=growing)
    log = view.log_x and right > 0
    if log and left <= 0:
        positive = [curve.x[curve.x > 0] for curve in curves]
        left = min((float(x[0]) for x in positive if len(x)), default=right / 10)
    if right <= left:
        pad = abs(right) * 0.05 or 0.5
        left, right = (left / 1.1, right * 1.1) if log else (left - pad, right + pad)
    return (left, right), log


def _limits(
    curves: list[Curve],
    levels: Sequence[Level],
    view: View,
    before: tuple[float, float] | None,
) -> tuple[float, float] | None:
    """Limits of y, calm from drawing to drawing; None when nothing can be drawn."""
    bands = view.show_band or any(curve.kind == "points" for curve in curves)
    hide = view.hide_outliers
    found = charts.value_range(curves, bands=bands, positive=view.log_y, hide_outliers=hide)
    if found is None and view.log_y:
        found = charts.value_range(curves, bands=bands, positive=False, hide_outliers=False)
    if found is None:
        return None
    low, high = found
    for level in levels:
        low, high = min(low, level.y), max(high, level.y)
    if view.log_y and low > 0:
        return charts.stable_log_limits(before, low, high)
    return charts.stable_limits(before, low, high)


def _even_rows(
    limits: tuple[float, float], rows: int, per_row: int
) -> tuple[tuple[float, float], list[float], list[str]]:
    """Limits around `limits` whose round ticks lie a whole number of rows apart, and the ticks.

    Of the round steps the one is taken that leaves the least empty above the data.
    """
    low, high = limits
    dots = max(1, rows * per_row - 1)
    wanted = min(4, max(2, rows // 3))
    found: list[tuple[float, float, float, int]] = []
    magnitude = 10.0 ** math.floor(math.log10((high - low) / max(1, rows)))
    for factor in (1, 2, 2.5, 5, 10, 20, 25, 50, 100, 200):
        step = factor * magnitude
        base = math.floor(low / step + 1e-9) * step
        apart = math.floor(dots * step / (per_row * (high - base)) + 1e-9)
        if apart < 1 or apart >= max(2, rows):
            continue
        top = base + step * dots / (per_row * apart)
        count = (rows - 1) // apart + 1
        used = (high - low) / (top - base) - 0.15 * max(0, wanted - count)
        used -= 0.25 if apart == 1 and rows > 4 else 0.0
        found.append((used, base, step, apart))
    if not found:
        ticks, labels = _ticks(limits, 2, log=False)
        return limits, ticks, labels
    _, base, step, apart = max(found)
    count = (rows - 1) // apart + 1
    ticks = [base + index * step for index in range(count)]
    labels = [charts.tick_label(tick, step) for tick in ticks]
    decimals = max(len(label.partition(".")[2]) for label in labels)
    if decimals and not any(label[-1].isalpha() or "e" in label for label in labels):
        labels = [f"{tick:,.{decimals}f}" for tick in ticks]
    return (base, base + step * dots / (per_row * apart)), ticks, labels


def _ticks(
    limits: tuple[float, float], count: int, *, log: bool, time: bool = False
) -> tuple[list[float], list[str]]:
    """Round ticks and their labels, all with the digits that tell them apart."""
    if time and not log:
        ticks = charts.time_ticks(*limits, count)
        return ticks, [charts.time_label(tick) for tick in ticks]
    ticks = (charts.log_ticks if log else charts.linear_ticks)(*limits, count)
    if log:
        return ticks, [charts.tick_label(tick, tick) for tick in ticks]
    step = ticks[1] - ticks[0] if len(ticks) > 1 else (abs(ticks[0]) if ticks else 1.0)
    return ticks, [charts.tick_label(tick, step) for tick in ticks]


def _inside(
    area: _Area,
    curves: list[Curve],
    levels: Sequence[Level],
    view: View,
    x_axis: _Axis,
    y_axis: _Axis,
    signs: Signs,
) -> list[list[tuple[str, str]]]:
    """Bands, lines, points, levels and cursor, rows of one `(character, role)` a cell."""
    plot = area.begin()
    reduced = [
        (curve, charts.to_columns(*_placed(curve, x_axis), x_axis.dots))
        for curve in curves
        if curve.kind == "line"
    ]
    if view.show_band:
        for curve, columns in reduced:
            if curve.low is not None:
                low, high = (y_axis.place(side) for side in (columns.low, columns.high))
                low = np.where(np.isnan(low) & ~np.isnan(high), 0.0, low)  # down to the floor
                _put_band(area, *_between(low, high, y_axis.dots), f"band.{curve.series % 6}")
    for number, (curve, columns) in enumerate(reduced):
        marker = ASCII_LINES[number % len(ASCII_LINES)] if area.ascii else "braille"
        color = _NUMBER[f"series.{curve.series % 6}"]
        for x, y in _strokes(y_axis.place(columns.y), y_axis.dots):
            plot.plot(x, y, marker=marker, color=color)
    for curve in curves:
        if curve.kind == "points":
            _put_points(area, curve, x_axis, y_axis, signs)
    for level in levels:
        _put_level(area, level, y_axis, signs)
    if view.cursor is not None:
        column = x_axis.cell(view.cursor, area.per_x)
        if column is not None:
            for row in range(area.height):
                area.under[row, min(column, area.width - 1)] = (signs.vertical, "cursor")
    return area.end(plot)


def _placed(curve: Curve, x_axis: _Axis) -> tuple[Curve, FloatArray]:
    """The curve without what a logarithm cannot show, and the dot column of each point."""
    places = x_axis.place(curve.x)
    known = np.isfinite(places)
    if not known.all():
        low = None if curve.low is None else curve.low[known]
        high = None if curve.high is None else curve.high[known]
        curve = Curve(
            name=curve.name, x=curve.x[known], y=curve.y[known], low=low, high=high,
            series=curve.series, kind=curve.kind,
        )  # fmt: skip
        places = places[known]
    return curve, np.round(places)


def _between(
    low: FloatArray, high: FloatArray, dots: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every dot from `low` to `high` of each dot column."""
    known = np.isfinite(low) & np.isfinite(high)
    columns = np.flatnonzero(known)
    first = np.clip(np.round(low[known]), 0, dots - 1).astype(int)
    last = np.clip(np.round(high[known]), 0, dots - 1).astype(int)
    counts = np.maximum(last - first + 1, 0)
    x = np.repeat(columns, counts)
    y = np.arange(len(x)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    return x, y


def _put_band(area: _Area, x: NDArray[np.int64], y: NDArray[np.int64], role: str) -> None:
    """Dots where no line is; a band has thousands, which would cost plotext 30 ms a chart."""
    bits = np.zeros((area.height, area.width), dtype=np.int64)
    row = area.height - 1 - y // area.per_y
    if area.ascii:
        bits[row, x] = 1
    else:
        np.bitwise_or.at(bits, (row, x // 2), _DOT_BITS[3 - y % 4, x % 2])
    rows, columns = np.nonzero(bits)
    for at in zip(rows.tolist(), columns.tolist(), strict=True):
        area.under[at] = (":" if area.ascii else chr(0x2800 + int(bits[at])), role)


def _strokes(places: FloatArray, dots: int) -> list[tuple[list[int], list[float]]]:
    """The unbroken parts of a line; a hole of a few columns is bridged, as sparse data needs."""
    columns = np.flatnonzero(np.isfinite(places))
    if len(columns) == 0:
        return []
    y = np.clip(places[columns], 0, dots - 1)
    return [(columns.tolist(), y.tolist())]


def _put_points(area: _Area, curve: Curve, x_axis: _Axis, y_axis: _Axis, signs: Signs) -> None:
    """Points with error bars, the newest drawn last."""
    role = f"series.{curve.series % 6}"
    for index in range(len(curve.x)):
        column = x_axis.cell(float(curve.x[index]), area.per_x)
        at = y_axis.cell(float(curve.y[index]), area.per_y)
        if column is None or at is None:
            continue
        column = min(column, area.width - 1)
        if curve.low is not None and curve.high is not None:
            ends = y_axis.place(np.array([curve.low[index], curve.high[index]]))
            if np.isfinite(ends).all():
                bottom, top = np.clip(np.round(ends), 0, y_axis.dots - 1).astype(int) // area.per_y
                for y in range(bottom, top + 1):
                    cell = (area.height - 1 - y, column)
                    if area.over.get(cell, ("", ""))[0] != signs.point:
                        area.over[cell] = (signs.error_bar, f"band.{curve.series % 6}")
        area.over[area.height - 1 - at, column] = (signs.point, role)


def _put_level(area: _Area, level: Level, y_axis: _Axis, signs: Signs) -> None:
    """A dashed line with its name at the right, where no curve is."""
    at = y_axis.cell(level.y, area.per_y)
    if at is None:
        return
    row = area.height - 1 - at
    for column in range(0, area.width, 2):
        area.under[row, column] = (signs.dash, "level")
    name = f" {level.name} "
    for offset, char in enumerate(name[-area.width :]):
        area.under[row, max(0, area.width - len(name)) + offset] = (char, "level")


def _x_lines(
    axis: _Axis,
    area: _Area,
    marks: Sequence[Mark],
    view: View,
    signs: Signs,
    label_width: int,
    rows: int,
) -> list[Spans]:
    """The axis with its marks, and the labels under it where there are two rows."""
    window = (axis.low, axis.high)
    count = max(1, area.width // 10)
    ticks, labels = _ticks(window, count, log=axis.log, time=view.x_kind == "time")
    line = [(signs.horizontal, "axis")] * area.width
    text = [" "] * area.width
    free_from = 0
    for tick, label in zip(ticks, labels, strict=True):
        column = axis.cell(tick, area.per_x)
        if column is None or len(label) > area.width:
            continue
        start = min(max(column - len(label) // 2, 0), area.width - len(label))
        if start >= free_from:
            line[column] = (signs.tick, "axis")
            text[start : start + len(label)] = label
            free_from = start + len(label) + 1
    placed: dict[str, int] = {}
    for mark in marks:
        column = axis.cell(mark.x, area.per_x)
        # A checkpoint every few cells says no more than one here and there.
        if column is not None and column - placed.get(mark.kind, -9) > 2:
            setting = mark.kind == "setting"
            sign = signs.mark_setting if setting else signs.mark_checkpoint
            line[column] = (sign, "mark.setting" if setting else "mark")
            placed[mark.kind] = column
    corner = (" " * label_width + signs.corner, "axis")
    lines: list[Spans] = [(corner, *merged(line))] if rows else []
    if rows > 1:
        lines.append(((" " * (label_width + 1) + "".join(text), "axis"),))
    return lines


def _notice(text: str, width: int, height: int) -> list[Spans]:
    """`text` in the middle of an empty area, wrapped at blanks."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width - 2:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    top = max(0, (height - len(lines)) // 2)
    padded = [""] * top + [line.center(width)[:width] for line in lines]
    padded += [""] * (height - len(padded))
    return [((line.ljust(width), "quiet"),) for line in padded[:height]]
