"""A sheet of cells to draw a table on, which remembers what a click on a cell means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

if TYPE_CHECKING:
    from azul_tui.tui.picture import Line, Picture, Segment


class Target(NamedTuple):
    """What lies under a cell: `("tiles", source, colour)` or `("line", seat, row)`.

    Source F is the centre and row 5 the floor, as in an action; all count from 0.
    """

    kind: str
    first: int
    second: int


class Area(NamedTuple):
    """A rectangle of cells that means one target; `right` and `bottom` are outside."""

    left: int
    top: int
    right: int
    bottom: int
    target: Target


class Surface:
    """`width` x `height` cells, each a character and a role; what leaves it is cut off."""

    def __init__(self, width: int, height: int) -> None:
        self.width = max(0, width)
        self.height = max(0, height)
        self.areas: list[Area] = []
        self.used_height = 0
        """Lines down to the last one that was written on."""
        self._letters = [[" "] * self.width for _ in range(self.height)]
        self._roles = [[""] * self.width for _ in range(self.height)]

    def put(self, x: int, y: int, text: str, role: str = "") -> int:
        """Write `text` from cell `x` of line `y`; returns the cell after it."""
        if not 0 <= y < self.height:
            return x + cell_len(text)
        self.used_height = max(self.used_height, y + 1)
        letters, roles = self._letters[y], self._roles[y]
        for letter in text:
            size = cell_len(letter)
            if x >= 0 and x + size <= self.width and size:
                letters[x], roles[x] = letter, role
                if size == 2:  # a wide character fills its second cell with nothing
                    letters[x + 1], roles[x + 1] = "", role
            x += size
        return x

    def put_line(self, x: int, y: int, line: Line) -> int:
        """Write a line of several roles; returns the cell after it."""
        for text, role in line:
            x = self.put(x, y, text, role)
        return x

    def put_picture(self, x: int, y: int, picture: Picture) -> None:
        """Write a picture with its upper left corner at `(x, y)`."""
        for row, line in enumerate(picture):
            self.put_line(x, y + row, line)

    def mean(self, left: int, top: int, width: int, height: int, target: Target) -> None:
        """Let a click on these cells mean `target`; later areas lie over earlier ones."""
        self.areas.append(Area(left, top, left + width, top + height, target))

    def at(self, x: int, y: int) -> Target | None:
        """What the cell means."""
        for area in reversed(self.areas):
            if area.left <= x < area.right and area.top <= y < area.bottom:
                return area.target
        return None

    def picture(self) -> Picture:
        """The cells as lines, neighbours of one role joined."""
        return [
            _joined(letters, roles)
            for letters, roles in zip(self._letters, self._roles, strict=True)
        ]


def _joined(letters: list[str], roles: list[str]) -> Line:
    segments: list[Segment] = []
    start = 0
    for index in range(1, len(roles) + 1):
        if index == len(roles) or roles[index] != roles[start]:
            segments.append(("".join(letters[start:index]), roles[start]))
            start = index
    return tuple(segments)
