"""A picture as SVG that looks the same wherever it is shown.

A terminal's charts are braille and box-drawing characters, which a reader's monospace font
often lacks or draws at another width. So dots, lines and bars are drawn as shapes here, and
every word is stretched to the cells that it takes in the terminal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from rich.cells import cell_len

from azul_tui.tui.palette import BACKGROUND, FOREGROUND, role_style

if TYPE_CHECKING:
    from rich.color import Color
    from rich.style import Style

    from azul_tui.tui.picture import Picture

CELL_WIDTH, CELL_HEIGHT = 8, 16
MARGIN = 12
FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_BRAILLE = range(0x2800, 0x2900)
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of the dot that each bit of a braille character stands for."""
_MIDDLE = f"{CELL_WIDTH // 2} {CELL_HEIGHT // 2}"
_LINES: dict[str, str] = {
    "─": "0 8h8",
    "│": "4 0v16",
    "┌": "8 8h-4v8",
    "┐": "0 8h4v8",
    "└": "8 8h-4v-8",
    "┘": "0 8h4v-8",
    "├": "4 0v16m0-8h4",
    "┤": "4 0v16m0-8h-4",
    "┴": "0 8h8m-4 0v-8",
    "┬": "0 8h8m-4 0v8",
    "┼": "0 8h8m-4-8v16",
    "╌": "1 8h2m2 0h2",
}
"""Paths of thin lines within a cell of 8 x 16, without the `M`."""
_BARS: dict[str, str] = {
    "━": "0 6.5h8v3h-8z",
    "╸": "0 6.5h4v3h-4z",
    "╺": "4 6.5h4v3h-4z",
    "█": "0 0h8v16h-8z",
    "▌": "0 0h4v16h-4z",
    "▐": "4 0h4v16h-4z",
    "▀": "0 0h8v8h-8z",
    "▄": "0 8h8v8h-8z",
    "▸": "1.5 4v8l5.5-4z",
    "◂": "6.5 4v8l-5.5-4z",
    "▴": "1 11h6l-3-6z",
    "▲": "0.5 12.5h7l-3.5-8z",
    "▼": "0.5 4.5h7l-3.5 8z",
    "◆": "4 3.5l3.5 4.5-3.5 4.5-3.5-4.5z",
    "■": "1 5h6v6h-6z",
    "●": "0.5 8a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z",
    "★": "4 3l1.2 3.3 3.3.1-2.6 2.1.9 3.4-2.8-2-2.8 2 .9-3.4-2.6-2.1 3.3-.1z",
}
"""Outlines of filled shapes within a cell."""
_EIGHTHS = {
    chr(0x2580 + level): f"0 {16 - 2 * level}h8v{2 * level}h-8z" for level in range(1, 8)
} | {chr(0x2590 - level): f"0 0h{level}v16h-{level}z" for level in range(1, 8)}
_WORDS = re.compile(r"\S+(?: \S+)*")


