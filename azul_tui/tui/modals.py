"""Boxes over a screen: choose an answer, enter a value, pick from a list.

Escape costs about a tenth of a second in a terminal, so every box also closes by a letter, a
button or a click beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList
from textual.widgets.option_list import Option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events
    from textual.app import ComposeResult


class Choose(ModalScreen[str]):
    """A question with answers, each a letter and a button; `safe` is what escape means.

    Args:
        question: One line.
        detail: What follows from it; may be empty.
        answers: `(letter, words)` each.
        safe: The letter of the answer that changes nothing.
    """

    BINDINGS: ClassVar = [Binding("escape", "safe", "back", show=False)]

    def __init__(
        self, question: str, detail: str, answers: Sequence[tuple[str, str]], safe: str
    ) -> None:
        super().__init__()
        self.question, self.detail = question, detail
        self.answers = list(answers)
        self.safe = safe

    def compose(self) -> ComposeResult:
        """The question above its answers."""
        with Vertical(classes="box"):
            yield Label(self.question, markup=False, classes="question")
            if self.detail:
                yield Label(self.detail, markup=False, classes="detail")
            for letter, words in self.answers:
                text = Content.styled(letter, "bold") + Content(f"  {words}")
                yield Button(text, id=f"answer-{letter}", compact=True)

    def on_mount(self) -> None:
        """Begin at the answer that changes nothing."""
        self.query_one(f"#answer-{self.safe}").focus()

    def on_key(self, event: events.Key) -> None:
        """A letter answers; up and down move between the answers."""
        if event.character and event.character in {letter for letter, _ in self.answers}:
            event.stop()
            self.dismiss(event.character)
        elif event.key in {"up", "down"}:
            event.stop()
            self.focus_next() if event.key == "down" else self.focus_previous()

    @on(Button.Pressed)
    def answer(self, event: Button.Pressed) -> None:
        """A button answers."""
        event.stop()
        self.dismiss((event.button.id or "").removeprefix("answer-"))

    def on_click(self, event: events.Click) -> None:
        """Beside the box: the answer that changes nothing."""
        if event.widget is self:
            self.action_safe()

    def action_safe(self) -> None:
        """The answer that changes nothing."""
        self.dismiss(self.safe)


class AskValue(ModalScreen[str | None]):
    """One value in an input; None when it was left.

    Args:
        question: What is asked.
        value: What stands there at first.
        help_text: What would do; may be empty.
        check: Says what is wrong with a value; empty for a good one.
    """

    BINDINGS: ClassVar = [Binding("escape", "leave", "back", show=False)]

    def __init__(
        self,
        question: str,
        value: str = "",
        *,
        help_text: str = "",
        check: Callable[[str], str] = lambda _text: "",
    ) -> None:
        super().__init__()
        self.question, self.value, self.help_text, self.check = question, value, help_text, check

    def compose(self) -> ComposeResult:
        """Question, input, what is wrong."""
        with Vertical(classes="box"):
            yield Label(self.question, markup=False, classes="question")
            if self.help_text:
                yield Label(self.help_text, markup=False, classes="detail")
            yield Input(self.value, id="value")
            yield Label("", markup=False, id="wrong")
            with Horizontal(classes="buttons"):
                yield Button("OK", id="ok", compact=True, variant="primary")
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Begin in the input."""
        self.query_one(Input).focus()

    @on(Input.Changed)
    def say_wrong(self, event: Input.Changed) -> None:
        """What is wrong is said while typing."""
        self.query_one("#wrong", Label).update(self.check(event.value))

    @on(Input.Submitted)
    @on(Button.Pressed, "#ok")
    def submit(self) -> None:
        """Take the value when it is a good one."""
        value = self.query_one(Input).value
        if not self.check(value):
            self.dismiss(value)

    @on(Button.Pressed, "#cancel")
    def action_leave(self) -> None:
        """Leave without a value."""
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """Beside the box."""
        if event.widget is self:
            self.dismiss(None)


class Pick(ModalScreen[str | None]):
    """One of many, found by typing; None when it was left.

    Args:
        question: What is asked.
        choices: `(key, words)` each; the key is the result.
        chosen: The key under the cursor at first.
        free: Whether text that is no choice may be entered: it is the result then.
    """

    BINDINGS: ClassVar = [
        Binding("escape", "leave", "back", show=False),
        Binding("down", "move('down')", show=False, priority=True),
        Binding("up", "move('up')", show=False, priority=True),
    ]

    def __init__(
        self, question: str, choices: Sequence[tuple[str, str]], chosen: str = "", *,
        free: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.question = question
        self.choices = list(choices)
        self.chosen, self.free = chosen, free
        self.shown: list[str] = []

    def compose(self) -> ComposeResult:
        """A filter over a list."""
        with Vertical(classes="box tall"):
            yield Label(self.question, markup=False, classes="question")
            yield Input(placeholder="type to filter", id="filter")
            yield OptionList(markup=False)

    def on_mount(self) -> None:
        """Begin at what is chosen now."""
        self.fill("")
        self.query_one(Input).focus()
        if self.chosen in self.shown:
            self.query_one(OptionList).highlighted = self.shown.index(self.chosen)

    def fill(self, text: str) -> None:
        """Show the choices that hold every word of `text`."""
        wanted = text.lower().split()
        found = [
            (key, words)
            for key, words in self.choices
            if all(word in f"{key} {words}".lower() for word in wanted)
        ]
        self.shown = [key for key, _ in found]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(words) for _, words in found])
        options.highlighted = 0 if found else None

    @on(Input.Changed)
    def filter(self, event: Input.Changed) -> None:
        """Narrow the list while typing."""
        self.fill(event.value)

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        """The choice under the cursor, or the text itself."""
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self.shown):
            self.dismiss(self.shown[at])
        elif self.free and event.value:
            self.dismiss(event.value)

    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionSelected) -> None:
        """A click or enter in the list."""
        self.dismiss(self.shown[event.option_index])

    def action_move(self, direction: str) -> None:
        """Move in the list while the input keeps the keys."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if direction == "down" else options.action_cursor_up()

    def action_leave(self) -> None:
        """Leave without a choice."""
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """Beside the box."""
        if event.widget is self:
            self.dismiss(None)
