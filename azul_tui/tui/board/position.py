"""A position as the drawing needs it: plain tuples, no arrays, no engine."""

from __future__ import annotations

from dataclasses import dataclass

COLORS = "BYRKW"
"""Blue, yellow, red, black, white; a colour is its index here."""
FLOOR_COSTS = (1, 1, 2, 2, 2, 3, 3)
MARKER = "1"
"""The first-player marker, in the centre or on a floor line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerBoard:
    """One player's board."""

    score: int
    lines: tuple[tuple[int, int], ...]
    """Five pattern lines from the top: (colour or -1, number of tiles)."""
    wall: tuple[tuple[bool, ...], ...]
    """Five rows of five cells by column; the cell of colour c in row r is column (c + r) % 5."""
    floor: str
    """At most seven letters of tiles and the marker, leftmost first."""

    @property
    def floor_cost(self) -> int:
        """Points that the floor line costs, as a positive number."""
        return sum(FLOOR_COSTS[: len(self.floor)])


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPosition:
    """What lies on the table."""

    factories: tuple[tuple[int, ...], ...]
    """Counts of the five colours on each factory."""
    centre: tuple[int, ...]
    marker_in_centre: bool
    players: tuple[PlayerBoard, ...]
    to_move: int
    round: int = 0


def wall_color(row: int, column: int) -> int:
    """The colour that belongs on a wall cell (rulebook: the printed wall)."""
    return (column - row) % 5


def letters(counts: tuple[int, ...]) -> str:
    """Counts of the five colours as letters in order: (2, 1, 0, 1, 0) is `BBYK`."""
    return "".join(letter * count for letter, count in zip(COLORS, counts, strict=True))
