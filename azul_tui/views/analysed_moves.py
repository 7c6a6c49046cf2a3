"""The table of the moves of a studied position: rows, columns, order, filter, bars, as text."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from azul_tui.game.constants import COLOR_NAMES, FLOOR_ROW, decode_action, factory_count
from azul_tui.game.legality import legal_moves
from azul_tui.game.notation import draw_position, format_move, parse_move
from azul_tui.views.analysis import best_move, by_move
from azul_tui.views.words import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from azul_tui.game.view import PositionView
    from azul_tui.views.analysis import Margin, Study
    from azul_tui.views.engine import AnalysedMove
    from azul_tui.views.signs import Signs
    from azul_tui.views.words import Spans

Known = TypeVar("Known")

DIFFERS: Final = 0.15
"""Two networks disagree on a move when their priors or their values differ by so much."""
HOLD_S: Final = 4.0
"""Seconds after the reader's last step in the table in which its order stands still."""
MARKS: Final = 4
"""Cells before the first column: who prefers the move, and blanks."""
CONTINUATION: Final = 12
"""Cells that the best continuation has at least, before columns give way."""
BAR_LEAST, BAR_MOST = 4, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One legal move, and what one or two networks say of it."""

    twins: tuple[str, ...]
    """The same move from every factory that holds the same tiles."""
    order: int
    """Its place among the legal moves."""
    found: tuple[AnalysedMove | None, ...]
    """By network."""
    margins: tuple[Margin | None, ...]
    best: tuple[bool, ...]
    """Whether the network would play it."""

    @property
    def move(self) -> str:
        """Its notation."""
        return self.twins[0]

    @property
    def gap(self) -> float | None:
        """What the second network thinks more of the move than the first, in [-2, 2]."""
        values = [found.completed_q for found in self.found if found is not None]
        return values[1] - values[0] if len(values) == 2 else None

    @property
    def disagrees(self) -> bool:
        """Whether the two networks are far apart on this move."""
        first, second = self.found[0], self.found[-1]
        if first is None or second is None:
            return False
        return abs(self.gap or 0.0) >= DIFFERS or abs(second.prior - first.prior) >= DIFFERS


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it is sorted by, how it is written, whether it has a bar."""

    title: str
    width: int
    number: Callable[[Row], float | None]
    """What it is sorted by; None sorts last."""
    write: Callable[[Row], str]
    bar: str = ""
    """`share` from the left, `signed` from the middle."""
    gives_way: int = 0
    """The highest go first where it is narrow."""


def percent(share: float | None) -> str:
    """A prior: whole percent, one decimal below ten."""
    if share is None:
        return "–"
    return f"{share:.0%}" if share >= 0.0995 else f"{100 * share:.1f}%"


def signed(value: float | None) -> str:
    """A value with its sign."""
    return "–" if value is None else f"{value:+.2f}" if abs(value) >= 0.005 else "0.00"


def margin_words(margin: Margin | None) -> str:
    """Points with their standard error: `+3.1 ±0.8`."""
    if margin is None:
        return "–"
    points, error = margin
    return f"{points:+.1f}" + ("" if error is None else f" ±{error:.1f}")


def in_ascii(text: str) -> str:
    """The same without the two signs of numbers that ASCII lacks."""
    return text.replace("±", "+-").replace("–", "-")


def columns(networks: int) -> list[Column]:
    """The columns of a table of one network, or of two side by side."""
    move = Column("move", 5, lambda row: float(row.order), lambda row: row.move, gives_way=-1)
    told = [_columns_of(number, alone=networks == 1) for number in range(networks)]
    if networks == 1:
        return [move, *told[0]]
    pairs = [column for pair in zip(*told, strict=True) for column in pair]
    differ = Column(
        "differ", 6, lambda row: None if row.gap is None else abs(row.gap),
        lambda row: ("!" if row.disagrees else "") + signed(row.gap),
    )  # fmt: skip
    return [move, *pairs[:6], differ, *pairs[6:]]


def _columns_of(at: int, *, alone: bool) -> list[Column]:
    name = "" if alone else f" {'AB'[at]}"

    def visits(row: Row) -> float | None:
        found = row.found[at]
        # Best first as the search itself ranks: visits, then its policy, then the prior.
        return None if found is None else found.visits + found.policy + found.prior / 1e6

    def told_visits(row: Row) -> str:
        found = row.found[at]
        return "–" if found is None else f"{found.visits:,}"

    def prior(row: Row) -> float | None:
        return None if (found := row.found[at]) is None else found.prior

    def value(row: Row) -> float | None:
        return None if (found := row.found[at]) is None else found.value

    def margin(row: Row) -> float | None:
        return None if (told := row.margins[at]) is None else told[0]

    return [
        Column(f"prior{name}", 7, prior, lambda row: percent(prior(row)), "share"),
        Column(
            f"visits{name}", 8, visits, told_visits, "share" if alone else "",
            gives_way=0 if alone else 2 + at,
        ),
        Column(
            f"value{name}", 7, value, lambda row: signed(value(row)), "signed" if alone else ""
        ),
        Column(
            f"margin{name}", 11, margin, lambda row: margin_words(row.margins[at]),
            gives_way=1 if alone else 4 + at,
        ),
    ]  # fmt: skip


