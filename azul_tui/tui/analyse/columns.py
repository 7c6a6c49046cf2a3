"""The columns of the table of moves: how each is sorted and written, and which has a bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from azul_tui.tui.analyse.entries import Entry
    from azul_tui.tui.engine.records import AnalysedMove
    from azul_tui.tui.signs import Signs

Bar = Literal["", "share", "signed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: how it is titled, sorted and written, and whether a bar stands in its cells."""

    key: str
    title: str
    width: int
    """Cells of its number."""
    rank: Callable[[Entry], tuple[float, ...] | None]
    """What it is sorted by; None sorts last."""
    write: Callable[[Entry, Signs], str]
    bar: Bar = ""
    share: Callable[[Entry], float | None] | None = None
    role: str = "bar.full"
    gives_way: int = 0
    """The highest go first where it is narrow."""


def _percent(share: float | None) -> str:
    if share is None:
        return "–"
    percent = 100 * share
    if percent >= 9.95:
        return f"{percent:.0f}%"
    return f"{percent:.1f}%" if percent >= 0.05 else "0%"


def _signed(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:+.2f}" if abs(value) >= 0.005 else "0.00"


def _margin(margin: tuple[float, float | None] | None, signs: Signs) -> str:
    if margin is None:
        return "–"
    points, error = margin
    return f"{points:+.1f}" + ("" if error is None else f" {signs.plus_minus}{error:.1f}")


def _one(value: float | None) -> tuple[float, ...] | None:
    return None if value is None else (value,)


def _visits_rank(found: AnalysedMove | None) -> tuple[float, ...] | None:
    """Best first, as the search itself ranks: visits, then its policy, then the prior."""
    return None if found is None else (found.visits, found.policy, found.prior)


def _network_columns(side: Literal["a", "b"], *, alone: bool) -> list[Column]:
    """The columns of one network; with two, their titles say which one."""
    suffix = "" if alone else f" {side.upper()}"
    role = "bar.full" if alone else ("series.0" if side == "a" else "series.1")
    way = 0 if side == "a" else 1

    def of(entry: Entry) -> AnalysedMove | None:
        return entry.a if side == "a" else entry.b

    def margin(entry: Entry) -> tuple[float, float | None] | None:
        return entry.margin_a if side == "a" else entry.margin_b

    def prior(entry: Entry) -> float | None:
        found = of(entry)
        return found.prior if found is not None else None

    def visits(entry: Entry) -> float | None:
        found = of(entry)
        return found.visits if found is not None else None

    def value(entry: Entry) -> float | None:
        found = of(entry)
        return found.value if found is not None else None

    def completed(entry: Entry) -> float | None:
        # Of a move that was never visited it is the position's own value and says nothing.
        found = of(entry)
        return found.completed_q if found is not None and found.visits else None

    def written_visits(entry: Entry) -> str:
        found = of(entry)
        return "–" if found is None else f"{found.visits:,}"

    return [
        Column(
            key=f"prior{suffix}",
            title=f"prior{suffix}",
            width=5 if alone else 7,
            rank=lambda e: _one(prior(e)),
            write=lambda e, _: _percent(prior(e)),
            bar="share",
            share=prior,
            role=role,
        ),
        Column(
            key=f"visits{suffix}",
            title=f"visits{suffix}",
            width=6 if alone else 8,
            rank=lambda e: _visits_rank(of(e)),
            write=lambda e, _: written_visits(e),
            bar="share" if alone else "",
            share=visits,
            role=role,
            gives_way=0 if alone else 2 + way,
        ),
        Column(
            key=f"value{suffix}",
            title=f"value{suffix}",
            width=5 if alone else 7,
            rank=lambda e: _one(value(e)),
            write=lambda e, _: _signed(value(e)),
            bar="signed" if alone else "",
            share=value,
            role=role,
            gives_way=0 if alone else 6,
        ),
        Column(
            key=f"Q{suffix}",
            title=f"Q{suffix}",
            width=5,
            rank=lambda e: _one(completed(e)),
            write=lambda e, _: _signed(completed(e)),
        ),
        Column(
            key=f"margin{suffix}",
            title=f"margin{suffix}",
            width=10 if alone else 11,
            rank=lambda e: _one(m[0] if (m := margin(e)) is not None else None),
            write=lambda e, s: _margin(margin(e), s),
            gives_way=0 if alone else 4 + way,
        ),
    ]


def _policy(entry: Entry) -> float | None:
    return entry.a.policy if entry.a is not None else None


def columns(*, compared: bool) -> list[Column]:
    """The columns of a table of one network, or of two side by side."""
    move = Column(
        key="move",
        title="move",
        width=5,
        rank=lambda e: (e.order,),
        write=lambda e, _: e.move,
        gives_way=-1,
    )
    if not compared:
        policy = Column(
            key="policy",
            title="policy",
            width=6,
            rank=lambda e: _one(_policy(e)),
            write=lambda e, _: _percent(_policy(e)),
            gives_way=9,
        )
        return [move, *_network_columns("a", alone=True), policy]
    a, b = _network_columns("a", alone=False), _network_columns("b", alone=False)
    differ = Column(
        key="differ",
        title="differ",
        width=6,
        rank=lambda e: _one(abs(gap) if (gap := e.value_gap) is not None else None),
        write=lambda e, _: _signed(e.value_gap),
    )
    pairs = [column for pair in zip(a, b, strict=True) for column in pair]
    at = next(i for i, column in enumerate(pairs) if column.key == "Q B") + 1
    return [move, *pairs[:at], differ, *pairs[at:]]


def sorted_entries(found: Sequence[Entry], column: Column, *, descending: bool) -> list[Entry]:
    """The rows in order; those without a value stand last, ties in the order of the table."""
    known = [entry for entry in found if column.rank(entry) is not None]
    unknown = [entry for entry in found if column.rank(entry) is None]
    known.sort(key=lambda entry: column.rank(entry) or (), reverse=descending)
    return [*known, *unknown]
