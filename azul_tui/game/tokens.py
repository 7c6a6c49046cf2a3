"""How tiles, pattern lines and wall rows are spelled: the words that both notations share.

| word | spelled |
|---|---|
| tiles | `BBYK` or `B2Y1K1`; `-` for none; a `*` at the end is the first-player marker |
| pattern line | `-` when empty, `Y2` for two yellow tiles, or drawn: `..YY` |
| wall row | five letters or dots: `B..K.` |
| whole number | `-12` to `127` and the like, in plain digits |

Every function here raises NotationError with the offending word in it.
"""

from __future__ import annotations

import re
from typing import Final, cast

from azul_tui.errors import NotationError
from azul_tui.game.constants import COLOR_COUNT, COLOR_LETTERS
from azul_tui.game.view import Counts, LineView, wall_color

MARKER: Final = "*"
_EMPTY: Final = "-"
_SHOWN: Final = 40
_TILES = re.compile(rf"([{COLOR_LETTERS}])(-?[0-9]{{1,3}})?")
_LINE_COUNTED = re.compile(rf"([{COLOR_LETTERS}?])(-?[0-9]{{1,3}})")
_LINE_DRAWN = re.compile(rf"\.*(?:([{COLOR_LETTERS}])\1*)?")
_NUMBER = re.compile(r"-?[0-9]{1,5}")


def quoted(text: str) -> str:
    """`text` fit for an error message: shortened, control characters spelled out."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def parse_number(text: str) -> int:
    """A whole number of at most five digits."""
    if not _NUMBER.fullmatch(text):
        raise NotationError(f"{quoted(text)} is not a whole number")
    return int(text)


def format_tiles(counts: Counts, marker: bool = False, *, spelled_out: bool = False) -> str:
    """Tiles as counts, `B2K1`, or spelled out, `BBK`, when none of the counts is negative."""
    if spelled_out and min(counts) >= 0:
        tiles = "".join(letter * n for letter, n in zip(COLOR_LETTERS, counts, strict=True))
    else:
        tiles = "".join(
            f"{letter}{n}" for letter, n in zip(COLOR_LETTERS, counts, strict=True) if n
        )
    return tiles + MARKER if marker else tiles or _EMPTY


def parse_tiles(text: str) -> tuple[Counts, bool]:
    """Tiles of each colour, and whether the marker lies with them."""
    marker = text.endswith(MARKER)
    tiles = text.removesuffix(MARKER)
    counts = [0] * COLOR_COUNT
    if tiles == _EMPTY or (marker and not tiles):
        return cast("Counts", tuple(counts)), marker
    at = 0
    while at < len(tiles) or not tiles:
        word = _TILES.match(tiles, at)
        if word is None:
            raise NotationError(
                f"{quoted(text)} is not a set of tiles; "
                f"write letters of {COLOR_LETTERS}, with or without counts, or - for none"
            )
        counts[COLOR_LETTERS.index(word[1])] += 1 if word[2] is None else int(word[2])
        at = word.end()
    return cast("Counts", tuple(counts)), marker


def parse_unmarked_tiles(text: str) -> Counts:
    """Tiles of each colour in a place where the marker cannot be."""
    counts, marker = parse_tiles(text)
    if marker:
        raise NotationError(
            f"{quoted(text)} has the marker, which lies in the centre or on a floor"
        )
    return counts


def format_line(line: LineView) -> str:
    """A pattern line, counted: `-`, `Y2`; `?2` for tiles of no colour."""
    if line == LineView(None, 0):
        return _EMPTY
    return f"{'?' if line.color is None else COLOR_LETTERS[line.color]}{line.tiles}"


def draw_line(line: LineView, row: int) -> str:
    """A pattern line as it lies on the table, `..YY`; counted if it could not lie there."""
    drawable = (line.color is None) == (line.tiles == 0) and 0 <= line.tiles <= row + 1
    if not drawable:
        return format_line(line)
    letter = "" if line.color is None else COLOR_LETTERS[line.color]
    return (letter * line.tiles).rjust(row + 1, ".")


def parse_line(text: str, row: int) -> LineView:
    """A pattern line, counted or drawn; a drawn one has `row + 1` places."""
    if text == _EMPTY:
        return LineView(None, 0)
    if counted := _LINE_COUNTED.fullmatch(text):
        color = None if counted[1] == "?" else COLOR_LETTERS.index(counted[1])
        return LineView(color, int(counted[2]))
    drawn = _LINE_DRAWN.fullmatch(text)
    if drawn is None or len(text) != row + 1:
        raise NotationError(
            f"{quoted(text)} is not pattern line {row + 1}; "
            f"write - when it is empty, a colour and a count, or its {row + 1} places"
        )
    color = None if drawn[1] is None else COLOR_LETTERS.index(drawn[1])
    return LineView(color, len(text) - text.count("."))


def format_wall_row(cells: tuple[bool, ...], row: int) -> str:
    """A wall row: the letter of each tile that lies there, a dot for each that does not."""
    return "".join(
        COLOR_LETTERS[wall_color(row, column)] if cell else "." for column, cell in enumerate(cells)
    )


def parse_wall_row(text: str, row: int) -> tuple[bool, ...]:
    """The five cells of a wall row."""
    full = format_wall_row((True,) * COLOR_COUNT, row)
    if len(text) != COLOR_COUNT or any(
        letter not in (".", place) for letter, place in zip(text, full, strict=True)
    ):
        raise NotationError(f"{quoted(text)} is not wall row {row + 1}; that is {full} with gaps")
    return tuple(letter != "." for letter in text)
