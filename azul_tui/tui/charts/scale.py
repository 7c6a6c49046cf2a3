"""From values to the dots and cells of a chart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from azul_tui.tui.charts.canvas import Canvas


FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values of one axis to [0, dots - 1]."""

    low: float
    high: float
    dots: int
    log: bool

    def place(self, values: FloatArray) -> FloatArray:
        """Dot positions of `values`; NaN where a logarithm does not exist."""
        if self.log:
            with np.errstate(invalid="ignore", divide="ignore"):
                values = np.where(values > 0, np.log10(values), np.nan)
            low, high = math.log10(self.low), math.log10(self.high)
        else:
            low, high = self.low, self.high
        return (values - low) / ((high - low) or 1.0) * (self.dots - 1)


def cell_row(scale: Scale, canvas: Canvas, value: float) -> int:
    """Line of the chart on which `value` lies, 0 on top; the nearest one for values outside."""
    place = float(scale.place(np.array([value]))[0])
    dot = canvas.dot_height - 1 - place
    return int(min(max(round(dot), 0), canvas.dot_height - 1)) // canvas.dots_y


def cell_column(scale: Scale, canvas: Canvas, x: float) -> int:
    """Column of the chart in which `x` lies; the nearest one for values outside."""
    place = float(scale.place(np.array([x]))[0])
    if not math.isfinite(place):
        return 0
    return min(max(round(place) // canvas.dots_x, 0), canvas.width - 1)
