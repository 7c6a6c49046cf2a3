"""How a temperature changes the policy loss, a bar each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azul_tui.runs.events import number
from azul_tui.tui.picture import Picture, crop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.demo.state import Block
    from azul_tui.tui.signs import Signs


def temperatures_block(records: Sequence[dict[str, Any]], signs: Signs) -> Block:
    """A bar for each temperature, in nats."""
    values: dict[float, float] = {}
    for record in records:
        temperature, loss = number(record, "temperature"), number(record, "policy_loss")
        loss = loss if loss is not None else number(record, "loss")
        if temperature is not None and loss is not None:
            values[temperature] = loss

    def draw(width: int, height: int) -> Picture:
        largest = max([*values.values(), 1e-9])
        bar = max(4, width - 32)
        lines: Picture = [
            (
                (f"temperature {temperature:<6g}", "quiet"),
                (signs.block * max(1, round(loss / largest * bar)), "series.0"),
                (f" {loss:.3f} nats", "strong"),
            )
            for temperature, loss in sorted(values.items())
        ]
        return crop(lines, width, height)

    return "policy loss by temperature", len(values) + 2, draw
