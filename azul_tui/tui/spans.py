"""Pieces of text with roles as the library's `Content`, never read as markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from textual.content import Content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.views.words import Spans

STYLES = {
    "title": "bold",
    "strong": "bold",
    "quiet": "$foreground 60%",
    "good": "$text-success",
    "warning": "$text-warning",
    "alert": "bold $text-error",
    "bar": "$primary",
    "bar.empty": "$foreground 25%",
    **{f"series.{index}": f"bold $series-{index}" for index in range(6)},
}
"""What a role looks like."""


ROUND, ASCII_FRAME = "╭╮╰╯─│", "++++-|"


def framed(
    rows: Sequence[Spans], title: Spans, below: Spans, width: int, *, ascii_only: bool, role: str
) -> list[Spans]:
    """Lines of `width` - 2 cells in a thin frame, a title in its upper edge, words in its lower.

    A border of the stylesheet would do, but changing its title repaints the whole widget: a
    chart whose newest value stands there is then sent once a second.
    """
    top_left, top_right, low_left, low_right, across, down = ASCII_FRAME if ascii_only else ROUND
    head = _cut(title, max(0, width - 6))
    used = sum(cell_len(text) for text, _ in head)
    gap = across * (width - used - 5) if used else across * (width - 3)
    upper: list[tuple[str, str]] = [(top_left + across, role)]
    if used:
        upper += [(" ", ""), *head, (" ", "")]
    upper.append((gap + top_right, role))
    foot = _cut(below, max(0, width - 6))
    used = sum(cell_len(text) for text, _ in foot)
    lower: list[tuple[str, str]] = [(low_left + across * (width - (used + 5 if used else 2)), role)]
    if used:
        lower += [(" ", ""), *foot, (" ", ""), (across, role)]
    lower.append((low_right, role))
    inner = [((down, role), *row, (down, role)) for row in rows]
    return [tuple(upper), *inner, tuple(lower)]


def _cut(spans: Spans, width: int) -> Spans:
    """As much of the pieces as fits, an ellipsis where something is missing."""
    kept: list[tuple[str, str]] = []
    room = width
    for text, role in spans:
        size = cell_len(text)
        if size > room:
            if room > 0:
                kept.append((set_cell_size(text, room - 1) + "…", role))
            break
        kept.append((text, role))
        room -= size
    return tuple(kept)


def content(spans: Spans) -> Content:
    """The pieces as one line; their text is shown as it is."""
    return Content.assemble(*((text, STYLES.get(role, "")) for text, role in spans))


def lines(rows: list[Spans]) -> Content:
    """Several lines."""
    return Content("\n").join(content(row) for row in rows)
