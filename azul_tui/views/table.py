"""Tables of runs and of checkpoints: their rows and columns, and how two of them differ."""

from __future__ import annotations

import math
import time
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from azul_tui.config import read_toml
from azul_tui.errors import ConfigError
from azul_tui.runs.events import number
from azul_tui.runs.paths import run_folders
from azul_tui.runs.text import plain_text
from azul_tui.views import words
from azul_tui.views.ratings import stamps
from azul_tui.views.settings import shown_value
from azul_tui.views.words import Spans, plural, short_float, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from azul_tui.runs.paths import RunPaths
    from azul_tui.views.charts import ChartContent, Curve, View
    from azul_tui.views.following import RunData

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

    @property
    def counted(self) -> str:
        """With its games: `78 ± 5% (200 games)`."""
        return self.words + (f" ({self.games:,} games)" if self.games else "")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One row: a run, or a checkpoint."""

    key: str
    """What tells it apart."""
    paths: RunPaths
    run: str
    """The run's name, harmless to show."""
    shipped: bool = False
    iteration: int
    changed: float
    size_bytes: int
    record: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What was recorded of it: `total_loss`, `policy_loss`, `value_loss`, `games_total`."""
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
    """The columns that runs and checkpoints have; scores are against one opponent alone.

    Its name stands in the title after `versus`; `now` is in unix seconds.
    """

    def score(row: Listed) -> Cell:
        result = row.results.get(opponent)
        return Cell(result and result.score, result.words if result else "–")

    def loss(kind: str, title: str, gives_way: int) -> Column:
        def cell(row: Listed) -> Cell:
            value = number(row.record, f"{kind}_loss")
            return Cell(value, words.loss(value))

        return Column(kind, title, cell, gives_way=gives_way, falls=False)

    def age(row: Listed) -> Cell:
        # Those that came with the program are as old as their copy: no age that says anything.
        if row.shipped:
            return Cell(None, "–", "quiet")
        return Cell(row.changed, words.age(now - row.changed), "quiet")

    def games(row: Listed) -> Cell:
        total = number(row.record, "games_total")
        return Cell(total, words.amount(total or None))

    return [
        Column("run", "run", lambda row: Cell((row.run.lower(), row.iteration), row.run, "strong"),
               right=False, least=12, falls=False),
        Column("score", f"{versus} {opponent}" if opponent else "score", score, gives_way=3),
        loss("total", "loss", 4),
        loss("policy", "policy", 8),
        loss("value", "value", 9),
        Column("age", "age", age, gives_way=1),
        Column("size", "size", gives_way=6,
               cell=lambda row: Cell(row.size_bytes, words.size(row.size_bytes), "quiet")),
        Column("games", "games", games, gives_way=7),
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


class FolderIndex:
    """What is known of the runs in a folder by the time of a clock, as rows.

    `refresh` brings them up to date: in a thread, where 1,500 unchanged runs take 40 ms.
    """

    FILES: ClassVar[tuple[str, ...]] = ()
    """Files of a run whose change, or that of its folder, makes it be read again."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self.root, self.clock = root, clock
        self.rows: list[Any] = []
        self.total: int = 0
        """Rows that there are; a run that was not read yet counts as one."""
        self.version = 0
        """Another one whenever something else is to be shown."""
        self._known: dict[Path, tuple[object, list[Any]]] = {}

    def read(self, folder: Path) -> tuple[list[Any], bool]:
        """The rows of one run, and whether they stay the same as long as its files do."""
        raise NotImplementedError

    def others(self) -> list[Any]:
        """Rows that belong to no run."""
        return []

    def refresh(self, budget_s: float = math.inf) -> bool:
        """Read what changed, the newest first, for about `budget_s`; whether all has been read."""
        found = [(stamps(folder, "", *self.FILES), folder) for folder in run_folders(self.root)]
        known: dict[Path, tuple[object, list[Any]]] = {}
        deadline = time.perf_counter() + budget_s
        for stamp, folder in sorted(found, key=lambda pair: pair[0], reverse=True):
            before = self._known.get(folder)
            if before is not None and before[0] == stamp:
                known[folder] = before
            elif before is not None or time.perf_counter() < deadline:
                rows, stays = self.read(folder)
                known[folder] = (stamp if stays else None, rows)
        self._known = known
        rows = [row for _, of_run in known.values() for row in of_run] + self.others()
        total = len(rows) + len(found) - len(known)
        if rows != self.rows or total != self.total:
            self.rows, self.total, self.version = rows, total, self.version + 1
        return len(known) == len(found)


