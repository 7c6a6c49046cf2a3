"""The one place that writes pictures to the terminal, past the library's compositor.

The library renders a widget into strips, cuts and joins them and writes every cell with its
whole style: 15 ms and 50 kB a screen. A screen that is one picture needs none of that. What
other widgets show still goes through the compositor; after it nothing is known of the
terminal any more, and the next picture is written as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.color import ColorSystem

from azul_tui.tui.painting import painted

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.geometry import Size

    from azul_tui.tui.painted_app import PaintedApp
    from azul_tui.tui.picture import Picture

SYSTEMS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
    "windows": ColorSystem.WINDOWS,
}
BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronized output: the terminal shows all of what stands between, or none."""


class Painter:
    """Knows what the terminal shows, and writes what differs."""

    def __init__(self, app: PaintedApp) -> None:
        self._app = app
        self._shown: Picture | None = None
        self._size: Size | None = None

    def forget(self) -> None:
        """The terminal was written to by somebody else."""
        self._shown = None

    def resized(self, size: Size) -> None:
        """The terminal has `size`; if that is new, it has moved what it showed."""
        if size != self._size:
            self._size = size
            self.forget()

    @property
    def can_paint(self) -> bool:
        """Whether there is a terminal to write to."""
        app = self._app
        return self._driver is not None and not app.is_headless and app.is_running

    @property
    def _driver(self) -> Driver | None:
        return self._app._driver  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - no public way

    def paint(self, picture: Picture) -> bool:
        """Show `picture`; False when there is no terminal to write to."""
        app, driver = self._app, self._driver
        if driver is None or not self.can_paint:
            return False
        system = SYSTEMS.get(app.console.color_system or "")
        text = painted(self._shown, picture, app.depth, system)
        self._shown = picture
        if text:
            together = app._sync_available  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            driver.write(f"{BEGIN}{text}{END}" if together else text)
            driver.flush()
        return True
