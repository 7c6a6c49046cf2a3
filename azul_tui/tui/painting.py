"""From one picture to the next with as few bytes as a terminal needs: pure.

A frame of 120x40 in which every word carries its full style is 50 kB and costs more than all
the drawing. So only the cells that changed are written, and of a style only what differs from
the style of the cell before.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from azul_tui.tui.palette import role_style

if TYPE_CHECKING:
    from rich.color import ColorSystem

    from azul_tui.tui.palette import Depth
    from azul_tui.tui.picture import Line, Picture

GAP = 6
"""Unchanged cells between two changed ones that are written as well: a move costs as much."""


class Ink(NamedTuple):
    """The parameters of one style (ECMA-48, section 8.3.117, SGR)."""

    attributes: tuple[str, ...]
    front: tuple[str, ...]
    back: tuple[str, ...]


@lru_cache(maxsize=1024)
def ink(role: str, depth: Depth, system: ColorSystem | None) -> Ink:
    """The parameters of `role` in a terminal of `system` colours (None: no colours at all)."""
    style = role_style(role, depth)
    shown = ((style.bold, "1"), (style.dim, "2"), (style.italic, "3"))
    shown += ((style.underline, "4"), (style.reverse, "7"))
    front, back = ("39",), ("49",)
    if system is not None:
        if style.color is not None:
            front = style.color.downgrade(system).get_ansi_codes(foreground=True)
        if style.bgcolor is not None:
            back = style.bgcolor.downgrade(system).get_ansi_codes(foreground=False)
    return Ink(tuple(code for on, code in shown if on), tuple(front), tuple(back))


@lru_cache(maxsize=8192)
def change(before: str | None, after: str, depth: Depth, system: ColorSystem | None) -> str:
    """What turns the style of role `before` (None: an unknown one) into that of `after`."""
    new = ink(after, depth, system)
    old = ink(before, depth, system) if before is not None else None
    codes: list[str] = []
    if old is None or old.attributes != new.attributes:
        codes.extend(("0", *new.attributes))
        old = Ink(new.attributes, ("39",), ("49",))
    if new.front != old.front:
        codes.extend(new.front)
    if new.back != old.back:
        codes.extend(new.back)
    return f"\x1b[{';'.join(codes)}m" if codes else ""


def painted(
    old: Picture | None, new: Picture, depth: Depth, system: ColorSystem | None = None
) -> str:
    """What to write to a terminal that shows `old` so that it shows `new`.

    Args:
        old: What is there now; None when that is not known.
        new: Lines of equal width.
        depth: The palette.
        system: The terminal's colours.
    """
    known = old if old is not None and len(old) == len(new) else None
    parts: list[str] = []
    pen: str | None = None
    for row, line in enumerate(new):
        if known is None:
            parts.append(f"\x1b[{row + 1};1H")
            for text, role in line:
                parts.append(change(pen, role, depth, system) + text)
                pen = role
            continue
        if line == known[row]:
            continue
        cells = cells_of(line)
        for start, stop in changed_ranges(cells_of(known[row]), cells):
            parts.append(f"\x1b[{row + 1};{start + 1}H")
            for text, role in cells[start:stop]:
                if role != pen:
                    parts.append(change(pen, role, depth, system))
                    pen = role
                parts.append(text)
    if parts:
        parts.append("\x1b[0m")
    return "".join(parts)


def changed_ranges(
    before: list[tuple[str, str]], after: list[tuple[str, str]], gap: int = GAP
) -> list[tuple[int, int]]:
    """Half-open ranges of cells that differ; ranges closer than `gap` cells are joined.

    Lines of different width differ everywhere.
    """
    if len(before) != len(after):
        return [(0, len(after))]
    ranges: list[tuple[int, int]] = []
    first = last = -1
    for index, (a, b) in enumerate(zip(before, after, strict=True)):
        if a == b:
            continue
        if first >= 0 and index - last <= gap:
            last = index + 1
            continue
        if first >= 0:
            ranges.append((first, last))
        first, last = index, index + 1
    if first >= 0:
        ranges.append((first, last))
    return ranges


@lru_cache(maxsize=512)
def cells_of(line: Line) -> list[tuple[str, str]]:
    """One entry a cell; a wide character fills its second cell with nothing.

    Kept for a while, because every line is looked at twice: when it comes and when it goes.
    """
    cells: list[tuple[str, str]] = []
    for text, role in line:
        if text.isascii() or cell_len(text) == len(text):
            cells.extend([(character, role) for character in text])
            continue
        for character in text:
            cells.append((character, role))
            cells.extend([("", role)] * (cell_len(character) - 1))
    return cells
