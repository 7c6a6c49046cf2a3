"""A whole table: factories and centre above, one board large and the others beside it.

The largest arrangement that fits is taken, from tiles of ten cells down to letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from azul_tui.tui.board.marks import Marks
from azul_tui.tui.board.player import PlayerBoard
from azul_tui.tui.board.scale import (
    BLOCK,
    CELL,
    LARGE_BLOCK,
    LETTER,
    SLAB,
    Brush,
    Scale,
)
from azul_tui.tui.board.sources import Sources
from azul_tui.tui.board.surface import Surface
from azul_tui.tui.signs import UNICODE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.game.view import PositionView

GAP: Final = 2
"""Cells between two boards at least."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How large the sources, the own board and the others' are drawn."""

    sources: Scale
    own: Scale
    others: Scale


ARRANGEMENTS: Final = (
    Arrangement(BLOCK, LARGE_BLOCK, BLOCK),
    Arrangement(BLOCK, BLOCK, BLOCK),
    Arrangement(BLOCK, BLOCK, SLAB),
    Arrangement(CELL, BLOCK, SLAB),
    Arrangement(BLOCK, BLOCK, CELL),
    Arrangement(CELL, BLOCK, CELL),
    Arrangement(BLOCK, BLOCK, LETTER),
    Arrangement(CELL, BLOCK, LETTER),
    Arrangement(CELL, SLAB, SLAB),
    Arrangement(CELL, SLAB, CELL),
    Arrangement(CELL, SLAB, LETTER),
    Arrangement(CELL, CELL, CELL),
    Arrangement(LETTER, CELL, CELL),
    Arrangement(CELL, CELL, LETTER),
    Arrangement(LETTER, CELL, LETTER),
    Arrangement(LETTER, LETTER, LETTER),
)


