"""One player's board at any size: pattern lines against the wall, and the floor with its cost.

▸ you          24 points
    1         ·   B y r k w
    2       Y Y ▸ w B y r k
    3     · · R   k w b y r
    4   · · · ·   r k w b y
    5 · · W W W   y r K w b
  F K K · · · · ·    -2
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.game.constants import COLOR_LETTERS, FLOOR_PENALTIES, FLOOR_ROW, FLOOR_SLOTS
from azul_tui.game.view import wall_color, wall_column
from azul_tui.tui.board.scale import FLOOR_GAP, LABEL, LETTER, Brush, Scale
from azul_tui.tui.board.surface import Surface, Target
from azul_tui.tui.picture import shorten

if TYPE_CHECKING:
    from azul_tui.game.view import BoardView, PositionView
    from azul_tui.tui.board.marks import Marks, Move


class PlayerBoard:
    """Draws the board of one seat with its upper left cell at `(x, y)`."""

    def __init__(
        self,
        position: PositionView,
        seat: int,
        marks: Marks,
        *,
        scale: Scale,
        brush: Brush,
        name: str,
    ) -> None:
        self.position = position
        self.seat = seat
        self.marks = marks
        self.scale = scale
        self.brush = brush
        self.name = name
        self.board: BoardView = position.boards[seat]
        self.moves = position.phase == "moving" and position.to_move == seat
        self.played: Move | None = marks.last if marks.last_seat == seat else None

    def draw(self, surface: Surface, x: int, y: int) -> None:
        """Head, five lines, floor."""
        self._head(surface, x, y)
        for row in range(5):
            self._row(surface, x, y + 1 + row * self.scale.down, row)
        self._floor(surface, x, y + 1 + 5 * self.scale.down)

    def _head(self, surface: Surface, x: int, y: int) -> None:
        signs = self.brush.signs
        points = f"{self.board.score} point" + ("" if self.board.score == 1 else "s")
        if LABEL + len(self.name) + len(points) + 2 > self.scale.board_width:
            points = str(self.board.score) if self.scale is LETTER else points
        room = self.scale.board_width - LABEL - len(points) - 2
        surface.put(x, y, signs.pointer if self.moves else " ", "player.now")
        name = shorten(self.name, room, signs.ellipsis)
        surface.put(x + LABEL, y, name, "strong" if self.moves else "")
        surface.put(x + self.scale.board_width - len(points), y, points, "strong")

    def _row(self, surface: Surface, x: int, y: int, row: int) -> None:
        """A pattern line and the wall row beside it."""
        scale, brush = self.scale, self.brush
        color, tiles = self.board.lines[row]
        first = x + LABEL + (4 - row) * scale.across
        surface.put(first - LABEL, y + scale.middle, str(row + 1), self._label_role(row))
        ghost, falling = self._ghost(row)
        for slot in range(row + 1):
            at = first + slot * scale.across
            from_right = row - slot
            if from_right < tiles:
                brush.tile(surface, at, y, scale, COLOR_LETTERS[color or 0])
            elif from_right < tiles + falling:
                brush.tile(surface, at, y, scale, ghost.lower(), f"ghost.{ghost}")
            else:
                brush.empty(surface, at, y, scale, brush.signs.empty_cell, "slot")
        wall = x + LABEL + 5 * scale.across + FLOOR_GAP
        self._gap(surface, wall - 2, y + scale.middle, row, full=tiles == row + 1)
        for column in range(5):
            letter = COLOR_LETTERS[wall_color(row, column)]
            at = wall + column * scale.across
            if self.board.wall[row][column]:
                brush.tile(surface, at, y, scale, letter)
            else:
                brush.empty(surface, at, y, scale, letter.lower(), f"wall.{letter}")
        surface.mean(x, y, wall - x, scale.down, Target("line", self.seat, row))

    def _label_role(self, row: int) -> str:
        marks = self.marks
        if self.moves and (row in marks.rows or (marks.hint is not None and marks.hint.row == row)):
            return "key"
        return "strong" if self.played is not None and self.played.row == row else "quiet"

    def _gap(self, surface: Surface, x: int, y: int, row: int, *, full: bool) -> None:
        """Between line and wall: a sign for a full line, another for the last move."""
        signs = self.brush.signs
        if self.played is not None and self.played.row == row:
            surface.put(x, y, signs.pointer if full else signs.last, "mark.setting")
        elif full:
            surface.put(x, y, signs.pointer, "key")

    def _ghost(self, row: int) -> tuple[str, int]:
        """Colour letter and number of tiles that would come to lie on line `row`."""
        marks = self.marks
        if not self.moves:
            return "", 0
        if marks.held is not None and row in marks.rows:
            source, color = marks.held
        elif marks.hint is not None and marks.hint.row == row:
            source, color = marks.hint.source, marks.hint.color
        else:
            return "", 0
        room = row + 1 - self.board.lines[row].tiles
        if row < FLOOR_ROW and self.board.wall[row][wall_column(row, color)]:
            room = 0
        return COLOR_LETTERS[color], min(room, self.position.sources[source][color])

    def _floor(self, surface: Surface, x: int, y: int) -> None:
        scale, brush = self.scale, self.brush
        surface.put(x, y + scale.middle, "F", self._label_role(FLOOR_ROW))
        letters = "".join(
            letter * count for letter, count in zip(COLOR_LETTERS, self.board.floor, strict=True)
        )
        # Where the marker lies among the tiles is not remembered: it is drawn first.
        letters = (("1" if self.board.marker else "") + letters)[:FLOOR_SLOTS]
        below = y + scale.down
        for slot, cost in enumerate(FLOOR_PENALTIES):
            at = x + LABEL + slot * scale.across
            if slot < len(letters):
                brush.tile(surface, at, y, scale, letters[slot])
            else:
                brush.empty(surface, at, y, scale, brush.signs.empty_cell, "slot")
            text = str(cost) if scale is LETTER else f"-{cost}"
            text = text if scale.across <= 3 else text.center(scale.tile_width)
            surface.put(at, below, text, "quiet")
        end = x + LABEL + FLOOR_SLOTS * scale.across
        if self.board.floor_cost:
            surface.put(end + 1, y + scale.middle, f"-{self.board.floor_cost}", "warning")
        if self.played is not None and self.played.row == FLOOR_ROW:
            surface.put(end + 5, y + scale.middle, brush.signs.last, "mark.setting")
        surface.mean(
            x,
            y,
            LABEL + FLOOR_SLOTS * scale.across,
            scale.down + 1,
            Target("line", self.seat, FLOOR_ROW),
        )