LEAST_NAME, LEAST_VALUE, MOST_VALUE = 12, 8, 26
"""Cells that a setting's name and a value take: numbers need eight."""


def read_settings(config: Path) -> dict[str, str]:
    """The settings in a run's `config.toml` as text; empty when it cannot be read."""
    try:
        values = read_toml(config)
    except ConfigError:
        return {}  # a run without readable settings has none to compare
    return {plain_text(k, 60): plain_text(shown_value(v), 60) for k, v in values.items()}


def fact_lines(facts: Mapping[str, str], width: int, role: str = "strong") -> list[Spans]:
    """One line a fact, what it is called before it, in `width` cells."""
    size = max(LEAST_NAME, min(max(map(len, facts), default=0) + 2, width // 2))
    return [
        ((f"{shortened(name, size - 1):<{size}}", "quiet"), (shortened(text, width - size), role))
        for name, text in facts.items()
    ]


def diff_lines(
    names: Sequence[str], settings: Sequence[Mapping[str, str]], width: int
) -> list[Spans]:
    """Names over the settings that differ, in `width` cells: at least two columns of them."""
    every = dict.fromkeys(name for values in settings for name in values)
    different = [name for name in every if len({values.get(name) for values in settings}) > 1]
    if not different:
        return [(("the settings are the same", "quiet"),)]
    shown = max(2, min(len(names), (width - LEAST_NAME) // (LEAST_VALUE + 2)))
    rows = [("", names), *((n, [v.get(n, "–") for v in settings]) for n in different)]
    first = min(max(map(len, different)), max(LEAST_NAME, width * 2 // 5))
    size = min(MOST_VALUE, max(1, (width - first) // shown - 2))
    lines: list[Spans] = []
    for label, texts in rows:
        row = [(f"{shortened(label, first):<{first}}", "quiet")]
        for at, text in enumerate(texts[:shown]):
            said = f"  {shortened(text, size):>{size}}"
            row.append((said, "" if label else f"series.{at}"))
        lines.append(tuple(row))
    if shown < len(names):
        lines.append(((f"and {plural(len(names) - shown, 'more run')} beside these", "quiet"),))
    return lines


OVERLAYS = {
    "total loss": ("loss", "total"),
    "policy loss": ("loss", "policy"),
    "value loss": ("loss", "value"),
    "score": ("score", ""),
    "simulations/s": ("simulations/s", "simulations/s"),
}
"""What can be laid over each other, by its title: a run's chart, and the curve in it."""


def overlay(
    title: str, runs: Mapping[str, RunData], opponent: str, view: View, width: int
) -> ChartContent:
    """One of `OVERLAYS` for some runs, at least one, in the order of their colours.

    Scores are those against `opponent`. The chart is `width` cells wide, its title names all runs.
    """
    import numpy as np

    from azul_tui.views.charts import run_chart

    chart, wanted = OVERLAYS[title]
    curves: list[Curve] = []
    shown = f"score against {opponent}" if opponent and chart == "score" else title
    wanted = wanted or opponent.partition(",")[0]
    said = [(shown, "title")]
    room = max(5, min(24, (width - len(shown) - 8) // len(runs) - 9))
    whole = [run_chart(data, chart, view) for data in runs.values()]
    for index, (name, one) in enumerate(zip(runs, whole, strict=True)):
        label = shortened(plain_text(name, 64), room)
        found = [curve for curve in one.curves if curve.name == wanted and len(curve.x)]
        curves += [replace(curve, name=label, series=index) for curve in found]
        known = [y for curve in found for y in curve.y[np.isfinite(curve.y)][-1:]]
        newest = (short_float(round(float(known[-1]), 3)), "strong") if known else ("–", "quiet")
        said += [(f"  {label} ", f"series.{index}"), newest]
    return replace(
        whole[0], name=title, title=tuple(said), curves=curves, levels=[], marks=[],
        empty=f"no {shown} yet",
    )  # fmt: skip
