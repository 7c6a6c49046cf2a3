"""What a demo job records, as pictures; what it says stands beside them.

Recognised in any job's records, each drawn when it is there:

- `temperature` with `policy_loss`: a bar for each temperature;
- `step` or `iteration` records: a falling line;
- `checkpoint` records: a growing table;
- `outcome_histogram` with `outcome_bins`: columns;
- `state`, `policy` and `outcome` as lists of sizes: a table of shapes;
- `position` in notation, with `move`: a board and the moves before it;
- `part` records with `state` (the job "all"): the state of each part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azul_tui.jobs.describe import in_words
from azul_tui.runs.events import number, text
from azul_tui.runs.text import plain_text
from azul_tui.tui import phrases
from azul_tui.tui.bars import progress_bar
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.picture import Line, Picture, beside, crop, join, shorten, text_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from azul_tui.runs.status import Judgement, Status
    from azul_tui.tui.run_data import RunData
    from azul_tui.tui.signs import Signs


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoState:
    """Everything that the picture depends on besides its size."""

    title: str
    description: str
    data: RunData
    status: Status | None
    judgement: Judgement | None
    log: Sequence[str]
    first_line: int | None
    """First line of the log that is shown; None keeps to its end."""
    chart: Callable[[int, int], Picture]
    signs: Signs


def demo_body(state: DemoState, width: int, height: int) -> Picture:
    """The body of the screen, exactly `height` lines of `width` cells."""
    head: Picture = [state_line(state, width)]
    room = height - 1
    blocks = visuals(state, _visual_width(width))
    if not blocks:
        return crop([*head, *_log(state, width, room)], width, height)
    if width >= 96:
        right = _visual_width(width)
        return crop(
            [
                *head,
                *beside(
                    _log(state, width - right, room),
                    width - right,
                    _stack(blocks, right, room, state),
                ),
            ],
            width,
            height,
        )
    upper = min(max(room // 2, room - 6), sum(rows for _, rows, _ in blocks))
    return crop(
        [*head, *_stack(blocks, width, upper, state), *_log(state, width, room - upper)],
        width,
        height,
    )


def _visual_width(width: int) -> int:
    return width if width < 96 else max(48, width // 2)


Block = tuple[str, int, "Callable[[int, int], Picture]"]
"""Title, wanted height with its frame, and what draws the inside."""


def state_line(state: DemoState, width: int) -> Line:
    """Which demo, whether it goes on, and how far it is."""
    status, judgement = state.status, state.judgement
    words = {"running": "good", "finished": "good", "crashed": "alert", "stopped": "quiet"}
    name = judgement.state if judgement is not None else "starting"
    parts: list[Line] = [
        ((f" {state.title}", "strong"),),
        ((name, words.get(name, "quiet")),),
    ]
    if status is not None and status.total and name == "running":
        done = status.done or 0.0
        bar = progress_bar(done / status.total, min(24, width // 4), state.signs)
        parts.append(
            (*bar, (f" {done:,.0f}/{status.total:,.0f} {plain_text(status.unit, 20)}", ""))
        )
    return join(parts)


def _log(state: DemoState, width: int, height: int) -> Picture:
    inner = max(1, height - 2)
    lines = [plain_text(line, 400) for line in state.log]
    last = max(0, len(lines) - inner)
    first = last if state.first_line is None else min(max(0, state.first_line), last)
    shown = lines[first : first + inner]
    content: Picture = [
        text_line(" " + shorten(line, max(1, width - 4), state.signs.ellipsis)) for line in shown
    ]
    if not content:
        ended = state.judgement is not None and state.judgement.state not in {"running", "paused"}
        words = "it said nothing" if ended else "starting; a first start compiles the rules"
        content = [text_line(f" {words}", "quiet")]
    above = f"lines {first + 1:,} to {first + len(shown):,} of {len(lines):,}"
    foot = text_line(above, "quiet") if len(lines) > inner else ()
    return panel(content, (("what it says", "title"),), foot, width, height, state.signs)


def _stack(blocks: list[Block], width: int, height: int, state: DemoState) -> Picture:
    """Blocks above each other; the last ones get what is left."""
    picture: Picture = []
    for index, (title, wanted, draw) in enumerate(blocks):
        left = height - len(picture)
        if left < 4:
            break
        rows = left if index == len(blocks) - 1 and wanted > 8 else min(wanted, left)
        content = [((" ", ""), *line) for line in draw(width - 4, rows - 2)]
        picture.extend(panel(content, ((title, "title"),), (), width, rows, state.signs))
    return picture


def visuals(state: DemoState, width: int) -> list[Block]:
    """The pictures that the records allow."""
    del width
    records = list(state.data.others)
    blocks: list[Block] = []
    parts = [r for r in records if r.get("event") == "part"]
    if parts:
        blocks.append(_parts(parts, state.signs))
    temperatures = [r for r in records if number(r, "temperature") is not None]
    if temperatures:
        blocks.append(_temperatures(temperatures, state.signs))
    shapes = next((r for r in reversed(records) if _shapes_of(r)), None)
    if shapes is not None:
        blocks.append(_shapes(shapes))
    histogram = next((r for r in reversed(records) if _numbers(r.get("outcome_histogram"))), None)
    if histogram is not None:
        blocks.append(_histogram(histogram, state.signs))
    if state.data.checkpoints:
        blocks.append(_checkpoints(state))
    if state.data.steps.records > 1 or state.data.iterations.records > 1:
        blocks.append(("loss", 16, state.chart))
    moves = [r for r in records if r.get("event") == "move"]
    board = next((r for r in reversed(records) if isinstance(r.get("position"), str)), None)
    if board is not None:
        blocks.append(_board(moves[-1] if moves else board, moves, state.signs))
    return blocks


def _parts(records: Sequence[dict[str, Any]], signs: Signs) -> Block:
    newest: dict[str, tuple[str, float | None]] = {}
    for record in records:
        name = text(record, "title", 40) or text(record, "name", 40)
        newest[name] = text(record, "state", 40), number(record, "seconds")
    looks = {
        "running": (signs.running, "good"),
        "done": (signs.finished, "good"),
        "failed": (signs.crashed, "alert"),
    }

    def draw(width: int, height: int) -> Picture:
        lines: Picture = []
        for part, (said, seconds) in newest.items():
            sign, role = looks.get(said, (signs.empty_cell, "quiet"))
            took = f"  {in_words(seconds)}" if seconds is not None else ""
            name_role = "strong" if said in looks else "quiet"
            lines.append(
                ((f"{sign} ", role), (f"{part:<27}", name_role), (said, role), (took, "quiet"))
            )
        return crop(lines, width, height)

    return "parts", len(newest) + 2, draw


def _temperatures(records: Sequence[dict[str, Any]], signs: Signs) -> Block:
    values: dict[float, float] = {}
    for record in records:
        temperature, loss = number(record, "temperature"), number(record, "policy_loss")
        loss = loss if loss is not None else number(record, "loss")
        if temperature is not None and loss is not None:
            values[temperature] = loss

    def draw(width: int, height: int) -> Picture:
        largest = max([*values.values(), 1e-9])
        bar = max(4, width - 32)
        lines: Picture = [
            (
                (f"temperature {temperature:<6g}", "quiet"),
                (signs.block * max(1, round(loss / largest * bar)), "series.0"),
                (f" {loss:.3f} nats", "strong"),
            )
            for temperature, loss in sorted(values.items())
        ]
        return crop(lines, width, height)

    return "policy loss by temperature", len(values) + 2, draw


def _shapes_of(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and sizes of the tensors that a record describes."""
    found: list[tuple[str, str]] = []
    for name in ("state", "policy", "outcome"):
        sizes = _numbers(record.get(name) or record.get(f"{name}_shape"))
        if sizes:
            found.append((name, ", ".join(f"{size:,.0f}" for size in sizes)))
    return found if len(found) == 3 else []


