"""Numbers, times and sizes as a person says them; `–` where nothing is known."""

from __future__ import annotations

import math
import time

Spans = tuple[tuple[str, str], ...]
"""A line of text in pieces, each with its role: `title`, `strong`, `quiet`, `alert`, `warning`,
`good`, `series.0` to `series.5`, or nothing. What a role looks like is the screens' business."""
UNKNOWN = "–"


def count(number: float | None) -> str:
    """A whole number with thousands marks: `9,472`."""
    return UNKNOWN if number is None or not math.isfinite(number) else f"{round(number):,}"


def amount(number: float | None) -> str:
    """A quantity in three digits and a unit: `412 k`, `1.25 M`, `17.3`."""
    if number is None or not math.isfinite(number):
        return UNKNOWN
    size = abs(number)
    unit, name = next(
        (unit, name)
        for least, unit, name in ((1e9, 1e9, " G"), (1e6, 1e6, " M"), (1e4, 1e3, " k"), (0, 1, ""))
        if size >= least * 0.9995
    )
    if unit == 1 and (size >= 100 or number == int(number)):
        return f"{number:,.0f}"
    size /= unit
    digits = 0 if size >= 99.95 else 1 if size >= 9.995 else 2
    return f"{number / unit:.{digits}f}{name}"


def loss(number: float | None) -> str:
    """A loss with three decimals; words when it is not finite."""
    if number is None or not math.isfinite(number):
        return UNKNOWN if number is None else "not finite"
    return f"{number:.3f}" if abs(number) < 1000 else f"{number:.3g}"


def short_float(number: float | None) -> str:
    """A setting such as a learning rate: `1.0e-3`, `0.05`, `32`."""
    if number is None or not math.isfinite(number):
        return UNKNOWN if number is None else "not finite"
    if number == 0 or 0.01 <= abs(number) < 100000:
        return f"{number:.4g}"
    mantissa, exponent = f"{number:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def percent(share: float | None) -> str:
    """A share in [0, 1] as whole percent."""
    return UNKNOWN if share is None or not math.isfinite(share) else f"{share * 100:.0f}%"


def duration(seconds: float | None) -> str:
    """`12 s`, `1 min 52 s`, `1 h 12 min`, `3 d 4 h`."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s" if whole < 600 else f"{whole // 60} min"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def age(seconds: float | None) -> str:
    """`now`, `5 min`, `3 h`, `12 d`: how long ago, in one unit."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 45:
        return "now"
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    return f"{round(seconds / 3600)} h" if seconds < 129600 else f"{round(seconds / 86400)} d"


def ago(seconds: float | None) -> str:
    """`just now`, `5 min ago`."""
    said = age(seconds)
    return "just now" if said == "now" else f"{said} ago"


def clock_time(t: float) -> str:
    """Unix seconds as the hour of the day here: `14:02:11`; blanks for no such time."""
    try:
        return time.strftime("%H:%M:%S", time.localtime(t))
    except (ValueError, OverflowError, OSError):
        return " " * 8


def size(octets: float | None) -> str:
    """`812 B`, `3.1 MB`, `24.0 GB` (powers of 1000)."""
    if octets is None:
        return UNKNOWN
    value, unit = float(octets), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < (1000 if unit == "B" else 999.5):
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if unit != "B" and value < 100 else f"{value:.0f} {unit}"


def plural(number: int, noun: str) -> str:
    """`1 run`, `3 runs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` characters, the loss shown by an ellipsis in its middle.

    The end of a name tells runs and checkpoints apart as often as its beginning.
    """
    if len(text) <= width:
        return text
    if width < 5:
        return text[: max(0, width - 1)] + "…"[: max(0, width)]
    end = (width - 1) // 3
    return f"{text[: width - 1 - end]}…{text[-end:]}"


def wrapped(text: str, width: int, indent: int = 2) -> list[str]:
    """`text` in lines of at most `width` cells, broken at blanks; all but the first indented."""
    import textwrap

    if len(text) <= width:
        return [text]
    indent = min(indent, width // 4)
    return textwrap.wrap(
        text, max(4, width), subsequent_indent=" " * indent, replace_whitespace=False
    ) or [""]
