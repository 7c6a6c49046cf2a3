"""The factories and the centre at any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.game.constants import COLOR_LETTERS
from azul_tui.tui.board.scale import BLOCK, CELL, Brush, Scale
from azul_tui.tui.board.surface import Surface, Target

if TYPE_CHECKING:
    from azul_tui.game.view import Counts, PositionView
    from azul_tui.tui.board.marks import Marks

WORD_WIDTH = 9
"""Cells of a factory that is written as a word."""


def tiles_of(counts: Counts) -> list[int]:
    """The colour of each tile, in order of colours."""
    return [color for color, count in enumerate(counts) for _ in range(count)]


class Sources:
    """Draws what lies on the table."""

    def __init__(self, position: PositionView, marks: Marks, *, scale: Scale, brush: Brush) -> None:
        self.position = position
        self.marks = marks
        self.scale = scale
        self.brush = brush
        self.framed = scale in {CELL, BLOCK}
        self.centre_source = len(position.factories)

    @property
    def factory_width(self) -> int:
        """Cells from one factory to the next."""
        return 2 * self.scale.across + 4 if self.framed else WORD_WIDTH

    def rows(self, width: int) -> list[list[int]]:
        """Factories of each row of factories."""
        room = width if self.framed else width - 2
        per_row = max(1, (room + 1) // self.factory_width)
        numbers = list(range(len(self.position.factories)))
        return [numbers[at : at + per_row] for at in range(0, len(numbers), per_row)]

    def width(self, width: int) -> int:
        """Cells that the factories and the centre take, of at most `width`."""
        factories = len(self.rows(width)[0]) * self.factory_width
        return min(width, max(factories, 62 if self.scale.down > 1 else 48))

    def height(self, width: int) -> int:
        """Lines that the factories and the centre take."""
        each = 2 * self.scale.down + 2 if self.framed else 1
        return len(self.rows(width)) * each + self.scale.down

    def draw(self, surface: Surface, x: int, y: int, width: int, air: int = 0) -> int:
        """Factories in rows, `air` lines, then the centre; returns the line after them."""
        for row in self.rows(width):
            for order, source in enumerate(row):
                at = x + order * self.factory_width
                if self.framed:
                    self._framed(surface, at, y, source)
                else:
                    self._word(surface, at + 2, y, source)
            y += 2 * self.scale.down + 2 if self.framed else 1
        y += air
        self._centre(surface, x, y, self.width(width))
        return y + self.scale.down

    def _tile(self, surface: Surface, x: int, y: int, source: int, color: int) -> None:
        letter = COLOR_LETTERS[color]
        role = self.marks.tile_role(source, color, letter)
        self.brush.tile(surface, x, y, self.scale, letter, role)
        target = Target("tiles", source, color)
        surface.mean(x, y, self.scale.tile_width, self.scale.down, target)

    def _framed(self, surface: Surface, x: int, y: int, source: int) -> None:
        signs, scale = self.brush.signs, self.scale
        role = self.marks.frame_role(source)
        inner = 2 * scale.across + 1
        tiles = tiles_of(self.position.factories[source])
        number = str(source + 1)
        surface.put(x, y, signs.corners[0] + signs.horizontal * inner + signs.corners[1], role)
        surface.put(x + 2, y, f" {number} ", self.marks.source_role(source))
        for line in range(2 * scale.down):
            surface.put(x, y + 1 + line, signs.vertical, role)
            surface.put(x + inner + 1, y + 1 + line, signs.vertical, role)
        bottom = signs.corners[2] + signs.horizontal * inner + signs.corners[3]
        surface.put(x, y + 1 + 2 * scale.down, bottom, role)
        left = x + 1 + (scale is BLOCK)
        for place, color in enumerate(tiles):
            at = left + place % 2 * (scale.across + (scale is CELL))
            self._tile(surface, at, y + 1 + place // 2 * scale.down, source, color)

    def _word(self, surface: Surface, x: int, y: int, source: int) -> None:
        surface.put(x, y, str(source + 1), self.marks.source_role(source))
        tiles = tiles_of(self.position.factories[source])
        for place, color in enumerate(tiles):
            letter = COLOR_LETTERS[color]
            role = self.marks.tile_role(source, color, letter)
            surface.put(x + 2 + place, y, letter, role)
            surface.mean(x + 2 + place, y, 1, 1, Target("tiles", source, color))
        if not tiles:
            surface.put(x + 2, y, self.brush.signs.empty_cell, "quiet")

    def _centre(self, surface: Surface, x: int, y: int, width: int) -> None:
        scale, signs = self.scale, self.brush.signs
        middle = y + scale.middle
        source = self.centre_source
        surface.put(x + 2, middle, "C", self.marks.source_role(source))
        at = surface.put(x + 4, middle, "centre", "quiet") + 2
        if self.position.marker_in_centre:
            self.brush.tile(surface, at, y, scale, "1")
            at += scale.across + 1
        counts = self.position.centre
        if not any(counts):
            if not self.position.marker_in_centre:
                surface.put(at, middle, signs.empty_cell, "quiet")
            return
        kinds = sum(map(bool, counts))
        whole = at - x + sum(counts) * scale.across + 2 * kinds <= width
        for color, count in enumerate(counts):
            shown = count if whole or count < 3 else 1
            for _ in range(shown):
                self._tile(surface, at, y, source, color)
                at += scale.across
            if shown < count:
                at = surface.put(at, middle, f"{signs.times}{count}", "strong") + 1
            if count:
                at += 2 if whole and scale.down > 1 else 1
