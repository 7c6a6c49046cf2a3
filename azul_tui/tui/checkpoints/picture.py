"""The checkpoints as a picture: the table and a panel for the chosen one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.tui import phrases
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.checkpoints.verification import GONE
from azul_tui.tui.forms.differences import draw_diff
from azul_tui.tui.picture import Picture, beside, crop, text_line, wrapped
from azul_tui.tui.run_ratings import rating_words
from azul_tui.tui.table import Column, Row, count_line, draw_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from azul_tui.tui.checkpoints.row import CheckpointRow
    from azul_tui.tui.signs import Signs

COLUMNS = (
    Column(title="run", stretch=True, least=10),
    Column(title="", least=2),
    Column(title="iteration", align_right=True),
    Column(title="score", align_right=True, gives_way=1),
    Column(title="rating", align_right=True, gives_way=2),
    Column(title="loss", align_right=True, gives_way=2),
    Column(title="policy", align_right=True, gives_way=5),
    Column(title="value", align_right=True, gives_way=6),
    Column(title="age", align_right=True, gives_way=3),
    Column(title="size", align_right=True, gives_way=4),
    Column(title="whole", gives_way=3),
)

WIDE = 110
"""Cells from which the panel stands beside the table."""
DAMAGED = ("damaged", "alert")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointsState:
    """Everything that the picture depends on besides its size."""

    rows: Sequence[CheckpointRow]
    total: int
    chosen: int
    first: int
    filter: str
    sorted_by: int
    descending: bool
    now: float
    marked: Sequence[CheckpointRow]
    verified: Mapping[str, str]
    """What is wrong with a file, "" for a whole one; absent ones were not looked at."""
    settings: Mapping[str, dict[str, str]]
    """Settings of the chosen and the marked checkpoints' runs, by run."""
    signs: Signs


def checkpoint_row(
    row: CheckpointRow, now: float, verified: Mapping[str, str], marked: bool, signs: Signs
) -> Row:
    """One line of the table."""
    sign = (signs.shipped if row.shipped else "") + (signs.best if row.best else "")
    wrong = verified.get(row.key)
    whole = ("", "") if wrong is None else (signs.mark, "good") if not wrong else DAMAGED
    if wrong == GONE:  # cleaned up by its run since the folder was listed
        whole = ("gone", "quiet")
    name = f"{row.iteration:,}" if row.iteration else row.file.stem
    return Row(
        (
            (row.run, "strong"),
            (sign, "warning"),
            (name + (" new" if row.newest else ""), ""),
            (phrases.percent(row.score), "strong"),
            (rating_words(row.rating, signs) if row.rating is not None else "–", ""),
            (phrases.loss(row.total_loss), ""),
            (phrases.loss(row.policy_loss), ""),
            (phrases.loss(row.value_loss), ""),
            (phrases.age(now - row.changed), "quiet"),
            (phrases.size(row.size_bytes), "quiet"),
            whole,
        ),
        marked=marked,
    )


def checkpoints_body(state: CheckpointsState, width: int, height: int) -> Picture:
    """The body of the screen, exactly `height` lines of `width` cells."""
    if not state.total:
        return [
            (),
            text_line("  There are no checkpoints yet.", "strong"),
            (),
            text_line("  1 opens the menu; a training started there writes the first one."),
        ]
    head = count_line("checkpoint", len(state.rows), state.total, state.filter, len(state.marked))
    marked = {row.key for row in state.marked}
    rows = [
        checkpoint_row(row, state.now, state.verified, row.key in marked, state.signs)
        for row in state.rows
    ]
    shown = shown_columns(state.rows)
    rows = [Row(tuple(row.cells[i] for i in shown), marked=row.marked) for row in rows]
    wide = width >= WIDE
    panel_height = _panel_height(width, height)
    table_height = height - 1 - panel_height
    table_width = width * 62 // 100 if wide else width
    table = draw_table(
        [COLUMNS[i] for i in shown],
        rows,
        table_width,
        table_height,
        chosen=state.chosen,
        sorted_by=shown.index(state.sorted_by) if state.sorted_by in shown else None,
        descending=state.descending,
        signs=state.signs,
        first=state.first,
        empty="no checkpoint matches the filter; escape clears it",
    )
    if wide:
        side = _panel(state, width - table_width, height - 1)
        return [head, *beside(crop(table, table_width, table_height), table_width, side)]
    return [head, *crop(table, width, table_height), *_panel(state, width, panel_height)]


