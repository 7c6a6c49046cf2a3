"""The table of moves as a picture: bars in its cells, columns that give way where it is narrow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from azul_tui.tui.picture import Line, Picture, fit, shorten, text_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.analyse.columns import Column
    from azul_tui.tui.analyse.entries import Entry
    from azul_tui.tui.signs import Signs


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Which rows are drawn and how."""

    chosen: int
    first: int
    sorted_by: str
    descending: bool
    compared: bool
    signs: Signs


MARKS: Final = 4
"""Cells before the first column: the pointer, who prefers the move, and a blank."""
LINE_LEAST: Final = 12
LINE_FAIR: Final = 30
"""Cells that the best continuation has before bars grow."""
BAR_LEAST, BAR_MOST = 4, 16


@dataclass(frozen=True, slots=True)
class _Plan:
    """What fits into a width: columns, cells of a bar in each, cells of the continuation."""

    shown: list[Column]
    bars: dict[str, int]
    line: int


def planned(all_columns: Sequence[Column], width: int) -> _Plan:
    """Columns that fit, the last of them to give way first; then bars as room remains."""
    shown = list(all_columns)

    def used(bar: int) -> int:
        return MARKS + sum(c.width + 2 + _bar_cells(c, bar) for c in shown)

    def give_way(bar: int, least: int) -> bool:
        return len(shown) > 1 and used(bar) + least > width

    while give_way(0, LINE_LEAST) or give_way(BAR_LEAST, _spare(shown)):
        victim = max(range(len(shown)), key=lambda i: (shown[i].gives_way, i))
        shown.pop(victim)
    bar = BAR_MOST
    while bar >= BAR_LEAST and used(bar) + LINE_FAIR > width:
        bar -= 1
    if bar < BAR_LEAST:
        bar = BAR_LEAST if used(BAR_LEAST) + LINE_LEAST <= width else 0
    sizes = {c.key: _bar_cells(c, bar) for c in shown}
    return _Plan(shown, sizes, max(0, width - used(bar)))


def _spare(shown: Sequence[Column]) -> int:
    """Cells that must be left besides the columns for the least important of them to stay."""
    least_important = max(column.gives_way for column in shown)
    if least_important >= 9:
        return LINE_FAIR + 16
    return LINE_FAIR if least_important >= 4 else -1000  # the others stay as long as they can


def _bar_cells(column: Column, bar: int) -> int:
    """Cells of the bar and the blank before it; a signed bar needs room for two sides."""
    if not column.bar or bar < BAR_LEAST:
        return 0
    if column.bar == "signed":
        return (bar // 2 * 2 + 1) + 1 if bar >= 6 else 0
    return bar + 1


def draw_moves(
    found: Sequence[Entry], all_columns: Sequence[Column], width: int, height: int, look: Look
) -> Picture:
    """A header and the rows from `look.first` on, at most `height` lines."""
    if height < 1:
        return []
    plan = planned(all_columns, width)
    largest = {column.key: _largest(column, found) for column in plan.shown}
    picture: Picture = [_header(plan, width, look)]
    for number, entry in enumerate(found[look.first : look.first + height - 1], look.first):
        line = _row(entry, plan, largest, number == look.chosen, look)
        fitted = fit(line, width)
        if number == look.chosen:
            fitted = tuple((text, "chosen") for text, _ in fitted)
        picture.append(fitted)
    return picture


def _largest(column: Column, found: Sequence[Entry]) -> float:
    """What fills a bar: the largest of the column, for values at least a quarter."""
    least = 0.25 if column.bar == "signed" else 1e-9
    if column.share is None:
        return least
    return max(least, *(abs(column.share(entry) or 0.0) for entry in found))


def header_columns(all_columns: Sequence[Column], width: int) -> list[tuple[int, int, str]]:
    """`(first cell, cell after, key)` of every title, for the mouse."""
    plan = planned(all_columns, width)
    at, found = MARKS, list[tuple[int, int, str]]()
    for column in plan.shown:
        end = at + column.width + 2 + plan.bars[column.key]
        found.append((at, end, column.key))
        at = end
    return found


def _header(plan: _Plan, width: int, look: Look) -> Line:
    parts: list[tuple[str, str]] = [(" " * MARKS, "")]
    for column in plan.shown:
        title = column.title
        is_sorted = column.key == look.sorted_by
        cells = column.width + plan.bars[column.key]
        if is_sorted:
            mark = look.signs.down if look.descending else look.signs.up
            title += "*" if look.signs.ascii else mark  # a `v` would read as a letter
        # A title stands over its numbers; it may run into the bar, or a cell into the gap.
        gap = max(0, column.width - cell_len(title)) if column.key != "move" else 0
        text = f"{' ' * gap}{title}"[: cells + 1]
        parts.append((text, "strong" if is_sorted else "title"))
        parts.append((" " * (cells + 2 - cell_len(text)), ""))
    parts.append((shorten("best continuation", plan.line, look.signs.ellipsis), "title"))
    return fit(tuple(parts), width)


def _row(entry: Entry, plan: _Plan, largest: dict[str, float], here: bool, look: Look) -> Line:
    signs = look.signs
    parts: list[tuple[str, str]] = [(signs.pointer if here else " ", "key")]
    if look.compared:
        parts.append(("A" if entry.best_a else " ", "series.0"))
        parts.append(("B" if entry.best_b else " ", "series.1"))
    else:
        parts.append((f"{signs.best if entry.best_a else ' '} ", "good"))
    parts.append((" ", ""))
    for column in plan.shown:
        text = column.write(entry, signs)
        role = "strong" if column.key == "move" else ("quiet" if text == "–" else "")
        gap = " " * max(0, column.width - cell_len(text))
        if column.key == "differ" and entry.disagrees:
            role = "changed"
            text = f"{signs.alert}{text}"
            gap = " " * max(0, column.width - cell_len(text))
        parts.append((text + gap if column.key == "move" else gap + text, role))
        cells = plan.bars[column.key]
        if cells:
            share = column.share(entry) if column.share is not None else None
            part = share / largest[column.key] if share is not None else 0.0
            draw = signed_bar if column.bar == "signed" else cell_bar
            parts.append((" ", ""))
            parts.extend(draw(part, cells - 1, column.role, signs))
        parts.append(("  ", ""))
    source = entry.a if entry.a is not None else entry.b
    line = "  ".join(source.line[1:]) if source is not None else ""
    parts.append((shorten(line, plan.line, signs.ellipsis), ""))
    return tuple(parts)


def cell_bar(share: float, width: int, role: str, signs: Signs) -> Line:
    """A bar from the left of a cell, to half a cell."""
    halves = round(min(max(share, 0.0), 1.0) * width * 2)
    text = signs.bar_full * (halves // 2) + (signs.bar_half if halves % 2 else "")
    return ((text, role), (" " * (width - len(text)), ""))


def signed_bar(share: float | None, width: int, role: str, signs: Signs) -> Line:
    """A share in [-1, 1] as a bar to the left or the right of the middle of a cell."""
    side = (width - 1) // 2
    length = min(side, round(abs(share or 0.0) * side))
    bar = signs.bar_full * length
    left, right = ("", bar) if (share or 0.0) >= 0 else (bar, "")
    return (
        (" " * (side - len(left)), ""),
        (left, role),
        (signs.vertical, "axis"),
        (right, role),
        (" " * (side - len(right)), ""),
    )


def no_moves(words: str, width: int, signs: Signs) -> Picture:
    """What stands where there is no row."""
    return [(), text_line(" " + shorten(words, max(0, width - 1), signs.ellipsis), "quiet")]