class Rectangle(NamedTuple):
    """Cells; `right` and `bottom` are outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Cells across."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Lines."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Place:
    """Where a board goes."""

    x: int
    y: int
    seat: int
    scale: Scale

    def rectangle(self, top: int) -> Rectangle:
        """The cells that it takes when the boards begin at line `top`."""
        width, height = self.scale.board_width, self.scale.board_height
        return Rectangle(self.x, top + self.y, self.x + width, top + self.y + height)


@dataclass(frozen=True, slots=True)
class DrawnTable:
    """A table on a surface."""

    surface: Surface
    height: int
    """Lines that the boards take, from the top."""
    free: Rectangle
    """The largest part of the surface that is left for words; none is empty."""
    second_free: Rectangle
    """The largest part besides that one."""
    complete: bool
    """Whether everything found room."""
    seats: tuple[int, ...] = ()
    """Whose boards are drawn, the own one first."""


def draw_table(
    position: PositionView,
    width: int,
    height: int,
    *,
    names: Sequence[str],
    own: int = 0,
    others: Sequence[int] | None = None,
    marks: Marks | None = None,
    brush: Brush | None = None,
) -> DrawnTable:
    """The position in at most `width` x `height` cells, as large as fits.

    Args:
        position: What lies on the table.
        width: Cells across.
        height: Lines.
        names: A name for each seat.
        own: The seat whose board is drawn on the left, and larger.
        others: The seats whose boards are drawn beside it; None takes all, as they follow.
        marks: What is lit.
        brush: What tiles are drawn with.
    """
    marks = marks or Marks()
    brush = brush or Brush(UNICODE, "full")
    if others is None:
        others = [(own + turn) % position.players for turn in range(1, position.players)]
    seats = [own, *others]
    for arrangement in ARRANGEMENTS:
        sources = Sources(position, marks, scale=arrangement.sources, brush=brush)
        top = sources.height(width)
        places = _places(seats, arrangement, width, height - top)
        if places is not None and _crowded(sources, width):
            places = None
        if places is not None:
            break
    else:
        arrangement = ARRANGEMENTS[-1]
        sources = Sources(position, marks, scale=arrangement.sources, brush=brush)
        top = sources.height(width)
        places = _stacked(seats, arrangement, width)
    # What is left of the height is air above the boards, then above the centre.
    slack = height - top - max(place.y + place.scale.board_height for place in places)
    above_boards, above_centre = int(slack >= 1), int(slack >= 2)
    surface = Surface(width, height)
    sources.draw(surface, 0, 0, width, above_centre)
    top += above_boards + above_centre
    for place in places:
        board = PlayerBoard(
            position,
            place.seat,
            marks,
            scale=place.scale,
            brush=brush,
            name=names[place.seat] if place.seat < len(names) else f"player {place.seat + 1}",
        )
        board.draw(surface, place.x, top + place.y)
    taken = [Rectangle(0, 0, sources.width(width), top)]
    taken.extend(place.rectangle(top) for place in places)
    used = max(rectangle.bottom for rectangle in taken)
    free = free_rectangle(tuple(taken), width, height)
    second = free_rectangle((*taken, free), width, height) if free.height else free
    complete = used <= height and all(other.right <= width for other in taken)
    return DrawnTable(surface, min(used, height), free, second, complete, tuple(seats))


def draw_whole_boards(
    position: PositionView,
    width: int,
    height: int,
    *,
    names: Sequence[str],
    own: int,
    wanted: int,
    marks: Marks | None = None,
    brush: Brush | None = None,
) -> DrawnTable:
    """As `draw_table`, but where there is no room for all boards only as many as are whole.

    Args:
        position: What lies on the table.
        width: Cells across.
        height: Lines.
        names: A name for each seat.
        own: The seat whose board is drawn in any case.
        wanted: The seat whose board comes next to it where not all are drawn.
        marks: What is lit.
        brush: What tiles are drawn with.

    Returns:
        The table with the most boards that find room; all of them, cut, where not even two do.
    """
    players = position.players
    others = [(own + turn) % players for turn in range(1, players)]
    turned = others
    if wanted in others:
        turned = others[others.index(wanted) :] + others[: others.index(wanted)]
    tables: list[DrawnTable] = []
    for count in range(players - 1, 0, -1):
        table = draw_table(
            position,
            width,
            height,
            names=names,
            own=own,
            others=others if count == players - 1 else turned[:count],
            marks=marks,
            brush=brush,
        )
        tables.append(table)
        if table.complete:
            return table
    return tables[0]


@lru_cache(maxsize=64)
def free_rectangle(taken: tuple[Rectangle, ...], width: int, height: int) -> Rectangle:
    """The most useful rectangle that touches none of `taken`; an empty one without any.

    Useful are up to 48 cells by 24 lines of it, at least 22 by 3.
    """
    best, most = Rectangle(0, 0, 0, 0), 0
    for left in {0, *(other.right + GAP for other in taken)}:
        for right in {width, *(other.left - GAP for other in taken)}:
            if right - left < 22:
                continue
            column = [other for other in taken if other.left < right and other.right > left]
            for top in {0, *(other.bottom for other in column)}:
                bottom = min((other.top for other in column if other.bottom > top), default=height)
                rectangle = Rectangle(left, top, right, min(bottom, height))
                value = min(rectangle.width, 48) * min(rectangle.height, 24)
                if rectangle.height >= 3 and (value, rectangle) > (most, best):
                    best, most = rectangle, value
    return best


def _crowded(sources: Sources, width: int) -> bool:
    """Whether framed factories do not stand in one row, or written ones take more than two."""
    return len(sources.rows(width)) > (1 if sources.framed else 2)


def _places(
    seats: Sequence[int], arrangement: Arrangement, width: int, height: int
) -> list[Place] | None:
    """The own board on the left, the others stacked in columns beside it; None without room."""
    own, other = arrangement.own, arrangement.others
    if own.board_width > width or own.board_height > height:
        return None
    left = own.board_width + GAP
    columns = max(0, (width - left + GAP) // (other.board_width + GAP))
    rows = height // other.board_height
    others = seats[1:]
    if columns * rows < len(others):
        if own is other is LETTER:
            stacked = _stacked(seats, arrangement, width)
            fits = max(place.y + other.board_height for place in stacked) <= height
            return stacked if fits else None
        return None
    # As few columns as the height allows: what is beside them stays in one piece.
    columns = -(-len(others) // max(1, rows))
    step = other.board_height
    if -(-len(others) // columns) * (step + 1) - 1 <= height:
        step += 1  # a blank line between two boards
    left += min(2, width - left - columns * (other.board_width + GAP) + GAP)
    places = [Place(0, 0, seats[0], own)]
    places.extend(
        Place(
            left + order % columns * (other.board_width + GAP),
            order // columns * step,
            seat,
            other,
        )
        for order, seat in enumerate(others)
    )
    return places


def _stacked(seats: Sequence[int], arrangement: Arrangement, width: int) -> list[Place]:
    """All boards in rows, as many beside each other as fit."""
    scale = arrangement.others
    columns = max(1, (width + GAP) // (scale.board_width + GAP))
    return [
        Place(
            order % columns * (scale.board_width + GAP),
            order // columns * scale.board_height,
            seat,
            scale,
        )
        for order, seat in enumerate(seats)
    ]
