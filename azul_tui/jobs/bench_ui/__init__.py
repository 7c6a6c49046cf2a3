"""Measures the dashboard from outside, as a terminal sees it.

The real program runs in a pseudo-terminal of 120x40; what it writes is counted, when it
answers a key is timed, and its processor time and memory are asked of the system. It
follows a run that this package writes once a second, and for the key presses a real
training goes on beside it on the same cores.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azul_tui.jobs.bench_ui.following import measure_following, measure_million
from azul_tui.jobs.bench_ui.keys import measure_keys
from azul_tui.jobs.bench_ui.starting import measure_first_paint

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.jobs.context import JobContext

MEASURES: dict[str, Callable[[Path], dict[str, float]]] = {
    "first_paint": measure_first_paint,
    "keys": measure_keys,
    "steady": measure_following,
    "million": measure_million,
}


def run(context: JobContext) -> dict[str, Any]:
    """Measure the parts that were asked for; the result carries `figures`."""
    only = context.words("only")
    parts = [part for part in MEASURES if not only or part in only]
    figures: dict[str, float] = {}
    for number, part in enumerate(parts):
        context.reporter.progress(number, len(parts), "parts")
        with tempfile.TemporaryDirectory(prefix="azul-bench-") as folder:
            found = MEASURES[part](Path(folder))
        for name, value in found.items():
            context.reporter.say(f"{name:<26} {value:10.3f}")
        context.reporter.record("figures", part=part, **found)
        figures |= found
        if context.stop.is_set():
            break
    return {"figures": figures}
