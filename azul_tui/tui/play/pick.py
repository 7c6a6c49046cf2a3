"""A move put together step by step: source, colour, line, and only what the rules allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.game.constants import COLOR_LETTERS, FLOOR_ROW, encode_action
from azul_tui.game.legality import why_illegal
from azul_tui.tui.board.marks import Move

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azul_tui.game.view import PositionView


@dataclass(slots=True)
class Pick:
    """What a person has chosen so far of a move in `position`."""

    position: PositionView
    legal: frozenset[Move]
    source: int | None = None
    color: int | None = None
    refusal: str = ""
    """Why the last key did nothing, in words."""

    @classmethod
    def of(cls, position: PositionView, moves: Iterable[str]) -> Pick:
        """Nothing chosen yet; `moves` are the legal ones in notation."""
        players = position.players
        return cls(position, frozenset(Move.parse(move, players) for move in moves))

    @property
    def complete(self) -> bool:
        """Whether the tiles are in hand and only the line is missing."""
        return self.source is not None and self.color is not None

    def takeable(self) -> frozenset[tuple[int, int]]:
        """`(source, colour)` of every group of tiles that goes with what is chosen."""
        return frozenset(
            (move.source, move.color)
            for move in self.legal
            if self.source in {None, move.source} and self.color in {None, move.color}
        )

    def sources(self) -> list[int]:
        """Sources that go with the chosen colour, ascending; the last may be the centre."""
        color = self.color
        return sorted({m.source for m in self.legal if color is None or m.color == color})

    def colors(self) -> list[int]:
        """Colours that go with the chosen source, in order."""
        source = self.source
        return sorted({m.color for m in self.legal if source is None or m.source == source})

    def rows(self) -> list[int]:
        """Lines that take the tiles in hand, ascending, the floor last."""
        return sorted(m.row for m in self.legal if (m.source, m.color) == (self.source, self.color))

    def take(self, source: int, color: int) -> bool:
        """Take these tiles in hand, whatever was chosen before."""
        if (source, color) not in {(move.source, move.color) for move in self.legal}:
            return self._refuse(source, color, FLOOR_ROW)
        self.source, self.color, self.refusal = source, color, ""
        return True

    def choose_source(self, source: int) -> bool:
        """Choose where to take from; a source of one colour chooses the colour too."""
        if source not in self.sources():
            return self._refuse(source, self.color, FLOOR_ROW)
        self.source, self.refusal = source, ""
        colors = self.colors()
        if self.color is None and len(colors) == 1:
            self.color = colors[0]
        return True

    def choose_color(self, color: int) -> bool:
        """Choose a colour, before or after the source."""
        if color not in self.colors():
            return self._refuse(self.source, color, FLOOR_ROW)
        self.color, self.refusal = color, ""
        return True

    def lay(self, row: int) -> Move | None:
        """The move that lays the tiles in hand on line `row`; None when it takes none."""
        if self.source is None or self.color is None:
            return None
        if row not in self.rows():
            self._refuse(self.source, self.color, row)
            return None
        return Move(self.source, self.color, row)

    def back(self) -> bool:
        """One step back; False when nothing was chosen."""
        self.refusal = ""
        if self.source is None and self.color is None:
            return False
        if self.source is not None and self.color is not None:
            one_color = len({m.color for m in self.legal if m.source == self.source}) == 1
            self.color = None
            if one_color:  # it was chosen with the source, so it goes with it
                self.source = None
        else:
            self.source = self.color = None
        return True

    def _refuse(self, source: int | None, color: int | None, row: int) -> bool:
        self.refusal = self._why(source, color, row)
        return False

    def _why(self, source: int | None, color: int | None, row: int) -> str:
        """What is in the way, in words."""
        if source is None:
            return f"there is no {COLOR_LETTERS[color or 0]} tile to take"
        if not 0 <= source < len(self.position.sources):
            return f"there is no factory {source + 1}"
        if color is None:
            color = next(iter(range(5)))
            if not any(self.position.sources[source]):
                return why_illegal(self.position, encode_action(source, color, row)) or ""
        return why_illegal(self.position, encode_action(source, color, row)) or "not possible"
