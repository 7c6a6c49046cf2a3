"""Pictures: lines of styled text, the only thing that drawing code produces.

A `Segment` is `(text, role)`, where a role is a word of `palette.py` such as
`"series.0"` or `"alert"`. Nothing here knows of a terminal, a widget or a colour,
so that every drawing is tested as plain text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, chop_cells, set_cell_size

from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Segment = tuple[str, str]
Line = tuple[Segment, ...]
Picture = list[Line]

BLANK: Line = ()


def text_line(text: str, role: str = "") -> Line:
    """One line of one role."""
    return ((text, role),) if text else BLANK


def line_width(line: Line) -> int:
    """Width of `line` in terminal cells."""
    return sum(len(text) if text.isascii() else cell_len(text) for text, _ in line)


def fit(line: Line, width: int) -> Line:
    """`line` cropped or padded with blanks to exactly `width` cells."""
    used = 0
    for index, (text, role) in enumerate(line):
        size = len(text) if text.isascii() else cell_len(text)
        if used + size > width:
            if width > used:
                return (*line[:index], (set_cell_size(text, width - used), role))
            return line[:index]
        used += size
    return line if used == width else (*line, (" " * (width - used), ""))


def shorten(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in at most `width` cells, its end replaced by an ellipsis if it is longer."""
    if cell_len(text) <= width:
        return text
    if width <= len(ellipsis):
        return set_cell_size(text, max(0, width))
    return set_cell_size(text, width - len(ellipsis)).rstrip() + ellipsis


def shorten_middle(text: str, width: int, ellipsis: str = "…") -> str:
    """As `shorten`, but the end stays, where names of one kind differ: `night-r…name-12`."""
    if cell_len(text) <= width:
        return text
    room = width - len(ellipsis)
    if room < 2:
        return shorten(text, width, ellipsis)
    kept = text[len(text) - room // 2 :]
    while cell_len(kept) > room // 2:
        kept = kept[1:]
    head = set_cell_size(text, room - cell_len(kept)).rstrip()
    return f"{head}{ellipsis}{kept}"


def spread(left: Line, right: Line, width: int) -> Line:
    """`left` and `right` at the two ends of `width` cells; `right` gives way first."""
    gap = width - line_width(left) - line_width(right)
    if gap < 1:
        return fit(left, width)
    return (*left, (" " * gap, ""), *right)


def beside(left: Picture, left_width: int, right: Picture) -> Picture:
    """Two pictures next to each other, the left one `left_width` cells wide."""
    height = max(len(left), len(right))
    return [
        (
            *fit(left[row] if row < len(left) else BLANK, left_width),
            *(right[row] if row < len(right) else BLANK),
        )
        for row in range(height)
    ]


def crop(picture: Picture, width: int, height: int) -> Picture:
    """`picture` cut and padded to exactly `height` lines of `width` cells."""
    lines = [fit(line, width) for line in picture[:height]]
    lines.extend(fit(BLANK, width) for _ in range(height - len(lines)))
    return lines


def laid_over(below: Picture, box: Picture, box_width: int) -> Picture:
    """`below` with `box`, `box_width` cells wide, in its middle; all lines of one width."""
    if not below:
        return box
    width = line_width(below[0])
    top, left = max(0, (len(below) - len(box)) // 2), max(0, (width - box_width) // 2)
    return laid_at(below, [fit(line, box_width) for line in box], top, left)


def laid_at(below: Picture, box: Picture, top: int, left: int) -> Picture:
    """`below` with the lines of `box` over it from row `top` and column `left` on."""
    picture = list(below)
    for row, line in enumerate(box[: max(0, len(below) - top)]):
        old = below[top + row]
        picture[top + row] = (*fit(old, left), *line, *_after(old, left + line_width(line)))
    return picture


def _after(line: Line, start: int) -> Line:
    """What is left of `line` from cell `start` on."""
    rest: list[Segment] = []
    for text, role in line:
        size = cell_len(text)
        if start < size:
            kept = text
            while start > 0:  # a wide character that is cut in half leaves a blank
                start -= cell_len(kept[0])
                kept = " " * -start + kept[1:] if start < 0 else kept[1:]
                start = max(0, start)
            rest.append((kept, role))
            start = 0
        else:
            start -= size
    return tuple(rest)


def place_of(picture: Picture, mark: Segment) -> tuple[int, int] | None:
    """Row and column of the very segment `mark`, not of one like it; None when it is not there.

    Pictures are put together of lines that nobody changes, so that a drawing is found again
    wherever it was laid.
    """
    for row, line in enumerate(picture):
        for index, segment in enumerate(line):
            if segment is mark:
                return row, line_width(line[:index])
    return None


def harmless(picture: Picture) -> Picture:
    """`picture` without characters that act on a terminal, whoever let them come so far."""
    return [
        line
        if all(text.isprintable() for text, _ in line)
        else tuple(
            (text if text.isprintable() else plain_text(text, len(text)), role)
            for text, role in line
        )
        for line in picture
    ]


def plain(picture: Iterable[Line]) -> str:
    """The text of a picture without its roles, lines right-stripped."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in picture)


def join(parts: Sequence[Line], gap: str = "   ") -> Line:
    """Lines one after the other with a gap between those that are not empty."""
    joined: list[Segment] = []
    for part in parts:
        if not part:
            continue
        if joined:
            joined.append((gap, ""))
        joined.extend(part)
    return tuple(joined)


def wrapped(text: str, width: int, role: str = "") -> Picture:
    """`text` broken at blanks into lines of at most `width` cells; a longer word is cut."""
    lines: list[str] = [""]
    for word in text.split():
        for piece in chop_cells(word, max(2, width)) if cell_len(word) > width else (word,):
            if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(piece) > width:
                lines.append(piece)
            else:
                lines[-1] = f"{lines[-1]} {piece}".strip()
    return [text_line(line, role) for line in lines]


def hanging(text: str, width: int) -> list[str]:
    """One line in pieces of at most `width` cells; those that go on stand further in."""
    if cell_len(text) <= width:
        return [text]
    start = len(text) - len(text.lstrip())
    indent = " " * min(start + 2, width // 3)
    pieces = wrapped(text.strip(), width - len(indent))
    words = ["".join(part for part, _ in piece) for piece in pieces]
    return [text[: min(start, len(indent))] + words[0], *(indent + word for word in words[1:])]


def last_lines(texts: Sequence[str], width: int, height: int) -> list[str]:
    """The newest of `texts` in `height` lines, each whole, in pieces where it is longer."""
    pieces = [piece for text in texts[-height:] for piece in hanging(text, width)]
    return pieces[-height:] if height > 0 else []


_ASCII_FORMS = str.maketrans(
    {"…": "~", "–": "-", "—": "-", "±": "~", "×": "x", "·": ".", "←": "<", "→": ">", "↑": "^"}
)


def asciified(picture: Picture) -> Picture:
    """`picture` in ASCII alone: what has no plain form becomes `?`, cell for cell."""
    return [
        tuple((text if text.isascii() else _ascii_text(text), role) for text, role in line)
        for line in picture
    ]


def _ascii_text(text: str) -> str:
    return "".join(
        letter if letter.isascii() else "?" * cell_len(letter)
        for letter in text.translate(_ASCII_FORMS)
    )
