"""How large a tile is drawn, and a tile at that size.

letter   B                 one cell, for small terminals
cell     ` B `             three cells
slab     ` B `             three cells and a half line, a gap around it
         `▀▀▀`
block    ▄▄▄▄▄             half a line of gap above and below, letter in the middle
           B
         ▀▀▀▀▀
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from azul_tui.tui.board.surface import Surface
    from azul_tui.tui.palette import Depth
    from azul_tui.tui.signs import Signs

FLOOR_GAP: Final = 3
"""Cells between the pattern lines and the wall."""
LABEL: Final = 2
"""Cells left of the pattern lines for the number of a line."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Cells from one tile to the next."""

    across: int
    down: int

    @property
    def board_width(self) -> int:
        """Cells of a player's board."""
        return LABEL + 10 * self.across + FLOOR_GAP

    @property
    def board_height(self) -> int:
        """Lines of a player's board: its head, five lines, the floor and what it costs."""
        return 2 + 6 * self.down

    @property
    def tile_width(self) -> int:
        """Cells that a tile fills."""
        return self.across if self.across == 3 else self.across - 1

    @property
    def middle(self) -> int:
        """Line of a tile that carries its letter."""
        return (self.down - 1) // 2


LETTER: Final = Scale(2, 1)
CELL: Final = Scale(3, 1)
SLAB: Final = Scale(4, 2)
BLOCK: Final = Scale(6, 3)
LARGE_BLOCK: Final = Scale(10, 5)


@dataclass(frozen=True, slots=True)
class Brush:
    """What tiles are drawn with.

    Args:
        signs: The characters of this terminal.
        depth: Its colours; without any, a large tile is a box with its letter.
    """

    signs: Signs
    depth: Depth

    def tile(
        self, surface: Surface, x: int, y: int, scale: Scale, letter: str, role: str = ""
    ) -> None:
        """A tile (or the marker `1`) with its upper left cell at `(x, y)`."""
        role = role or f"tile.{letter}"
        width = scale.tile_width
        surface.put(x, y + scale.middle, letter.center(width), role)
        if scale.down == 1:
            return
        if self.depth == "none" or self.signs.ascii:
            self._box(surface, x, y, scale, letter, role)
        else:
            self._square(surface, x, y, scale, role)

    def _square(self, surface: Surface, x: int, y: int, scale: Scale, role: str) -> None:
        """The ground of a tile around the line of its letter."""
        width, edge = scale.tile_width, f"block.{role}"
        if scale.down > 2:
            surface.put(x, y, "▄" * width, edge)
        for line in range(1, scale.down - 1):
            if line != scale.middle:
                surface.put(x, y + line, " " * width, role)
        surface.put(x, y + scale.down - 1, "▀" * width, edge)

    def _box(self, surface: Surface, x: int, y: int, scale: Scale, letter: str, role: str) -> None:
        signs, width = self.signs, scale.tile_width
        frame = role if self.depth != "none" else ""
        if scale.down == 2:
            surface.put(x, y, f"[{letter}]", role)
            return
        rule = signs.horizontal * (width - 2)
        surface.put(x, y, signs.corners[0] + rule + signs.corners[1], frame)
        for line in range(1, scale.down - 1):
            inside = letter if line == scale.middle else ""
            text = inside.center(width - 2)
            surface.put(x, y + line, signs.vertical, frame)
            surface.put(x + 1, y + line, text, role)
            surface.put(x + width - 1, y + line, signs.vertical, frame)
        bottom = signs.corners[2] + rule + signs.corners[3]
        surface.put(x, y + scale.down - 1, bottom, frame)

    def empty(self, surface: Surface, x: int, y: int, scale: Scale, text: str, role: str) -> None:
        """A place without a tile: a dark square where there are shades, else its sign alone."""
        width = scale.tile_width
        if scale.down == 1 or self.depth != "full" or self.signs.ascii:
            surface.put(x, y + scale.middle, text.center(width), role)
            return
        ground = f"{role}.ground"
        surface.put(x, y + scale.middle, text.center(width), ground)
        self._square(surface, x, y, scale, ground)
