"""Growing columns of numbers in bounded memory, and their smoothing. N = buckets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FloatArray = NDArray[np.float64]

DEFAULT_CAPACITY = 32_768


class BucketTable:
    """Columns of one kind of record.

    Args:
        x_names: Columns that place a record (step, iteration, time); a bucket
            keeps those of its last record.
        value_names: Columns that are drawn; a bucket keeps mean, min and max.
        capacity: Most buckets kept; even, at least 2.
    """

    def __init__(
        self,
        x_names: Sequence[str],
        value_names: Sequence[str],
        capacity: int = DEFAULT_CAPACITY,
    ) -> None:
        self.x_names = tuple(x_names)
        self.value_names = tuple(value_names)
        self.capacity = max(2, capacity - capacity % 2)
        self.records = 0
        self.records_per_bucket = 1
        self.merges = 0
        self._length = 0
        room = min(256, self.capacity)
        self._x = {name: np.empty(room) for name in self.x_names}
        self._mean = {name: np.empty(room) for name in self.value_names}
        self._low = {name: np.empty(room) for name in self.value_names}
        self._high = {name: np.empty(room) for name in self.value_names}
        self._pending: dict[str, FloatArray] = self._no_rows()

    def __len__(self) -> int:
        """Number of whole buckets."""
        return self._length

    @property
    def octets(self) -> int:
        """Memory of all columns in bytes."""
        columns = (self._x, self._mean, self._low, self._high)
        return sum(array.nbytes for column in columns for array in column.values())

    def extend(self, rows: Mapping[str, Sequence[float] | FloatArray]) -> None:
        """Append records given as columns of equal length; a missing column is NaN.

        Infinite values are stored as NaN: they cannot be drawn.
        """
        count = len(next(iter(rows.values()))) if rows else 0
        if count == 0:
            return
        new: dict[str, FloatArray] = {}
        for name in (*self.x_names, *self.value_names):
            column = np.array(rows[name], dtype=np.float64) if name in rows else _nan(count)
            column[~np.isfinite(column)] = np.nan
            pending = self._pending[name]
            new[name] = np.concatenate([pending, column]) if len(pending) else column
        self.records += count
        self._store(new)

    def columns(self, x_name: str, value_name: str) -> tuple[FloatArray, ...]:
        """`(x, mean, low, high)`, each (N,), an unfinished last bucket included."""
        n = self._length
        arrays = (
            self._x[x_name][:n],
            self._mean[value_name][:n],
            self._low[value_name][:n],
            self._high[value_name][:n],
        )
        rest = self._pending[value_name]
        if len(rest) == 0:
            return arrays
        mean, low, high = _summary(rest[None, :])
        tail = (self._pending[x_name][-1:], mean, low, high)
        return tuple(np.concatenate([a, b]) for a, b in zip(arrays, tail, strict=True))

    def whole(self, value_name: str) -> FloatArray:
        """Means of the whole buckets only, (N,): they change only when `merges` does."""
        return self._mean[value_name][: self._length]

    def last(self, name: str) -> float | None:
        """The newest value of a column, None while there is none."""
        pending = self._pending[name]
        if len(pending):
            return float(pending[-1])
        if self._length == 0:
            return None
        store = self._x if name in self._x else self._mean
        return float(store[name][self._length - 1])

    def _no_rows(self) -> dict[str, FloatArray]:
        return {name: np.empty(0) for name in (*self.x_names, *self.value_names)}

    def _store(self, new: dict[str, FloatArray]) -> None:
        """Move whole buckets of `new` into the table, merging when it is full."""
        while True:
            size = self.records_per_bucket
            available = len(new[self.x_names[0]]) // size
            free = self.capacity - self._length
            taken = min(available, free)
            if taken:
                self._write(new, taken, size)
                new = {name: column[taken * size :] for name, column in new.items()}
            if taken == available:
                break
            self._merge_pairs()
        self._pending = {name: column.copy() for name, column in new.items()}

    def _write(self, new: dict[str, FloatArray], taken: int, size: int) -> None:
        self._make_room(self._length + taken)
        place = slice(self._length, self._length + taken)
        for name in self.x_names:
            self._x[name][place] = new[name][size - 1 : taken * size : size]
        for name in self.value_names:
            grouped = new[name][: taken * size].reshape(taken, size)
            self._mean[name][place], self._low[name][place], self._high[name][place] = _summary(
                grouped
            )
        self._length += taken

    def _make_room(self, needed: int) -> None:
        room = len(self._x[self.x_names[0]])
        if needed <= room:
            return
        while room < needed:
            room *= 2
        room = min(room, self.capacity)
        for column in (self._x, self._mean, self._low, self._high):
            for name, old in column.items():
                grown = np.empty(room)
                grown[: self._length] = old[: self._length]
                column[name] = grown

    def _merge_pairs(self) -> None:
        """Halve the number of buckets; the capacity is even, so none is left over."""
        half = self._length // 2
        full = half * 2
        for x in self._x.values():
            x[:half] = x[1:full:2].copy()
        for name in self.value_names:
            for store, reduce in (
                (self._mean, _mean_rows),
                (self._low, _low_rows),
                (self._high, _high_rows),
            ):
                column = store[name]
                column[:half] = reduce(column[:full].reshape(half, 2))
        self._length = half
        self.records_per_bucket *= 2
        self.merges += 1


def _nan(count: int) -> FloatArray:
    return np.full(count, np.nan)


def _mean_rows(rows: FloatArray) -> FloatArray:
    if not np.isnan(rows).any():
        return rows.mean(axis=1)
    known = ~np.isnan(rows)
    counts = known.sum(axis=1)
    total = np.where(known, rows, 0.0).sum(axis=1)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)


def _low_rows(rows: FloatArray) -> FloatArray:
    return np.fmin.reduce(rows, axis=1)


def _high_rows(rows: FloatArray) -> FloatArray:
    return np.fmax.reduce(rows, axis=1)


def _summary(rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, min and max of each row of (N, size), NaN ignored."""
    if rows.shape[1] == 1:
        column = rows[:, 0]
        return column, column, column
    return _mean_rows(rows), _low_rows(rows), _high_rows(rows)


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