class _Sheet:
    """What is drawn, by colour: one path for all dots of a colour keeps the file small."""

    def __init__(self) -> None:
        self.grounds: list[tuple[int, int, int, str]] = []
        """Row, first cell, cells and colour of what is not the background."""
        self.texts: list[str] = []
        self.dots: dict[str, list[str]] = {}
        self.lines: dict[str, list[str]] = {}
        self.shapes: dict[str, list[str]] = {}

    def put(self, text: str, style: Style, column: int, row: int) -> None:
        """One run of one style, beginning at a cell."""
        ground = _hex(style.bgcolor, BACKGROUND)
        if ground != BACKGROUND:
            # Neighbours become one rectangle: a seam between two would show.
            last = self.grounds[-1] if self.grounds else None
            if last is not None and (last[0], last[1] + last[2], last[3]) == (row, column, ground):
                self.grounds[-1] = (row, last[1], last[2] + cell_len(text), ground)
            else:
                self.grounds.append((row, column, cell_len(text), ground))
        color = _hex(style.color, FOREGROUND)
        plain: list[str] = []
        for offset, letter in _by_cell(text):
            if self._draw(letter, color, column + offset, row):
                plain.append(" " * cell_len(letter))
            else:
                plain.append(letter)
        self._write("".join(plain), color, bold=bool(style.bold), column=column, row=row)

    def _draw(self, letter: str, color: str, column: int, row: int) -> bool:
        """Draw a character as a shape; False for one that stays text."""
        x, y = column * CELL_WIDTH, row * CELL_HEIGHT
        if ord(letter) in _BRAILLE:
            dots = self.dots.setdefault(color, [])
            for bit, (across, down) in enumerate(_DOTS):
                if ord(letter) >> bit & 1:
                    dots.append(f"M{x + 2 + 4 * across} {y + 2 + 4 * down}h0")
            return True
        if letter in _LINES:
            self.lines.setdefault(color, []).append(_moved(_LINES[letter], x, y))
            return True
        path = _BARS.get(letter) or _EIGHTHS.get(letter)
        if path is None:
            return False
        self.shapes.setdefault(color, []).append(_moved(path, x, y))
        return True

    def _write(self, text: str, color: str, *, bold: bool, column: int, row: int) -> None:
        for words in _WORDS.finditer(text):
            x = (column + cell_len(text[: words.start()])) * CELL_WIDTH
            y = row * CELL_HEIGHT + 12
            width = cell_len(words[0]) * CELL_WIDTH
            weight = ' font-weight="700"' if bold else ""
            self.texts.append(
                f'<text x="{x}" y="{y}" textLength="{width}" fill="{color}"{weight}>'
                f"{escape(words[0])}</text>"
            )

    def elements(self) -> list[str]:
        """Everything drawn, what lies below first."""
        found = [
            f'<rect x="{column * CELL_WIDTH}" y="{row * CELL_HEIGHT}" '
            f'width="{cells * CELL_WIDTH}" height="{CELL_HEIGHT}" fill="{color}"/>'
            for row, column, cells, color in self.grounds
        ]
        for color, paths in self.shapes.items():
            found.append(f'<path fill="{color}" d="{"".join(paths)}"/>')
        for color, paths in self.lines.items():
            found.append(f'<path fill="none" stroke="{color}" d="{"".join(paths)}"/>')
        for color, paths in self.dots.items():
            found.append(
                f'<path stroke="{color}" stroke-width="2.8" stroke-linecap="round" '
                f'd="{"".join(paths)}"/>'
            )
        return [*found, *self.texts]


def picture_svg(picture: Picture, title: str, width: int) -> str:
    """The picture as SVG, in the colours of the dashboard.

    Args:
        picture: Its lines.
        title: What a screen reader says.
        width: Cells in a line.
    """
    sheet = _Sheet()
    for row, line in enumerate(picture):
        column = 0
        for text, role in line:
            sheet.put(text, role_style(role, "full"), column, row)
            column += cell_len(text)
    wide = width * CELL_WIDTH + 2 * MARGIN
    high = len(picture) * CELL_HEIGHT + 2 * MARGIN
    body = "\n".join(sheet.elements())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" '
        f'width="{wide}" height="{high}" font-family="{FONTS}" font-size="13.2" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>\n'
        f'<g transform="translate({MARGIN} {MARGIN})">\n{body}\n</g>\n</svg>\n'
    )


def _by_cell(text: str) -> list[tuple[int, str]]:
    """Each character with the cell at which it begins."""
    found: list[tuple[int, str]] = []
    offset = 0
    for letter in text:
        found.append((offset, letter))
        offset += cell_len(letter)
    return found


def _moved(path: str, x: int, y: int) -> str:
    """A path that begins at an absolute point and goes on relatively, moved."""
    place = re.match(r"([\d.]+) ([\d.]+)", path)
    assert place is not None
    return f"M{float(place[1]) + x:g} {float(place[2]) + y:g}{path[place.end() :]}"


def _hex(color: Color | None, default: str) -> str:
    return color.triplet.hex if color is not None and color.triplet is not None else default
