"""A table as a picture: columns that give way in order, one chosen row, marks, scrolling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from azul_tui.tui import phrases
from azul_tui.tui.picture import Line, Picture, fit, shorten, shorten_middle, text_line
from azul_tui.tui.signs import UNICODE, Signs

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. Those with the highest `gives_way` disappear first when it is narrow."""

    title: str
    align_right: bool = False
    gives_way: int = 0
    stretch: bool = False
    least: int = 3


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row, each text and role."""

    cells: tuple[tuple[str, str], ...]
    marked: bool = False


def first_visible(chosen: int, rows: int, room: int, before: int = 0) -> int:
    """First row of the window that keeps `chosen` visible and moves as little as possible."""
    if rows <= room:
        return 0
    start = min(max(before, chosen - room + 1), chosen)
    return min(max(start, 0), rows - room)


LEAST_MARKED = 3
"""Lines of a list from which its ends say that there is more."""


def first_marked(chosen: int, rows: int, room: int, before: int = 0) -> int:
    """As `first_visible`, where the ends of a cut list are taken by `with_marks`."""
    first = first_visible(chosen, rows, room, before)
    if room < LEAST_MARKED:
        return first
    if first > 0 and chosen == first:
        return first - 1
    if first + room < rows and chosen == first + room - 1:
        return first + 1
    return first


def with_marks(
    lines: Picture, above: int, below: int, width: int, signs: Signs, noun: str = ""
) -> Picture:
    """The lines that fit of a list; in the place of an end that is cut, how many more there are.

    Args:
        lines: As many as fit.
        above: Rows that are not shown once the first line has given way; 0 for a whole end.
        below: The same of the last line.
        width: Cells of the list.
        signs: The characters.
        noun: What is counted, where it is not the rows that one sees.
    """
    if len(lines) < LEAST_MARKED:
        return lines
    marked = list(lines)
    for at, sign, count in ((0, signs.above, above), (-1, signs.below, below)):
        if count:
            more = phrases.plural(count, f"more {noun}") if noun else f"{phrases.count(count)} more"
            words = f"{sign} {more}"
            marked[at] = fit((("  ", ""), (words, "quiet")), width)
    return marked


def count_line(noun: str, shown: int, total: int, words: str, marked: int) -> Line:
    """How many there are, how many of them the filter `words` shows, and how many are marked."""
    count = phrases.plural(total, noun)
    return (
        (f" {shown} of {count}" if words else f" {count}", "quiet"),
        (f"   filter {words}" if words else "", "changed"),
        (f"   {marked} marked" if marked else "", "good"),
    )


def draw_table(
    columns: Sequence[Column],
    rows: Sequence[Row],
    width: int,
    height: int,
    *,
    chosen: int | None = None,
    sorted_by: int | None = None,
    descending: bool = True,
    signs: Signs = UNICODE,
    first: int = 0,
    empty: str = "nothing here",
) -> Picture:
    """A header line and as many rows as fit in `height` lines, ends that are cut marked."""
    if height < 1:
        return []
    if not rows:
        return [text_line(shorten(empty, width), "quiet")]
    shown, widths = _fitting(columns, rows, width)
    head: list[tuple[str, str]] = [("  ", "")]
    for index in shown:
        column = columns[index]
        title = column.title
        if index == sorted_by:
            title += signs.down if descending else signs.up
        head.append((_aligned(title, widths[index], column.align_right), "title"))
        head.append(("  ", ""))
    lines = [
        _row_line(columns, rows[number], shown, widths, width, number == chosen, signs)
        for number in range(first, min(len(rows), first + height - 1))
    ]
    stop = first + len(lines)
    above = first + 1 if first > 0 and chosen != first else 0
    below = len(rows) - stop + 1 if stop < len(rows) and chosen != stop - 1 else 0
    return [fit(tuple(head), width), *with_marks(lines, above, below, width, signs)]


def _row_line(
    columns: Sequence[Column],
    row: Row,
    shown: list[int],
    widths: dict[int, int],
    width: int,
    is_chosen: bool,
    signs: Signs,
) -> Line:
    sign = signs.pointer if is_chosen else " "
    mark = signs.mark if row.marked else " "
    line: list[tuple[str, str]] = [(sign, "key"), (mark, "good")]
    for index in shown:
        text, role = row.cells[index]
        # Names of one kind often begin alike.
        shortened = shorten_middle if columns[index].stretch else shorten
        cell = _aligned(
            shortened(text, widths[index], signs.ellipsis),
            widths[index],
            columns[index].align_right,
        )
        line.append((cell, role))
        line.append(("  ", ""))
    fitted = fit(tuple(line), width)
    if not is_chosen:
        return fitted
    return tuple((text, "chosen") for text, _ in fitted)


def _aligned(text: str, width: int, right: bool) -> str:
    gap = " " * max(0, width - cell_len(text))
    return gap + text if right else text + gap


def _fitting(
    columns: Sequence[Column], rows: Sequence[Row], width: int
) -> tuple[list[int], dict[int, int]]:
    """Which columns are shown, and how wide each is."""
    wanted = {
        index: max(
            cell_len(column.title) + 1,
            column.least,
            *(cell_len(row.cells[index][0]) for row in rows),
        )
        for index, column in enumerate(columns)
    }
    shown = list(range(len(columns)))

    def needed() -> int:
        flexible = [i for i in shown if columns[i].stretch]
        return 2 + sum(
            (min(wanted[i], max(columns[i].least, 12)) if i in flexible else wanted[i]) + 2
            for i in shown
        )

    while len(shown) > 1 and needed() > width:
        victim = max(shown, key=lambda index: (columns[index].gives_way, index))
        shown.remove(victim)
    widths = {index: wanted[index] for index in shown}
    for index in shown:
        if columns[index].stretch:
            others = sum(widths[i] + 2 for i in shown if i != index) + 4
            widths[index] = max(columns[index].least, min(wanted[index], width - others))
    return shown, widths
