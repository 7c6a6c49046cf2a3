"""What the records of a demo allow to show: parts, temperatures, shapes, outcomes, checkpoints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

from azul_tui.runs.events import number, text
from azul_tui.runs.text import plain_text
from azul_tui.views import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.views.run_data import Record, RunData
    from azul_tui.views.signs import Signs
    from azul_tui.views.words import Spans


Panel = tuple[str, "list[Spans]"]
"""A title and the lines under it."""


def panels(data: RunData, width: int, signs: Signs) -> list[Panel]:
    """What there is in `width` cells, in the order in which it is shown."""
    records = list(data.others)
    found: list[Panel] = []
    parts = [r for r in records if r.get("event") == "part"]
    if parts:
        found.append(("parts", _parts(parts, width, signs)))
    losses: dict[float, float] = {}
    for record in records:
        temperature, loss = number(record, "temperature"), number(record, "policy_loss")
        loss = loss if loss is not None else number(record, "loss")
        if temperature is not None and loss is not None:
            losses[temperature] = loss
    if losses:
        bars = [(f"temperature {t:<5g}", x, f"{x:.3f} nats") for t, x in sorted(losses.items())]
        found.append(("policy loss by temperature", _bars(bars, width, 0)))
    shapes: list[tuple[str, str]] = []
    for record in records:
        shapes = _shapes(record) or shapes
    if shapes:
        rows: list[Spans] = [((f"{name:<12}", ""), (f"({x})", "strong")) for name, x in shapes]
        found.append(("shapes of a batch", rows))
    counted = next((r for r in reversed(records) if _numbers(r.get("outcome_histogram"))), None)
    if counted is not None:
        found.append(("how outcomes are spread", _bars(_outcomes(counted), width, 2)))
    if data.checkpoints:
        found.append(("checkpoints", _checkpoints(data, signs)))
    return found


def position_of(data: RunData) -> tuple[str, str, str] | None:
    """Title, notation and last move of the game that a demo plays; None without one."""
    records = list(data.others)
    at = next((r for r in reversed(records) if isinstance(r.get("position"), str)), None)
    if at is None:
        return None
    game, move = number(at, "game"), number(at, "number")
    title = "board"
    if game is not None and move is not None:
        title = f"game {game + 1:,.0f}, move {move:,.0f}"
    return title, str(at["position"])[:2000], text(at, "told", 60) or text(at, "move", 60)


def _parts(records: Sequence[Record], width: int, signs: Signs) -> list[Spans]:
    """A line for each part, with its newest state and how long it took."""
    newest: dict[str, tuple[str, float | None]] = {}
    for record in records:
        name = text(record, "title", 40) or text(record, "name", 40)
        newest[name] = text(record, "state", 40), number(record, "seconds")
    looks = {
        "running": (signs.running, "good"),
        "done": (signs.finished, "good"),
        "failed": (signs.crashed, "alert"),
    }
    rows: list[Spans] = []
    for part, (said, seconds) in newest.items():
        sign, role = looks.get(said, (signs.empty_cell, "quiet"))
        took = f"  {words.duration(seconds)}" if seconds is not None else ""
        name = words.shortened(part, max(8, width - 20))
        rows.append(((f"{sign} ", role), (f"{name:<28}", ""), (said, role), (took, "quiet")))
    return rows


def _bars(values: Sequence[tuple[str, float, str]], width: int, series: int) -> list[Spans]:
    """A bar for each `(name, value, words)`."""
    largest = max([*(value for _, value, _ in values), 1e-9])
    named = max(len(name) for name, _, _ in values)
    said = max(len(told) for _, _, told in values)
    room = max(4, width - named - said - 3)
    return [
        (
            (f"{name:>{named}} ", "quiet"),
            ("█" * round(value / largest * room), f"series.{series}"),
            (f" {told}", "strong"),
        )
        for name, value, told in values
    ]


def _numbers(value: object) -> list[float]:
    """A list of finite numbers; empty for anything else."""
    if not isinstance(value, list):
        return []
    items = cast("list[Any]", value)
    found = [float(v) for v in items if isinstance(v, (int, float)) and math.isfinite(v)]
    return found if len(found) == len(items) else []


def _shapes(record: Record) -> list[tuple[str, str]]:
    """Name and sizes of the tensors that a record describes."""
    found: list[tuple[str, str]] = []
    for name in ("state", "policy", "outcome"):
        sizes = _numbers(record.get(name) or record.get(f"{name}_shape"))
        if sizes:
            found.append((name, ", ".join(f"{size:,.0f}" for size in sizes)))
    return found if len(found) == 3 else []


def _outcomes(record: Record) -> list[tuple[str, float, str]]:
    counts = _numbers(record.get("outcome_histogram"))
    edges = record.get("outcome_bins")
    names = [_range(e) for e in cast("list[object]", edges)] if isinstance(edges, list) else []
    names = (names + [str(i) for i in range(len(names), len(counts))])[: len(counts)]
    return [(n, c, words.amount(c)) for n, c in zip(names, counts, strict=True)]


def _range(edges: object) -> str:
    bounds = _numbers(edges)
    if len(bounds) == 2:
        low, high = bounds
        return f"{low:+.1f} to {high:+.1f}" if low < high else f"{low:+g}"
    return plain_text(str(edges), 12)


def _checkpoints(data: RunData, signs: Signs) -> list[Spans]:
    """The checkpoints that were saved, the best one marked."""
    saved = list(data.checkpoints)
    best = max((number_ for number_, c in enumerate(saved) if c.best), default=-1)
    rows: list[Spans] = []
    for index, each in enumerate(saved):
        score = f"{each.score:.3f}" if each.score is not None else "–"
        mark = f"  {signs.best} best" if index == best else ""
        rows.append(
            (
                (f"iteration {each.iteration:>4,}  ", "quiet"), (each.file, ""),
                (f"  {score}", "strong"), (mark, "warning"),
            )
        )  # fmt: skip
    return rows
