"""The parts of the job "all", each with its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azul_tui.jobs.describe import in_words
from azul_tui.runs.events import number, text
from azul_tui.tui.picture import Picture, crop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.demo.state import Block
    from azul_tui.tui.signs import Signs


def parts_block(records: Sequence[dict[str, Any]], signs: Signs) -> Block:
    """A line for each part, with its newest state and how long it took."""
    newest: dict[str, tuple[str, float | None]] = {}
    for record in records:
        name = text(record, "title", 40) or text(record, "name", 40)
        newest[name] = text(record, "state", 40), number(record, "seconds")
    looks = {
        "running": (signs.running, "good"),
        "done": (signs.finished, "good"),
        "failed": (signs.crashed, "alert"),
    }

    def draw(width: int, height: int) -> Picture:
        lines: Picture = []
        for part, (said, seconds) in newest.items():
            sign, role = looks.get(said, (signs.empty_cell, "quiet"))
            took = f"  {in_words(seconds)}" if seconds is not None else ""
            name_role = "strong" if said in looks else "quiet"
            lines.append(
                ((f"{sign} ", role), (f"{part:<27}", name_role), (said, role), (took, "quiet"))
            )
        return crop(lines, width, height)

    return "parts", len(newest) + 2, draw
