"""One chart on the whole screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.tui.screens.chart_keys import ChartKeysScreen
from azul_tui.tui.training.charts import CHARTS

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.tui.picture import Picture
    from azul_tui.tui.screens.training import TrainingScreen
    from azul_tui.tui.training.charts import ChartContent


class FullChartScreen(ChartKeysScreen):
    """The charts of the training screen, one at a time and large."""

    PLACE = "training"
    BINDINGS: ClassVar = [
        Binding("escape,enter,q", "close", "back", priority=True),
        Binding("plus,equals_sign", "zoom(0.5)", "zoom in"),
        Binding("minus", "zoom(2.0)", "zoom out"),
        Binding("v", "cursor", "cursor"),
        Binding("right_square_bracket", "smooth(1)", "smooth more"),
        Binding("l", "log_y", "log y"),
        Binding("i", "next_x", "x kind"),
        Binding("tab", "next_chart(1)", "next chart"),
        Binding("shift+tab", "next_chart(-1)", "previous chart", show=False),
    ]

    def __init__(self, training: TrainingScreen, chart: int) -> None:
        super().__init__()
        self.training = training
        self.view = training.view
        self.chosen_chart = chart

    def main_chart(self) -> str:
        """The chart that is shown."""
        return CHARTS[self.chosen_chart]

    def body(self, width: int, height: int) -> Picture:
        """The chart in its frame."""
        self.training.view = self.view
        picture = self.training.draw_chart(self.main_chart(), width, height)
        self.memory = self.training.memory
        return picture

    def export_content(self) -> tuple[Path, ChartContent] | None:
        """The chart that is shown."""
        feed = self.azul.feed
        if feed is None:
            return None
        source = self.training.source(feed)
        return feed.directory, source.content(self.main_chart(), self.view, self.azul.signs)

    def action_next_chart(self, direction: int) -> None:
        """The next chart."""
        self.chosen_chart = (self.chosen_chart + direction) % len(CHARTS)
        self.redraw()

    def action_close(self) -> None:
        """Back to the training screen, which keeps the view."""
        self.training.view = self.view
        self.dismiss(None)
