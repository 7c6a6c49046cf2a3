"""A chart: curves under keys and mouse, drawn by `plotting`, refreshed where it changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from rich.segment import Segment
from textual.binding import Binding
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from azul_tui.tui.messages import ChartExported, ChartViewed
from azul_tui.tui.spans import framed
from azul_tui.views import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual import events
    from textual.app import RenderResult

    from azul_tui.tui.app import AzulApp
    from azul_tui.tui.plotting import Drawing
    from azul_tui.views.charts import View
    from azul_tui.views.run_charts import ChartContent
    from azul_tui.views.words import Spans

WHEEL_ZOOM = 0.7
ROWS_EACH = 4
"""Rows that a chart in a column needs."""
_ROLES = (
    *("axis", "level", "cursor", "mark", "mark.setting"),
    *("frame", "frame.focus", "title", "strong", "quiet"),
    *(f"{kind}.{index}" for kind in ("series", "band") for index in range(6)),
)


def _class_of(role: str) -> str:
    return f"chart--{role.replace('.', '-')}"


class Chart(Widget, can_focus=True):
    """One chart, or several in a column with one x axis.

    It keeps a `view`; whoever shows more than one chart hands the view of a `ChartViewed` on to
    the others by `look`. What is drawn is given by `draw`.
    """

    ALLOW_SELECT = False  # a drag pans
    COMPONENT_CLASSES: ClassVar[set[str]] = {_class_of(role) for role in _ROLES}
    BINDINGS: ClassVar = [
        Binding("plus,equals_sign", "zoom(0.5)", "zoom in", show=False),
        Binding("minus", "zoom(2.0)", "zoom out", show=False),
        Binding("0,home", "whole", "whole run", show=False),
        Binding("left", "sideways(-1)", "back, or move the cursor", show=False),
        Binding("right", "sideways(1)", "forward, or move the cursor", show=False),
        Binding("v", "cursor", "cursor that reads values", show=False),
        Binding("left_square_bracket", "smooth(-1)", "smooth less", show=False),
        Binding("right_square_bracket", "smooth(1)", "smooth more", show=False),
        Binding("l", "switch('log_y')", "logarithmic y", show=False),
        Binding("L", "switch('log_x')", "logarithmic x", show=False),
        Binding("i", "next_x", "x: step, iteration, time", show=False),
        Binding("o", "switch('hide_outliers')", "hide outliers", show=False),
        Binding("n", "switch('show_band')", "raw band on or off", show=False),
        Binding("d", "export('csv')", "write the data as CSV", show=False),
        Binding("w", "export('txt')", "write the chart as text", show=False),
        Binding("W", "export('svg')", "write the chart as SVG", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.view: View | None = None
        self.contents: tuple[ChartContent, ...] = ()
        self.growing = False
        self.low: ChartContent | None = None
        self.drawing: Drawing | None = None
        """The upper chart as it is drawn now."""
        self._limits: dict[tuple[str, bool, bool], tuple[float, float]] = {}
        self._lines: list[Spans] = []
        self._strips: dict[int, Strip] = {}
        self._styles: dict[str, Style] = {}
        self._drag: tuple[int, View] | None = None
        self._dragged = False

    # -- what is shown

    def draw(
        self,
        contents: Sequence[ChartContent],
        *,
        growing: bool = False,
        low: ChartContent | None = None,
    ) -> None:
        """Show these charts, one above the other.

        Args:
            contents: At least one.
            growing: More data is coming.
            low: Shown instead where there are too few rows for all of them.
        """
        names = [chart.name for chart in contents]
        if names != [chart.name for chart in self.contents]:
            self._limits.clear()
        self.contents, self.growing, self.low = tuple(contents), growing, low
        self._redraw()

    def look(self, view: View) -> None:
        """Look at the data in another way, without telling anybody."""
        if view != self.view:
            self.view = view
            self._redraw()

    def on_resize(self, _event: events.Resize) -> None:
        """Another size is another drawing."""
        self._redraw()

    def notify_style_update(self) -> None:
        """Another theme has other colours."""
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    def _redraw(self) -> None:
        """Draw, and refresh the lines that are not as they were."""
        width, height = self.size.width - 2, self.size.height - 2
        if not self.contents or width <= 0 or height <= 0:
            return
        from azul_tui.tui.plotting import draw_chart
        from azul_tui.views.charts import View

        app = cast("AzulApp", self.app)
        view = self.view = self.view or View()
        lines: list[Spans] = []
        drawings: list[Drawing] = []
        shown = self.contents
        if self.low is not None and height < ROWS_EACH * len(shown):
            shown = (self.low,)
        count = max(1, min(len(shown), height // 3))
        for number, chart in enumerate(shown[:count]):
            key = (chart.name, view.log_y, view.hide_outliers)
            last = number == count - 1
            rows = height - len(lines) if last else height // count
            drawing = draw_chart(
                chart, view, width, rows, signs=app.signs, plain=app.no_color,
                before=self._limits.get(key), growing=self.growing, with_x=last,
                label_width=4 if count > 1 else 0, name=chart.name if count > 1 else "",
            )  # fmt: skip
            if drawing.calm is not None:
                self._limits[key] = drawing.calm
            drawings.append(drawing)
            lines.extend(drawing.lines)
        self.drawing = drawings[0]
        lines = framed(
            lines, self._title(drawings), self._below(drawings[0]), width + 2,
            ascii_only=app.signs.ascii, role="frame.focus" if self.has_focus else "frame",
        )  # fmt: skip
        old, self._lines = self._lines, lines
        changed: list[Region] = []
        for y, line in enumerate(lines):
            before = old[y] if y < len(old) else ()
            if before != line:
                self._strips.pop(y, None)
                changed.append(changed_part(before, line, y, width + 2))
        if changed:
            self.refresh(*changed)

    def _title(self, drawings: Sequence[Drawing]) -> Spans:
        """The newest values, or those at the cursor."""
        view, chart = self.view, self.contents[0]
        if view is None or not drawings[0].readings:
            return chart.title
        at = view.cursor if view.cursor is not None else drawings[0].readings[0].x
        pieces = [(chart.name if len(self.contents) == 1 else "loss", "title")]
        pieces.append((f"  at {x_words(at, view)}", "quiet"))
        for reading in (reading for each in drawings for reading in each.readings):
            pieces.append((f"  {reading.name} ", f"series.{reading.series % 6}"))
            pieces.append((words.short_float(reading.y) + chart.unit, "strong"))
        return tuple(pieces)

    def _below(self, drawing: Drawing) -> Spans:
        """How the chart is looked at."""
        view = self.view
        if view is None:
            return ()
        said: list[str] = []
        if drawing.extent is not None:
            said.append(x_words(drawing.extent[1], view))
        if view.smoothing > 0 and self.contents[0].smoothed:
            said.append(f"smooth {view.smoothing:g}")
        for true, words_ in (
            (drawing.log_y, "log y"), (drawing.log_x, "log x"),
            (view.hide_outliers, "outliers hidden"), (view.span is not None, "zoomed"),
        ):  # fmt: skip
            if true:
                said.append(words_)
        return (("   ".join(said), "quiet"),) if said else ()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The frame shows where the keys go."""
        super().watch_has_focus(has_focus)
        self._redraw()

    def text(self) -> str:
        """The chart as plain text, its title first."""
        rows = ("".join(text for text, _ in line).rstrip() for line in self._lines)
        return "\n".join(rows) + "\n"

    # -- rendering

    def render(self) -> RenderResult:
        """Nothing: `render_line` draws."""
        return ""

    def render_line(self, y: int) -> Strip:
        """One line of the drawing."""
        strip = self._strips.get(y)
        if strip is None or strip.cell_length != self.size.width:
            line = self._lines[y] if y < len(self._lines) else ()
            strip = Strip([Segment(text, self._style(role)) for text, role in line])
            strip = strip.adjust_cell_length(self.size.width, self._style(""))
            self._strips[y] = strip
        return strip

    def _style(self, role: str) -> Style:
        style = self._styles.get(role)
        if style is None:
            ground = self.visual_style.rich_style
            part = self.get_component_rich_style(_class_of(role)) if role else None
            style = self._styles[role] = ground + part if part else ground
        return style

    # -- keys and mouse

    def _change(self, view: View) -> None:
        if view != self.view:
            self.view = view
            self._redraw()
            self.post_message(ChartViewed(view))

    def _seen(self) -> tuple[View, tuple[float, float]] | None:
        """The view and the extent of the data, when there is any."""
        if self.view is None or self.drawing is None or self.drawing.extent is None:
            return None
        return self.view, self.drawing.extent

    def action_zoom(self, factor: float) -> None:
        """Show less or more of x."""
        if seen := self._seen():
            self._change(seen[0].zoomed(factor, seen[1]))

    def action_whole(self) -> None:
        """Show everything."""
        if self.view is not None:
            self._change(replace(self.view.whole(), cursor=None))

    def action_sideways(self, direction: int) -> None:
        """Move the cursor where there is one, else the window."""
        if seen := self._seen():
            view, extent = seen
            if view.cursor is not None:
                self._change(view.with_cursor_moved(direction * 0.02, extent))
            else:
                self._change(view.panned(direction * 0.25, extent))

    def action_cursor(self) -> None:
        """A cursor in the middle, or none."""
        if seen := self._seen():
            view, extent = seen
            left, right = view.window(extent)
            middle = None if view.cursor is not None else (left + right) / 2
            self._change(replace(view, cursor=middle))

    def action_smooth(self, direction: int) -> None:
        """Smooth more or less."""
        if self.view is not None:
            self._change(self.view.with_next_smoothing(direction))

    def action_switch(self, name: str) -> None:
        """Turn a part of the view on or off: `log_y`, `log_x`, `hide_outliers`, `show_band`."""
        view = self.view
        if view is not None:
            self._change(replace(view, **{name: not getattr(view, name)}))

    def action_next_x(self) -> None:
        """Count x by step, iteration or time."""
        if self.view is not None:
            self._change(self.view.with_next_x())

    def action_export(self, kind: str) -> None:
        """Hand the chart out as `csv`, `txt` or `svg`."""
        if not self.contents:
            return
        if kind == "csv":
            from azul_tui.views.charts import curves_csv

            x_kind = self.view.x_kind if self.view is not None else "x"
            text = curves_csv([c for chart in self.contents for c in chart.curves], x_kind)
        else:
            text = self.text() if kind == "txt" else self._svg()
        self.post_message(ChartExported(kind, text, self.contents[0].name))

    def _svg(self) -> str:
        """The chart as a picture, in the colours that it has here."""
        import io

        from rich.console import Console
        from rich.text import Text

        console = Console(
            width=max(self.size.width, 20), record=True, file=io.StringIO(),
            color_system="truecolor", force_terminal=True, legacy_windows=False,
        )  # fmt: skip
        for line in self._lines:
            console.print(Text.assemble(*((text, self._style(role)) for text, role in line)))
        return console.export_svg(title="".join(text for text, _ in self.contents[0].title))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A click or a drag begins."""
        if event.button == 1 and self.view is not None:
            self._drag, self._dragged = (event.screen_x, self.view), False
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A zoomed chart follows the pointer; in a whole one the cursor does."""
        drawing = self.drawing
        if self._drag is None or drawing is None or drawing.extent is None:
            return
        start, view = self._drag
        moved = event.screen_x - start
        if moved == 0 and not self._dragged:
            return
        self._dragged = True
        if view.span is None:
            x = drawing.x_at(event.x - 1)
            if x is not None:
                self._change(replace(view, cursor=x))
        else:
            self._change(view.panned(-moved / max(1, drawing.plot_width), drawing.extent))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Without a movement it was a click: the cursor comes here, or goes."""
        drag, self._drag = self._drag, None
        self.release_mouse()
        if drag is None or self._dragged or self.drawing is None or self.view is None:
            return
        x = self.drawing.x_at(event.x - 1)
        near = x is not None and self.view.cursor is not None and self._near(x, self.view.cursor)
        self._change(replace(self.view, cursor=None if near else x))

    def _near(self, x: float, cursor: float) -> bool:
        drawing = self.drawing
        if drawing is None or drawing.window is None:
            return False
        cell = (drawing.window[1] - drawing.window[0]) / max(1, drawing.plot_width)
        return abs(x - cursor) <= cell

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel zooms in at the pointer; with shift it pans."""
        self._wheel(event, WHEEL_ZOOM, -1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel zooms out at the pointer; with shift it pans."""
        self._wheel(event, 1 / WHEEL_ZOOM, 1)

    def _wheel(self, event: events.MouseEvent, factor: float, direction: int) -> None:
        seen = self._seen()
        if seen is None or self.drawing is None:
            return
        event.stop()
        view, extent = seen
        if event.shift:
            self._change(view.panned(direction * 0.25, extent))
        else:
            around = self.drawing.x_at(event.x - 1)
            self._change(view.zoomed(factor, extent, around))


def x_words(x: float, view: View) -> str:
    """A place on the x axis: `step 37,000`."""
    return words.duration(x) if view.x_kind == "time" else f"{view.x_kind} {x:,.0f}"


def changed_part(before: Spans, after: Spans, y: int, width: int) -> Region:
    """The cells of line `y` from the first to the last that differ: a growing curve has few."""
    old = [(char, role) for text, role in before for char in text]
    new = [(char, role) for text, role in after for char in text]
    if len(old) != len(new):
        return Region(0, y, width, 1)
    differing = [x for x, cells in enumerate(zip(old, new, strict=True)) if cells[0] != cells[1]]
    if not differing:
        return Region(0, y, 1, 1)
    return Region(differing[0], y, differing[-1] - differing[0] + 1, 1)
