"""Pieces of text with roles as the library's `Content`, never read as markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from textual.content import Content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.widget import Widget
    from textual.widgets import Static

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


def framed(
    rows: Sequence[Spans], title: Spans, below: Spans, width: int, *, ascii_only: bool, role: str
) -> list[Spans]:
    """Lines of `width` - 2 cells in a thin frame, a title in its upper edge, words in its lower.

    A border of the stylesheet would do, but changing its title repaints the whole widget: a
    chart whose newest value stands there is then sent once a second.
    """
    corners, across, down = ("++++", "-", "|") if ascii_only else ("╭╮╰╯", "─", "│")
    room = max(0, width - 6)
    title, below = _cut(title, room), _cut(below, room)
    head, foot = (sum(cell_len(text) for text, _ in edge) for edge in (title, below))
    words = ((" ", ""), *title, (" ", "")) if head else ()
    gap = across * (width - (head + 5 if head else 3))
    upper = ((corners[0] + across, role), *words, (gap + corners[1], role))
    words = ((" ", ""), *below, (" ", ""), (across, role)) if foot else ()
    gap = across * (width - (foot + 5 if foot else 2))
    lower = ((corners[2] + gap, role), *words, (corners[3], role))
    return [upper, *(((down, role), *row, (down, role)) for row in rows), lower]


def _cut(spans: Spans, width: int) -> Spans:
    """As much of the pieces as fits, an ellipsis where something is missing."""
    kept: list[tuple[str, str]] = []
    for text, role in spans:
        size = cell_len(text)
        if size > width:
            return (*kept, (set_cell_size(text, width - 1) + "…", role)) if width else (*kept,)
        kept.append((text, role))
        width -= size
    return (*kept,)


def content(spans: Spans) -> Content:
    """The pieces as one line; their text is shown as it is."""
    return Content.assemble(*((text, STYLES.get(role, "")) for text, role in spans))


def say(widget: Static, text: Content, *, layout: bool = True) -> None:
    """Have a widget say something else, where it is something else."""
    if widget.content != text:
        widget.update(text, layout=layout)


def entitle(panel: Widget, title: str) -> bool:
    """Give a panel another title; whether it is another one."""
    styled = Content.styled(title, "bold")
    if changed := panel.border_title != styled.markup:
        panel.border_title = styled
    return changed


def lines(rows: list[Spans]) -> Content:
    """Several lines."""
    return Content("\n").join(content(row) for row in rows)
