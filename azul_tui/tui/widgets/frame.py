"""The two lines that every place has, places above and keys below, and panels between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from azul_tui.tui.spans import say
from azul_tui.views import words

if TYPE_CHECKING:
    from textual import events
    from textual.screen import Screen

    from azul_tui.tui.app import AzulApp

_TITLES = ("Menu", "Training", "Runs", "Checkpoints", "Evaluate", "Play", "Analyse")
PLACES = tuple((f"{key}", title.lower(), title) for key, title in enumerate(_TITLES, 1))
"""Key, mode and title of every place."""
_SHORT = {"Training": "Train", "Checkpoints": "Checkp.", "Evaluate": "Eval"}
"""Titles for a terminal of 80 columns."""
_STATES = {"running": "$text-success", "finished": "$text-success", "crashed": "$text-error"}
KEYS_SHOWN = 5


class Panel(VerticalScroll):
    """A panel whose lines its screen makes for the room that there is."""

    class Laid(Message):
        """The room is another one, or the first."""

    laid = Size(0, 0)

    @property
    def room(self) -> int:
        """Cells of a line, with or without a scroll bar."""
        return max(20, self.laid.width - 3)

    def on_resize(self) -> None:
        """Tell the screen, which learns of no size but its own."""
        if self.laid != (laid := self.content_region.size):
            self.laid = laid
            self.post_message(self.Laid())


def link(text: str, action: str, style: str = "") -> Content:
    """Text that does `action` when it is clicked."""
    click = Style.from_meta({"@click": action})
    return Content.styled(text, style).stylize(click) if style else Content(text).stylize(click)


class _Line(Static):
    """One line of text with clicks in it."""

    def __init__(self) -> None:
        super().__init__("", markup=False)

    @property
    def azul(self) -> AzulApp:
        """The app, by its own type."""
        return cast("AzulApp", self.app)

    def say(self, left: Content, right: Content, margin: int = 0) -> None:
        """Show both ends of the line where it is not what is shown."""
        gap = self.azul.size.width - left.cell_length - right.cell_length - margin
        say(self, Content.assemble(left, " " * max(0, gap), right), layout=False)


class TopBar(_Line):
    """The seven places, each a click, and the run that is looked at with its state."""

    def on_mount(self) -> None:
        """Show what there is."""
        self.show_run()

    def on_resize(self, _event: events.Resize) -> None:
        """Shorten or spell out."""
        self.show_run()

    def show_run(self) -> None:
        """Say anew which run is looked at, and how it is."""
        state = named = Content("")
        if (run := self.azul.run_now()) is not None:
            if alerts := max(0, len(run.data.alerts) - self.azul.alerts_seen):
                state = Content.styled(f"! {alerts}  ", "bold $text-error")
            if run.state:
                told = f"{self.azul.signs.of_state(run.state)} {run.state_words}"
                state += Content.styled(told, _STATES.get(run.state, "$text-warning"))
            named = Content.styled(f"{words.shortened(run.name, 28)}  ", "bold") + state
        for style, right in (
            ("full", named), ("short", named), ("brief", named), ("brief", state),
            ("numbers", named), ("numbers", state), ("here", state),
        ):  # fmt: skip
            left = self._places(style)
            if left.cell_length + right.cell_length + bool(right) < self.azul.size.width:
                self.say(left, right, margin=1)
                return
        self.say(self._places("here"), Content(""), margin=1)

    def _places(self, style: str) -> Content:
        gap = "  " if style == "full" else " "
        parts = [Content.styled("azul-tui   ", "bold $primary")] if style == "full" else []
        for key, mode, title in PLACES:
            if mode == self.azul.current_mode:
                word, look = f"[{key} {title}]", "bold $primary"
            elif style == "here":
                continue
            else:
                title = _SHORT.get(title, title) if style == "brief" else title
                word, look = key if style == "numbers" else f"{key} {title}", "$foreground 60%"
            parts += [link(word, f"app.place('{mode}')", look), Content(gap)]
        return Content.assemble(" ", *parts)


class KeyBar(_Line):
    """The keys that matter here, each a click; `?` shows all of them.

    Textual's Footer makes a widget of every key and makes them anew at every change of focus,
    which was the largest cost of going to another place.
    """

    def on_mount(self) -> None:
        """Follow the screen's bindings."""
        # Through `Any`: the library does not say what its signal carries.
        cast("Any", self.screen).bindings_updated_signal.subscribe(self, self.show_keys)

    def on_resize(self, _event: events.Resize) -> None:
        """Show as many as fit."""
        self.show_keys(self.screen)

    def show_keys(self, screen: Screen[Any]) -> None:
        """Show the bindings of `screen` that are meant to be shown."""
        if not screen.is_mounted or screen is not self.screen:
            return
        palette = link("^p", "app.command_palette", "bold $primary")
        tail = Content.assemble(_key("?", " all keys", "keys"), "   ", palette, " ")
        left = Content(" ")
        shown: set[str] = set()
        first: tuple[str, ...] = getattr(screen, "first_keys", ())
        bindings = screen.active_bindings
        for key in dict.fromkeys((*first, *bindings)):
            active = bindings.get(key)
            if active is None or not (active.binding.show or key in first):
                continue
            binding = active.binding
            if not active.enabled or binding.action in shown:
                continue
            name = self.azul.get_key_display(binding)
            item = _key(name, f" {binding.description}", f"simulate_key('{key}')")
            room = self.azul.size.width - left.cell_length - tail.cell_length - 2
            if item.cell_length > room or len(shown) == KEYS_SHOWN:
                break
            shown.add(binding.action)
            left = Content.assemble(left, item, "   ")
        self.say(left.rstrip(), tail)


def _key(name: str, words: str, action: str) -> Content:
    return link(name, f"app.{action}", "bold $primary") + link(words, f"app.{action}")
