"""The Azul table for 2 to 4 players: factories, centre, boards; as large as there is room.

Tiles carry letters as well as colours. Seats, sources, colours and lines count from 0, as in
`azul_tui.game.view`; source F (the number of factories) is the centre, line 5 the floor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from azul_tui.game.constants import COLOR_COUNT, COLOR_LETTERS, COLOR_NAMES, FLOOR_PENALTIES
from azul_tui.game.view import wall_color
from azul_tui.tui.messages import LinePicked, TilePicked
from azul_tui.tui.spans import framed
from azul_tui.tui.widgets.canvas import Canvas
from azul_tui.views.words import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from azul_tui.game.view import PositionView
    from azul_tui.views.signs import Signs
    from azul_tui.views.words import Spans

FLOOR = 5
_NAMES: dict[str, str] = dict(zip((*COLOR_LETTERS, "1"), (*COLOR_NAMES, "marker"), strict=True))


class Target(NamedTuple):
    """What a cell of the table stands for: a tile of a source, or a line of a seat."""

    kind: str
    """`tile` (source, colour) or `line` (seat, line)."""
    first: int
    second: int


Cell = tuple[str, str, Target | None]
"""A character, its role, and what it stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What the widget shows."""

    position: PositionView
    names: tuple[str, ...] = ()
    """Of the seats; players by number where there is none."""
    near: int | None = None
    """The seat whose board stands left and is drawn largest; None keeps the order of seats."""
    boards: tuple[int, ...] = ()
    """Seats whose boards are drawn, in this order; empty for all."""
    lit: frozenset[Target] = frozenset()
    """What may be chosen now: all else is dimmed, unless nothing is lit."""
    chosen: frozenset[Target] = frozenset()
    """What has been chosen so far."""
    under: Target | None = None
    """What the mouse is over."""
    notes: tuple[str, ...] = ()
    """Lines below the table: the last move, say."""


class Board(Canvas):
    """Shows a `Table`; a click on a tile or a line posts `TilePicked` or `LinePicked`."""

    LOOKS: ClassVar = {
        **{f"tile-{name}": f"bold $tile-{name}-letter on $tile-{name}" for name in _NAMES.values()},
        "wall-blue": "$tile-blue 80% on $tile-blue 14%",
        "wall-yellow": "$tile-yellow 75% on $tile-yellow 14%",
        "wall-red": "$tile-red 80% on $tile-red 14%",
        "wall-black": "$foreground 45% on $tile-black 22%",
        "wall-white": "$foreground 55% on $tile-white 14%",
        "slot": "$foreground 35% on $foreground 8%",
        "slot-lit": "bold $foreground on $primary 40%",
        "slot-under": "bold $foreground on $primary 70%",
        "frame": "$foreground 25%",
        "quiet": "$ink 60%",
        "strong": "bold",
        "now": "bold $primary",
        "lit": "bold underline",
        "chosen": "bold underline",
        "under": "bold reverse",
    }

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.table: Table | None = None
        self.hovers = False
        """Whether what a click would choose lights up under the mouse."""
        self.title = self.notice = ""
        """What stands in the frame (without it there is none), and what where there is no table."""
        self._under: Target | None = None
        self._cells: list[list[Cell]] = []

    def show(self, table: Table | None, notice: str = "", *, title: str = "") -> None:
        """Show this position, or say why there is none; with a title in a frame."""
        if (table, notice, title) != (self.table, self.notice, self.title):
            self.table, self.notice, self.title = table, notice, title
            self._redraw()

    def on_resize(self, _event: events.Resize) -> None:
        """As large as fits."""
        self._redraw()

    def _redraw(self) -> None:
        signs, edge = self.azul.signs, 2 if self.title else 0
        width, height = (max(0, size - edge) for size in self.size)
        self._cells = _blank(width, height)
        if self.table is not None:
            table = replace(self.table, under=self._under)
            self._cells = _laid_out(table, width, height, signs).paint()
        elif self._cells:
            row = [(char, "quiet", None) for char in self.notice[:width]]
            self._cells[0][: len(row)] = row
        rows: list[Spans] = []
        for cells in self._cells:
            runs = groupby(cells, key=lambda cell: cell[1])
            rows.append(tuple(("".join(cell[0] for cell in run), role) for role, run in runs))
        if edge and min(self.size) > 1:
            title = ((self.title, "strong"),)
            rows = framed(rows, title, (), width + 2, ascii_only=signs.ascii, role="frame")
        self.paint(rows)

    def on_click(self, event: events.Click) -> None:
        """A tile or a line was meant."""
        if (target := self.target_at(event.x, event.y)) is not None:
            event.stop()
            picked = TilePicked if target.kind == "tile" else LinePicked
            self.post_message(picked(target.first, target.second))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """What would be chosen lights up."""
        self._hover(self.target_at(event.x, event.y))

    def on_leave(self, _event: events.Leave) -> None:
        """The mouse is elsewhere."""
        self._hover(None)

    def _hover(self, target: Target | None) -> None:
        lit = self.table.lit if self.table is not None else frozenset[Target]()
        fits = target is not None and (target in lit or target.kind == "tile")
        if self.hovers and (under := target if fits else None) != self._under:
            self._under = under
            self._redraw()

    def target_at(self, x: int, y: int) -> Target | None:
        """What lies at a cell of the widget."""
        x, y = (place - bool(self.title) for place in (x, y))
        inside = 0 <= y < len(self._cells) and 0 <= x < len(self._cells[y])
        return self._cells[y][x][2] if inside else None


def fitted(
    table: Table, width: int, height: int, signs: Signs, wanted: int | None = None
) -> tuple[Table, tuple[int, int]]:
    """The table with as many boards as fit, and the columns and lines that it fills.

    The board of `near`, or else of the seat to move, stays longest, then that of `wanted`, then the
    next in turn. Where one alone fits and nobody sits near, it is the wanted one; where not even
    that does, the extent is (0, 0).
    """
    position = table.position
    first = position.to_move if table.near is None else table.near
    turns = [(first + turn) % position.players for turn in range(position.players)]
    longest = [first, *sorted(turns[1:], key=lambda seat: seat != wanted)]
    cut = table
    for count in range(position.players, 0, -1):
        kept = longest[:count]
        if count == 1 and table.near is None and wanted is not None:
            kept = [wanted]
        in_order = turns if table.near is not None else range(position.players)
        cut = replace(table, boards=tuple(seat for seat in in_order if seat in kept))
        layout = _laid_out(cut, width, height, signs)
        if layout.fits:
            return cut, (layout.columns, layout.lines)
    return cut, (0, 0)


_SIZES = ((7, 3, True), (5, 2, True), (3, 1, True), (3, 1, False), (2, 1, False))
"""Columns and lines of a tile, and whether factories are squares of two by two or lists."""


def _laid_out(table: Table, width: int, height: int, signs: Signs) -> _Layout:
    """The table as large as fits; cut at the edges where nothing does."""
    layouts = (_Layout(table, width, height, signs, size) for size in _SIZES)
    fitting = next((layout for layout in layouts if layout.fits), None)
    return fitting or _Layout(table, width, height, signs, _SIZES[-1])


class _Layout:
    """One table at one size: where everything lies, and its cells."""

    def __init__(
        self, table: Table, width: int, height: int, signs: Signs, size: tuple[int, int, bool]
    ) -> None:
        self.table, self.position, self.signs = table, table.position, signs
        self.width, self.height = width, height
        self.wide, self.high, self.squares = wide, high, squares = size
        seats = list(range(self.position.players))
        near = table.near or 0
        self.seats = list(table.boards) or seats[near:] + seats[:near]
        self.wall = 5 * wide + (4 if wide > 2 else 3)
        self.board_width = self.wall + 5 * wide
        self.board_height = 5 * high + 3
        self.step = self.board_width + (4 if wide > 2 else 3)
        count = len(self.position.factories)
        room = width + self.step - self.board_width
        self.per_row = max(1, min(len(self.seats), room // self.step))
        rows = -(-len(self.seats) // self.per_row)
        if squares:
            self.indent, self.each, self.factories_per_row = 0, 2 * wide + 3, count
            self.source_lines = 3 * high + 3
        else:
            self.indent, self.each = 11, 4 * (wide - 1) + 5
            self.factories_per_row = min(count, max(1, (width - self.indent) // self.each))
            self.source_lines = -(-count // self.factories_per_row) + 2
        self.columns = max(
            self.per_row * self.step - self.step + self.board_width,
            self.indent + self.factories_per_row * self.each,
        )
        self.lines = self.source_lines + rows * self.board_height + len(table.notes)
        one_column = self.per_row == 1 < len(self.seats)
        self.fits = self.columns <= width and self.lines <= height and not one_column

    def paint(self) -> list[list[Cell]]:
        """The cells of the table, line by line."""
        self.cells = _blank(self.width, self.height)
        (self._squares if self.squares else self._lists)()
        y = self.source_lines
        for order, seat in enumerate(self.seats):
            row, column = divmod(order, self.per_row)
            self._board(y + row * self.board_height, column * self.step, seat)
        y = self.lines - len(self.table.notes)
        for number, note in enumerate(self.table.notes):
            self._put(y + number, 0, note)
        return self.cells

    def _put(self, y: int, x: int, text: str, role: str = "", target: Target | None = None) -> int:
        """Write from (y, x) on, cut at the edges; the column after it."""
        if 0 <= y < self.height:
            for column, char in enumerate(text[: max(0, self.width - x)], x):
                self.cells[y][column] = (char, role, target)
        return x + len(text)

    def _role(self, role: str, target: Target | None) -> str:
        """The role with what may be chosen lit, and other tiles of the sources dimmed."""
        table = self.table
        if target is None:
            return role
        if target in table.chosen:
            return "slot-lit" if role == "slot" else f"{role} chosen"
        if target == table.under:
            return "slot-under" if role == "slot" else f"{role} under"
        if target in table.lit:
            return "slot-lit" if role == "slot" else f"{role} lit"
        return role.replace("tile-", "wall-") if table.lit and target.kind == "tile" else role

    def _cell(
        self, y: int, x: int, char: str, role: str, target: Target | None = None, wide: int = 0
    ) -> int:
        """One place of tile size with a character in its middle; the column after it."""
        wide, role = wide or self.wide, self._role(role, target)
        text = f"[{char}]" if role.endswith(" chosen") and wide > 2 else char
        text = text.center(wide) if wide % 2 else f"{text:<{wide}}"
        for line in range(self.high):
            shown = text if line == (self.high - 1) // 2 else " " * wide
            self._put(y + line, x, shown, role, target)
        return x + wide

    def _tile(
        self, y: int, x: int, letter: str, target: Target | None = None, wide: int = 0
    ) -> int:
        return self._cell(y, x, letter, f"tile-{_NAMES[letter]}", target, wide)

    def _squares(self) -> None:
        """Factories as squares of two by two, the centre below them."""
        for number, counts in enumerate(self.position.factories):
            x = number * self.each
            self._put(0, x, f"{number + 1}", "quiet")
            for place, letter in enumerate(f"{_letters(counts):4}"):
                y, left = 1 + place // 2 * self.high, x + place % 2 * self.wide
                if letter != " ":
                    self._tile(y, left, letter, _tile_of(number, letter))
                else:
                    self._cell(y, left, self.signs.empty_cell, "slot")
        self._centre(2 + 2 * self.high, self.wide)

    def _lists(self) -> None:
        """Factories as short rows, the centre below them."""
        self._put(0, 0, "factories", "quiet")
        for number, counts in enumerate(self.position.factories):
            y, column = divmod(number, self.factories_per_row)
            x = self._put(y, self.indent + column * self.each, f"{number + 1} ", "quiet")
            for letter in _letters(counts):
                x = self._tile(y, x, letter, _tile_of(number, letter), self.wide - 1)
            if not any(counts):
                self._put(y, x, self.signs.empty_cell, "quiet")
        self._centre(self.source_lines - 2, self.wide - 1)

    def _centre(self, y: int, wide: int) -> None:
        x = self._put(y, 0, "centre     ", "quiet")
        letters = _letters(self.position.centre)
        if len(letters) * wide + x + 4 > self.width:
            wide = 1
        for before, letter in zip(" " + letters, letters, strict=False):
            x += before not in {" ", letter}
            source = len(self.position.factories)
            x = self._tile(y, x, letter, _tile_of(source, letter), wide)
        if self.position.marker_in_centre:
            self._tile(y, x + bool(letters), "1", None, wide)
        elif not letters:
            self._put(y, x, self.signs.empty_cell, "quiet")

    def _board(self, y: int, x: int, seat: int) -> None:
        """Name and score, pattern lines right-aligned against the wall, the floor line."""
        board, table, wide = self.position.boards[seat], self.table, self.wide
        here = seat == self.position.to_move and self.position.phase == "moving"
        name = table.names[seat] if seat < len(table.names) else f"player {seat + 1}"
        score = f"{board.score}"
        self._put(y, x, f"{self.signs.pointer if here else ' '} ", "now")
        short = shortened(name, self.board_width - len(score) - 4)
        self._put(y, x + 2, short, "now" if here else "")
        self._put(y, x + self.board_width - len(score), score, "strong")
        for row, line in enumerate(board.lines):
            top, target = y + 1 + row * self.high, Target("line", seat, row)
            landing = self._landing(target)
            for place in range(row + 1):
                left = x + 2 + (4 - place) * wide
                if place < line.tiles and line.color is not None:
                    self._tile(top, left, COLOR_LETTERS[line.color], target)
                else:
                    sign = landing.get(place - line.tiles, self.signs.empty_cell)
                    self._cell(top, left, sign, "slot", target)
            for column in range(COLOR_COUNT):
                letter = COLOR_LETTERS[wall_color(row, column)]
                left = x + self.wall + column * wide
                if board.wall[row][column]:
                    self._tile(top, left, letter)
                else:
                    self._cell(top, left, letter.lower(), f"wall-{_NAMES[letter]}")
        self._floor(y + 1 + 5 * self.high, x + 2, seat)

    def _landing(self, line: Target) -> dict[int, str]:
        """The tiles in hand, counted from 0, as they would lie in a line that takes them."""
        hand = next((tiles for tiles in self.table.chosen if tiles.kind == "tile"), None)
        if hand is None or line not in self.table.lit | self.table.chosen:
            return {}
        count = self.position.sources[hand.first][hand.second]
        return dict.fromkeys(range(count), COLOR_LETTERS[hand.second].lower())

    def _floor(self, y: int, x: int, seat: int) -> None:
        """The floor line with what each slot costs under it."""
        board, target = self.position.boards[seat], Target("line", seat, FLOOR)
        letters = ("1" if board.marker else "") + _letters(board.floor)
        wide = max(3, self.wide) if self.board_width >= 7 * 3 + 2 else 2
        for slot, cost in enumerate(FLOOR_PENALTIES):
            role = f"tile-{_NAMES[letters[slot]]}" if slot < len(letters) else "slot"
            sign = letters[slot] if slot < len(letters) else self.signs.empty_cell
            left = x + slot * wide
            self._put(y, left, sign.center(wide), self._role(role, target), target)
            self._put(y + 1, left, f"{-cost}".center(wide), "quiet")
        if (more := len(letters) - len(FLOOR_PENALTIES)) > 0:
            self._put(y, x + len(FLOOR_PENALTIES) * wide, f" +{more}", "quiet")


def _blank(width: int, height: int) -> list[list[Cell]]:
    return [[(" ", "", None)] * width for _ in range(height)]


def _letters(counts: Sequence[int]) -> str:
    return "".join(c * n for c, n in zip(COLOR_LETTERS, counts, strict=True))


def _tile_of(source: int, letter: str) -> Target:
    return Target("tile", source, COLOR_LETTERS.index(letter))
