"""Round tick values, and axis limits that do not move with every point."""

from __future__ import annotations

import math

TIME_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200),
)
"""Seconds, minutes and hours that read well on an axis."""


def nice_step(span: float, count: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts `span` into <= `count` parts."""
    if span <= 0 or not math.isfinite(span):
        return 1.0
    raw = span / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    for factor in (1.0, 2.0, 5.0, 10.0):
        if raw <= factor * power * (1 + 1e-9):
            return factor * power
    return 10.0 * power


def linear_ticks(low: float, high: float, count: int) -> list[float]:
    """At most about `count` + 1 round values inside [low, high], ascending."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    step = nice_step(high - low, count)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    # A product of integers and the step, so that 0.30000000000000004 does not appear.
    digits = max(0, -math.floor(math.log10(step)) + 1)
    return [round(index * step, digits) for index in range(first, last + 1)]


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """Round values of a logarithmic axis: decades, with 2 and 5 where there is room."""
    if low <= 0 or high <= low:
        return []
    decades = math.log10(high / low)
    factors = (1.0, 2.0, 5.0) if decades * 3 <= count else (1.0,)
    if decades < 0.8:
        return [tick for tick in linear_ticks(low, high, count) if tick > 0]
    stride = 1 if decades <= count else math.ceil(decades / max(1, count))
    ticks: list[float] = []
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        if power % stride:
            continue
        for factor in factors:
            value = factor * 10.0**power
            if low * (1 - 1e-9) <= value <= high * (1 + 1e-9):
                ticks.append(value)
    return ticks


def tick_label(value: float, step: float) -> str:
    """`value` with just the decimals that `step` needs, thousands as k, M or G."""
    size = max(abs(value), abs(step))
    if value == 0:
        return "0"
    if size >= 10_000 or (size >= 1000 and step >= 1000):
        for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if size >= limit:
                return f"{_trim(value / limit, step / limit)}{unit}"
    if abs(value) < 1e-3:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    return _trim(value, step)


def _trim(value: float, step: float) -> str:
    if step <= 0 or not math.isfinite(step):
        return f"{value:g}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    # A step of 2.5 units needs one decimal more than its power of ten says.
    text = f"{value:,.{min(decimals, 6)}f}"
    if abs(float(text.replace(",", "")) - value) > step * 0.01:
        text = f"{value:,.{min(decimals + 1, 7)}f}"
    return text


def time_ticks(low: float, high: float, count: int) -> list[float]:
    """Round times in seconds: whole minutes, quarters, hours or days."""
    span = high - low
    for step in (
        1,
        2,
        5,
        10,
        15,
        30,
        60,
        120,
        300,
        600,
        900,
        1800,
        3600,
        7200,
        10800,
        21600,
        43200,
    ):
        if span / step <= count:
            break
    else:
        step = int(nice_step(span / 86400, count)) * 86400 or 86400
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(index * step) for index in range(first, last + 1)]


def time_label(seconds: float) -> str:
    """`0`, `45s`, `12m`, `1h30`, `3d4h` of an elapsed time."""
    whole = round(seconds)
    if whole == 0:
        return "0"
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m" if whole % 60 == 0 else f"{whole // 60}m{whole % 60:02d}"
    if whole < 86400:
        return (
            f"{whole // 3600}h"
            if whole % 3600 == 0
            else f"{whole // 3600}h{whole % 3600 // 60:02d}"
        )
    hours = whole % 86400 // 3600
    return f"{whole // 86400}d" if hours == 0 else f"{whole // 86400}d{hours}h"


def stable_limits(
    previous: tuple[float, float] | None, low: float, high: float, *, count: int = 5
) -> tuple[float, float]:
    """Round axis limits around data in [low, high] that move seldom.

    The limits of before stay while the data fits in them and fills at least half
    of them; otherwise they jump to round values with a margin. So a chart that
    gains a point does not change its scale.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return previous or (0.0, 1.0)
    if previous is not None:
        old_low, old_high = previous
        if old_low <= low and high <= old_high and (high - low) >= 0.45 * (old_high - old_low):
            return previous
    span = high - low
    if span <= 1e-6 * max(abs(low), abs(high)):
        # A constant, perhaps with the last digit of an average: no mountain out of that.
        span = abs(high) or 1.0
        low, high = min(low, high - span / 2), high + span / 2
    step = nice_step(span, count * 2)
    new_low = math.floor(low / step + 1e-9) * step
    new_high = math.ceil(high / step - 1e-9) * step
    if new_high - high < 0.02 * span:
        new_high += step
    if low >= 0:
        new_low = max(0.0, new_low)
        if new_low > 0 and low < 0.35 * high:
            new_low = 0.0  # near zero, zero is the honest floor
    return new_low, new_high


def stable_log_limits(
    previous: tuple[float, float] | None, low: float, high: float
) -> tuple[float, float]:
    """As `stable_limits` for a logarithmic axis of positive data."""
    if previous is not None and previous[0] <= 0:
        previous = None
    logs = None if previous is None else (math.log10(previous[0]), math.log10(previous[1]))
    low_log, high_log = math.log10(low), math.log10(high)
    if previous is not None and logs is not None:
        fits = logs[0] <= low_log and high_log <= logs[1]
        if fits and (high_log - low_log) >= 0.45 * (logs[1] - logs[0]):
            return previous
    step = 0.1 if high_log - low_log < 2 else 0.5
    bottom = math.floor(low_log / step - 1e-9) * step
    top = math.ceil(high_log / step + 1e-9) * step
    if top <= bottom:
        bottom, top = bottom - step, top + step
    return 10.0**bottom, 10.0**top
