"""The Azul table for 2 to 4 players: factories, centre, boards; as large as there is room.

Tiles carry letters as well as colours. Seats, sources, colours and lines count from 0, as in
`azul_tui.game.view`; source F (the number of factories) is the centre, line 5 the floor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from azul_tui.game.constants import COLOR_COUNT, COLOR_LETTERS, FLOOR_PENALTIES
from azul_tui.game.view import wall_color
from azul_tui.tui.messages import LinePicked, TilePicked
from azul_tui.tui.spans import framed
from azul_tui.views.words import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual import events
    from textual.app import RenderResult

    from azul_tui.game.view import PositionView
    from azul_tui.tui.app import AzulApp
    from azul_tui.views.signs import Signs
    from azul_tui.views.words import Spans

FLOOR = 5
_TILE_NAMES = {
    "B": "blue",
    "Y": "yellow",
    "R": "red",
    "K": "black",
    "W": "white",
    "1": "marker",
}
_ROLES = (
    *(f"tile-{name}" for name in _TILE_NAMES.values()),
    *(f"wall-{name}" for name in _TILE_NAMES.values() if name != "marker"),
    "slot", "slot-lit", "slot-under", "under", "quiet", "frame", "strong", "now", "lit", "chosen",
)  # fmt: skip


class Target(NamedTuple):
    """What a cell of the table stands for: a tile of a source, or a line of a seat."""

    kind: str
    """`tile` (source, colour) or `line` (seat, line)."""
    first: int
    second: int


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


class Board(Widget):
    """Shows a `Table`; a click on a tile or a line posts `TilePicked` or `LinePicked`."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"board--{role}" for role in _ROLES}

    def __init__(
        self,
        notice: str = "",
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.table: Table | None = None
        self.hovers = False
        """Whether what a click would choose lights up under the mouse."""
        self._under: Target | None = None
        self.title = ""
        """What stands in the frame; without it there is no frame."""
        self.notice = notice
        """What is said while there is no table."""
        self._canvas = _Canvas(0, 0)
        self._strips: dict[int, Strip] = {}
        self._styles: dict[str, Style] = {}

    def show(self, table: Table | None, notice: str = "", *, title: str = "") -> None:
        """Show this position, or say why there is none; with a title in a frame."""
        if (table, notice, title) != (self.table, self.notice, self.title):
            self.table, self.notice, self.title = table, notice, title
            self._redraw()

    def on_resize(self, _event: events.Resize) -> None:
        """As large as fits."""
        self._redraw()

    def notify_style_update(self) -> None:
        """Another theme has other colours."""
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    def _redraw(self) -> None:
        width, height = self.size
        signs = cast("AzulApp", self.app).signs
        old = self._canvas
        edge = 1 if self.title else 0
        inner = (max(0, width - 2 * edge), max(0, height - 2 * edge))
        if self.table is None:
            table = _Canvas(*inner)
            table.put(0, 0, self.notice, "quiet")
        else:
            table = draw_table(replace(self.table, under=self._under), *inner, signs)
        self._canvas = _in_frame(table, self.title, signs) if self.title else table
        if (old.width, old.height) != (width, height):
            self._strips.clear()
            self.refresh()
            return
        changed: list[Region] = []
        for y in range(height):
            before, after = old.cells[y], self._canvas.cells[y]
            differing = [x for x in range(width) if before[x] != after[x]]
            if differing:
                self._strips.pop(y, None)
                changed.append(Region(differing[0], y, differing[-1] - differing[0] + 1, 1))
        if changed:
            self.refresh(*changed)

    def render(self) -> RenderResult:
        """Nothing: `render_line` draws."""
        return ""

    def render_line(self, y: int) -> Strip:
        """One line of the table."""
        strip = self._strips.get(y)
        if strip is None or strip.cell_length != self.size.width:
            row = self._canvas.cells[y] if y < self._canvas.height else []
            strip = Strip([Segment(char, self._style(role)) for char, role, _ in row]).simplify()
            strip = strip.adjust_cell_length(self.size.width, self._style(""))
            self._strips[y] = strip
        return strip

    def _style(self, role: str) -> Style:
        style = self._styles.get(role)
        if style is None:
            style = self.visual_style.rich_style
            for number, part in enumerate(role.split()):
                # The first blends its colours with the ground; the others only add to it.
                style += self.get_component_rich_style(f"board--{part}", partial=number > 0)
            self._styles[role] = style
        return style

    def on_click(self, event: events.Click) -> None:
        """A tile or a line was meant."""
        target = self.target_at(event.x, event.y)
        if target is None:
            return
        event.stop()
        if target.kind == "tile":
            self.post_message(TilePicked(target.first, target.second))
        else:
            self.post_message(LinePicked(target.first, target.second))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """What would be chosen lights up."""
        self._hover(self.target_at(event.x, event.y))

    def on_leave(self, _event: events.Leave) -> None:
        """The mouse is elsewhere."""
        self._hover(None)

    def _hover(self, target: Target | None) -> None:
        table = self.table
        fits = table is not None and (
            target in table.lit or (target is not None and target.kind == "tile")
        )
        if self.hovers and (under := target if fits else None) != self._under:
            self._under = under
            self._redraw()

    def target_at(self, x: int, y: int) -> Target | None:
        """What lies at a cell of the widget."""
        if 0 <= y < self._canvas.height and 0 <= x < self._canvas.width:
            return self._canvas.cells[y][x][2]
        return None

    def text(self) -> str:
        """The table as plain text."""
        rows = ("".join(char for char, _, _ in row).rstrip() for row in self._canvas.cells)
        return "\n".join(rows)


class _Canvas:
    """Cells of one character, its role, and what it stands for."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        blank: tuple[str, str, Target | None] = (" ", "", None)
        self.cells: list[list[tuple[str, str, Target | None]]] = [
            [blank] * width for _ in range(height)
        ]

    def put(self, y: int, x: int, text: str, role: str = "", target: Target | None = None) -> int:
        """Write from (y, x) on, cut at the edges; the column after it."""
        if 0 <= y < self.height:
            for offset, char in enumerate(text):
                if 0 <= x + offset < self.width:
                    self.cells[y][x + offset] = (char, role, target)
        return x + len(text)


def _in_frame(table: _Canvas, title: str, signs: Signs) -> _Canvas:
    """The table with a thin frame around it and a title in the upper edge."""
    around = _Canvas(table.width + 2, table.height + 2)
    empty: list[Spans] = [((" " * table.width, ""),)] * table.height
    heading = ((title, "strong"),)
    rows = framed(empty, heading, (), around.width, ascii_only=signs.ascii, role="frame")
    for y, row in enumerate(rows):
        x = 0
        for text, role in row:
            x = around.put(y, x, text, role)
    for y, cells in enumerate(table.cells):
        around.cells[y + 1][1:-1] = cells
    return around


class _Size(NamedTuple):
    """Cells of a tile, and whether factories are squares."""

    wide: int
    high: int
    squares: bool


_SIZES = (
    _Size(7, 3, True),
    _Size(5, 2, True),
    _Size(3, 1, True),
    _Size(3, 1, False),
    _Size(2, 1, False),
)


def draw_table(table: Table, width: int, height: int, signs: Signs) -> _Canvas:
    """The table as large as fits into `width` x `height`; cut below where nothing does."""
    for size in _SIZES:
        painter = _Painter(table, width, height, signs, size)
        if painter.fits():
            return painter.paint()
    return _Painter(table, width, height, signs, _SIZES[-1]).paint()


def table_extent(table: Table, width: int, height: int, signs: Signs) -> tuple[int, int]:
    """Columns and lines that `draw_table` fills; none where the table has to be cut."""
    for size in _SIZES:
        painter = _Painter(table, width, height, signs, size)
        if painter.fits():
            return painter.extent()
    return 0, 0


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
    cut = replace(table, boards=(first,))
    for count in range(position.players, 0, -1):
        kept = longest[:count]
        if count == 1 and table.near is None and wanted is not None:
            kept = [wanted]
        in_order = turns if table.near is not None else range(position.players)
        cut = replace(table, boards=tuple(seat for seat in in_order if seat in kept))
        extent = table_extent(cut, width, height, signs)
        if extent != (0, 0):
            return cut, extent
    return cut, (0, 0)


class _Painter:
    """Lays one table out at one size."""

    def __init__(self, table: Table, width: int, height: int, signs: Signs, size: _Size) -> None:
        self.table, self.position = table, table.position
        self.canvas = _Canvas(width, height)
        self.width, self.height, self.signs, self.size = width, height, signs, size
        seats = list(range(self.position.players))
        if table.near is not None:
            seats = seats[table.near :] + seats[: table.near]
        self.seats = list(table.boards) or seats
        self.board_width = 10 * size.wide + 2 + (2 if size.wide > 2 else 1)
        self.board_height = 5 * size.high + 3
        gap = 4 if size.wide > 2 else 3
        self.step = self.board_width + gap
        self.per_row = max(1, min(len(seats), (width + gap) // self.step))

    def source_rows(self) -> int:
        """Lines of factories and centre."""
        if self.size.squares:
            rows = -(-len(self.position.factories) // self._squares_per_row())
            return rows * (1 + 2 * self.size.high + 1) + self.size.high + 1
        return -(-len(self.position.factories) // self._lists_per_row()) + 2

    def _squares_per_row(self) -> int:
        return max(1, self.width // (2 * self.size.wide + 3))

    def _lists_per_row(self) -> int:
        return max(1, (self.width - 11) // self._list_step())

    def _list_step(self) -> int:
        return 4 * (self.size.wide - 1) + 5

    def fits(self) -> bool:
        """Whether everything has room."""
        rows = -(-len(self.seats) // self.per_row)
        needed = self.source_rows() + rows * self.board_height + len(self.table.notes)
        wide = self.board_width <= self.width and (
            self.per_row == len(self.seats) or self.per_row > 1
        )
        if self.size.squares and len(self.position.factories) > self._squares_per_row():
            return False
        return wide and needed <= self.height

    def extent(self) -> tuple[int, int]:
        """Columns and lines of everything."""
        rows = -(-len(self.seats) // self.per_row)
        wide = min(self.per_row, len(self.seats)) * self.step - self.step + self.board_width
        high = self.source_rows() + rows * self.board_height + len(self.table.notes)
        each = 2 * self.size.wide + 3 if self.size.squares else self._list_step()
        count = len(self.position.factories)
        most = count if self.size.squares else min(count, self._lists_per_row())
        return max(wide, most * each + (0 if self.size.squares else 11)), high

    def paint(self) -> _Canvas:
        """Draw everything."""
        y = (self._squares if self.size.squares else self._lists)()
        for order, seat in enumerate(self.seats):
            row, column = divmod(order, self.per_row)
            self._board(y + row * self.board_height, column * self.step, seat)
        y += -(-len(self.seats) // self.per_row) * self.board_height
        for number, note in enumerate(self.table.notes):
            self.canvas.put(y + number, 0, note)
        return self.canvas

    def _role(self, role: str, target: Target | None) -> str:
        """The role with what may be chosen lit, and other tiles of the sources dimmed."""
        if target in self.table.chosen:
            return "slot-lit" if role == "slot" else f"{role} chosen"
        if target is not None and target == self.table.under:
            return "slot-under" if role == "slot" else f"{role} under"
        if target in self.table.lit:
            return "slot-lit" if role == "slot" else f"{role} lit"
        dimmed = self.table.lit and target is not None and target.kind == "tile"
        return role.replace("tile-", "wall-") if dimmed else role

    def _landing(self, seat: int, row: int) -> dict[int, str]:
        """By place, the tiles in hand as they would lie in a line that takes them."""
        target = Target("line", seat, row)
        if target not in self.table.lit | self.table.chosen:
            return {}
        line = self.position.boards[seat].lines[row]
        return {
            line.tiles + place: COLOR_LETTERS[tiles.second].lower()
            for tiles in self.table.chosen
            if tiles.kind == "tile"
            for place in range(self.position.sources[tiles.first][tiles.second])
        }

    def _tile(
        self, y: int, x: int, letter: str, target: Target | None = None, wide: int | None = None
    ) -> int:
        """A tile; the column after it."""
        wide = wide or self.size.wide
        role = self._role(f"tile-{_TILE_NAMES[letter]}", target)
        return self._cell(y, x, letter, role, target, wide)

    def _cell(self, y: int, x: int, char: str, role: str, target: Target | None, wide: int) -> int:
        """One place of tile size with a character in its middle."""
        text = f"[{char}]" if role.endswith(" chosen") and wide > 2 else char
        text = text.center(wide) if wide % 2 else f"{text:<{wide}}"
        for line in range(self.size.high):
            shown = text if line == (self.size.high - 1) // 2 else " " * wide
            self.canvas.put(y + line, x, shown, role, target)
        return x + wide

    def _letters(self, counts: Sequence[int]) -> str:
        return "".join(c * n for c, n in zip(COLOR_LETTERS, counts, strict=True))

    def _target(self, source: int, letter: str) -> Target:
        return Target("tile", source, COLOR_LETTERS.index(letter))

    def _squares(self) -> int:
        """Factories as squares of two by two, the centre below them; the next free line."""
        wide, high = self.size.wide, self.size.high
        for number, counts in enumerate(self.position.factories):
            x = number * (2 * wide + 3)
            self.canvas.put(0, x, f"{number + 1}", "quiet")
            letters = self._letters(counts)
            for place in range(4):
                y, left = 1 + place // 2 * high, x + place % 2 * wide
                if place < len(letters):
                    self._tile(y, left, letters[place], self._target(number, letters[place]))
                else:
                    self._cell(y, left, self.signs.empty_cell, "slot", None, wide)
        y = 2 + 2 * high
        self._centre(y, len(self.position.factories))
        return y + high + 1

    def _lists(self) -> int:
        """Factories as short rows; the next free line."""
        per_row, step = self._lists_per_row(), self._list_step()
        wide = self.size.wide - 1
        self.canvas.put(0, 0, "factories", "quiet")
        for number, counts in enumerate(self.position.factories):
            y, column = divmod(number, per_row)
            x = self.canvas.put(y, 11 + column * step, f"{number + 1} ", "quiet")
            letters = self._letters(counts)
            for letter in letters:
                x = self._tile(y, x, letter, self._target(number, letter), wide)
            if not letters:
                self.canvas.put(y, x, self.signs.empty_cell, "quiet")
        y = -(-len(self.position.factories) // per_row)
        self._centre(y, len(self.position.factories))
        return y + 2

    def _centre(self, y: int, source: int) -> None:
        x = self.canvas.put(y, 0, "centre     ", "quiet")
        wide = self.size.wide if self.size.squares else self.size.wide - 1
        letters = self._letters(self.position.centre)
        if len(letters) * wide + x + 4 > self.width:
            wide = 1
        before = ""
        for letter in letters:
            x += bool(before) and before != letter
            x = self._tile(y, x, letter, self._target(source, letter), wide)
            before = letter
        if self.position.marker_in_centre:
            x = self._tile(y, x + bool(before), "1", None, wide)
        elif not letters:
            self.canvas.put(y, x, self.signs.empty_cell, "quiet")

    def _board(self, y: int, x: int, seat: int) -> None:
        """Name and score, pattern lines right-aligned against the wall, the floor line."""
        board, wide, high = self.position.boards[seat], self.size.wide, self.size.high
        here = seat == self.position.to_move and self.position.phase == "moving"
        name = self.table.names[seat] if seat < len(self.table.names) else f"player {seat + 1}"
        pointer = self.signs.pointer if here else " "
        score = f"{board.score}"
        room = self.board_width - len(score) - 4
        at = self.canvas.put(y, x, f"{pointer} ", "now")
        self.canvas.put(y, at, shortened(name, room), "now" if here else "")
        self.canvas.put(y, x + self.board_width - len(score), score, "strong")
        wall = x + 5 * wide + 2 + (2 if wide > 2 else 1)
        for row in range(5):
            line, top = board.lines[row], y + 1 + row * high
            target = Target("line", seat, row)
            landing = self._landing(seat, row)
            for place in range(row + 1):
                left = x + 2 + (4 - place) * wide
                if place < line.tiles and line.color is not None:
                    self._tile(top, left, COLOR_LETTERS[line.color], target)
                else:
                    role = self._role("slot", target)
                    char = landing.get(place, self.signs.empty_cell)
                    self._cell(top, left, char, role, target, wide)
            for column in range(COLOR_COUNT):
                letter = COLOR_LETTERS[wall_color(row, column)]
                left = wall + column * wide
                if board.wall[row][column]:
                    self._tile(top, left, letter, None)
                else:
                    role = f"wall-{_TILE_NAMES[letter]}"
                    self._cell(top, left, letter.lower(), role, None, wide)
        self._floor(y + 1 + 5 * high, x + 2, seat)

    def _floor(self, y: int, x: int, seat: int) -> None:
        """The floor line with what each slot costs under it."""
        board = self.position.boards[seat]
        letters = ("1" if board.marker else "") + self._letters(board.floor)
        target = Target("line", seat, FLOOR)
        wide = max(3, self.size.wide) if self.board_width >= 7 * 3 + 2 else 2
        for slot, cost in enumerate(FLOOR_PENALTIES):
            left = x + slot * wide
            if slot < len(letters):
                role = self._role(f"tile-{_TILE_NAMES[letters[slot]]}", target)
                self.canvas.put(y, left, letters[slot].center(wide), role, target)
            else:
                role = self._role("slot", target)
                self.canvas.put(y, left, self.signs.empty_cell.center(wide), role, target)
            self.canvas.put(y + 1, left, f"{-cost}".center(wide), "quiet")
        if len(letters) > len(FLOOR_PENALTIES):
            more = f" +{len(letters) - len(FLOOR_PENALTIES)}"
            self.canvas.put(y, x + len(FLOOR_PENALTIES) * wide, more, "quiet")
