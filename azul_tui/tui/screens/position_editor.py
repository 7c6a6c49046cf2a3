"""The editor of a position: every field by keys, what breaks a rule named at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from azul_tui.errors import NotationError
from azul_tui.game.constants import COLOR_LETTERS, COLOR_NAMES
from azul_tui.runs.text import plain_text
from azul_tui.tui.analyse.setup import (
    Field,
    cleared,
    emptied,
    faults,
    field_rows,
    stepped,
    to_set_up,
    with_bag_filled,
    with_color,
)
from azul_tui.tui.analyse.setup_picture import SetupState, setup_body
from azul_tui.tui.analyse.setup_text import accepted, name_of, text_of, with_text
from azul_tui.tui.analyse.text import read_position, refusal
from azul_tui.tui.screens.place import PictureScreen

if TYPE_CHECKING:
    from textual import events

    from azul_tui.game.view import PositionView
    from azul_tui.tui.picture import Picture

MOST_UNDONE = 500


class PositionEditor(PictureScreen):
    """Answers with the position, None for escape.

    Args:
        view: Where the editing begins.
    """

    PLACE = "analyse"
    BINDINGS: ClassVar = [
        Binding("g,ctrl+s", "done", "look at it"),
        Binding("enter", "type", "type"),
        Binding("f", "fill_bag", "fill the bag"),
        Binding("u", "undo", "undo"),
        Binding("escape", "close", "leave"),
        *(
            Binding(letter.lower(), f"color({color}, 1)", f"a {name} tile more", show=False)
            for color, (letter, name) in enumerate(zip(COLOR_LETTERS, COLOR_NAMES, strict=True))
        ),
        *(
            Binding(letter, f"color({color}, -1)", f"a {name} tile less", show=False)
            for color, (letter, name) in enumerate(zip(COLOR_LETTERS, COLOR_NAMES, strict=True))
        ),
        Binding("plus,equals_sign", "step(1)", "one more, or the next", show=False),
        Binding("minus", "step(-1)", "one less, or the one before", show=False),
        Binding("pageup", "step(10)", "ten more", show=False),
        Binding("pagedown", "step(-10)", "ten less", show=False),
        Binding("delete,backspace", "empty", "empty it", show=False),
        Binding("n", "clear", "an empty table", show=False),
        Binding("up", "go(0, -1)", "up", show=False),
        Binding("down", "go(0, 1)", "down", show=False),
        Binding("left", "go(-1, 0)", "left", show=False),
        Binding("right,tab", "go(1, 0)", "right", show=False),
    ]

    def __init__(self, view: PositionView) -> None:
        super().__init__()
        self.view = to_set_up(view)
        self.at = Field("factory")
        self.message = ""
        self.before: list[PositionView] = []

    def body(self, width: int, height: int) -> Picture:
        """Fields, what is wrong, and the board."""
        state = SetupState(
            view=self.view,
            at=self.at,
            message=self.message,
            depth=self.azul.depth,
            signs=self.azul.signs,
        )
        return setup_body(state, width, height)

    def change(self, view: PositionView) -> None:
        """Go on with another position."""
        self.message = ""
        if view != self.view:
            self.before = [*self.before[-MOST_UNDONE:], self.view]
            self.view = view
            self._stay_on_the_table()
        self.redraw()

    def _stay_on_the_table(self) -> None:
        if not any(self.at in row for row in field_rows(self.view.players)):
            self.at = Field("players")

    def action_color(self, color: int, step: int) -> None:
        """A tile more or less."""
        self.change(with_color(self.view, self.at, color, step))

    def action_step(self, step: int) -> None:
        """The next value."""
        self.change(stepped(self.view, self.at, step))

    def action_empty(self) -> None:
        """Nothing in it."""
        self.change(emptied(self.view, self.at))

    def action_fill_bag(self) -> None:
        """Put into the bag what is missing to 20 of each colour."""
        self.change(with_bag_filled(self.view))

    def action_clear(self) -> None:
        """An empty table, all tiles in the bag."""
        self.change(cleared(self.view.players))

    def action_undo(self) -> None:
        """The position before the last change."""
        self.message = ""
        if self.before:
            self.view = self.before.pop()
            self._stay_on_the_table()
        self.redraw()

    def action_go(self, across: int, down: int) -> None:
        """To the next field."""
        rows = field_rows(self.view.players)
        row = next(number for number, fields in enumerate(rows) if self.at in fields)
        column = rows[row].index(self.at)
        if across:
            flat = [field for fields in rows for field in fields]
            self.at = flat[(flat.index(self.at) + across) % len(flat)]
        else:
            share = column / len(rows[row])
            row = min(max(0, row + down), len(rows) - 1)
            same = [f for f in rows[row] if f.kind == self.at.kind and f.seat == self.at.seat]
            self.at = same[0] if same else rows[row][int(share * len(rows[row]))]
        self.redraw()

    def action_type(self) -> None:
        """Type the field's value, checked while it is typed."""
        from azul_tui.tui.screens.prompt import PromptScreen

        field = self.at

        def check(text: str) -> str | None:
            try:
                with_text(self.view, field, text)
            except NotationError as error:
                return plain_text(str(error), 200)
            return None

        def answered(text: str | None) -> None:
            if text is not None:
                self.change(with_text(self.view, field, text))

        note = f"Accepted: {accepted(field)}."
        value = text_of(self.view, field)
        self.azul.push_screen(PromptScreen(name_of(field), note, value, check), answered)

    def on_paste(self, event: events.Paste) -> None:
        """A pasted position is edited from there; wrong ones too, that is what this is for."""
        event.stop()
        try:
            given = read_position(event.text)
        except NotationError as error:
            self.message = plain_text(str(error), 300)
            self.redraw()
            return
        self.change(to_set_up(given.view))

    def action_done(self) -> None:
        """Look at the position, unless it breaks a rule."""
        wrong = faults(self.view)
        if wrong:
            self.message = f"it cannot be looked at: {refusal(tuple(wrong))}"
            self.redraw()
            return
        self.dismiss(self.view)

    def action_close(self) -> None:
        """Leave without a position."""
        self.dismiss(None)
