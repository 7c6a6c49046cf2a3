"""A chart: curves under keys and mouse, drawn by `plotting`, refreshed where it changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import Binding

from azul_tui.tui.messages import ChartExported, ChartViewed
from azul_tui.tui.spans import framed
from azul_tui.tui.widgets.canvas import Canvas
from azul_tui.views import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.plotting import Drawing
    from azul_tui.views.charts import ChartContent, Range, View, XKind
    from azul_tui.views.words import Spans

WHEEL_ZOOM = 0.7
SMOOTHING_LEVELS = (0.0, 0.5, 0.8, 0.9, 0.97, 0.99, 0.997)
NEXT_X: dict[XKind, XKind] = {"step": "iteration", "iteration": "time", "time": "step"}
PAN, CURSOR_STEP = 0.25, 0.02
"""Shares of the window by which a key moves."""
ROWS_EACH = 4
"""Rows that a chart in a column needs."""


class Chart(Canvas, can_focus=True):
    """One chart, or several in a column with one x axis.

    It keeps a `view`; whoever shows more than one chart hands the view of a `ChartViewed` on to
    the others by `look`. What is drawn is given by `draw`.
    """

    LOOKS: ClassVar = {
        **dict.fromkeys(("axis", "level"), "$foreground 45%"),
        **dict.fromkeys(("title", "strong"), "bold"),
        "frame": "$foreground 25%",
        "frame.focus": "$primary",
        "quiet": "$ink 60%",
        "cursor": "$foreground",
        "mark": "$primary",
        "mark.setting": "$warning",
        **{f"series.{number}": f"$series-{number}" for number in range(6)},
        **{f"band.{number}": f"$series-{number} 35%" for number in range(6)},
    }
    BINDINGS: ClassVar = [
        Binding("plus,equals_sign", "look('zoom', 0.5)", "zoom in", show=False),
        Binding("minus", "look('zoom', 2)", "zoom out", show=False),
        Binding("0,home", "look('whole')", "whole run", show=False),
        Binding("left", "look('sideways', -1)", "back, or move the cursor", show=False),
        Binding("right", "look('sideways', 1)", "forward, or move the cursor", show=False),
        Binding("v", "look('cursor')", "cursor that reads values", show=False),
        Binding("left_square_bracket", "look('smooth', -1)", "smooth less", show=False),
        Binding("right_square_bracket", "look('smooth', 1)", "smooth more", show=False),
        Binding("l", "look('log_y')", "logarithmic y", show=False),
        Binding("L", "look('log_x')", "logarithmic x", show=False),
        Binding("i", "look('next_x')", "x: step, iteration, time", show=False),
        Binding("o", "look('hide_outliers')", "hide outliers", show=False),
        Binding("n", "look('show_band')", "raw band on or off", show=False),
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
        self._drawn: tuple[object, ...] = ()
        self._inside: tuple[list[Spans], Spans, Spans, int] | None = None
        """The lines of the drawing, what stands above and below them, the width of the frame."""
        self._limits: dict[tuple[str, bool, bool], Range] = {}
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
        """Show these charts, one above the other; `low` where there are too few rows for them.

        More data is coming where they are `growing`.
        """
        if [chart.name for chart in contents] != [chart.name for chart in self.contents]:
            self._limits.clear()
        self.contents, self.growing, self.low = tuple(contents), growing, low
        self._redraw()

    def look(self, view: View) -> None:
        """Look at the data in another way, without telling anybody."""
        if view != self.view:
            self.view = view
            self._redraw()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The frame shows where the keys go."""
        super().watch_has_focus(has_focus)
        self._frame()

    @on(events.Resize)
    def _redraw(self) -> None:
        """Draw, and refresh the lines that are not as they were."""
        width, height = self.size.width - 2, self.size.height - 2
        drawn = (*self.contents, self.low, self.growing, self.view, self.size)
        if not self.contents or width <= 0 or height <= 0 or drawn == self._drawn:
            return
        from azul_tui.tui.plotting import draw_chart
        from azul_tui.views.charts import View

        app = self.azul
        view = self.view = self.view or View()
        self._drawn = (*drawn[:-2], view, self.size)
        shown = self.contents
        if self.low is not None and height < ROWS_EACH * len(shown):
            shown = (self.low,)
        count = max(1, min(len(shown), height // 3))
        rows: list[Spans] = []
        drawings: list[Drawing] = []
        for number, chart in enumerate(shown[:count], start=1):
            key = (chart.name, view.log_y, view.hide_outliers)
            drawing = draw_chart(
                chart, view, width, height // count if number < count else height - len(rows),
                signs=app.signs, plain=app.no_color, before=self._limits.get(key),
                growing=self.growing, with_x=number == count,
                label_width=4 if count > 1 else 0, name=chart.name if count > 1 else "",
            )  # fmt: skip
            if drawing.calm is not None:
                self._limits[key] = drawing.calm
            drawings.append(drawing)
            rows.extend(drawing.lines)
        self.drawing = drawings[0]
        self._inside = rows, self._title(drawings), self._below(drawings[0]), width + 2
        self._frame()

    def _frame(self) -> None:
        """The lines in their frame, which shows where the keys go."""
        if self._inside is not None:
            role = "frame.focus" if self.has_focus else "frame"
            self.paint(framed(*self._inside, ascii_only=self.azul.signs.ascii, role=role))

    def _title(self, drawings: Sequence[Drawing]) -> Spans:
        """The newest values, or those at the cursor."""
        view, chart = self.view, self.contents[0]
        if view is None or view.cursor is None or not drawings[0].readings:
            return chart.title
        pieces = [(chart.name if len(self.contents) == 1 else "loss", "title")]
        pieces.append((f"  at {x_words(view.cursor, view)}", "quiet"))
        for curve, y in (reading for each in drawings for reading in each.readings):
            pieces.append((f"  {curve.name} ", f"series.{curve.series % 6}"))
            pieces.append((words.short_float(y) + chart.unit, "strong"))
        return tuple(pieces)

    def _below(self, drawing: Drawing) -> Spans:
        """How the chart is looked at."""
        view = self.view
        if view is None:
            return ()
        said = {
            x_words(drawing.extent[1], view) if drawing.extent else "": True,
            f"smooth {view.smoothing:g}": view.smoothing > 0 and self.contents[0].smoothed,
            "log y": drawing.log_y,
            "log x": drawing.log_x,
            "outliers hidden": view.hide_outliers,
            "zoomed": view.span is not None,
        }
        text = "   ".join(each for each, true in said.items() if true and each)
        return ((text, "quiet"),) if text else ()

    # -- keys and mouse

    def _change(self, view: View) -> None:
        if view != self.view:
            self.look(view)
            self.post_message(ChartViewed(view))

    def _seen(self) -> tuple[View, Drawing, Range] | None:
        """The view, the drawing and the extent of the data, when there is any."""
        view, drawing = self.view, self.drawing
        if view is None or drawing is None or drawing.extent is None:
            return None
        return view, drawing, drawing.extent

    def action_look(self, what: str, by: float = 0.0) -> None:
        """Look in another way, by the words of `BINDINGS`."""
        if (seen := self._seen()) is None:
            return
        view, _, extent = seen
        match what:
            case "zoom":
                view = view.zoomed(by, extent)
            case "whole":
                view = replace(view.whole(), cursor=None)
            case "sideways" if view.cursor is not None:
                left, right = view.window(extent)
                at = view.cursor + by * CURSOR_STEP * (right - left)
                view = replace(view, cursor=min(max(at, left), right))
            case "sideways":
                view = view.panned(by * PAN, extent)
            case "cursor":
                middle = sum(view.window(extent)) / 2
                view = replace(view, cursor=None if view.cursor is not None else middle)
            case "smooth":
                away = [abs(level - view.smoothing) for level in SMOOTHING_LEVELS]
                at = min(max(away.index(min(away)) + int(by), 0), len(away) - 1)
                view = replace(view, smoothing=SMOOTHING_LEVELS[at])
            case "next_x":
                # Window and cursor are in other units then and go.
                kind = NEXT_X[view.x_kind]
                view = replace(view.whole(), x_kind=kind, cursor=None)
            case part:
                view = replace(view, **{part: not getattr(view, part)})
        self._change(view)

    def action_export(self, kind: str) -> None:
        """Hand the chart out as `csv`, `txt` or `svg`."""
        if not self.contents:
            return
        text = self.text
        if kind == "csv" and self.view is not None:
            from azul_tui.views.charts import curves_csv

            curves = [curve for chart in self.contents for curve in chart.curves]
            text = curves_csv(curves, self.view.x_kind)
        elif kind == "svg":
            text = self._svg()
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
        for row in self.rows:
            console.print(Text.assemble(*((text, self.style_of(role)) for text, role in row)))
        return console.export_svg(title="".join(text for text, _ in self.contents[0].title))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A click or a drag begins."""
        if event.button == 1 and self.view is not None:
            self._drag, self._dragged = (event.screen_x, self.view), False
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A zoomed chart follows the pointer; in a whole one the cursor does."""
        seen = self._seen()
        if self._drag is None or seen is None:
            return
        start, view = self._drag
        moved = event.screen_x - start
        if moved == 0 and not self._dragged:
            return
        self._dragged = True
        _, drawing, extent = seen
        if view.span is not None:
            self._change(view.panned(-moved / max(1, drawing.plot_width), extent))
        elif (x := drawing.x_at(event.x - 1)) is not None:
            self._change(replace(view, cursor=x))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Without a movement it was a click: the cursor comes here, or goes."""
        drag, self._drag = self._drag, None
        self.release_mouse()
        seen = self._seen()
        if drag is None or self._dragged or seen is None:
            return
        view, drawing, _ = seen
        x = drawing.x_at(event.x - 1)
        if x is not None and view.cursor is not None and drawing.window is not None:
            cell = (drawing.window[1] - drawing.window[0]) / max(1, drawing.plot_width)
            x = None if abs(x - view.cursor) <= cell else x
        self._change(replace(view, cursor=x))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel zooms in at the pointer; with shift it pans."""
        self._wheel(event, WHEEL_ZOOM, -1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel zooms out at the pointer; with shift it pans."""
        self._wheel(event, 1 / WHEEL_ZOOM, 1)

    def _wheel(self, event: events.MouseEvent, factor: float, direction: int) -> None:
        if (seen := self._seen()) is not None:
            event.stop()
            view, drawing, extent = seen
            if event.shift:
                self._change(view.panned(direction * PAN, extent))
            else:
                self._change(view.zoomed(factor, extent, drawing.x_at(event.x - 1)))


def x_words(x: float, view: View) -> str:
    """A place on the x axis: `step 37,000`."""
    return words.duration(x) if view.x_kind == "time" else f"{view.x_kind} {x:,.0f}"
