"""Progress bars and share bars as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azul_tui.tui.picture import Line
    from azul_tui.tui.signs import Signs


def progress_bar(share: float | None, width: int, signs: Signs) -> Line:
    """A bar of `width` cells filled to `share` in [0, 1]; empty when unknown."""
    if width <= 0:
        return ()
    filled = 0.0 if share is None else min(max(share, 0.0), 1.0) * width
    whole = int(filled)
    half = signs.bar_half if whole < width and filled - whole >= 0.5 else ""
    empty = width - whole - len(half)
    return tuple(
        (text, role)
        for text, role in (
            (signs.bar_full * whole + half, "bar.full"),
            (signs.bar_empty * empty, "bar.empty"),
        )
        if text
    )


def spark(values: list[float], width: int, signs: Signs) -> str:
    """The newest `width` values as a row of small columns."""
    steps = " .:-=+*#" if signs.ascii else "▁▂▃▄▅▆▇█"
    shown = values[-width:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    return "".join(steps[int((value - low) / span * (len(steps) - 1) + 0.5)] for value in shown)
