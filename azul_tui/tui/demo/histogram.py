"""How outcomes are spread, a bar for each range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azul_tui.runs.text import plain_text
from azul_tui.tui import phrases
from azul_tui.tui.demo.numbers import finite_numbers
from azul_tui.tui.picture import Picture, crop

if TYPE_CHECKING:
    from azul_tui.tui.demo.state import Block
    from azul_tui.tui.signs import Signs


def histogram_block(record: dict[str, Any], signs: Signs) -> Block:
    """A bar for each range of outcomes."""
    counts = finite_numbers(record.get("outcome_histogram"))
    labels = [_bin_label(edge) for edge in list(record.get("outcome_bins") or [])]
    labels = (labels + [str(i) for i in range(len(labels), len(counts))])[: len(counts)]

    def draw(width: int, height: int) -> Picture:
        largest = max([*counts, 1e-9])
        name_width = max((len(label) for label in labels), default=1)
        bar = max(4, width - name_width - 12)
        lines: Picture = [
            (
                (f"{label:>{name_width}} ", "quiet"),
                (signs.block * round(value / largest * bar), "series.2"),
                (f" {phrases.amount(value)}", "strong"),
            )
            for label, value in zip(labels, counts, strict=True)
        ]
        return crop(lines, width, height)

    return "how outcomes are spread", min(24, len(counts) + 2), draw


def _bin_label(edges: object) -> str:
    bounds = finite_numbers(edges)
    if len(bounds) == 2:
        return (
            f"{bounds[0]:+.1f} to {bounds[1]:+.1f}" if bounds[0] < bounds[1] else f"{bounds[0]:+g}"
        )
    return plain_text(str(edges), 12)
