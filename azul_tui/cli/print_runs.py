"""`--list`: the runs as a table, or as JSON lines."""

from __future__ import annotations

import dataclasses
import os
import unicodedata
from typing import TYPE_CHECKING

from azul_tui.jobs.describe import in_bytes, in_words
from azul_tui.runs.events import encode_plain
from azul_tui.runs.listing import RunSummary, list_runs
from azul_tui.runs.status import NO_NEWS
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from pathlib import Path

HEADINGS = ("run", "state", "iteration", "loss", "policy", "value", "best", "size", "last sign")
_RIGHT = frozenset({"iteration", "loss", "policy", "value", "best", "size", "last sign"})


def runs_text(root: Path, *, json_lines: bool, now: float) -> str:
    """Every run in `root`, as it is printed."""
    runs = list_runs(root, now)
    if json_lines:
        records: list[dict[str, object]] = [
            {"event": "run", "t": now, **_record(run)} for run in runs
        ]
        records.append({"event": "result", "t": now, "ok": True, "runs": len(runs)})
        return "".join(encode_plain(record).decode("ascii") for record in records)
    if runs:
        return table([HEADINGS, *(row(run, now) for run in runs)])
    return f"no runs in {plain_text(os.fspath(root))} yet; azul-tui --run quick makes the first\n"


def row(run: RunSummary, now: float) -> tuple[str, ...]:
    """One run as the cells under `HEADINGS`."""
    status = run.status
    most = f"/{status.max_iterations:,}" if status.max_iterations else ""
    state = NO_NEWS if run.stalled else run.state
    if status.ending:
        state = f"{state}, {status.ending}"
    return (
        run.name,
        state,
        f"{status.iteration:,}{most}",
        _loss(status.total_loss),
        _loss(status.policy_loss),
        _loss(status.value_loss),
        "–" if status.best_score is None else f"{100 * status.best_score:.1f}%",
        in_bytes(run.size_bytes),
        f"{in_words(max(0.0, now - run.changed))} ago",
    )


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows under a line of headings, columns as wide as they need to be."""
    widths = [max(_columns(cells[place]) for cells in rows) for place in range(len(rows[0]))]
    lines: list[str] = []
    for cells in rows:
        line = ""
        for heading, cell, width in zip(rows[0], cells, widths, strict=True):
            gap = " " * (width - _columns(cell))
            line += (gap + cell if heading in _RIGHT else cell + gap) + "  "
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def _columns(text: str) -> int:
    """Columns that a text takes in a terminal: East Asian letters take two, marks none."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def _loss(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _record(run: RunSummary) -> dict[str, object]:
    facts = dataclasses.asdict(run.status)
    return {
        **facts,
        "name": run.name,
        "state": run.state,
        "stalled": run.stalled,
        "reason": run.reason,
        "size_bytes": run.size_bytes,
        "checkpoints": run.checkpoints,
        "directory": os.fspath(run.paths.directory),
    }