def rows_of(study: Study) -> list[Row]:
    """Every legal move of the position that is looked at, in the order of the rules."""
    searches = [study.analysis(player) for player in study.players]
    found = [by_move(search) for search in searches]
    margins = [study.margins_of(player) for player in study.players]
    return [
        Row(
            twins=twins,
            order=order,
            found=tuple(_first(known, twins) for known in found),
            margins=tuple(_first(known, twins) for known in margins),
            best=tuple(best_move(search) in twins for search in searches),
        )
        for order, twins in enumerate(distinct_moves(study.here.view))
    ]


def distinct_moves(view: PositionView) -> list[tuple[str, ...]]:
    """The legal moves of `view`, one for all factories that hold the same tiles.

    A search looks at such moves once.
    """
    found: dict[tuple[object, ...], list[str]] = {}
    for action in legal_moves(view):
        source, color, line = decode_action(action)
        centre = source == factory_count(view.players)
        key = (centre, view.sources[source], color, line)
        found.setdefault(key, []).append(format_move(action, view.players))
    return [tuple(names) for names in found.values()]


def _first(known: Mapping[str, Known], names: Iterable[str]) -> Known | None:
    return next((known[name] for name in names if name in known), None)


def matches(row: Row, players: int, words: str) -> bool:
    """Whether the filter `words` asks for the move, or for one of its twins.

    A word is part of the notation (`r`, `2>`, `>3`) or begins a word of the move told at
    length: `red`, `centre`, `floor`.
    """

    def fits(move: str) -> bool:
        source, color, line = decode_action(parse_move(move, players))
        told = [COLOR_NAMES[color], "floor" if line == FLOOR_ROW else "line"]
        told.append("centre" if source == factory_count(players) else "factory")
        short = move.replace(" ", "").lower()
        return all(
            word in short or (len(word) > 1 and any(name.startswith(word) for name in told))
            for word in words.lower().split()
        )

    return any(fits(move) for move in row.twins)


@dataclass
class MoveTable:
    """Which moves of a study are shown, in which order, and when that stands still."""

    study: Study
    filter: str = ""
    sorted_by: str = "visits"
    descending: bool = True
    moved_at: float = -1e9
    """When the reader last moved in the table."""
    order: list[str] = field(default_factory=list[str])
    """The moves as they stood when they were last sorted."""
    total: int = 0
    """Moves there are, whatever the filter leaves."""

    def columns(self) -> list[Column]:
        """All columns."""
        return columns(len(self.study.players))

    def sort_column(self) -> Column:
        """The column that it is sorted by; with one network it is `value`, with two `value A`."""
        by = {column.title: column for column in self.columns()}
        alone = self.sorted_by.removesuffix(" A").removesuffix(" B")
        names = (self.sorted_by, f"{alone} A", alone, "visits", "visits A")
        return next(by[name] for name in names if name in by)

    def is_held(self, now: float) -> bool:
        """Whether the reader has just moved, so that the order stands still."""
        return 0 <= now - self.moved_at < HOLD_S

    def rows(self, now: float) -> list[Row]:
        """The moves that match the filter, in order; those without a value last."""
        players = self.study.here.view.players
        every = rows_of(self.study)
        self.total = len(every)
        found = [row for row in every if matches(row, players, self.filter)]
        if self.is_held(now) and {row.move for row in found} <= set(self.order):
            place = {move: number for number, move in enumerate(self.order)}
            return sorted(found, key=lambda row: place[row.move])
        number, sign = self.sort_column().number, -1 if self.descending else 1

        def rank(row: Row) -> tuple[bool, float]:
            value = number(row)
            return value is None, sign * (value or 0.0)

        found.sort(key=rank)
        self.order = [row.move for row in found]
        return found

    def chosen_index(self, rows: Sequence[Row]) -> int:
        """Where the pointer is: on the reader's move, otherwise on the first."""
        chosen = self.study.here.chosen
        return next((i for i, row in enumerate(rows) if chosen in row.twins), 0)

    def sort_by(self, title: str) -> None:
        """Sort by a column, moves from the first, numbers from the largest; again: reversed."""
        same = title == self.sort_column().title
        self.descending = not self.descending if same else title != "move"
        self.sorted_by = title
        self.moved_at = -1e9

    def begin(self) -> None:
        """Another position: all moves, in their order."""
        self.filter, self.moved_at, self.order = "", -1e9, []


# -- as text


@dataclass(frozen=True, slots=True)
class Plan:
    """What fits into a width: columns, cells of a bar, cells of the continuation."""

    shown: list[Column]
    bar: int
    continuation: int

    def cells(self, column: Column) -> int:
        """Of the number, its bar and the blank between them."""
        return column.width + (self.bar + 1 if column.bar and self.bar else 0)


