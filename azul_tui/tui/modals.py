"""Boxes over a screen: choose an answer, enter a value, pick from a list, read all keys.

Escape costs about a tenth of a second in a terminal, so every box also closes by a letter, a
button or a click beside it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.visual import Visual, visualize
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events
    from textual.app import App, ComposeResult
    from textual.binding import ActiveBinding
    from textual.css.styles import RulesMap
    from textual.strip import Strip
    from textual.style import Style
    from textual.visual import RenderOptions

MOUSE = "click: places, rows, titles, keys. In a chart: click cursor, drag pan, wheel zoom."
BEHIND_S = 0.3
"""Seconds for which what lies behind a box is taken to be the same."""
Answer = TypeVar("Answer")


class Behind(Visual):
    """What the library draws of the screen behind a box, drawn once.

    Drawing and dimming all of its cells is most of what opening a box costs, and the library asks
    for it at every step of laying the box out, five times.
    """

    def __init__(self, drawn: Visual, key: object) -> None:
        self.drawn, self.key, self.t = drawn, key, time.monotonic()
        self.strips: list[Strip] = []

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        """The lines as they were drawn first."""
        self.strips = self.strips or self.drawn.render_strips(width, height, style, options)
        return self.strips

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """As the library has it."""
        return self.drawn.get_optimal_width(rules, container_width)

    def get_height(self, rules: RulesMap, width: int) -> int:
        """As the library has it."""
        return self.drawn.get_height(rules, width)


class Box(ModalScreen[Answer], Generic[Answer]):
    """A box that escape, and a click beside it, leaves with the answer that changes nothing."""

    BINDINGS: ClassVar = [Binding("escape", "leave", "back", show=False)]
    safe: Any = None

    def __init__(self, question: str, detail: str = "") -> None:
        super().__init__()
        # Boxes look the same at every size: classes by size would style and lay them out twice.
        self.HORIZONTAL_BREAKPOINTS = self.VERTICAL_BREAKPOINTS = []
        head = Content.styled(question, "bold")
        if detail:
            head += Content("\n\n" if question else "") + Content.styled(detail, "$text-muted")
        self._behind: Behind | None = None
        self.head = Static(head, markup=False, classes="head")

    def render(self) -> Any:
        """What lies behind the box; as it was a moment ago, where the size has not changed."""
        key, before = (self.size, cast("App[Any]", self.app).theme), self._behind
        if before is None or before.key != key or time.monotonic() - before.t > BEHIND_S:
            self._behind = before = Behind(visualize(self, super().render()), key)
        return before

    def on_click(self, event: events.Click) -> None:
        """Beside the box."""
        if event.widget is self:
            self.action_leave()

    def action_leave(self) -> None:
        """The answer that changes nothing."""
        self.dismiss(self.safe)


class Choose(Box[str]):
    """A question with answers, `(letter, words)` each; the `safe` one changes nothing."""

    def __init__(
        self, question: str, detail: str, answers: Sequence[tuple[str, str]], safe: str
    ) -> None:
        super().__init__(question, detail)
        self.answers, self.safe = dict(answers), safe

    def compose(self) -> ComposeResult:
        """The question above its answers."""
        with Vertical(classes="box"):
            yield self.head
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

    `check` says what is wrong with a value; nothing for a good one.
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
            yield self.head
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
    def action_leave(self) -> None:
        """Leave without a value."""
        self.dismiss(None)


class Pick(Box[str | None]):
    """One of many `(key, words)`, found by typing: its key; None when it was left.

    `chosen` is under the cursor at first. Where it is `free`, text that is no choice is a result.
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
            yield self.head
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
        getattr(self.query_one(OptionList), f"action_cursor_{direction}")()


class Keys(Box[None]):
    """The keys of `screen`: ours, those of the focused part first, then the library's."""

    BINDINGS: ClassVar = [Binding("question_mark,q", "leave", "close", show=False)]

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__("All keys here")
        display = cast("App[Any]", screen.app).get_key_display
        found: tuple[dict[str, list[str]], dict[str, list[str]]] = ({}, {})
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.description and active.enabled:
                words = binding.description[0].lower() + binding.description[1:]
                names = found[not is_ours(active)].setdefault(words, [])
                if (name := display(binding)) not in names:
                    names.append(name)
        rows = [(", ".join(names), words) for part in found for words, names in part.items()]
        longest = max((len(keys) for keys, _ in rows), default=0)
        self.rows = Content("\n").join(
            Content.styled(f"{keys:>{longest}}", "bold $primary") + Content(f"  {words}")
            for keys, words in rows
        )

    def compose(self) -> ComposeResult:
        """A list that scrolls."""
        last = Content.styled(f"\n\n{MOUSE}\n?, esc or q closes.", "$text-muted")
        with VerticalScroll(classes="box tall"):
            yield self.head
            yield Static(self.rows + last, markup=False)


def is_ours(active: ActiveBinding) -> bool:
    """Whether a key is bound by a class of this program, and not of the library."""
    own = (c for c in type(active.node).__mro__ if c.__module__.startswith("azul_tui"))
    actions = {b.action for c in own for b in vars(c).get("BINDINGS", ()) if isinstance(b, Binding)}
    return active.binding.action in actions
