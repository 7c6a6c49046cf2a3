"""What every screen has in common: one picture between the top line and the key line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.binding import Binding
from textual.screen import Screen

from azul_tui.tui.frame import PLACES, key_line, top_line
from azul_tui.tui.painted_screen import PaintedScreen
from azul_tui.tui.picture import Picture, crop, fit

if TYPE_CHECKING:
    from textual import events

    from azul_tui.tui.messages import RunAdvanced

KEY_WORDS = {
    "question_mark": "?",
    "enter": "enter",
    "escape": "esc",
    "plus": "+",
    "minus": "-",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "space": "space",
    "delete": "del",
    "backspace": "bksp",
    "slash": "/",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "home": "home",
    "end": "end",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "equals_sign": "=",
    "ctrl+s": "^s",
    "ctrl+p": "^p",
}
REFUSAL_S = 3.0
"""Seconds for which a key says why it does nothing."""
ASCII_KEYS = {"←": "left", "→": "right", "↑": "up", "↓": "down"}


def key_word(key: str, *, ascii_only: bool = False) -> str:
    """How a key is written for a person."""
    first = key.split(",", maxsplit=1)[0].strip()
    word = KEY_WORDS.get(first, first)
    if len(first) == 1 and first.isupper():
        word = first
    return ASCII_KEYS.get(word, word) if ascii_only else word


class PictureScreen(PaintedScreen[Any]):
    """A place, or a screen that covers one. Subclasses say what is in it."""

    PLACE: ClassVar[str] = ""
    MOUSE: ClassVar[str] = ""
    """What the mouse does here, for the list of keys."""

    def body(self, width: int, height: int) -> Picture:
        """The lines between the top line and the key line."""
        raise NotImplementedError

    def draw_all(self, width: int, height: int) -> Picture:
        """The whole screen."""
        return [
            top_line(self.PLACE, self.azul.run_words(), width),
            *crop(self.body(width, height - 2), width, height - 2),
            fit(key_line(self.keys(), width), width),
        ]

    def place_keys(self) -> str:
        """The keys that lead to the places from here."""
        return f"{PLACES[0][0]} to {PLACES[-1][0]}"

    def keys(self) -> list[tuple[str, str]]:
        """The keys of the bottom line: bindings that are shown and make sense now."""
        found: list[tuple[str, str]] = []
        for binding in self.own_bindings():
            if binding.show and self.check_action(binding.action.split("(")[0], ()):
                word = key_word(binding.key, ascii_only=self.azul.signs.ascii)
                found.append((word, self.describe(binding)))
        return found

    def describe(self, binding: Binding) -> str:
        """The words of a binding; a screen may change them with its state."""
        return binding.description

    def refusal(self, action: str) -> str:
        """Why `action` cannot be done now, in one sentence; empty when nobody would expect it."""
        del action
        return ""

    def on_key(self, event: events.Key) -> None:
        """A key that does nothing now says why instead of nothing."""
        for binding in self.own_bindings():
            action = binding.action.split("(")[0]
            if event.key in binding.key.split(",") and not self.check_action(action, ()):
                words = self.refusal(action)
                if words:
                    event.stop()
                    self.notify(words, timeout=REFUSAL_S)
                return

    def own_bindings(self) -> list[Binding]:
        """The bindings of this screen's class and the classes below it, nearest first."""
        found: dict[str, Binding] = {}
        for owner in type(self).__mro__:
            if owner is Screen:
                break
            entries = cast("list[Any]", owner.__dict__.get("BINDINGS", []))
            for entry in entries:
                binding = entry if isinstance(entry, Binding) else Binding(*entry)
                found.setdefault(binding.key, binding)
        return list(found.values())

    def on_run_advanced(self, _message: RunAdvanced) -> None:
        """Draw what is new."""
        self.redraw()

    def on_run_switched(self) -> None:
        """Draw the other run."""
        self.redraw()
