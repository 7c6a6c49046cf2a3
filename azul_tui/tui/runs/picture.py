"""The runs as a picture: the table, and below it the chosen or the marked ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.runs.status import NO_NEWS
from azul_tui.runs.text import plain_text
from azul_tui.tui import phrases
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.forms.differences import draw_diff
from azul_tui.tui.picture import BLANK, Picture, beside, crop, last_lines, text_line, wrapped
from azul_tui.tui.table import Column, Row, count_line, draw_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from azul_tui.runs.listing import RunSummary
    from azul_tui.tui.signs import Signs

SIDE_BY_SIDE = 90
"""Cells from which the chart has the differences beside it."""
COLUMNS = (
    Column(title="run", stretch=True, least=10),
    Column(title="state"),
    Column(title="iteration", align_right=True, gives_way=2),
    Column(title="loss", align_right=True, gives_way=4),
    Column(title="best score", align_right=True, gives_way=3),
    Column(title="games", align_right=True, gives_way=6),
    Column(title="age", align_right=True, gives_way=1),
    Column(title="size", align_right=True, gives_way=5),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsState:
    """Everything that the picture depends on besides its size."""

    runs: Sequence[RunSummary]
    total: int
    chosen: int
    first: int
    marked: Sequence[str]
    filter: str
    sorted_by: int
    descending: bool
    now: float
    settings: Sequence[tuple[str, dict[str, str]]]
    """Name and settings of the marked runs."""
    log: Sequence[str]
    """Last log lines of the chosen run."""
    chart: Callable[[int, int], Picture]
    signs: Signs


def state_cell(run: RunSummary, signs: Signs) -> tuple[str, str]:
    """A run's state as sign and word, with its role."""
    if run.stalled:
        sign = signs.running if run.alive else signs.alert
        return f"{sign} {NO_NEWS}", "quiet" if run.alive else "alert"
    looks = {
        "running": (signs.running, "good"),
        "paused": (signs.paused, "warning"),
        "finished": (signs.finished, "good"),
        "stopped": (signs.stopped, "quiet"),
        "crashed": (signs.crashed, "alert"),
    }
    sign, role = looks.get(run.state, (" ", "quiet"))
    return f"{sign} {run.state}", role


def run_row(run: RunSummary, now: float, marked: bool, signs: Signs) -> Row:
    """One line of the table."""
    status = run.status
    of = f"/{status.max_iterations:,}" if status.max_iterations else ""
    return Row(
        (
            (run.name, "strong"),
            state_cell(run, signs),
            (f"{status.iteration:,}{of}", ""),
            (phrases.loss(status.total_loss), ""),
            (phrases.percent(status.best_score), ""),
            (phrases.amount(status.games_total) if status.games_total else "–", ""),
            (phrases.age(now - run.changed), "quiet"),
            (phrases.size(run.size_bytes), "quiet"),
        ),
        marked=marked,
    )


def runs_body(state: RunsState, width: int, height: int) -> Picture:
    """The body of the screen, exactly `height` lines of `width` cells."""
    if not state.total:
        return [
            (),
            text_line("  There are no runs yet.", "strong"),
            (),
            text_line("  1 opens the menu; enter there starts the first one."),
        ]
    head = count_line("run", len(state.runs), state.total, state.filter, len(state.marked))
    table_height = rows_shown(width, height, len(state.marked)) + 1
    if height >= 14:
        table_height = min(len(state.runs) + 2, table_height)
    lower = height - 1 - table_height
    rows = [run_row(run, state.now, run.name in state.marked, state.signs) for run in state.runs]
    table = draw_table(
        COLUMNS,
        rows,
        width,
        table_height,
        chosen=state.chosen,
        sorted_by=state.sorted_by,
        descending=state.descending,
        signs=state.signs,
        first=state.first,
        empty="no run matches the filter; escape clears it",
    )
    picture: Picture = [head, *crop(table, width, table_height)]
    if lower:
        picture.extend(_lower(state, width, lower))
    return crop(picture, width, height)


def rows_shown(width: int, height: int, marked: int) -> int:
    """Rows of the table that a body of that size has room for.

    Where chart and differences stand above each other, both are there once two runs are marked.
    """
    share = 64 if width < SIDE_BY_SIDE and marked >= 2 else 45
    return max(1, height - 2 - (height * share // 100 if height >= 14 else 0))


def _lower(state: RunsState, width: int, height: int) -> Picture:
    """The chart, and beside it the differences or what there is to say."""
    if width < SIDE_BY_SIDE:
        if len(state.marked) >= 2 and height >= 12:
            half = height // 2
            return [*state.chart(width, height - half), *_side(state, width, half)]
        return state.chart(width, height)
    left = width * 60 // 100
    return beside(state.chart(left, height), left, _side(state, width - left, height))


def _side(state: RunsState, width: int, height: int) -> Picture:
    if len(state.marked) >= 2:
        content = draw_diff(
            [name for name, _ in state.settings],
            [values for _, values in state.settings],
            [f"series.{index % 6}" for index in range(len(state.settings))],
            width - 2,
            height - 2,
            state.signs,
        )
        return panel(content, (("settings that differ", "title"),), (), width, height, state.signs)
    run = state.runs[state.chosen] if state.chosen < len(state.runs) else None
    if run is None:
        return panel([], (), (), width, height, state.signs)
    inner = width - 4
    content: Picture = wrapped(run.reason, inner, "alert") if run.reason else []
    status = run.status
    if status.started:
        content.append(
            (
                ("started ", "quiet"),
                (phrases.age(state.now - status.started), "strong"),
                (" ago", "quiet"),
            )
        )
    content.append(
        (
            (phrases.plural(run.checkpoints, "checkpoint"), "strong"),
            (f"  {phrases.size(run.size_bytes)}", "quiet"),
        )
    )
    if status.last_checkpoint:
        content.append((("newest ", "quiet"), (status.last_checkpoint, "")))
    content.append(BLANK)
    room = height - 2 - len(content)
    log = [plain_text(line, 300) for line in state.log[-max(0, room) :]]
    content.extend(text_line(line, "quiet") for line in last_lines(log, inner, room))
    content = [((" ", ""), *line) for line in content]
    return panel(content, ((run.name, "title"),), (), width, height, state.signs)
