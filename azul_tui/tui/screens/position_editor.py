"""The editor of a position: every field by keys and mouse, what breaks a rule named at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from azul_tui.errors import NotationError
from azul_tui.game.constants import COLOR_LETTERS, COLOR_NAMES, TILES_PER_COLOR
from azul_tui.game.violations import position_violations
from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import LinePicked, TilePicked
from azul_tui.tui.screens.place import FramedScreen
from azul_tui.tui.spans import STYLES
from azul_tui.tui.widgets.board import Board, Table, fitted
from azul_tui.views import setup
from azul_tui.views.analysis import read_position, refusal
from azul_tui.views.setup import Field

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from azul_tui.game.view import PositionView

MOST_UNDONE = 500
TILES = {
    f"tile.{letter}": f"bold $tile-{name}-letter on $tile-{name}"
    for letter, name in (*zip(COLOR_LETTERS, COLOR_NAMES, strict=True), ("1", "marker"))
}

CHOSEN = "bold $background on $primary"


class PositionEditor(FramedScreen["PositionView | None"]):
    """Answers with the position, None for escape.

    Args:
        view: Where the editing begins.
    """

    BINDINGS: ClassVar = [
        Binding("g,ctrl+s", "done", "look at it"),
        Binding("enter", "type", "type"),
        Binding("f", "fill_bag", "fill the bag"),
        Binding("u", "undo", "undo"),
        Binding("escape", "leave", "back"),
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
        Binding("left,shift+tab", "go(-1, 0)", "left", show=False),
        Binding("right,tab", "go(1, 0)", "right", show=False),
    ]

    def __init__(self, view: PositionView) -> None:
        super().__init__()
        # One in which somebody is to move, which is what can be looked at.
        self.view = replace(view, phase="moving", end_reason="")
        self.at = Field("factory")
        self.before: list[PositionView] = []

    def compose_body(self) -> ComposeResult:
        """The fields, what is wrong, and the table as it lies."""
        with Container(id="setting-up"):
            with VerticalScroll(id="fields", classes="panel"):
                yield Static("", id="form", markup=False)
            with VerticalScroll(id="faults", classes="panel"):
                yield Static("", id="wrong-here", markup=False)
        yield Board(id="as-it-lies")

    def on_mount(self) -> None:
        """The keys are the screen's: nothing is focused."""
        for panel in self.query(VerticalScroll):
            panel.can_focus = False

    def on_resize(self) -> None:
        """Another size is another layout."""
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Everything anew."""
        signs = self.azul.signs
        width = max(24, self.query_one("#form").size.width)
        rows = setup.form_rows(self.view, self.at, width, signs.pointer, signs.empty_cell)
        lines: list[Content] = []
        for row in rows:
            pieces: list[Content] = []
            for text, role, at in row:
                style = TILES.get(role) or STYLES.get(role, "")
                piece = Content.styled(text, CHOSEN if at and at == self.at else style)
                # A link would take its colour from the stylesheet, and tiles have their own.
                pieces.append(piece.stylize(Style.from_meta({"field": at})) if at else piece)
            lines.append(Content("").join(pieces))
        self.query_one("#form", Static).update(Content("\n").join(lines))
        fields = self.query_one("#fields")
        fields.border_title = Content.styled(f"position   {setup.name_of(self.at)}", "bold")
        self._show_faults()
        board = self.query_one(Board)
        width, height = board.size.width - 2, board.size.height - 2
        table, extent = fitted(Table(position=self.view), width, height, signs, self.at.seat)
        if extent[1]:
            board.show(table, title="as it lies")
        else:
            board.show(None)

    def _show_faults(self) -> None:
        wrong = position_violations(self.view)
        balance = [Content.styled("tiles  ", "$foreground 60%")]
        for letter, tiles in zip(COLOR_LETTERS, setup.tiles_in_play(self.view), strict=True):
            style = "" if tiles == TILES_PER_COLOR else STYLES["warning"]
            balance.append(Content.styled(letter, TILES[f"tile.{letter}"]))
            balance.append(Content.styled(f" {tiles}  ", style))
        told = [Content("").join(balance)]
        told += [Content(f"! {fault}") for fault in wrong] or [
            Content.styled("g looks at it", "bold")
        ]
        told += [Content(""), Content.styled(setup.keys_words(self.at), "$foreground 60%")]
        self.query_one("#wrong-here", Static).update(Content("\n").join(told))
        title = Content.styled(f"{len(wrong)} wrong", STYLES["alert"])
        if not wrong:
            title = Content.styled(f"{self.azul.signs.finished} it can be", STYLES["good"])
        self.query_one("#faults").border_title = title

    # -- changing it

    def change(self, view: PositionView) -> None:
        """Go on with another position."""
        if view != self.view:
            self.before = [*self.before[-MOST_UNDONE:], self.view]
            self.view = view
        self._stay_on_the_table()

    def _stay_on_the_table(self) -> None:
        if not any(self.at in row for row in setup.field_rows(self.view.players)):
            self.at = Field("players")
        self.show()

    def action_color(self, color: int, step: int) -> None:
        """A tile more or less."""
        self.change(setup.with_color(self.view, self.at, color, step))

    def action_step(self, step: int) -> None:
        """The next value."""
        self.change(setup.stepped(self.view, self.at, step))

    def action_empty(self) -> None:
        """Nothing in it."""
        self.change(setup.emptied(self.view, self.at))

    def action_fill_bag(self) -> None:
        """Put into the bag what is missing to 20 of each colour."""
        self.change(setup.with_bag_filled(self.view))

    def action_clear(self) -> None:
        """An empty table, all tiles in the bag."""
        self.change(setup.cleared(self.view.players))

    def action_undo(self) -> None:
        """The position before the last change."""
        if self.before:
            self.view = self.before.pop()
            self._stay_on_the_table()

    def action_type(self) -> None:
        """Type the field's value, checked while it is typed."""
        from azul_tui.tui.modals import AskValue

        at = self.at

        def check(text: str) -> str:
            try:
                setup.with_text(self.view, at, text)
            except NotationError as error:
                return plain_text(str(error), 200)
            return ""

        def answered(text: str | None) -> None:
            if text is not None:
                self.change(setup.with_text(self.view, at, text))

        value = setup.text_of(self.view, at)
        name, help_text = setup.name_of(at), setup.accepted(at)
        self.azul.push_screen(AskValue(name, value, help_text=help_text, check=check), answered)

    def on_paste(self, event: events.Paste) -> None:
        """A pasted position is edited from there; wrong ones too, that is what this is for."""
        event.stop()
        try:
            given = read_position(event.text)
        except NotationError as error:
            self.notify(plain_text(str(error), 300), severity="warning", markup=False)
        else:
            self.change(replace(given.view, phase="moving", end_reason=""))

    # -- to another field

    def action_go(self, across: int, down: int) -> None:
        """To the next field."""
        rows = setup.field_rows(self.view.players)
        row = next(number for number, fields in enumerate(rows) if self.at in fields)
        if across:
            flat = [field for fields in rows for field in fields]
            self.at = flat[(flat.index(self.at) + across) % len(flat)]
        else:
            share = rows[row].index(self.at) / len(rows[row])
            below = rows[min(max(0, row + down), len(rows) - 1)]
            same = [f for f in below if f.kind == self.at.kind and f.seat == self.at.seat]
            self.at = same[0] if same else below[int(share * len(below))]
        self.show()

    def on_click(self, event: events.Click) -> None:
        """A click chooses a field."""
        at = event.style.meta.get("field")
        if at is not None:
            self.at = Field(*at)
            self.show()

    @on(TilePicked)
    def tile_picked(self, message: TilePicked) -> None:
        """A click on a tile of the table."""
        message.stop()
        centre = message.source == len(self.view.factories)
        self.at = Field("centre") if centre else Field("factory", number=message.source)
        self.show()

    @on(LinePicked)
    def line_picked(self, message: LinePicked) -> None:
        """A click on a line of the table."""
        message.stop()
        floor = message.line == len(self.view.boards[0].lines)
        self.at = (
            Field("floor", message.seat) if floor else Field("line", message.seat, message.line)
        )
        self.show()

    # -- out of here

    def action_done(self) -> None:
        """Look at the position, unless it breaks a rule."""
        wrong = position_violations(self.view)
        if wrong:
            words = f"it cannot be looked at: {refusal(wrong)}"
            self.notify(words, severity="warning", markup=False)
        else:
            self.dismiss(self.view)

    def action_leave(self) -> None:
        """Leave without a position."""
        self.dismiss(None)
