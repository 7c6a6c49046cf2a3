"""The sizes of a batch's tensors, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azul_tui.tui.demo.numbers import finite_numbers
from azul_tui.tui.picture import Picture, crop

if TYPE_CHECKING:
    from azul_tui.tui.demo.state import Block


def shapes_of(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and sizes of the tensors that a record describes."""
    found: list[tuple[str, str]] = []
    for name in ("state", "policy", "outcome"):
        sizes = finite_numbers(record.get(name) or record.get(f"{name}_shape"))
        if sizes:
            found.append((name, ", ".join(f"{size:,.0f}" for size in sizes)))
    return found if len(found) == 3 else []


def shapes_block(record: dict[str, Any]) -> Block:
    """A line for each tensor that `record` describes."""
    items = shapes_of(record)

    def draw(width: int, height: int) -> Picture:
        lines: Picture = [((f"{n:<12}", ""), (f"({s})", "strong")) for n, s in items]
        return crop(lines, width, height)

    return "shapes of a batch", len(items) + 2, draw
