"""A text picture of a run, for a person who only wants to look, or for a script.

plotext draws the charts here. It raises on infinities, on logarithms of zero and at tiny
sizes, and a million points cost it seconds: it is given finite numbers only, at most two a
column.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any, cast

from azul_tui.runs.checkpoint_manifest import best_record, read_manifest
from azul_tui.runs.listing import summarize
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import NO_NEWS
from azul_tui.runs.text import plain_text
from azul_tui.tui import phrases
from azul_tui.tui.following.feed import RunFeed
from azul_tui.tui.training.charts import LOSSES

if TYPE_CHECKING:
    import types

    import numpy as np
    from numpy.typing import NDArray

    from azul_tui.runs.listing import RunSummary
    from azul_tui.tui.following.data import RunData

CHART_HEIGHT = 15
LEAST_WIDTH = 40
SIGNS = "*+oxz#"
"""One sign a curve, so that it reads without colour."""


def run_text(paths: RunPaths, *, json_lines: bool = False) -> str:
    """The run at `paths`, as it is printed on standard output.

    Args:
        paths: The run.
        json_lines: Records instead of a picture: the run, and the result as the last line.
    """
    feed = RunFeed(paths.directory)
    data = feed.open_fast()
    now = time.time()
    summary = summarize(paths, now)
    if json_lines:
        result = {"event": "result", "t": now, "ok": True, "run": summary.paths.name}
        records = ({"t": now, **summary_record(summary, data)}, result)
        return "".join(json.dumps(record) + "\n" for record in records)
    width = max(LEAST_WIDTH, min(120, shutil.get_terminal_size((80, 24)).columns))
    colour = sys.stdout.isatty() and not _no_color()
    return describe_run(summary, data, now, width, colour=colour)


def _no_color() -> bool:
    import os

    return "NO_COLOR" in os.environ


def summary_record(summary: RunSummary, data: RunData) -> dict[str, Any]:
    """The run as one record."""
    status = summary.status
    best = best_checkpoint(summary, data)
    return {
        "event": "run",
        "name": summary.paths.name,
        "state": summary.state,
        "stalled": summary.stalled,
        "iteration": status.iteration,
        "max_iterations": status.max_iterations,
        "step": status.step,
        "games_total": status.games_total,
        "total_loss": status.total_loss,
        "policy_loss": status.policy_loss,
        "value_loss": status.value_loss,
        "best_score": status.best_score,
        "best_checkpoint": best[0] if best is not None else None,
        "checkpoints": summary.checkpoints,
        "size_bytes": summary.size_bytes,
        "records": data.records,
        "skipped": data.skipped,
    }


def best_checkpoint(summary: RunSummary, data: RunData) -> tuple[str, float | None] | None:
    """File and score of the best checkpoint: as the list beside it says, else the records."""
    folder = summary.paths.directory
    listed = best_record(read_manifest(folder))
    if listed is not None:
        regular = RunPaths(folder).checkpoint(listed.iteration)
        return regular.name if regular.is_file() else listed.file, listed.score
    best = [saved for saved in data.checkpoints if saved.best]
    return (best[-1].file, best[-1].score) if best else None


def describe_run(
    summary: RunSummary, data: RunData, now: float, width: int, *, colour: bool
) -> str:
    """State, charts, evaluations and best checkpoint as text."""
    status = summary.status
    of = f" of {status.max_iterations:,}" if status.max_iterations else ""
    state = summary.state
    if summary.stalled:
        lives = ", the process is alive" if summary.alive else ""
        state = f"{state}, {NO_NEWS} for {phrases.duration(now - status.heartbeat)}{lives}"
    lines = [
        f"{summary.name}  {state}" + (f": {summary.reason}" if summary.reason else ""),
        (
            f"iteration {status.iteration:,}{of}, step {status.step:,}, "
            f"{status.games_total:,} games, "
            f"{phrases.size(summary.size_bytes)}, changed {phrases.ago(now - summary.changed)}"
        ),
        (
            f"loss {phrases.loss(status.total_loss)}  policy {phrases.loss(status.policy_loss)}  "
            f"value {phrases.loss(status.value_loss)}"
        ),
    ]
    if status.left_s is not None and summary.state == "running":
        lines.append(f"{phrases.duration(status.left_s)} left in the run")
    best = best_checkpoint(summary, data)
    if best is not None:
        score = f", score {phrases.percent(best[1])}" if best[1] is not None else ""
        lines.append(f"best checkpoint {best[0]}{score}")
    lines.extend(f"! {alert.text}" for alert in list(data.alerts)[-3:])
    if data.skipped:
        lines.append(f"{phrases.plural(data.skipped, 'unreadable record')} skipped")
    blocks = ["\n".join(plain_text(line, width) for line in lines)]
    charts = (loss_chart(data, width, colour=colour), score_chart(data, width, colour=colour))
    blocks.extend(chart for chart in charts if chart)
    return "\n\n".join(blocks) + "\n"


def loss_chart(data: RunData, width: int, *, colour: bool) -> str:
    """The three losses over steps by plotext; empty while there are none."""
    table = data.steps if data.steps.records > 1 else data.iterations
    if table.records < 2:
        return ""
    plot = _fresh_plot(width, colour=colour)
    drawn: list[str] = []
    for column in LOSSES:
        x, mean, _, _ = table.columns("step" if table is data.steps else "iteration", column)
        xs, ys = thinned(x, mean, 2 * width)
        if len(xs) > 1:
            # A legend would cover the start of a falling curve: the title names the signs.
            sign = SIGNS[len(drawn)]
            plot.plot(xs, ys, marker=sign)
            drawn.append(f"{sign} {column.removesuffix('_loss')}")
    if not drawn:
        return ""
    plot.title(f"loss by {'step' if table is data.steps else 'iteration'}:  {'  '.join(drawn)}")
    return _built(plot, colour=colour)


def score_chart(data: RunData, width: int, *, colour: bool) -> str:
    """The evaluation scores by iteration; empty while there are none."""
    by_opponent: dict[str, tuple[list[float], list[float]]] = {}
    for e in data.evaluations:
        xs, ys = by_opponent.setdefault(e.opponent, ([], []))
        if math.isfinite(e.score):
            xs.append(float(e.iteration))
            ys.append(e.score * 100)
    if not any(len(xs) > 1 for xs, _ in by_opponent.values()):
        return ""
    plot = _fresh_plot(width, colour=colour)
    drawn: list[str] = []
    for opponent, (xs, ys) in list(by_opponent.items())[-len(SIGNS) :]:
        if xs:
            sign = SIGNS[len(drawn)]
            plot.plot(xs[-2 * width :], ys[-2 * width :], marker=sign)
            drawn.append(f"{sign} {plain_text(opponent, 20)}")
    plot.ylim(0, 100)
    plot.title(f"score in percent by iteration:  {'  '.join(drawn)}")
    return _built(plot, colour=colour)


def thinned(
    x: NDArray[np.float64], y: NDArray[np.float64], most: int
) -> tuple[list[float], list[float]]:
    """At most `most` finite points, evenly chosen, the last one among them."""
    import numpy as np

    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) > most:
        chosen = np.linspace(0, len(x) - 1, most).astype(int)
        x, y = x[chosen], y[chosen]
    return x.tolist(), y.tolist()


def _fresh_plot(width: int, *, colour: bool) -> Any:
    import plotext

    plot = cast("types.ModuleType", plotext)
    plot.clear_figure()
    plot.plotsize(width, CHART_HEIGHT)
    plot.theme("default" if colour else "clear")
    return plot


def _built(plot: Any, *, colour: bool) -> str:
    text = str(plot.build())
    plot.clear_figure()
    return text if colour else str(plot.uncolorize(text))
