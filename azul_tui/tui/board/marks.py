"""What is lit on a table: tiles that may be taken, tiles in hand, lines that take them, moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from azul_tui.game.constants import FLOOR_ROW, decode_action
from azul_tui.game.notation import parse_move

if TYPE_CHECKING:
    from azul_tui.game.view import PositionView


class Move(NamedTuple):
    """A move taken apart; source F is the centre and row 5 the floor."""

    source: int
    color: int
    row: int

    @classmethod
    def parse(cls, text: str, players: int) -> Move:
        """The move `R 2>3`; raises NotationError when it is none."""
        return cls(*decode_action(parse_move(text, players)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Nothing is lit by default, and everything is drawn plainly."""

    takeable: frozenset[tuple[int, int]] | None = None
    """`(source, colour)` of the tiles that may be taken; all others are faint. None: all plain."""
    held: tuple[int, int] | None = None
    """Source and colour of the tiles in hand."""
    rows: frozenset[int] = frozenset()
    """Lines (5 is the floor) of the player to move that may take the tiles in hand."""
    last: Move | None = None
    """The move that led here."""
    last_seat: int = -1
    """Who made it."""
    hint: Move | None = None
    """A move that is proposed to the player to move."""

    def tile_role(self, source: int, color: int, letter: str) -> str:
        """How a tile of a source is drawn."""
        if self.hint is not None and (source, color) == self.hint[:2]:
            return f"tile.{letter}"
        if self.held is not None:
            return f"{'tile' if self.held == (source, color) else 'faint'}.{letter}"
        if self.takeable is not None and (source, color) not in self.takeable:
            return f"faint.{letter}"
        return f"tile.{letter}"

    def source_role(self, source: int) -> str:
        """How the number of a source is drawn."""
        if self.held is not None:
            return "key" if self.held[0] == source else "quiet"
        if self.takeable is not None and any(place == source for place, _ in self.takeable):
            return "key"
        return "quiet"

    def frame_role(self, source: int) -> str:
        """How the frame of a source is drawn: brighter where the last move took from."""
        lit = (self.held is not None and self.held[0] == source) or (
            self.hint is not None and self.hint.source == source
        )
        if lit:
            return "key"
        return "frame.focus" if self.last is not None and self.last.source == source else "frame"


def fallen(position: PositionView, source: int, color: int, row: int) -> int:
    """Tiles of that colour from that source that would not fit line `row` and fall."""
    tiles = position.sources[source][color]
    if row == FLOOR_ROW:
        return tiles
    line = position.boards[position.to_move].lines[row]
    return max(0, tiles - (row + 1 - line.tiles))