def _shapes(record: dict[str, Any]) -> Block:
    items = _shapes_of(record)

    def draw(width: int, height: int) -> Picture:
        lines: Picture = [((f"{n:<12}", ""), (f"({s})", "strong")) for n, s in items]
        return crop(lines, width, height)

    return "shapes of a batch", len(items) + 2, draw


def _numbers(value: object) -> list[float]:
    """A list of finite numbers; empty for anything else."""
    if not isinstance(value, list):
        return []
    found = [float(v) for v in value if isinstance(v, (int, float)) and math.isfinite(v)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return found if len(found) == len(value) else []  # pyright: ignore[reportUnknownArgumentType]


def _histogram(record: dict[str, Any], signs: Signs) -> Block:
    counts = _numbers(record.get("outcome_histogram"))
    labels = [_bin_label(edge) for edge in list(record.get("outcome_bins") or [])]
    labels = (labels + [str(i) for i in range(len(labels), len(counts))])[: len(counts)]

    def draw(width: int, height: int) -> Picture:
        largest = max([*counts, 1e-9])
        name_width = max((len(label) for label in labels), default=1)
        bar = max(4, width - name_width - 12)
        lines: Picture = [
            (
                (f"{label:>{name_width}} ", "quiet"),
                (signs.block * round(value / largest * bar), "series.2"),
                (f" {phrases.amount(value)}", "strong"),
            )
            for label, value in zip(labels, counts, strict=True)
        ]
        return crop(lines, width, height)

    return "how outcomes are spread", min(24, len(counts) + 2), draw


def _bin_label(edges: object) -> str:
    bounds = _numbers(edges)
    if len(bounds) == 2:
        return (
            f"{bounds[0]:+.1f} to {bounds[1]:+.1f}" if bounds[0] < bounds[1] else f"{bounds[0]:+g}"
        )
    return plain_text(str(edges), 12)


def _checkpoints(state: DemoState) -> Block:
    saved = list(state.data.checkpoints)

    def draw(width: int, height: int) -> Picture:
        from azul_tui.tui.table import Column, Row, draw_table

        columns = (
            Column(title="iteration", align_right=True),
            Column(title="file", stretch=True, least=12),
            Column(title="score", align_right=True),
            Column(title=""),
        )
        rows = [
            Row(
                (
                    (f"{c.iteration:,}", "strong"),
                    (c.file, ""),
                    (f"{c.score:.3f}" if c.score is not None else "–", ""),
                    (f"{state.signs.best} best" if c.best else "", "warning"),
                )
            )
            for c in saved[-max(1, height - 1) :]
        ]
        return draw_table(columns, rows, width, height, signs=state.signs)

    return "checkpoints", min(12, len(saved) + 3), draw


def _board(record: dict[str, Any], moves: Sequence[dict[str, Any]], signs: Signs) -> Block:
    def draw(width: int, height: int) -> Picture:
        from azul_tui.errors import AzulError
        from azul_tui.game.notation import parse_position
        from azul_tui.tui.board.draw import draw_board

        try:
            position = parse_position(str(record.get("position"))[:2000])
        except AzulError as error:
            return [text_line(shorten(plain_text(str(error)), width), "warning")]
        lines = draw_board(position, width, height - 2, signs=signs)
        told = text(record, "told", 60) or text(record, "move", 60)
        lines.append(text_line(f"last move {told}" if told else "", "quiet"))
        before = "  ".join(text(move, "move", 12) for move in moves[-30:])
        if len(lines) < height and before:
            lines.append(text_line(before[-width:], "quiet"))
        return lines

    game, number_ = number(record, "game"), number(record, "number")
    title = "board"
    if game is not None and number_ is not None:
        title = f"game {game + 1:,.0f}, move {number_:,.0f}"
    return title, 15, draw
