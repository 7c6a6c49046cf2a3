"""The keys that change how charts are looked at, for every screen that shows one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.tui.chart_panel import ChartMemory
from azul_tui.tui.screens.chart_mouse import ChartMouseScreen

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.tui.training.charts import ChartContent


class ChartKeysScreen(ChartMouseScreen):
    """A screen with charts that share one view."""

    BINDINGS: ClassVar = [
        Binding("plus,equals_sign", "zoom(0.5)", "zoom in", show=False),
        Binding("minus", "zoom(2.0)", "zoom out", show=False),
        Binding("0,home", "whole", "whole run", show=False),
        Binding("left", "sideways(-1)", "back, or move the cursor", show=False),
        Binding("right", "sideways(1)", "forward, or move the cursor", show=False),
        Binding("v", "cursor", "cursor that reads values", show=False),
        Binding("left_square_bracket", "smooth(-1)", "smooth less", show=False),
        Binding("right_square_bracket", "smooth(1)", "smooth more", show=False),
        Binding("l", "log_y", "logarithmic y", show=False),
        Binding("L", "log_x", "logarithmic x", show=False),
        Binding("i", "next_x", "x: step, iteration, time", show=False),
        Binding("o", "outliers", "hide outliers", show=False),
        Binding("n", "band", "raw band on or off", show=False),
        Binding("d", "export('csv')", "write the data as CSV", show=False),
        Binding("w", "export('txt')", "write the chart as text", show=False),
        Binding("W", "export('svg')", "write the chart as SVG", show=False),
    ]

    def chart_extent(self) -> tuple[float, float] | None:
        """Smallest and largest x of the chart that the keys are about."""
        drawing = self.memory.drawings.get(self.main_chart())
        return drawing.extent if drawing is not None else None

    def action_zoom(self, factor: float) -> None:
        """Show less or more of the run."""
        extent = self.chart_extent()
        if extent is not None:
            self.look(self.view.zoomed(factor, extent))

    def action_whole(self) -> None:
        """Show the whole run again."""
        self.look(replace(self.view.whole(), cursor=None))

    def action_sideways(self, direction: int) -> None:
        """Move the cursor when there is one, otherwise the window."""
        extent = self.chart_extent()
        if extent is None:
            return
        if self.view.cursor is not None:
            self.look(self.view.with_cursor_moved(direction * 0.02, extent))
        else:
            self.look(self.view.panned(direction * 0.25, extent))

    def action_cursor(self) -> None:
        """Put a cursor into the chart, or take it away."""
        extent = self.chart_extent()
        if self.view.cursor is not None:
            self.look(replace(self.view, cursor=None))
        elif extent is not None:
            left, right = self.view.window(extent)
            self.look(replace(self.view, cursor=(left + right) / 2))

    def action_smooth(self, direction: int) -> None:
        """Smooth more or less."""
        self.look(self.view.with_next_smoothing(direction))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Ratings go below zero: they have no logarithm."""
        if action == "log_y" and self.main_chart() == "rating":
            return False
        return super().check_action(action, parameters)

    def action_log_y(self) -> None:
        """Logarithmic y axis on or off."""
        self.look(replace(self.view, log_y=not self.view.log_y))

    def action_log_x(self) -> None:
        """Logarithmic x axis on or off."""
        self.look(replace(self.view, log_x=not self.view.log_x))

    def action_next_x(self) -> None:
        """X as step, iteration or time."""
        self.look(self.view.with_next_x())

    def action_outliers(self) -> None:
        """Hide what lies far outside."""
        self.look(replace(self.view, hide_outliers=not self.view.hide_outliers))

    def action_band(self) -> None:
        """The raw band behind smoothed lines on or off."""
        self.look(replace(self.view, show_band=not self.view.show_band))

    def export_content(self) -> tuple[Path, ChartContent] | None:
        """The folder to write into and the chart to write."""
        return None

    def action_export(self, kind: str) -> None:
        """Write the main chart beside the run, as data, text or SVG."""
        from azul_tui.tui.chart_panel import chart_panel
        from azul_tui.tui.export import curves_csv, write_export
        from azul_tui.tui.picture import plain
        from azul_tui.tui.svg import picture_svg

        found = self.export_content()
        if found is None:
            self.notify("there is no chart to write", severity="warning")
            return
        folder, content = found
        if kind == "csv":
            text = curves_csv(content.curves, self.view.x_kind)
        else:
            width, height = max(60, self.size.width), max(16, self.size.height - 2)
            picture = chart_panel(
                content,
                self.view,
                width,
                height,
                memory=ChartMemory(),
                signs=self.azul.signs,
                patterns=self.azul.patterns,
                empty_text="no data yet",
            )
            svg = kind == "svg"
            text = picture_svg(picture, content.name, width) if svg else plain(picture) + "\n"
        self.notify(write_export(folder, content.name, kind, text), markup=False)
