"""Boxes over a screen: questions, explanations and short forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.binding import Binding
from textual.screen import ModalScreen

from azul_tui.tui.charts.frame import panel
from azul_tui.tui.picture import Line, Picture, crop, line_width, text_line
from azul_tui.tui.picture_view import PictureView

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from azul_tui.tui.app import AzulApp
    from azul_tui.tui.messages import RunAdvanced

Answer = TypeVar("Answer")


class BoxScreen(ModalScreen[Answer]):
    """A framed picture in the middle of the screen below."""

    DEFAULT_CSS = """
    BoxScreen { align: center middle; background: $background 60%; }
    BoxScreen PictureView { width: auto; height: auto; }
    """
    BINDINGS: ClassVar = [Binding("escape", "close", "close", show=False)]
    BOX_TITLE: ClassVar[str] = ""

    @property
    def azul(self) -> AzulApp:
        """The app, by its own type."""
        return cast("AzulApp", self.app)

    def compose(self) -> ComposeResult:
        """The box."""
        yield PictureView(
            self.draw_box, self.azul.depth, id="box", ascii_only=self.azul.signs.ascii
        )

    def lines(self, width: int) -> Picture:
        """The content for a box whose inside is at most `width` cells wide."""
        raise NotImplementedError

    def footer(self) -> Line:
        """Words in the lower frame."""
        return ()

    def on_mount(self) -> None:
        """Size the box by its content."""
        self.fit_box()

    def on_resize(self) -> None:
        """Size the box by the new screen."""
        self.fit_box()

    def fit_box(self) -> None:
        """Make the box as large as its content, at most the screen, and draw it."""
        room = max(1, self.azul.size.width - 4)
        content = self.lines(min(room, 96))
        widest = max((line_width(line) for line in content), default=0)
        widest = max(widest, len(self.BOX_TITLE) + 4, line_width(self.footer()) + 4)
        view = self.query_one("#box", PictureView)
        view.styles.width = min(widest + 4, self.azul.size.width)
        view.styles.height = min(len(content) + 2, self.azul.size.height)
        view.redraw()

    def draw_box(self, width: int, height: int) -> Picture:
        """The framed content."""
        content: Picture = [((" ", ""), *line) for line in self.lines(max(1, width - 4))]
        content = self.window_of(content, height - 2)
        if width < 8 or height < 3:
            return crop(content, width, height)
        title = text_line(self.BOX_TITLE, "title")
        return panel(content, title, self.footer(), width, height, self.azul.signs)

    def window_of(self, content: Picture, _room: int) -> Picture:
        """The part of the content that is shown when there is not room for all."""
        return content

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """A box shows nothing that moves."""