def plan(all_columns: Sequence[Column], width: int) -> Plan:
    """Columns that fit, the last of them to give way first; then bars as room remains."""
    shown = list(all_columns)

    def used(bar: int) -> int:
        return MARKS + sum(c.width + 2 + (bar + 1 if c.bar and bar else 0) for c in shown)

    while len(shown) > 2 and used(0) + CONTINUATION > width:
        shown.pop(max(range(len(shown)), key=lambda i: (shown[i].gives_way, i)))
    fair = CONTINUATION + 18
    bar = next((b for b in range(BAR_MOST, BAR_LEAST - 1, -1) if used(b) + fair <= width), 0)
    bar = bar or (BAR_LEAST if used(BAR_LEAST) + CONTINUATION <= width else 0)
    return Plan(shown, bar, max(0, width - used(bar)))


def table_spans(
    rows: Sequence[Row], table: MoveTable, width: int, signs: Signs
) -> tuple[list[tuple[str, str]], list[Spans]]:
    """The titles, each with the column that it sorts by (or nothing), and a line for each row."""
    laid = plan(table.columns(), width)
    by = table.sort_column().title
    titles = [(" " * MARKS, "")]
    for column in laid.shown:
        mark = "" if column.title != by else ("v" if signs.ascii else "▼")
        mark = mark if table.descending or not mark else ("^" if signs.ascii else "▲")
        text = column.title + mark
        text = f"{text:<{column.width}}" if column.title == "move" else f"{text:>{column.width}}"
        titles += [(text, column.title), (" " * (laid.cells(column) + 2 - len(text)), "")]
    titles.append((shortened("best reply", laid.continuation), ""))
    largest = {
        column.title: max(
            [0.25 if column.bar == "signed" else 1e-9]
            + [abs(column.number(row) or 0.0) for row in rows]
        )
        for column in laid.shown
        if column.bar
    }
    return titles, [_row_spans(row, laid, largest, signs) for row in rows]


def _row_spans(row: Row, laid: Plan, largest: dict[str, float], signs: Signs) -> Spans:
    if len(row.best) == 1:
        spans = [(f" {signs.best if row.best[0] else ' '}  ", "good")]
    else:
        marks = [letter if best else " " for letter, best in zip("AB", row.best, strict=True)]
        spans = [(" ", ""), (marks[0], "series.0"), (marks[1], "series.1"), (" ", "")]
    for column in laid.shown:
        text = column.write(row) if not signs.ascii else in_ascii(column.write(row))
        role = "strong" if column.title == "move" else "quiet" if text in "–-" else ""
        role = "warning" if column.title == "differ" and row.disagrees else role
        left = column.title == "move"
        spans.append((f"{text:<{column.width}}" if left else f"{text:>{column.width}}", role))
        if column.bar and laid.bar:
            share = (column.number(row) or 0.0) / largest[column.title]
            role = "series.1" if column.title.endswith(" B") else "bar"
            spans += [(" ", ""), *_bar(share, column.bar, laid.bar, role, signs)]
        spans.append(("  ", ""))
    found = next((found for found in row.found if found is not None), None)
    line = ""
    for move in found.line[1:] if found is not None else ():  # the first is the row's own
        if len(line) + len(move) > laid.continuation:
            break
        line += f"{move}  "
    spans.append((line[: laid.continuation], ""))
    return tuple(spans)


def _bar(share: float, kind: str, width: int, role: str, signs: Signs) -> list[tuple[str, str]]:
    """A bar in a cell: from the left to half a cell, or to both sides of a middle."""
    if kind == "share":
        halves = round(min(max(share, 0.0), 1.0) * width * 2)
        text = signs.bar_full * (halves // 2) + (signs.bar_half if halves % 2 else "")
        return [(f"{text:<{width}}", role)]
    side = (width - 1) // 2
    bar = signs.bar_full * min(side, round(abs(share) * side))
    before, after = ("", bar) if share >= 0 else (bar, "")
    return [
        (f"{before:>{side}}", role), (signs.vertical, "quiet"),
        (f"{after:<{width - side - 1}}", role),
    ]  # fmt: skip


def analysis_text(table: MoveTable, rows: Sequence[Row], signs: Signs) -> str:
    """The position and what is known of its moves; the first line can be pasted back."""
    study = table.study
    known = [
        f"{player}: {found.simulations:,} simulations, value {found.value:+.2f}"
        for player in study.players
        if (found := study.analysis(player)) is not None
    ]
    titles, lines = table_spans(rows, table, 160, signs)
    told = ["".join(text for text, _ in line).rstrip() for line in (titles, *lines)]
    parts = [study.here.notation, draw_position(study.here.view), *known, "\n".join(told)]
    return "\n\n".join(part for part in parts if part) + "\n"


def write_analysis(root: Path, text: str, now: float) -> Path:
    """Write an analysis into a hidden folder among the runs; raises OSError."""
    from azul_tui.runs.files import write_bytes_atomically

    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    path = root / ".analyses" / f"position-{stamp}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomically(path, text.encode("utf-8"), durable=False)
    return path
