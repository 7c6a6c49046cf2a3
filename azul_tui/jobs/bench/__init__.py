"""Job `bench`: how fast everything is on this machine, in one run.

Every figure is a median of several repetitions, and what belongs together is measured in turns,
so that a machine that other people use shows in the spread and not in a ratio.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from azul_tui.errors import JobError
from azul_tui.jobs.bench.compiling import measure_compile
from azul_tui.jobs.bench.learning import measure_games, measure_steps
from azul_tui.jobs.bench.playing import (
    measure_inference,
    measure_playouts,
    measure_self_play,
    measure_tree,
)
from azul_tui.jobs.demonstration import compile_with_progress
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from azul_tui.jobs.context import JobContext

Part = Callable[["JobContext"], dict[str, float]]


def _measure_small(context: JobContext) -> dict[str, float]:
    return measure_self_play(context, "small")


def _measure_medium(context: JobContext) -> dict[str, float]:
    return measure_self_play(context, "medium")


PARTS: dict[str, Part] = {
    "playouts": measure_playouts,
    "tree": measure_tree,
    "small": _measure_small,
    "medium": _measure_medium,
    "inference": measure_inference,
    "step": measure_steps,
    "games": measure_games,
    "compile": measure_compile,
}
_FILE = "bench.jsonl"


def run(context: JobContext) -> dict[str, Any]:
    """Measure the parts asked for; print each figure, and append all to `bench.jsonl`.

    Raises:
        JobError: A part is unknown.
    """
    wanted = context.words("only") or tuple(PARTS)
    for name in wanted:
        if name not in PARTS:
            raise JobError(
                f"only names the part {plain_text(name, 20)!r}; parts are {', '.join(PARTS)}"
            )
    compile_with_progress(context)
    figures: dict[str, float] = {}
    for index, name in enumerate(wanted):
        context.reporter.progress(index, len(wanted), "parts")
        for figure, value in PARTS[name](context).items():
            figures[figure] = round(value, 4)
            context.reporter.say(f"  {figure:<32} {_shown(value):>14}")
            context.reporter.record("figure", name=figure, value=figures[figure])
        if context.stop.is_set():
            break
    machine = f"{platform.machine()} {platform.system()}"
    entry = {"t": round(time.time(), 3), "machine": machine, "figures": figures}
    context.runs_root.mkdir(parents=True, exist_ok=True)
    path = context.runs_root / _FILE
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
    context.reporter.say(f"added to {path.name} in the runs folder")
    return {"figures": figures, "machine": machine}


def _shown(value: float) -> str:
    """A figure with as many digits as it deserves."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3f}"
