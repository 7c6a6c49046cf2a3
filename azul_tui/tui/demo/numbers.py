"""Lists of numbers in records that anybody may have written."""

from __future__ import annotations

import math


def finite_numbers(value: object) -> list[float]:
    """A list of finite numbers; empty for anything else."""
    if not isinstance(value, list):
        return []
    found = [float(v) for v in value if isinstance(v, (int, float)) and math.isfinite(v)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return found if len(found) == len(value) else []  # pyright: ignore[reportUnknownArgumentType]
