"""Boxes over a screen: choose an answer, enter a value, pick from a list, read all keys.

Escape costs about a tenth of a second in a terminal, so every box also closes by a letter, a
button or a click beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events
    from textual.app import App, ComposeResult

MOUSE = "click: places, rows, titles, keys. In a chart: click cursor, drag pan, wheel zoom."
Answer = TypeVar("Answer")


class Box(ModalScreen[Answer], Generic[Answer]):
    """A box that escape, and a click beside it, leaves with the answer that changes nothing."""

    BINDINGS: ClassVar = [Binding("escape", "leave", "back", show=False)]
    safe: Any = None

    def __init__(self, question: str, detail: str = "") -> None:
        super().__init__()
        # Boxes look the same at every size: classes by size would style and lay them out twice.
        self.HORIZONTAL_BREAKPOINTS = self.VERTICAL_BREAKPOINTS = []
        self.question, self.detail = question, detail

    def head(self) -> ComposeResult:
        """The question, and what follows from it."""
        yield Label(self.question, markup=False, classes="question")
        if self.detail:
            yield Label(self.detail, markup=False, classes="detail")

    def on_click(self, event: events.Click) -> None:
        """Beside the box."""
        if event.widget is self:
            self.action_leave()

    def action_leave(self) -> None:
        """The answer that changes nothing."""
        self.dismiss(self.safe)


class Choose(Box[str]):
    """A question with answers, each a letter and a button.

    Args:
        question: One line.
        detail: What follows from it; may be empty.
        answers: `(letter, words)` each.
        safe: The letter of the answer that changes nothing.
    """

    def __init__(
        self, question: str, detail: str, answers: Sequence[tuple[str, str]], safe: str
    ) -> None:
        super().__init__(question, detail)
        self.answers, self.safe = dict(answers), safe

    def compose(self) -> ComposeResult:
        """The question above its answers."""
        with Vertical(classes="box"):
            yield from self.head()
            for letter, words in self.answers.items():
                text = Content.styled(letter, "bold") + Content(f"  {words}")
                yield Button(text, id=f"answer-{letter}", compact=True)

    def on_mount(self) -> None:
        """Begin at the answer that changes nothing."""
        self.query_one(f"#answer-{self.safe}").focus()

    def on_key(self, event: events.Key) -> None:
        """A letter answers; up and down move between the answers."""
        if event.character in self.answers:
            self.dismiss(event.character)
        elif event.key in {"up", "down"}:
            self.focus_next() if event.key == "down" else self.focus_previous()
        else:
            return
        event.stop()

    @on(Button.Pressed)
    def answer(self, event: Button.Pressed) -> None:
        """A button answers."""
        event.stop()
        self.dismiss((event.button.id or "").removeprefix("answer-"))


class AskValue(Box[str | None]):
    """One value in an input; None when it was left.

    Args:
        question: What is asked.
        value: What stands there at first.
        help_text: What would do; may be empty.
        check: Says what is wrong with a value; empty for a good one.
    """

    def __init__(
        self,
        question: str,
        value: str = "",
        *,
        help_text: str = "",
        check: Callable[[str], str] = lambda _text: "",
    ) -> None:
        super().__init__(question, help_text)
        self.value, self.check = value, check

    def compose(self) -> ComposeResult:
        """Question, input, what is wrong."""
        with Vertical(classes="box"):
            yield from self.head()
            yield Input(self.value, id="value")
            yield Label("", markup=False, id="wrong")
            with Horizontal(classes="buttons"):
                yield Button("OK", id="ok", compact=True, variant="primary")
                yield Button("Cancel", id="cancel", compact=True)

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
    def cancel(self) -> None:
        """Leave without a value."""
        self.action_leave()


class Pick(Box[str | None]):
    """One of many, found by typing; None when it was left.

    Args:
        question: What is asked.
        choices: `(key, words)` each; the key is the result.
        chosen: The key under the cursor at first.
        free: Whether text that is no choice may be entered: it is the result then.
    """

    BINDINGS: ClassVar = [
        Binding("down", "move('down')", show=False, priority=True),
        Binding("up", "move('up')", show=False, priority=True),
    ]

    def __init__(
        self, question: str, choices: Sequence[tuple[str, str]], chosen: str = "", *,
        free: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(question)
        self.choices, self.chosen, self.free = dict(choices), chosen, free

    def compose(self) -> ComposeResult:
        """A filter over a list."""
        with Vertical(classes="box tall"):
            yield from self.head()
            yield Input(placeholder="type to filter", id="filter")
            yield OptionList(markup=False)

    def on_mount(self) -> None:
        """Begin at what is chosen now."""
        self.fill("")
        if self.chosen in self.choices:
            self.query_one(OptionList).highlighted = list(self.choices).index(self.chosen)

    def fill(self, text: str) -> None:
        """Show the choices that hold every word of `text`."""
        wanted = text.lower().split()
        options = self.query_one(OptionList)
        options.set_options(
            Option(words, key)
            for key, words in self.choices.items()
            if all(word in f"{key} {words}".lower() for word in wanted)
        )
        options.highlighted = 0 if options.option_count else None

    @on(Input.Changed)
    def filter(self, event: Input.Changed) -> None:
        """Narrow the list while typing."""
        self.fill(event.value)

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        """The choice under the cursor, or the text itself."""
        option = self.query_one(OptionList).highlighted_option
        if option is not None or (self.free and event.value):
            self.dismiss(option.id if option is not None else event.value)

    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionSelected) -> None:
        """A click or enter in the list."""
        self.dismiss(event.option_id)

    def action_move(self, direction: str) -> None:
        """Move in the list while the input keeps the keys."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if direction == "down" else options.action_cursor_up()


class Keys(Box[None]):
    """The keys of `screen`, from its bindings, those of its focused part first."""

    BINDINGS: ClassVar = [Binding("question_mark,q", "leave", "close", show=False)]

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__("All keys here")
        display = cast("App[Any]", screen.app).get_key_display
        by_action: dict[tuple[int, str], tuple[list[str], str]] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.description and active.enabled:
                found = by_action.setdefault(
                    (id(active.node), binding.action), ([], binding.description)
                )
                if (name := display(binding)) not in found[0]:
                    found[0].append(name)
        self.rows = [(", ".join(names), words) for names, words in by_action.values()]

    def compose(self) -> ComposeResult:
        """A list that scrolls."""
        longest = max((len(keys) for keys, _ in self.rows), default=0)
        lines = [
            Content.styled(f"{keys:>{longest}}", "bold $primary") + Content(f"  {words}")
            for keys, words in self.rows
        ]
        with VerticalScroll(classes="box tall"):
            yield from self.head()
            yield Static(Content("\n").join(lines), markup=False)
            yield Static(f"\n{MOUSE}\n?, esc or q closes.", classes="detail", markup=False)
