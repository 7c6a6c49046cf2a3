"""One line of text asked for, checked while it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult


class PromptScreen(ModalScreen[str]):
    """Answers with the text, None for escape.

    Args:
        title: What is asked for.
        explanation: What would be accepted, shown below.
        value: What stands there at first.
        check: Says in words what is wrong with a text, None when nothing is.
        typed: Told of every acceptable text while it is typed.
    """

    DEFAULT_CSS = """
    PromptScreen { align: center bottom; background: $background 20%; }
    PromptScreen Vertical { height: auto; width: 100%; background: $panel; padding: 0 1; }
    PromptScreen Input, PromptScreen Input:focus {
        border: none; height: 1; padding: 0; background: $surface;
    }
    PromptScreen Static { height: auto; }
    """
    BINDINGS: ClassVar = [Binding("escape", "close", "close", show=False)]

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
        self.value = value
        self.check = check
        self.typed = typed

    def compose(self) -> ComposeResult:
        """Title, the line, and what is wrong with it."""
        with Vertical():
            yield Static(self.prompt_title, markup=False)
            field = Input(value=self.value, id="line", select_on_focus=False)
            field.cursor_blink = False
            yield field
            yield Static(self.explanation, markup=False, id="note")

    def on_mount(self) -> None:
        """Start typing at once."""
        self.query_one("#line", Input).focus()

    def problem(self, text: str) -> str | None:
        """What is wrong with `text`, in words."""
        return self.check(text) if self.check is not None else None

    def on_input_changed(self, event: Input.Changed) -> None:
        """Check while typing."""
        problem = self.problem(event.value)
        self.query_one("#note", Static).update(problem or self.explanation)
        if problem is None and self.typed is not None:
            self.typed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter answers, unless something is wrong."""
        if self.problem(event.value) is None:
            self.dismiss(event.value)

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
