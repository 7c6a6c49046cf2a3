"""A screen that is one picture, without a widget in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from rich.segment import Segment as RichSegment
from textual.screen import Screen
from textual.strip import Strip

from azul_tui.tui.notices import notice_lines
from azul_tui.tui.palette import role_style
from azul_tui.tui.picture import Picture, asciified, crop, harmless

if TYPE_CHECKING:
    from textual.widget import Widget

    from azul_tui.tui.app import AzulApp

Answer = TypeVar("Answer")

LEAST = (20, 5)
"""Columns and rows that every drawing is made for; of a smaller terminal's, the rest is cut off."""


class PaintedScreen(Screen[Answer]):
    """Shows what `draw_all(width, height)` returns; `redraw()` asks for it again.

    However often `redraw` is called while one message is handled, one picture is drawn and
    one is written.
    """

    DEFAULT_CSS = "PaintedScreen { layout: vertical; overflow: hidden; }"
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._bare: Picture = []
        self._picture: Picture = []
        self._said: Picture = []
        self._stale = True
        self._asked = False
        self._away = False

    @property
    def azul(self) -> AzulApp:
        """The app, by its own type."""
        return cast("AzulApp", self.app)

    def draw_all(self, width: int, height: int) -> Picture:
        """The whole screen."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw again what may have changed; a screen that is not shown waits until it is."""
        self._stale = True
        self._show_soon()

    def _show_soon(self) -> None:
        if not self._asked and not self._away and self.is_running and self.is_active:
            self._asked = True
            self.call_next(self._show)

    def shown_lines(self) -> Picture:
        """The picture that is shown now, or about to be."""
        if self._stale or self._said != self._notices():
            self._draw()
        return self._picture

    def bare_lines(self) -> Picture:
        """As `shown_lines`, without notices: for what is laid over this screen."""
        self.shown_lines()
        return self._bare

    def _notices(self) -> Picture:
        """The lines that stand in the place of the last one for now."""
        width, height = self.azul.size
        return notice_lines(self.azul.notices, width, height, self.azul.signs)

    def _draw(self) -> None:
        width, height = self.azul.size
        if width <= 0 or height <= 0 or not self.is_running:
            return
        self._stale = False
        self._said = self._notices()
        # A notice covers the key line alone; what needs more lines makes the picture lower.
        height -= max(0, len(self._said) - 1)
        drawn = self.draw_all(max(width, LEAST[0]), max(height, LEAST[1]))
        self._bare = crop(harmless(drawn), width, height)
        new = [*self._bare[:-1], *self._said] if self._said else self._bare
        self._picture = asciified(new) if self.azul.signs.ascii else new

    def _show(self) -> None:
        """Draw and paint, unless another screen came over this one meanwhile."""
        self._asked = False
        if self._away or not self.is_active:
            return
        if self._stale:
            self._draw()
        self._styles_cache.clear()
        if not self.azul.painter.paint(self._picture):
            self.refresh()

    # -- the library's own way of drawing, for pictures of the screen and for what lies above

    def render_line(self, y: int) -> Strip:
        """Line `y` in the library's form."""
        depth = self.azul.depth
        if y >= len(self._picture):
            return Strip.blank(self.size.width, role_style("", depth))
        return Strip(
            [RichSegment(text, role_style(role, depth)) for text, role in self._picture[y]]
        )

    def update_node_styles(self, animate: bool = True) -> None:
        """The library matches all style rules anew at every change of place; here none differ."""
        if self.children:
            super().update_node_styles(animate)

    def _watch__pointer_shape(self, pointer_shape: Any) -> None:
        """The pointer keeps its shape: no word about it to the terminal at every new screen."""

    def _extend_compose(self, widgets: list[Widget]) -> None:
        """No tooltips and no toasts: notices are part of the picture."""

    def _compositor_refresh(self) -> None:
        """The library wants to write this screen; a terminal gets the picture instead."""
        if self.is_active and self.azul.painter.can_paint and not self.children:
            self._show_soon()
            self._dirty_widgets.clear()
        else:
            super()._compositor_refresh()

    def on_resize(self) -> None:
        """Another size is another drawing."""
        self.azul.painter.resized(self.azul.size)
        self.redraw()

    def on_screen_suspend(self) -> None:
        """Another place is shown now."""
        self._away = True

    def on_screen_resume(self) -> None:
        """Show the present when the screen comes back."""
        self._away = False
        self.redraw()
