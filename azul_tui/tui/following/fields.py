"""Fields of records that anybody may have written, as numbers and harmless words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


Record = dict[str, Any]


def number(value: object) -> float:
    """`value` as a float; NaN for anything that is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def whole(value: object) -> int:
    """`value` as a whole number; 0 for anything else."""
    found = number(value)
    return int(found) if math.isfinite(found) else 0


def word(record: Record, key: str, limit: int = 80) -> str:
    """A harmless text of a field."""
    value = record.get(key)
    if isinstance(value, float):
        return f"{value:.6g}"
    return plain_text(str(value), limit) if value is not None else ""


def column(block: Sequence[Record], key: str) -> NDArray[np.float64]:
    """One field of many records, (N,); NaN where it is missing or no number."""
    values = cast("list[Any]", [record.get(key) for record in block])
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        array = None
    if array is None or array.ndim != 1:
        array = np.array([number(value) for value in values], dtype=np.float64)
    return array


def never_falling(steps: NDArray[np.float64], last: float) -> NDArray[np.bool_]:
    """Which steps are at least the largest one before them."""
    known = np.where(np.isfinite(steps), steps, -math.inf)
    before = np.maximum.accumulate(np.concatenate([[last], known]))[:-1]
    return known >= before
