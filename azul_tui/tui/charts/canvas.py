"""A grid of dots that becomes braille characters, or one character a cell in ASCII.

H x W cells; in Unicode each holds 4 x 2 dots, in ASCII one. Later layers own the
cells they touch, so a bright line is never thickened by a faint band behind it.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
DotArray = NDArray[np.bool_]

_BRAILLE_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.uint16)
_BRAILLE_BASE = 0x2800


class Canvas:
    """Cells with a character code and an owner (an index of a role, -1 for none)."""

    def __init__(self, width: int, height: int, *, ascii_only: bool = False) -> None:
        self.width = width
        self.height = height
        self.ascii_only = ascii_only
        self.dots_x = 1 if ascii_only else 2
        self.dots_y = 1 if ascii_only else 4
        self.codes: NDArray[np.uint16] = np.full((height, width), 32, dtype=np.uint16)
        self.owners: NDArray[np.int16] = np.full((height, width), -1, dtype=np.int16)

    @property
    def dot_width(self) -> int:
        """Columns of dots."""
        return self.width * self.dots_x

    @property
    def dot_height(self) -> int:
        """Rows of dots."""
        return self.height * self.dots_y

    def blank(self) -> DotArray:
        """An empty layer, (dot_height, dot_width)."""
        return np.zeros((self.dot_height, self.dot_width), dtype=np.bool_)

    def put(self, dots: DotArray, owner: int, character: str) -> None:
        """Lay a layer over the cells; `character` stands for a cell with dots in ASCII."""
        if self.ascii_only:
            self.codes[dots] = ord(character)
            self.owners[dots] = owner
            return
        cells = dots.reshape(self.height, 4, self.width, 2).transpose(0, 2, 1, 3)
        bits = (cells * _BRAILLE_BITS).sum(axis=(2, 3)).astype(np.uint16)
        touched = bits > 0
        # Dots of a line that already owns the cell stay, where two lines cross.
        old = np.where(
            (self.codes >= _BRAILLE_BASE) & (self.owners >= 0) & (owner % 2 == self.owners % 2),
            self.codes - _BRAILLE_BASE,
            0,
        )
        self.codes[touched] = (_BRAILLE_BASE + (bits | old))[touched]
        # A cell has one colour: two lines that share a row of cells take turns.
        turn = np.arange(self.width) % 2 == 1
        self.owners[touched & ~((old > 0) & (old & ~bits > 0) & turn)] = owner

    def put_character(self, row: int, column: int, character: str, owner: int) -> None:
        """One character in one cell; outside the canvas nothing happens."""
        if 0 <= row < self.height and 0 <= column < self.width:
            self.codes[row, column] = ord(character)
            self.owners[row, column] = owner

    def rows(self, roles: list[str]) -> list[tuple[tuple[str, str], ...]]:
        """Lines of `(text, role)` segments."""
        lines: list[tuple[tuple[str, str], ...]] = []
        for row in range(self.height):
            text = "".join(map(chr, self.codes[row].tolist()))
            owners = self.owners[row]
            changes: list[int] = (np.flatnonzero(np.diff(owners)) + 1).tolist()
            cuts: list[int] = [0, *changes, self.width]
            kinds: list[int] = owners[cuts[:-1]].tolist()
            names = [roles[kind] if kind >= 0 else "" for kind in kinds]
            lines.append(
                tuple(
                    (text[start:stop], name)
                    for (start, stop), name in zip(itertools.pairwise(cuts), names, strict=True)
                )
            )
        return lines


def span_layer(canvas: Canvas, low: FloatArray, high: FloatArray) -> DotArray:
    """Columns filled from `low` to `high`, (dot_width,) each, in dot rows from the top.

    NaN leaves a column empty; what lies outside the canvas is cut off.
    """
    rows = np.arange(canvas.dot_height)[:, None]
    known = ~(np.isnan(low) | np.isnan(high))
    limit = canvas.dot_height
    first = np.where(known, np.clip(np.round(low), -1, limit), limit + 1)
    last = np.where(known, np.clip(np.round(high), -1, limit), -2)
    return (rows >= first) & (rows <= last)


def line_layer(canvas: Canvas, y: FloatArray, pattern: int = 0) -> DotArray:
    """A joined line through the dot rows `y`, (dot_width,), NaN where there is no point.

    Gaps between points are bridged. `pattern` 1 dashes and 2 dots the line, for
    terminals without colour.
    """
    known = np.flatnonzero(~np.isnan(y))
    if len(known) == 0:
        return canvas.blank()
    columns = np.arange(int(known[0]), int(known[-1]) + 1)
    joined = np.full(len(y), np.nan)
    joined[columns] = np.interp(columns, known, y[known])
    rounded = np.round(joined)
    after = np.append(rounded[1:], np.nan)
    after = np.where(np.isnan(after), rounded, after)
    # Each column reaches to just before the next one's row, so steep lines stay joined.
    step = np.sign(after - rounded)
    reach = np.where(np.abs(after - rounded) > 1, after - step, rounded)
    layer = span_layer(canvas, np.fmin(rounded, reach), np.fmax(rounded, reach))
    if pattern == 1:
        layer[:, np.arange(canvas.dot_width) % 8 >= 5] = False
    elif pattern == 2:
        layer[:, np.arange(canvas.dot_width) % 3 != 0] = False
    return layer
