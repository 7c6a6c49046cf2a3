"""Charts under the mouse: a click puts the cursor, a drag pans, the wheel zooms where it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from azul_tui.tui.chart_panel import ChartMemory
from azul_tui.tui.charts.view import View
from azul_tui.tui.picture import place_of
from azul_tui.tui.screens.place import PictureScreen

if TYPE_CHECKING:
    from textual import events

    from azul_tui.tui.charts.draw import Drawing

ZOOM = 0.7
LEFT_BUTTON = 1


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a chart."""

    drawing: Drawing
    column: int
    """Of the drawing."""

    @property
    def x(self) -> float | None:
        """What the place stands for."""
        return self.drawing.x_at(self.column)


@dataclass(slots=True)
class Drag:
    """A button that was pressed in a chart and not let go yet."""

    spot: Spot
    screen_x: int
    view: View
    """How the charts were looked at when it was pressed."""
    moved: bool = False


class ChartMouseScreen(PictureScreen):
    """A screen with charts that share one view."""

    MOUSE = "in a chart: click cursor, drag pan, wheel zoom"

    def __init__(self) -> None:
        super().__init__()
        self.view = View()
        self.memory = ChartMemory()
        self._drag: Drag | None = None

    def main_chart(self) -> str:
        """Name of the chart that the keys are about."""
        return "loss"

    def look(self, view: View) -> None:
        """Look at the charts in another way."""
        if view != self.view:
            self.view = view
            self.redraw()

    def spot_at(self, column: int, row: int) -> Spot | None:
        """The chart at that place of the screen; None where there is none."""
        picture = self.bare_lines()
        for name, corner in self.memory.corners.items():
            place = place_of(picture, corner)
            drawing = self.memory.drawings.get(name)
            if place is None or drawing is None:
                continue
            # The frame takes one cell on each side.
            down, right = row - place[0] - 1, column - place[1] - 1
            if 0 <= down < len(drawing.picture):
                spot = Spot(drawing, right)
                if spot.x is not None:
                    return spot
        return None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A click or a drag may begin."""
        spot = self.spot_at(event.screen_x, event.screen_y)
        if event.button == LEFT_BUTTON and spot is not None:
            event.stop()
            self._drag = Drag(spot, event.screen_x, self.view)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A zoomed chart follows the mouse; in a whole one the cursor does."""
        drag = self._drag
        if drag is None or drag.spot.drawing.extent is None:
            return
        event.stop()
        moved = event.screen_x - drag.screen_x
        if moved == 0 and not drag.moved:
            return
        drag.moved = True
        if drag.view.span is None:
            x = drag.spot.drawing.x_at(drag.spot.column + moved)
            if x is not None:
                self.look(replace(self.view, cursor=x))
            return
        share = -moved / max(1, drag.spot.drawing.plot_width)
        self.look(drag.view.panned(share, drag.spot.drawing.extent))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Without a movement it was a click: the cursor comes here, or goes if it was here."""
        drag, self._drag = self._drag, None
        if drag is None:
            return
        event.stop()
        self.release_mouse()
        if drag.moved:
            return
        x = drag.spot.x
        self.look(replace(self.view, cursor=None if x == self.view.cursor else x))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel zooms in around the mouse; with shift it pans."""
        self._wheel(event, ZOOM, -1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel zooms out around the mouse; with shift it pans."""
        self._wheel(event, 1 / ZOOM, 1)

    def _wheel(self, event: events.MouseEvent, factor: float, direction: int) -> None:
        event.stop()
        spot = self.spot_at(event.screen_x, event.screen_y)
        drawing = spot.drawing if spot else self.memory.drawings.get(self.main_chart())
        if drawing is None or drawing.extent is None:
            return
        if event.shift:
            self.look(self.view.panned(direction * 0.25, drawing.extent))
        else:
            around = spot.x if spot is not None else None
            self.look(self.view.zoomed(factor, drawing.extent, around))
