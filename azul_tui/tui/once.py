"""A picture of a run as text, for a person who only wants to look, or for a script."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

from azul_tui.runs.checkpoint_manifest import best_record, read_manifest
from azul_tui.runs.listing import summarize
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import NO_NEWS
from azul_tui.runs.text import plain_text
from azul_tui.views import words
from azul_tui.views.charts import View
from azul_tui.views.following import RunFeed
from azul_tui.views.ratings import RatingsFile
from azul_tui.views.run_charts import ChartSource
from azul_tui.views.signs import ASCII, UNICODE, locale_has_unicode

if TYPE_CHECKING:
    from azul_tui.runs.listing import RunSummary
    from azul_tui.views.run_charts import ChartContent
    from azul_tui.views.run_data import RunData

CHART_HEIGHT = 14
LEAST_WIDTH = 40


def run_text(paths: RunPaths, *, json_lines: bool = False) -> str:
    """The run at `paths`, as it is printed on standard output.

    Args:
        paths: The run.
        json_lines: Records instead of a picture: the run, and the result as the last line.
    """
    feed = RunFeed(paths.directory)
    data = feed.read_all(5.0, exact=False)
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
        state = f"{state}, {NO_NEWS} for {words.duration(now - status.heartbeat)}{lives}"
    lines = [
        f"{summary.name}  {state}" + (f": {summary.reason}" if summary.reason else ""),
        (
            f"iteration {status.iteration:,}{of}, step {status.step:,}, "
            f"{status.games_total:,} games, "
            f"{words.size(summary.size_bytes)}, changed {words.ago(now - summary.changed)}"
        ),
        (
            f"loss {words.loss(status.total_loss)}  policy {words.loss(status.policy_loss)}  "
            f"value {words.loss(status.value_loss)}"
        ),
    ]
    if status.left_s is not None and summary.state == "running":
        lines.append(f"{words.duration(status.left_s)} left in the run")
    best = best_checkpoint(summary, data)
    if best is not None:
        score = f", score {words.percent(best[1])}" if best[1] is not None else ""
        lines.append(f"best checkpoint {best[0]}{score}")
    lines.extend(f"! {alert.text}" for alert in list(data.alerts)[-3:])
    if data.skipped:
        lines.append(f"{words.plural(data.skipped, 'unreadable record')} skipped")
    blocks = ["\n".join(plain_text(line, width) for line in lines)]
    source = ChartSource(data)
    source.ratings = RatingsFile(summary.paths).refresh()
    for name in ("loss", "rating", "score"):
        chart = source.content(name, View())
        if any(len(curve.x) > 1 for curve in chart.curves):
            blocks.append(chart_text(chart, width, colour=colour))
    return "\n\n".join(blocks) + "\n"


def chart_text(chart: ChartContent, width: int, *, colour: bool) -> str:
    """A chart below its title."""
    from azul_tui.tui.plotting import ASCII_LINES, draw_chart

    ascii_only = bool(os.environ.get("AZUL_TUI_ASCII")) or not locale_has_unicode()
    signs = ASCII if ascii_only else UNICODE
    plain = ascii_only or not colour
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

    styles = {f"series.{index}": color for index, color in enumerate(SERIES[True])}
    styles |= {f"band.{index}": f"dim {color}" for index, color in enumerate(SERIES[True])}
    styles |= {"title": "bold", "strong": "bold", "axis": "bright_black", "level": "bright_black"}
    console = Console(file=io.StringIO(), width=width, force_terminal=True, legacy_windows=False)
    for row in rows:
        console.print(
            Text.assemble(*((text, styles.get(role, "")) for text, role in row)),
            no_wrap=True, overflow="crop",
        )  # fmt: skip
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().rstrip()
