"""What every place is: a screen between the line of places and the line of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from textual import on
from textual.events import ScreenResume
from textual.screen import Screen
from textual.widgets import Static

from azul_tui.tui.widgets.frame import KeyBar, TopBar

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.content import Content

    from azul_tui.tui.app import AzulApp
    from azul_tui.tui.messages import RunAdvanced, RunSwitched

Answer = TypeVar("Answer")


class FramedScreen(Screen[Answer]):
    """A screen with both lines; subclasses compose what lies between them in `compose_body`."""

    @property
    def azul(self) -> AzulApp:
        """The app, by its own type."""
        return cast("AzulApp", self.app)

    def compose(self) -> ComposeResult:
        """The frame and the body."""
        yield TopBar()
        yield from self.compose_body()
        yield KeyBar()

    def compose_body(self) -> ComposeResult:
        """What lies between the two lines."""
        raise NotImplementedError

    def show(self) -> None:
        """Bring what is shown up to date; called when the screen comes up and when news come."""

    @property
    def first_keys(self) -> tuple[str, ...]:
        """Keys that the bottom line has before all others, whatever has the focus."""
        return ()

    def show_text(self, selector: str, text: Content) -> bool:
        """Let a `Static` say this, at no cost where it does; whether it said something else."""
        widget = self.query_one(selector, Static)
        changed = widget.content != text
        if changed:
            lines = text.plain.count("\n")
            widget.update(text, layout=lines > 0 or lines != str(widget.content).count("\n"))
        return changed

    styled_for: object = None
    """The theme and size for which every widget was styled last."""

    @on(ScreenResume)
    def style_when_needed(self, event: ScreenResume) -> None:
        """Style every widget anew only where the theme or the size was changed meanwhile.

        The library does at every visit, half of what going to another place costs.
        """
        present = self.azul.theme, self.azul.size
        event.refresh_styles = event.refresh_styles and present != self.styled_for
        self.styled_for = present

    def on_screen_resume(self) -> None:
        """The screen comes (back) into view."""
        self.query_one(TopBar).show_run()
        self.show()

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """Something new is known of the run."""
        self.query_one(TopBar).show_run()
        self.show()

    def on_run_switched(self, _message: RunSwitched) -> None:
        """Another run is looked at."""
        self.query_one(TopBar).show_run()
        self.refresh_bindings()
        self.show()


class Place(FramedScreen[Any]):
    """One of the seven places."""
