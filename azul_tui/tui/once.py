"""A picture of a run as text, for a person who only wants to look, or for a script."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from azul_tui.runs.checkpoint_manifest import best_record, read_manifest
from azul_tui.runs.listing import RunSummary, summarize
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import NO_NEWS
from azul_tui.runs.text import plain_text
from azul_tui.views import words
from azul_tui.views.charts import View, run_chart
from azul_tui.views.following import RunFeed
from azul_tui.views.ratings import RatingsFile
from azul_tui.views.signs import signs_here

if TYPE_CHECKING:
    from azul_tui.views.charts import ChartContent
    from azul_tui.views.following import RunData

CHART_HEIGHT = 14
LOSSES = ("total", "policy", "value")
LEAST_WIDTH, MOST_WIDTH = 40, 120
RECORDED = (
    "iteration", "max_iterations", "step", "games_total", "total_loss", "policy_loss",
    "value_loss", "best_score",
)  # fmt: skip
"""What the record of a run tells of its status."""


def run_text(paths: RunPaths, *, json_lines: bool = False) -> str:
    """The run at `paths`, as it is printed; as `json_lines` two records, the result last."""
    data = RunFeed(paths.directory).read_all(5.0, exact=False)
    now = time.time()
    run = summarize(paths, now)
    if json_lines:
        result = {"event": "result", "t": now, "ok": True, "run": run.paths.name}
        return f"{json.dumps({'t': now, **run_record(run, data)})}\n{json.dumps(result)}\n"
    columns = shutil.get_terminal_size((80, 24)).columns
    width = max(LEAST_WIDTH, min(MOST_WIDTH, columns))
    blocks = ["\n".join(plain_text(line, width) for line in run_lines(run, data, now))]
    ratings = RatingsFile(run.paths).refresh()
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for name in ("loss", "rating", "score"):
        chart = run_chart(data, name, View(), ratings)
        if any(len(curve.x) > 1 for curve in chart.curves):
            blocks.append(chart_text(chart, width, colour=colour))
    return "\n\n".join(blocks) + "\n"


def run_record(run: RunSummary, data: RunData) -> dict[str, Any]:
    """The run as one record."""
    status = asdict(run.status)
    best = best_checkpoint(run, data)
    return {
        "event": "run", "name": run.paths.name, "state": run.state, "stalled": run.stalled,
        **{key: status[key] for key in RECORDED},
        "best_checkpoint": best[0] if best else None, "checkpoints": run.checkpoints,
        "size_bytes": run.size_bytes, "records": data.records, "skipped": data.skipped,
    }  # fmt: skip


def best_checkpoint(run: RunSummary, data: RunData) -> tuple[str, float | None] | None:
    """File and score of the best checkpoint: as the list beside it says, else the records."""
    folder = run.paths.directory
    listed = best_record(read_manifest(folder))
    if listed is not None:
        regular = RunPaths(folder).checkpoint(listed.iteration)
        return regular.name if regular.is_file() else listed.file, listed.score
    best = [saved for saved in data.checkpoints if saved.best]
    return (best[-1].file, best[-1].score) if best else None


def run_lines(run: RunSummary, data: RunData, now: float) -> list[str]:
    """State, progress, losses, best checkpoint and alerts."""
    status, state = run.status, run.state
    of = f" of {status.max_iterations:,}" if status.max_iterations else ""
    if run.stalled:
        lives = ", the process is alive" if run.alive else ""
        state = f"{state}, {NO_NEWS} for {words.duration(now - status.heartbeat)}{lives}"
    changed = f"changed {words.ago(now - run.changed)}"
    games, size = words.plural(status.games_total, "game"), words.size(run.size_bytes)
    parts = ((name, words.loss(getattr(status, f"{name}_loss"))) for name in LOSSES)
    lines = [
        f"{run.name}  {state}" + (f": {run.reason}" if run.reason else ""),
        f"iteration {status.iteration:,}{of}, step {status.step:,}, {games}, {size}, {changed}",
        f"loss  {'  '.join(f'{name} {value}' for name, value in parts)}",
    ]
    if status.left_s is not None and run.state == "running":
        lines.append(f"{words.duration(status.left_s)} left in the run")
    if best := best_checkpoint(run, data):
        score = f", score {words.percent(best[1])}" if best[1] is not None else ""
        lines.append(f"best checkpoint {best[0]}{score}")
    lines.extend(f"! {alert.text}" for alert in list(data.alerts)[-3:])
    if data.skipped:
        lines.append(f"{words.plural(data.skipped, 'unreadable record')} skipped")
    return lines


def chart_text(chart: ChartContent, width: int, *, colour: bool) -> str:
    """A chart below its title."""
    from azul_tui.tui.plotting import ASCII_LINES, draw_chart

    signs = signs_here()
    plain = signs.ascii or not colour
    title = chart.title
    lines = [curve for curve in chart.curves if curve.kind == "line"]
    if plain and len(lines) > 1:
        # Without colour each curve has a sign of its own, named in the title.
        signs_of = {f"series.{c.series}": ASCII_LINES[n] for n, c in enumerate(lines)}
        title = tuple(
            (f"  {signs_of[role]}{text[1:]}" if role in signs_of else text, role)
            for text, role in title
        )
    view = View(show_band=not plain)
    drawing = draw_chart(chart, view, width, CHART_HEIGHT, signs=signs, plain=plain)
    rows = [title, *drawing.lines]
    if not colour:
        return "\n".join("".join(text for text, _ in row).rstrip() for row in rows)
    from rich.console import Console
    from rich.text import Text

    from azul_tui.tui.themes import SERIES

    styles = {"title": "bold", "strong": "bold", "axis": "bright_black", "level": "bright_black"}
    for index, color in enumerate(SERIES[True]):
        styles |= {f"series.{index}": color, f"band.{index}": f"dim {color}"}
    console = Console(width=width, force_terminal=True, legacy_windows=False)
    with console.capture() as printed:
        for row in rows:
            text = Text.assemble(*((text, styles.get(role, "")) for text, role in row))
            console.print(text, no_wrap=True, overflow="crop")
    return printed.get().rstrip()
