"""Tables of runs and of checkpoints: what their rows and columns have in common."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from azul_tui.runs.events import number
from azul_tui.views import words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from azul_tui.runs.paths import RunPaths

GAP = 2
"""Cells between two columns."""


LESS_THAN_A_NAME = 8
"""Columns that give way this soon do so before a name is shortened."""


class Result(NamedTuple):
    """A score against one opponent."""

    score: float
    half: float | None
    """Half of its 95% interval; None when it is not known."""
    games: int = 0

    @property
    def words(self) -> str:
        """`78 ± 5%`."""
        spread = f" ± {self.half * 100:.0f}" if self.half is not None else ""
        return f"{self.score * 100:.0f}{spread}%"


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One row: a run, or a checkpoint."""

    key: str
    """What tells it apart."""
    paths: RunPaths
    run: str
    """The run's name, harmless to show."""
    iteration: int
    changed: float
    size_bytes: int
    losses: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """`total_loss`, `policy_loss`, `value_loss` and more, as they were recorded."""
    results: Mapping[str, Result] = field(default_factory=dict[str, Result])
    """By opponent: `greedy`; `greedy, 3 players` at a larger table."""


class Cell(NamedTuple):
    """What a column says of one row."""

    rank: Any
    """What it is sorted by; None for what is not known, which comes last either way."""
    text: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    key: str
    title: str
    cell: Callable[[Any], Cell]
    _: KW_ONLY
    right: bool = True
    """Whether its cells stand at the right, as numbers do."""
    gives_way: int = 0
    """What is left out first where there is no room: the largest; 0 stays."""
    least: int = 0
    """Cells below which the first column is not shortened."""
    falls: bool = True
    """Whether the largest is on top when it is first sorted by."""


def common_columns(opponent: str, versus: str, now: float) -> list[Column]:
    """Columns of runs and of checkpoints: of scores those against one opponent alone.

    Args:
        opponent: Whom scores are against.
        versus: What stands before it in the title.
        now: Unix seconds.
    """

    def score(row: Listed) -> Cell:
        result = row.results.get(opponent)
        return Cell(result and result.score, result.words if result else "–")

    def loss(kind: str, title: str, gives_way: int) -> Column:
        def cell(row: Listed) -> Cell:
            value = number(row.losses, f"{kind}_loss")
            return Cell(value, words.loss(value))

        return Column(kind, title, cell, gives_way=gives_way, falls=False)

    return [
        Column("score", f"{versus} {opponent}" if opponent else "score", score, gives_way=3),
        loss("total", "loss", 4),
        loss("policy", "policy", 8),
        loss("value", "value", 9),
        Column("age", "age", gives_way=1,
               cell=lambda row: Cell(row.changed, words.age(now - row.changed), "quiet")),
        Column("size", "size", gives_way=6,
               cell=lambda row: Cell(row.size_bytes, words.size(row.size_bytes), "quiet")),
    ]  # fmt: skip


def fitting(columns: Sequence[Column], widths: Sequence[int], room: int) -> dict[int, int]:
    """Width by index of the columns that fit into `room` cells; the first may be shortened."""
    sizes = dict(enumerate(widths))

    def over() -> int:
        return sum(sizes.values()) + GAP * (len(sizes) - 1) - room

    least = min(widths[0], columns[0].least)
    while gives_way := columns[loose := max(sizes, key=lambda i: columns[i].gives_way)].gives_way:
        if over() <= (sizes[0] - least if gives_way < LESS_THAN_A_NAME else 0):
            break
        del sizes[loose]
    sizes[0] = max(least, min(sizes[0], sizes[0] - over()))
    return sizes
