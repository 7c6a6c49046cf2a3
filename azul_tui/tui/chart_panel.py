"""One chart in its frame: newest values in the title, the way it is looked at below."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from azul_tui.tui import phrases
from azul_tui.tui.charts.draw import Drawing, draw_chart
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.charts.layers import ASCII_LINES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.charts.curves import Curve
    from azul_tui.tui.charts.view import View
    from azul_tui.tui.picture import Line, Picture, Segment
    from azul_tui.tui.signs import Signs
    from azul_tui.tui.training.charts import ChartContent


PATTERN_SAMPLES = ("━━", "╍╍", "┉┉")
"""What `line_layer` makes of its patterns."""


@dataclass(slots=True)
class ChartMemory:
    """What a chart keeps from frame to frame: its limits, and what it drew last."""

    limits: dict[tuple[str, bool, bool], tuple[float, float]] = field(
        default_factory=dict[tuple[str, bool, bool], tuple[float, float]]
    )
    drawings: dict[str, Drawing] = field(default_factory=dict[str, Drawing])
    corners: dict[str, Segment] = field(default_factory=dict[str, "Segment"])
    """The first segment of each chart's frame: where that very object is, the chart is."""


def chart_panel(
    content: ChartContent,
    view: View,
    width: int,
    height: int,
    *,
    memory: ChartMemory,
    signs: Signs,
    patterns: bool,
    empty_text: str,
    framed: bool = True,
    growing: bool = False,
) -> Picture:
    """The chart of `content` in a frame of exactly `width` x `height`."""
    key = (content.name, view.log_y, view.hide_outliers)
    fixed = content.limits if not view.log_y else None
    drawing = draw_chart(
        content.curves,
        view,
        width - 2 if framed else width,
        height - 2 if framed else height,
        levels=content.levels,
        marks=content.marks,
        signs=signs,
        patterns=patterns,
        previous_limits=memory.limits.get(key),
        fixed_limits=fixed,
        empty_text=empty_text,
        growing=growing,
    )
    if drawing.limits is not None:
        memory.limits[key] = drawing.limits
    memory.drawings[content.name] = drawing
    if not framed:
        return drawing.picture
    title = content.title
    if drawing.readings:
        title = reading_line(content, drawing, view)
    title = with_samples(title, content.curves, signs, patterns)
    footer = view_line(content, view, drawing)
    framed_picture = panel(drawing.picture, title, footer, width, height, signs)
    if framed_picture and framed_picture[0]:
        memory.corners[content.name] = framed_picture[0][0]
    return framed_picture


def with_samples(title: Line, curves: Sequence[Curve], signs: Signs, patterns: bool) -> Line:
    """`title` with a piece of each line before its name, where colour does not tell them apart."""
    lines = [curve for curve in curves if curve.kind == "line" and len(curve.x)]
    if len(lines) < 2 or not (patterns or signs.ascii):
        return title
    samples = ASCII_LINES if signs.ascii else PATTERN_SAMPLES
    sample_of = {c.role: samples[index % len(samples)] for index, c in enumerate(lines)}
    parts: list[tuple[str, str]] = []
    for text, role in title:
        if role in sample_of:
            blanks = text[: len(text) - len(text.lstrip())]
            parts.append((f"{blanks}{sample_of.pop(role)} {text.lstrip()}", role))
        else:
            parts.append((text, role))
    return tuple(parts)


def reading_line(content: ChartContent, drawing: Drawing, view: View) -> Line:
    """The values of all curves at the cursor."""
    first = drawing.readings[0]
    line: list[tuple[str, str]] = [(content.name, "title"), ("  at ", "quiet")]
    line.append((x_text(view.cursor if view.cursor is not None else first.x, view), "strong"))
    for reading in drawing.readings:
        line.append((f"  {reading.name} ", reading.role))
        line.append((phrases.short_float(reading.y) + content.unit, "strong"))
        if reading.low is not None and reading.high is not None and reading.low < reading.high:
            line.append(
                (
                    f" ({phrases.short_float(reading.low)}-{phrases.short_float(reading.high)})",
                    "quiet",
                )
            )
    return tuple(line)


def x_text(x: float, view: View) -> str:
    """A place on the x axis in words: `step 37,000`."""
    if view.x_kind == "time":
        return phrases.duration(x)
    return f"{view.x_kind} {x:,.0f}"


def view_line(content: ChartContent, view: View, drawing: Drawing) -> Line:
    """How the chart is looked at: newest x, smoothing, scales, window."""
    parts: list[str] = []
    if drawing.extent is not None:
        parts.append(x_text(drawing.extent[1], view))
    if view.smoothing > 0 and content.smoothed:
        parts.append(f"smooth {view.smoothing:g}")
    if drawing.log_y:
        parts.append("log y")
    if drawing.log_x:
        parts.append("log x")
    if view.hide_outliers:
        parts.append("outliers hidden")
    if view.span is not None:
        parts.append("zoomed" if view.end is None else "zoomed, held")
    return (("   ".join(parts), "quiet"),) if parts else ()
