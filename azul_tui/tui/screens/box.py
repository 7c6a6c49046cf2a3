"""Boxes over a screen: questions, explanations and short forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.binding import Binding
from textual.screen import ModalScreen

from azul_tui.tui.charts.frame import panel
from azul_tui.tui.painted_screen import PaintedScreen
from azul_tui.tui.picture import Line, Picture, crop, fit, laid_over, line_width, text_line

if TYPE_CHECKING:
    from azul_tui.tui.messages import RunAdvanced

Answer = TypeVar("Answer")


class OverScreen(PaintedScreen[Answer], ModalScreen[Answer]):
    """Covers a part of the screen below and takes all keys."""

    # Opaque on purpose: to shine through, the library renders the screen below anew through a
    # tint, ten times the work of a key press. What lies below is part of the picture instead.
    DEFAULT_CSS = """
    OverScreen { background: $background; }
    OverScreen:ansi { background: ansi_default; }
    """
    BINDINGS: ClassVar = [Binding("escape", "close", "close", show=False)]

    def lines_below(self) -> Picture:
        """The picture of the screen below, as it was or as it wants to be drawn now."""
        stack = self.azul.screen_stack
        below = stack[stack.index(self) - 1] if self in stack[1:] else None
        return below.bare_lines() if isinstance(below, PaintedScreen) else []

    def keys(self) -> Line:
        """The keys of the bottom line."""
        return ((" esc", "key"), (" close", ""))

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """What lies below stands still until a key is pressed."""


class BoxScreen(OverScreen[Answer]):
    """A framed picture in the middle of the screen below."""

    BOX_TITLE: ClassVar[str] = ""

    def lines(self, width: int) -> Picture:
        """The content for a box whose inside is at most `width` cells wide."""
        raise NotImplementedError

    def footer(self) -> Line:
        """Words in the lower frame."""
        return ()

    def draw_all(self, width: int, height: int) -> Picture:
        """The box in the middle of what lies below, whose keys give way to those of the box."""
        room = max(1, width - 4)
        content = self.lines(min(room, 96))
        widest = max((line_width(line) for line in content), default=0)
        widest = max(widest, len(self.BOX_TITLE) + 4, line_width(self.footer()) + 4)
        box_width, box_height = min(widest + 4, width), min(len(content) + 2, height)
        box = self.draw_box(box_width, box_height)
        if box_width + 2 <= width:
            box = [((" ", ""), *line, (" ", "")) for line in box]
            box_width += 2
        below = crop(self.lines_below(), width, height)
        if height > box_height + 1:
            below[-1] = fit(self.keys(), width)
        return laid_over(below, box, box_width)

    def draw_box(self, width: int, height: int) -> Picture:
        """The framed content."""
        content: Picture = [((" ", ""), *line) for line in self.lines(max(1, width - 4))]
        content = self.window_of(content, height - 2)
        if width < 8 or height < 3:
            return crop(content, width, height)
        title = text_line(self.BOX_TITLE, "title")
        return panel(content, title, self.footer(), width, height, self.azul.signs, "frame.focus")

    def window_of(self, content: Picture, _room: int) -> Picture:
        """The part of the content that is shown when there is not room for all."""
        return content