def _panel_height(width: int, height: int) -> int:
    """Lines of the panel below the table; none where it stands beside it."""
    return 0 if width >= WIDE or height < 15 else min(12, height * 45 // 100)


def rows_shown(width: int, height: int) -> int:
    """Rows of the table that a body of that size has room for."""
    return max(1, height - 2 - _panel_height(width, height))


def _panel(state: CheckpointsState, width: int, height: int) -> Picture:
    """Metadata of the chosen checkpoint, or the two marked ones compared."""
    if height < 3:
        return []
    if len(state.marked) == 2:
        return _compared(state, width, height)
    row = state.rows[state.chosen] if state.chosen < len(state.rows) else None
    if row is None:
        return panel([], (), (), width, height, state.signs)
    inner = width - 4
    content: Picture = []
    wrong = state.verified.get(row.key)
    if wrong:
        content.extend(wrapped(f"damaged: {wrong}", inner, "alert"))
    for label, value in facts(row, state.now, state.signs):
        content.append(((f"{label:<11}", "quiet"), (value, "strong")))
    if row.evaluations:
        content.extend([(), text_line("evaluations", "quiet")])
        for opponent, score, low, high, games in row.evaluations:
            words = f"{score * 100:.1f}%  ({low * 100:.0f} to {high * 100:.0f}, {games} games)"
            content.append(((f"{opponent:<11}"[:11], ""), (words, "strong")))
    settings = state.settings.get(row.run, {})
    if settings:
        content.extend([(), text_line("settings", "quiet")])
        content.extend(
            ((f"{name:<31} "[:32], ""), (value, "strong")) for name, value in settings.items()
        )
    content = [((" ", ""), *line) for line in content]
    return panel(content, ((row.file.name, "title"),), (), width, height, state.signs)


def shown_columns(rows: Sequence[CheckpointRow]) -> list[int]:
    """Which of `COLUMNS` have something to show: ratings are there once games were rated."""
    rated = any(row.rating is not None for row in rows)
    return [i for i, column in enumerate(COLUMNS) if rated or column.title != "rating"]


def facts(row: CheckpointRow, now: float, signs: Signs) -> list[tuple[str, str]]:
    """What is known of a checkpoint without opening it."""
    rating = "–" if row.rating is None else rating_words(row.rating, signs)
    if row.rating is not None and row.rated_over:
        rating += f" over {row.rated_over}"
    found = [
        ("run", row.run),
        ("iteration", f"{row.iteration:,}" + (", came with the program" if row.shipped else "")),
        ("score", phrases.percent(row.score)),
        ("rating", rating),
        ("loss", phrases.loss(row.total_loss)),
        ("policy", phrases.loss(row.policy_loss)),
        ("value", phrases.loss(row.value_loss)),
        ("games", phrases.count(row.games_total)),
        ("written", phrases.ago(now - row.changed)),
        ("size", phrases.size(row.size_bytes)),
    ]
    return [(label, value) for label, value in found if value != "–"]


def _compared(state: CheckpointsState, width: int, height: int) -> Picture:
    names = [f"{row.run} {row.iteration}" for row in state.marked]
    values: list[dict[str, str]] = []
    for row in state.marked:
        known = dict(facts(row, state.now, state.signs))
        known |= {f"vs {o}": f"{s * 100:.1f}%" for o, s, _, _, _ in row.evaluations}
        values.append(known | state.settings.get(row.run, {}))
    content = draw_diff(names, values, ["series.0", "series.1"], width - 2, height - 2, state.signs)
    return panel(content, (("compared", "title"),), (), width, height, state.signs)
