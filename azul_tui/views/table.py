"""A table's columns: what they are called, and which of them fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

GAP = 2
"""Cells between two columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column."""

    key: str
    title: str
    right: bool = True
    """Whether its cells stand at the right, as numbers do."""
    gives_way: int = 0
    """What is left out first where there is no room: the largest; 0 stays."""
    least: int = 0
    """Cells below which it is not shortened; 0 for one that is shown whole or not at all."""
    falls: bool = True
    """Whether the largest is on top when it is first sorted by."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a key that tells it apart, and `(text, role)` for each column."""

    key: str
    cells: tuple[tuple[str, str], ...]


def fitting(columns: Sequence[Column], widths: Sequence[int], room: int) -> dict[int, int]:
    """Width by index of the columns that fit into `room` cells.

    Args:
        columns: All columns; the first with a `least` width is shortened.
        widths: What each would like to have.
        room: Cells.
    """
    shown = list(range(len(columns)))

    def needed() -> int:
        whole = sum(min(widths[i], columns[i].least or widths[i]) for i in shown)
        return whole + GAP * (len(shown) - 1)

    while needed() > room:
        loose = max(shown, key=lambda i: columns[i].gives_way)
        if not columns[loose].gives_way:
            break
        shown.remove(loose)
    found = {i: widths[i] for i in shown}
    over = sum(found.values()) + GAP * (len(shown) - 1) - room
    stretch = next((i for i in shown if columns[i].least), None)
    if over > 0 and stretch is not None:
        found[stretch] = max(min(columns[stretch].least, found[stretch]), found[stretch] - over)
    return found


def sorted_by(items: Iterable[Any], rank: Callable[[Any], Any], *, falls: bool) -> list[Any]:
    """The items by rank; those without one (None) come last either way."""
    known: list[Any] = []
    unknown: list[Any] = []
    for item in items:
        (unknown if rank(item) is None else known).append(item)
    return [*sorted(known, key=rank, reverse=falls), *unknown]


def matching(text: str, wanted: str) -> bool:
    """Whether `text` holds every word of `wanted`, in whatever case."""
    lower = text.lower()
    return all(word in lower for word in wanted.lower().split())
