"""The editor of a position: a field for each part of its notation, the table as it lies below."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Label, Static

from azul_tui.errors import NotationError
from azul_tui.game.constants import COLOR_LETTERS, MAX_PLAYERS, TILES_PER_COLOR, factory_count
from azul_tui.game.notation import format_position, format_tiles, format_wall_row, parse_position
from azul_tui.game.violations import position_violations, tiles_in_play
from azul_tui.runs.text import plain_text
from azul_tui.tui.messages import LinePicked, TilePicked
from azul_tui.tui.screens.place import FramedScreen
from azul_tui.tui.spans import STYLES
from azul_tui.tui.widgets.board import FLOOR, Board, Table, fitted
from azul_tui.views.analysis import read_position

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from azul_tui.game.view import PositionView

TILES = "tiles as letters or with counts, BBYK or B2YK"
PARTS = (
    ("players", "azul", "how many play, 2 to 4"),
    ("round", "r", "the round, from 1"),
    ("move", "move:", "the player who is to move"),
    ("next", "next:", "the player who starts the next round"),
    ("factories", "", f"{TILES}, with / between factories"),
    ("centre", "", f"{TILES}; * is the first-player marker"),
    ("bag", "bag:", TILES),
    ("lid", "lid:", TILES),
)
"""Name of each part of a position in notation, the word before it, and what it takes."""
FACTORIES, CENTRE, BAG, SEATS = 4, 5, 6, 8
"""Numbers of fields."""
A_SEAT = "score, pattern lines, wall, floor: 12,B/Y2/-/-/-,B/YR/-/-/-,R*"
ROWS = (0, 4), (4, 5), (5, 8), *((at, at + 1) for at in range(SEATS, SEATS + MAX_PLAYERS))
"""The fields of each line of the form."""


def part_values(view: PositionView) -> list[str]:
    """What each part says of a position, then each seat; somebody is to move, as in all studied.

    A wall is told here as the tiles that lie in each row; what is left out is empty.
    """
    words = format_position(replace(view, phase="moving", end_reason="")).split()
    values = [w.removeprefix(part[1]) for w, part in zip(words[:SEATS], PARTS, strict=False)]
    for board in words[SEATS:]:
        score, lines, wall, floor = board.split(",")
        wall = "/".join(row.replace(".", "") or "-" for row in wall.split("/"))
        values.append(f"{score},{lines},{wall},{floor}")
    return values


def spelled(values: list[str]) -> str:
    """The position that the fields spell, as far as they spell one."""
    values = ["".join(value.split()) or "-" for value in values]
    players = int(values[0]) if values[0] in {"2", "3", "4"} else 2

    def rows(value: str, count: int) -> list[str]:
        found = [row.strip("-") or "-" for row in value.split("/")]
        return found + ["-"] * (count - len(found))

    def counted(row: re.Match[str]) -> str:
        return f"{row[1]}{len(row[0])}"

    def cells(row: str, at: int) -> str:
        if set(row) - set(f"{COLOR_LETTERS}-."):
            return row
        return re.sub(f"[^{row}]", ".", format_wall_row((True,) * 5, at))

    values[FACTORIES] = "/".join(rows(values[FACTORIES], factory_count(players)))
    words = [part[1] + value for part, value in zip(PARTS, values, strict=False)]
    for value in (values[SEATS:] + [""] * MAX_PLAYERS)[:players]:
        score, lines, wall, *floor = value.split(",") + [""] * (3 - value.count(","))
        walls = "/".join(cells(row, min(at, 4)) for at, row in enumerate(rows(wall, 5)))
        laid = "/".join(re.sub(r"^([BYRKW])\1*$", counted, row) for row in rows(lines, 5))
        words.append(f"{score.strip('-') or 0},{laid},{walls},{','.join(floor) or '-'}")
    return " ".join(words)


class Part(Input):
    """A field; letters that no position is spelled with are keys of the screen."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether it is to be typed."""
        typed = super().check_consume_key(key, character)
        return typed and str(character).upper() in f"{COLOR_LETTERS}0123456789/,*-."

    def on_key(self, event: events.Key) -> None:
        """Leave other letters to the screen."""
        if event.is_printable and not self.check_consume_key(event.key, event.character):
            event.prevent_default()

    def validate_value(self, value: str) -> str:
        """In capitals, as the notation is."""
        return value.upper()

    def on_paste(self, event: events.Paste) -> None:
        """Leave a whole position to the screen."""
        if "azul" in event.text:
            event.prevent_default()


