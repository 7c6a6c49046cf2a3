"""Exponential smoothing that starts without bias and continues where it stopped."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def smooth(values: FloatArray, weight: float) -> FloatArray:
    """Debiased exponential average, (N,) to (N,).

    `s_t = w * s_(t-1) + (1 - w) * x_t`, divided by `1 - w^t` (Kingma and Ba 2015,
    section 3, the same correction). A NaN is skipped: it takes no weight and its
    place shows the average so far (NaN before the first value).

    Args:
        values: x, (N,).
        weight: w in [0, 1); 0 returns the values themselves.
    """
    return Smoother(weight).extend(values)


class Smoother:
    """Smooths a growing column without starting over: only new values cost."""

    def __init__(self, weight: float) -> None:
        self.weight = min(max(weight, 0.0), 0.9999)
        self._sum = 0.0
        self._norm = 0.0

    def extend(self, values: FloatArray) -> FloatArray:
        """Smoothed form of the next `values`, (N,)."""
        w = self.weight
        if w < 1e-6 or len(values) == 0:
            return values.copy()
        known = ~np.isnan(values)
        if known.all():
            return self._extend_known(values)
        out = np.empty(len(values))
        before = self._sum / self._norm if self._norm > 0 else math.nan
        smoothed = self._extend_known(values[known])
        index = np.cumsum(known)
        out[index == 0] = before
        out[index > 0] = smoothed[index[index > 0] - 1]
        return out

    def _extend_known(self, values: FloatArray) -> FloatArray:
        """Blocks short enough that `w^-k` stays below 1e8 keep full precision."""
        w = self.weight
        block = max(1, min(4096, int(18.0 / -math.log(w))))
        out = np.empty(len(values))
        powers = w ** np.arange(1, block + 1)
        for start in range(0, len(values), block):
            part = values[start : start + block]
            p = powers[: len(part)]
            sums = p * (self._sum + (1 - w) * np.cumsum(part / p))
            norms = 1 - (1 - self._norm) * p
            out[start : start + len(part)] = sums / norms
            self._sum = float(sums[-1])
            self._norm = float(norms[-1])
        return out
