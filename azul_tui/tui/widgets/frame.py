"""The two lines that every place has: the places and the run above, the keys below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rich.cells import cell_len
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from azul_tui.views import words

if TYPE_CHECKING:
    from textual import events
    from textual.screen import Screen

    from azul_tui.tui.app import AzulApp

PLACES: tuple[tuple[str, str, str], ...] = (
    ("1", "menu", "Menu"),
    ("2", "training", "Training"),
    ("3", "runs", "Runs"),
    ("4", "checkpoints", "Checkpoints"),
    ("5", "evaluate", "Evaluate"),
    ("6", "play", "Play"),
    ("7", "analyse", "Analyse"),
)
"""Key, mode and title of every place."""
_SHORT = {"Training": "Train", "Checkpoints": "Checkp.", "Evaluate": "Eval"}
"""Titles for a terminal of 80 columns."""
KEYS_SHOWN = 5


def link(text: str, action: str, style: str = "") -> Content:
    """Text that does `action` when it is clicked."""
    click = Style.from_meta({"@click": action})
    return Content.styled(text, style).stylize(click) if style else Content(text).stylize(click)


class _Line(Static):
    """One line of text with clicks in it."""

    @property
    def azul(self) -> AzulApp:
        """The app, by its own type."""
        return cast("AzulApp", self.app)

    def say(self, line: Content) -> None:
        """Show `line` when it is not what is shown."""
        if line != self.content:
            self.update(line, layout=False)


class TopBar(_Line):
    """The seven places, each a click, and the run that is looked at with its state."""

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def on_mount(self) -> None:
        """Show what there is."""
        self.show_run()

    def on_resize(self, _event: events.Resize) -> None:
        """Shorten or spell out."""
        self.show_run()

    def show_run(self) -> None:
        """Say anew which run is looked at, and how it is."""
        width = self.size.width or self.azul.size.width
        right, short_right = self._run()
        for style, run in (
            ("full", right), ("short", right), ("brief", right), ("brief", short_right),
            ("numbers", right), ("numbers", short_right), ("here", short_right),
            ("here", Content("")),
        ):  # fmt: skip
            left = self._places(style)
            gap = width - left.cell_length - run.cell_length - 1
            if gap >= (1 if run else 0) or (style == "here" and not run):
                line = left + Content(" " * max(0, gap)) + run
                self.say(line)
                return

    def _places(self, style: str) -> Content:
        here = self.azul.current_mode
        parts = [Content(" ")]
        if style == "full":
            parts.append(Content.styled("azul-tui   ", "bold $primary"))
        for key, mode, title in PLACES:
            if mode == here:
                word = f"[{key} {title}]"
                parts.append(link(word, f"app.place('{mode}')", "bold $primary"))
            elif style != "here":
                title = _SHORT.get(title, title) if style == "brief" else title
                word = key if style == "numbers" else f"{key} {title}"
                parts.append(link(word, f"app.place('{mode}')", "$foreground 60%"))
            parts.append(Content("  " if style == "full" else " "))
        return Content("").join(parts)

    def _run(self) -> tuple[Content, Content]:
        """Name and state of the run; the state alone."""
        app = self.azul
        run = app.run_now()
        if run is None:
            return Content(""), Content("")
        alerts = len(run.data.alerts) - app.alerts_seen
        role = {"running": "$text-success", "finished": "$text-success", "crashed": "$text-error"}
        state = Content("")
        if run.state:
            told = f"{app.signs.of_state(run.state)} {run.state_words}"
            state = Content.styled(told, role.get(run.state, "$text-warning"))
        if alerts > 0:
            state = Content.styled(f"! {alerts}  ", "bold $text-error") + state
        name = words.shortened(run.name, 28)
        return Content.styled(f"{name}  ", "bold") + state, state


class KeyBar(_Line):
    """The keys that matter here, each a click; `?` shows all of them.

    Textual's Footer makes a widget of every key and makes them anew at every change of focus,
    which was the largest cost of going to another place.
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)

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
        tail = link("?", "app.keys", "bold $primary") + link(" all keys", "app.keys")
        tail += Content("   ") + link("^p", "app.command_palette", "bold $primary") + Content(" ")
        width = self.size.width or self.azul.size.width
        room = width - tail.cell_length - 2
        parts = [Content(" ")]
        shown: set[str] = set()
        used = 1
        for key, active in screen.active_bindings.items():
            binding = active.binding
            if not binding.show or not active.enabled or binding.action in shown:
                continue
            name = self.azul.get_key_display(binding)
            words_ = f" {binding.description}"
            if used + cell_len(name + words_) > room or len(shown) == KEYS_SHOWN:
                break
            shown.add(binding.action)
            action = f"app.simulate_key('{key}')"
            parts += [link(name, action, "bold $primary"), link(words_, action), Content("   ")]
            used += cell_len(name + words_) + 3
        left = Content("").join(parts[:-1] if shown else parts)
        line = left + Content(" " * max(1, width - left.cell_length - tail.cell_length)) + tail
        self.say(line)
