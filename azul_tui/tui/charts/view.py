"""How a chart is looked at: kind of x, window, scales, smoothing, cursor.

A view is a value. Every key press makes a new one, and none of them holds data,
so a zoomed view stays put while a run goes on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from azul_tui.tui.charts.ticks import nice_step

XKind = Literal["step", "iteration", "time"]
X_KINDS: tuple[XKind, ...] = ("step", "iteration", "time")
SMOOTHING_LEVELS = (0.0, 0.5, 0.8, 0.9, 0.97, 0.99, 0.997)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What part of the data is shown, and how."""

    x_kind: XKind = "step"
    smoothing: float = 0.9
    log_x: bool = False
    log_y: bool = False
    hide_outliers: bool = False
    show_band: bool = True
    span: float | None = None
    """Width of the window in x units; None shows everything."""
    end: float | None = None
    """Right edge of the window; None keeps to the newest value."""
    cursor: float | None = None
    """x that is read out, None when there is no cursor."""

    def window(self, extent: tuple[float, float], *, growing: bool = False) -> tuple[float, float]:
        """`(left, right)` that is shown of data in `extent`.

        Args:
            extent: Smallest and largest x of the data.
            growing: More data is coming: the right edge is ahead of it by a part of a round
                step, so that the picture moves now and then instead of with every point.
        """
        first, last = extent
        edge = last
        if growing and self.end is None and last > first and not self.log_x:
            step = nice_step(self.span or last - first, 20)
            edge = math.ceil(last / step + 0.1) * step
        if self.span is None:
            return first, edge
        right = edge if self.end is None else min(self.end, last)
        left = max(first, right - self.span)
        right = min(edge, left + self.span)
        return (left, right) if right > left else extent

    def zoomed(
        self, factor: float, extent: tuple[float, float], around: float | None = None
    ) -> View:
        """A window `factor` times as wide, keeping `around` (default: the cursor or the right)."""
        left, right = self.window(extent)
        full = extent[1] - extent[0]
        if full <= 0:
            return self
        width = max((right - left) * factor, full * 1e-5)
        if width >= full * 0.999:
            return replace(self, span=None, end=None)
        fixed = around if around is not None else self.cursor
        if fixed is None or not left <= fixed <= right:
            sticks = self.end is None
            return replace(self, span=width, end=None if sticks else right)
        share = (fixed - left) / (right - left)
        new_right = fixed + (1 - share) * width
        return replace(self, span=width, end=None if new_right >= extent[1] else new_right)

    def panned(self, share: float, extent: tuple[float, float]) -> View:
        """The window moved by `share` of its width; at the newest value it sticks there."""
        if self.span is None:
            return self
        left, right = self.window(extent)
        width = right - left
        new_right = max(extent[0] + width, right + share * width)
        return replace(self, end=None if new_right >= extent[1] else new_right)

    def whole(self) -> View:
        """Everything, following the newest value."""
        return replace(self, span=None, end=None)

    def with_next_smoothing(self, direction: int = 1) -> View:
        """The next or previous level of smoothing, stopping at both ends."""
        nearest = min(
            range(len(SMOOTHING_LEVELS)),
            key=lambda index: abs(SMOOTHING_LEVELS[index] - self.smoothing),
        )
        chosen = min(max(nearest + direction, 0), len(SMOOTHING_LEVELS) - 1)
        return replace(self, smoothing=SMOOTHING_LEVELS[chosen])

    def with_next_x(self) -> View:
        """The next kind of x; window and cursor are in other units then and go."""
        kind = X_KINDS[(X_KINDS.index(self.x_kind) + 1) % len(X_KINDS)]
        return replace(self, x_kind=kind, span=None, end=None, cursor=None)

    def with_cursor_moved(self, share: float, extent: tuple[float, float]) -> View:
        """The cursor moved by `share` of the window, inside it; the first move sets it right."""
        left, right = self.window(extent)
        start = right if self.cursor is None else self.cursor
        moved = min(max(start + share * (right - left), left), right)
        return replace(self, cursor=moved)