class PositionEditor(FramedScreen["PositionView | None"]):
    """Answers with the position, None for escape.

    Args:
        view: Where the editing begins.
    """

    AUTO_FOCUS = ".factories"
    BINDINGS: ClassVar = [
        Binding("g,ctrl+s", "done", "look at it"),
        Binding("f", "fill_bag", "fill the bag"),
        Binding("u", "undo", "undo"),
        Binding("n", "clear", "an empty table"),
        Binding("escape", "dismiss", "back"),
        Binding("up", "app.focus_previous", "the field before", show=False),
        Binding("down", "app.focus_next", "the next field", show=False),
    ]

    def __init__(self, view: PositionView) -> None:
        super().__init__()
        self.values = part_values(view)
        """What the fields hold."""
        self.before: list[list[str]] = []
        """What they held before each change of the position."""
        self.view: PositionView | None = None
        """The position that they spell, None where they spell none."""
        self.wrong: list[str] = []
        self.fields: list[Part] = []

    def compose_body(self) -> ComposeResult:
        """The fields, what is wrong, and the table as it lies."""
        seats = [(f"player {seat}", "", A_SEAT) for seat in range(1, MAX_PLAYERS + 1)]
        with Container(id="setting-up"):
            with Vertical(id="fields", classes="panel"):
                for begin, end in ROWS:
                    with Horizontal(classes="seat" if begin >= SEATS else ""):
                        for name, _, takes in [*PARTS, *seats][begin:end]:
                            value = "".join(self.values[len(self.fields) :][:1])
                            number = len(self.fields) < FACTORIES
                            field = Part(value, "-", compact=True, select_on_focus=number,
                                         classes=name.split()[0])  # fmt: skip
                            field.cursor_blink, field.tooltip = False, Content(takes)
                            self.fields.append(field)
                            yield Label(name)
                            yield field
            with VerticalScroll(id="faults", classes="panel", can_focus=False):
                yield Static("", id="wrong-here", markup=False)
        yield Board(id="as-it-lies")

    def fill(self, values: list[str]) -> None:
        """Let the fields hold this; those of seats that nobody takes are empty."""
        for at, field in enumerate(self.fields):
            field.value = values[at] if at < len(values) else ""

    @on(Input.Changed)
    def changed(self) -> None:
        """Remember what was there, and look at what is there now."""
        values = [field.value for field in self.fields]
        if values == self.values:
            return
        if spelled(values) != spelled(self.values):
            self.before.append(self.values)
        self.values = values
        self.show()

    def on_resize(self) -> None:
        """Another size is another layout."""
        self.call_after_refresh(self.show)

    def on_descendant_focus(self) -> None:
        """Say what the field takes; where not all boards have room, the one edited is shown."""
        self.show()

    def show(self) -> None:
        """What the fields spell, and what is wrong with it."""
        try:
            self.view = parse_position(spelled(self.values))
            self.wrong = position_violations(self.view)
        except NotationError as error:
            self.view = None
            self.wrong = [plain_text(str(error).split(" of the position, ")[-1], 300)]
        told = [Content(f"! {fault}") for fault in self.wrong]
        at = next((at for at, field in enumerate(self.fields) if field.has_focus), FACTORIES)
        if self.view is not None:
            players, board = self.view.players, self.query_one(Board)
            for seat, row in enumerate(self.query(".seat")):
                row.display = seat < players
            there = Table(position=replace(self.view, to_move=self.view.to_move % players))
            title = "" if self.has_class("-narrow") else "as it lies"
            width, height = (size - 2 * bool(title) for size in board.size)
            seat = min(max(0, at - SEATS), players - 1)
            table, extent = fitted(there, width, height, self.azul.signs, seat)
            board.show(table if extent[1] else None, "no room for the table here", title=title)
            good = f"{self.azul.signs.finished} it can be; g looks at it"
            told = told or [Content.styled(good, STYLES["good"])]
        takes = PARTS[at][2] if at < SEATS else A_SEAT
        self.query_one("#faults").border_title = f"{len(self.wrong)} wrong" if self.wrong else ""
        told.append(Content.styled(takes, STYLES["quiet"]))
        self.show_text("#wrong-here", Content("\n").join(told))

    # -- to a field

    @on(TilePicked)
    def tile_picked(self, message: TilePicked) -> None:
        """A click on a tile of the table leads to the end of its factory, or of the centre."""
        centre = self.view is not None and message.source == len(self.view.factories)
        at = CENTRE if centre else FACTORIES
        self.go_to(at, "/".join(self.fields[at].value.split("/")[: message.source + 1]))

    @on(LinePicked)
    def line_picked(self, message: LinePicked) -> None:
        """A click on a line of the table leads to its end."""
        at = SEATS + message.seat
        value = self.fields[at].value
        score, lines, *_ = [*value.split(","), "", ""]
        line = f"{score},{'/'.join(lines.split('/')[: message.line + 1])}"
        self.go_to(at, value if message.line == FLOOR else line)

    def go_to(self, at: int, before: str) -> None:
        """Into a field, behind what begins it."""
        self.fields[at].focus()
        self.fields[at].cursor_position = len(before)

    # -- changing it

    def action_fill_bag(self) -> None:
        """Put into the bag what is missing to 20 of each colour."""
        if self.view is not None:
            played = zip(self.view.bag, tiles_in_play(self.view), strict=True)
            b, y, r, k, w = (max(0, bag + TILES_PER_COLOR - tiles) for bag, tiles in played)
            self.fields[BAG].value = format_tiles((b, y, r, k, w))

    def action_clear(self) -> None:
        """An empty table, all tiles in the bag."""
        self.fill([self.values[0], "1", "1", "1", "", "*", "B20Y20R20K20W20"])

    def action_undo(self) -> None:
        """What was there before the last change."""
        if self.before:
            self.values = self.before.pop()
            self.fill(self.values)
            self.show()

    def on_paste(self, event: events.Paste) -> None:
        """A pasted position is edited from there; wrong ones too, that is what this is for."""
        event.stop()
        try:
            self.fill(part_values(read_position(event.text)[0]))
        except NotationError as error:
            self.notify(plain_text(str(error), 300), severity="warning", markup=False)

    @on(Input.Submitted)
    def action_done(self) -> None:
        """Look at the position, unless it breaks a rule."""
        if self.wrong:
            words = f"it cannot be looked at: {self.wrong[0]}"
            self.notify(words, severity="warning", markup=False)
        else:
            self.dismiss(self.view)
