"""Growing columns of numbers in bounded memory, and their smoothing. N = buckets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from azul_tui.views.charts import FloatArray

DEFAULT_CAPACITY = 32_768


class BucketTable:
    """Columns of one kind of record, in buckets of equally many records, merged when it is full.

    Args:
        x_names: Columns that place a record (step, iteration, time); a bucket
            keeps those of its last record.
        value_names: Columns that are drawn; a bucket keeps mean, min and max.
        capacity: Most buckets kept; even, at least 2.
    """

    def __init__(
        self, x_names: Sequence[str], value_names: Sequence[str], capacity: int = DEFAULT_CAPACITY
    ) -> None:
        self.x_names, self.value_names = [*x_names], [*value_names]
        self.capacity = max(2, capacity - capacity % 2)
        self.records = 0
        self.records_per_bucket = 1
        self._length = 0
        # The system gives memory only to the part that has been written.
        self._x = np.empty((len(x_names), self.capacity))
        self._values = np.empty((3, len(value_names), self.capacity))
        """Means, minima and maxima."""
        self._pending = np.empty((len(x_names) + len(value_names), 0))
        """Records that do not fill a bucket yet."""

    def __len__(self) -> int:
        """Number of whole buckets."""
        return self._length

    def extend(self, rows: Mapping[str, Sequence[float] | FloatArray]) -> None:
        """Append records given as columns of equal length; a missing column is NaN.

        Infinite values are stored as NaN: they cannot be drawn.
        """
        count = len(next(iter(rows.values())))
        names = (*self.x_names, *self.value_names)
        new = np.array([rows.get(name, [math.nan] * count) for name in names], dtype=np.float64)
        new[~np.isfinite(new)] = np.nan
        self.records += count
        new = np.concatenate([self._pending, new], axis=1)
        while (whole := new.shape[1] // self.records_per_bucket) > 0:
            taken = min(whole, self.capacity - self._length)
            end = taken * self.records_per_bucket
            self._append(new[:, :end].reshape(len(names), taken, self.records_per_bucket))
            new = new[:, end:]
            if taken < whole:
                self._merge_pairs()
        self._pending = new.copy()

    def columns(self, x_name: str, value_name: str) -> tuple[FloatArray, ...]:
        """`(x, mean, low, high)`, each (N,), an unfinished last bucket included."""
        x, value = self.x_names.index(x_name), self.value_names.index(value_name)
        whole = (self._x[x, : self._length], *self._values[:, value, : self._length])
        if self._pending.shape[1] == 0:
            return whole
        rest = _summary(self._pending[None, len(self.x_names) + value])
        tail = (self._pending[x, -1:], *rest)
        return tuple(np.concatenate(pair) for pair in zip(whole, tail, strict=True))

    def last(self, value_name: str) -> float | None:
        """The newest value of a column, None while there is none."""
        newest = self.columns(self.x_names[0], value_name)[1][-1:]
        return float(newest[0]) if len(newest) else None

    def _append(self, blocks: FloatArray) -> None:
        """Blocks of records, (columns, buckets, records of a bucket)."""
        place = slice(self._length, self._length + blocks.shape[1])
        self._x[:, place] = blocks[: len(self._x), :, -1]
        for stored, found in zip(self._values, _summary(blocks[len(self._x) :]), strict=True):
            stored[:, place] = found
        self._length += blocks.shape[1]

    def _merge_pairs(self) -> None:
        """Halve the number of buckets; it is even when the table is full."""
        half = self._length // 2
        self._x[:, :half] = self._x[:, 1 : self._length : 2].copy()
        pairs = self._values[:, :, : self._length].reshape(3, -1, half, 2).copy()
        reduced = (_mean(pairs[0]), np.fmin.reduce(pairs[1], -1), np.fmax.reduce(pairs[2], -1))
        self._values[:, :, :half] = reduced
        self._length = half
        self.records_per_bucket *= 2


def _mean(rows: FloatArray) -> FloatArray:
    """Over the last axis; NaN is left out, and is the mean of nothing."""
    known = ~np.isnan(rows)
    counts = known.sum(axis=-1)
    return np.where(counts, np.where(known, rows, 0.0).sum(axis=-1) / np.maximum(counts, 1), np.nan)


def _summary(rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, min and max over the last axis."""
    return _mean(rows), np.fmin.reduce(rows, axis=-1), np.fmax.reduce(rows, axis=-1)


def smooth(values: FloatArray, weight: float) -> FloatArray:
    """Debiased exponential average, (N,) to (N,).

    `s_t = w * s_(t-1) + (1 - w) * x_t`, divided by `1 - w^t` (Kingma and Ba 2015,
    section 3, the same correction). A NaN is skipped: it takes no weight and its
    place shows the average so far (NaN before the first value).

    Args:
        values: x, (N,).
        weight: w in [0, 1); 0 returns the values themselves.
    """
    w = min(weight, 0.9999)
    known = ~np.isnan(values)
    if w < 1e-6 or not known.any():
        return values
    given = values[known]
    smoothed = np.empty(len(given))
    # Blocks so short that w^-k stays far from an overflow.
    block = int(200.0 / -math.log(w)) + 1
    powers = w ** np.arange(1, block + 1)
    total, left = 0.0, 1.0
    for start in range(0, len(given), block):
        part = given[start : start + block]
        p = powers[: len(part)]
        sums = p * (total + (1 - w) * np.cumsum(part / p))
        smoothed[start : start + block] = sums / (1 - left * p)
        total, left = float(sums[-1]), left * float(p[-1])
    before = np.cumsum(known)
    return np.where(before > 0, smoothed[np.maximum(before, 1) - 1], np.nan)
