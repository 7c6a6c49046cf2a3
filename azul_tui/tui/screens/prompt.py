"""One line of text asked for, checked while it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.tui.forms.line import LineEditor
from azul_tui.tui.picture import Line, Picture, crop, fit, laid_at, wrapped
from azul_tui.tui.screens.box import OverScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events

MOST_NOTE = 6
"""Lines that an explanation may take."""


class PromptScreen(OverScreen[str]):
    """Answers with the text, None for escape.

    Args:
        title: What is asked for.
        explanation: What would be accepted, shown below.
        value: What stands there at first; the first letter that is typed replaces it.
        check: Says in words what is wrong with a text, None when nothing is.
        typed: Told of every acceptable text while it is typed.
    """

    def __init__(
        self,
        title: str,
        explanation: str = "",
        value: str = "",
        check: Callable[[str], str | None] | None = None,
        typed: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__()
        self.prompt_title = title
        self.explanation = explanation
        self.check = check
        self.typed = typed
        self.line = LineEditor(value, len(value), fresh=bool(value))
        self._answered = False

    @property
    def value(self) -> str:
        """What stands in the line."""
        return self.line.text

    def problem(self, text: str) -> str | None:
        """What is wrong with `text`, in words."""
        return self.check(text) if self.check is not None else None

    def keys(self) -> Line:
        """The keys of the bottom line."""
        return ((" enter", "key"), (" done", ""), ("   esc", "key"), (" leave it", ""))

    def draw_all(self, width: int, height: int) -> Picture:
        """What lies below, and over its end the title, the line and what is wrong with it."""
        problem = self.problem(self.value)
        room = max(1, width - 2)
        note = wrapped(problem or self.explanation, room, "warning" if problem else "quiet")
        rule = (self.azul.signs.horizontal * width, "frame.focus")
        content: Picture = [(rule,), ((f" {self.prompt_title}", "title"),)]
        content.append(((" ", ""), *self.line.drawn(max(1, width - 2)), (" ", "")))
        content.extend(((" ", ""), *line) for line in note[:MOST_NOTE])
        content.append(self.keys())
        content = content[-height:]
        lines = [fit(line, width) for line in content]
        return laid_at(crop(self.lines_below(), width, height), lines, height - len(lines), 0)

    def on_key(self, event: events.Key) -> None:
        """Edit the line; enter answers, unless something is wrong."""
        if event.key == "enter":
            event.stop()
            if not self._answered and self.problem(self.value) is None:
                self._answered = True
                self.dismiss(self.value)
            return
        before = self.value
        if self.line.press(event.key, event.character):
            event.stop()
            self._edited(before)

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted is typed."""
        event.stop()
        before = self.value
        self.line.insert(event.text)
        self._edited(before)

    def _edited(self, before: str) -> None:
        text = self.value
        if text != before and self.typed is not None and self.problem(text) is None:
            self.typed(text)
        self.redraw()
