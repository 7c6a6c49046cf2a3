"""An analysis as text: the table of moves with its columns, order, filter and bars, and the words.

Moves from factories that hold the same tiles are one move here, as they are in the search.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from azul_tui.game.constants import COLOR_NAMES, decode_action, factory_count
from azul_tui.game.notation import describe_move, draw_position, format_move, parse_move
from azul_tui.game.view import legal_moves
from azul_tui.runs.text import plain_text
from azul_tui.views.analysis import why_no_moves
from azul_tui.views.signs import bar
from azul_tui.views.words import plural, shortened, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from azul_tui.game.view import PositionView
    from azul_tui.views.analysis import Step, Study
    from azul_tui.views.engine import AnalysedMove
    from azul_tui.views.signs import Signs
    from azul_tui.views.words import Spans

DIFFERS: Final = 0.15
"""Two networks disagree on a move when their priors or their values differ by so much."""
CONTINUATION: Final = 12
"""Cells that the best continuation has at least, before columns give way."""


@dataclass(frozen=True, slots=True)
class Row:
    """One legal move, and what one or two networks say of it."""

    twins: tuple[str, ...]
    """The same move from every factory that holds the same tiles."""
    order: int
    """Its place among the legal moves."""
    told: tuple[AnalysedMove | None, ...]
    """By network."""
    best: tuple[bool, ...]
    """Whether the network would play it."""

    @property
    def move(self) -> str:
        """Its notation."""
        return self.twins[0]

    @property
    def gap(self) -> float | None:
        """What the second network thinks more of the move than the first, in [-2, 2]."""
        values = [told.completed_q for told in self.told if told is not None]
        return values[1] - values[0] if len(values) == 2 else None

    @property
    def disagrees(self) -> bool:
        """Whether the two networks are far apart on this move."""
        priors = [told.prior for told in self.told if told is not None]
        return self.gap is not None and max(abs(self.gap), abs(priors[1] - priors[0])) >= DIFFERS


def rows_of(study: Study) -> list[Row]:
    """Every legal move of the position that is looked at, in the order of the rules."""
    asked = [study.opinions(player) for player in study.players]
    return [
        Row(
            twins,
            order,
            tuple(next((told[m] for m in twins if m in told), None) for told in asked),
            tuple(next(iter(told), "") in twins for told in asked),
        )
        for order, twins in enumerate(distinct_moves(study.here.view))
    ]


def distinct_moves(view: PositionView) -> list[tuple[str, ...]]:
    """The legal moves of `view`, one for all factories that hold the same tiles."""
    found: dict[tuple[object, ...], list[str]] = {}
    for action in legal_moves(view):
        source, color, line = decode_action(action)
        centre = source == factory_count(view.players)
        key = (centre, view.sources[source], color, line)
        found.setdefault(key, []).append(format_move(action, view.players))
    return [tuple(names) for names in found.values()]


def matches(row: Row, players: int, wanted: str) -> bool:
    """Whether a filter asks for the move, or for one of its twins.

    A word of it is part of the notation (`r`, `2>`, `>3`) or of the move told at length: `red`,
    `centre`, `floor`.
    """
    for move in row.twins:
        action = parse_move(move, players)
        color = COLOR_NAMES[decode_action(action)[1]]
        told = f"{color} {describe_move(action, players).lower()}"
        short = move.replace(" ", "").lower()
        if all(w in short or (len(w) > 1 and w in told) for w in wanted.lower().split()):
            return True
    return False


# -- the table


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it is sorted by, how it is written, whether it has a bar."""

    title: str
    width: int
    number: Callable[[Row], float | None]
    """What it is sorted by; None sorts last."""
    write: Callable[[Row], str]
    bar: bool = False
    """Whether a bar goes from the smallest of the table to the largest."""
    gives_way: int = 0
    """The highest go first where it is narrow."""


def columns(networks: int) -> list[Column]:
    """The columns of a table of one network, or of two side by side."""

    def each(
        title: str, width: int, number: Callable[[AnalysedMove], float | None],
        write: Callable[[AnalysedMove], str], bar: bool, gives_way: tuple[int, int],
    ) -> list[Column]:  # fmt: skip
        return [
            Column(
                f"{title} {'AB'[at]}" if networks == 2 else title, width,
                lambda row, at=at: None if (told := row.told[at]) is None else number(told),
                lambda row, at=at: "–" if (told := row.told[at]) is None else write(told),
                bar and (networks == 1 or title == "prior"), gives_way[networks - 1] + at,
            )
            for at in range(networks)
        ]  # fmt: skip

    def gap(row: Row) -> str:
        return ("!" if row.disagrees else "") + signed(row.gap)

    differ = Column("differ", 6, lambda row: None if row.gap is None else abs(row.gap), gap)
    return [
        Column("move", 5, lambda row: row.order, lambda row: row.move, gives_way=-1),
        *each("prior", 7, lambda m: m.prior, lambda m: f"{m.prior:.1%}", True, (0, 0)),
        # Best first as the search itself ranks: visits, then its policy, then the prior.
        *each("visits", 8, lambda m: m.visits + m.policy + m.prior / 1e6,
              lambda m: f"{m.visits:,}", True, (0, 2)),
        *each("value", 7, lambda m: m.value, lambda m: signed(m.value), True, (0, 0)),
        *([differ] if networks == 2 else []),
        *each("margin", 11, lambda m: m.margin, margin_words, False, (1, 4)),
    ]  # fmt: skip


def signed(value: float | None) -> str:
    """A value with its sign."""
    return "–" if value is None else f"{value:+.2f}"


def margin_words(move: AnalysedMove) -> str:
    """Points with their standard error: `+3.1 ±0.8`."""
    if move.margin is None:
        return "–"
    return f"{move.margin:+.1f}" + (f" ±{e:.1f}" if (e := move.margin_error) is not None else "")


@dataclass
class MoveTable:
    """Which moves of a study are shown, in which order, and when that stands still."""

    study: Study
    filter: str = ""
    sorted_by: str = "visits"
    descending: bool = True
    held: bool = False
    """Whether the reader has just moved in the table, so that the order stands still."""
    total: int = 0
    """Moves there are, whatever the filter leaves."""
    shown: list[Row] = field(default_factory=list[Row])
    """The moves as they were sorted last."""
    step: Step | None = None
    """The position that they are of."""

    def sort_column(self) -> Column:
        """The column that it is sorted by; with one network it is `value`, with two `value A`."""
        shown = columns(len(self.study.players))
        near = [column for column in shown if column.title[:5] == self.sorted_by[:5]] or shown[2:]
        return next((column for column in near if column.title == self.sorted_by), near[0])

    def update(self) -> None:
        """Sort the moves that match the filter, those without a value last, unless held."""
        if self.step is not self.study.here:  # another position: all moves, in their order
            self.step, self.filter, self.held = self.study.here, "", False
        every, players = rows_of(self.study), self.study.here.view.players
        self.total = len(every)
        found = [row for row in every if matches(row, players, self.filter)]
        place = {row.move: number for number, row in enumerate(self.shown)}
        if self.held and all(row.move in place for row in found):
            self.shown = sorted(found, key=lambda row: place[row.move])
            return
        number, sign = self.sort_column().number, -1 if self.descending else 1
        self.shown = sorted(found, key=lambda row: ((n := number(row)) is None, sign * (n or 0.0)))

    @property
    def pointer(self) -> int:
        """The row that is chosen: the reader's move, otherwise the first."""
        chosen = self.study.here.chosen
        return next((i for i, row in enumerate(self.shown) if chosen in row.twins), 0)

    @property
    def chosen(self) -> Row | None:
        """The move under the pointer; None while nobody has looked or chosen one."""
        row = self.shown[self.pointer] if self.shown else None
        return row if row is not None and (any(row.told) or self.study.here.chosen) else None

    def sort_by(self, title: str, step: int) -> None:
        """Sort by a column, empty for one some steps on; by the same again: reversed.

        Moves begin with the first, numbers with the largest.
        """
        titles = [column.title for column in columns(len(self.study.players))]
        by = self.sort_column().title
        title = title or titles[(titles.index(by) + step) % len(titles)]
        self.descending = not self.descending if title == by else title != "move"
        self.sorted_by, self.held = title, False


def table_spans(
    table: MoveTable, width: int, signs: Signs
) -> tuple[list[tuple[str, str]], list[Spans]]:
    """The titles, each with the column that it sorts by (or nothing), and a line for each move.

    The columns fit into `width` cells, the last of them to give way first; bars take what remains.
    """
    shown, by = columns(len(table.study.players)), table.sort_column().title
    while len(shown) > 2 and sum(c.width + 2 for c in shown) + 4 + CONTINUATION > width:
        shown.remove(max(reversed(shown), key=lambda column: column.gives_way))
    spare = width - sum(column.width + 2 for column in shown) - 4
    barred = max(1, sum(column.bar for column in shown))
    cells = min(16, max(5, (spare - CONTINUATION - 18) // barred))  # with the blank before it
    cells = cells if cells * barred + CONTINUATION <= spare else 0
    rest = spare - cells * barred
    titles, ends = [("    ", "")], dict[str, tuple[float, float]]()
    for column in shown:
        text = column.title + ("▼" if table.descending else "▲") * (column.title == by)
        gap = 2 + (cells if column.bar else 0)
        titles += [(f"{text:>{column.width}}", column.title), (" " * gap, "")]
        numbers = [n for row in table.shown if (n := column.number(row)) is not None] or [0.0]
        ends[column.title] = min(numbers), max(*numbers, min(numbers) + 1e-9)

    def line(row: Row) -> Spans:
        marks = [("AB"[at] if best else " ", f"series.{at}") for at, best in enumerate(row.best)]
        if len(marks) == 1:
            marks = [(signs.best if row.best[0] else " ", "good"), (" ", "")]
        spans = [(" ", ""), *marks, (" ", "")]
        roles = {"move": "strong", "differ": "warning" if row.disagrees else ""}
        for column in shown:
            text, (low, high) = column.write(row), ends[column.title]
            role = roles.get(column.title, "quiet" if text == "–" else "")
            spans.append((f"{text:>{column.width}}", role))
            if column.bar and cells:
                number = column.number(row)
                share = None if number is None else (number - low) / (high - low)
                role = "series.1" if column.title.endswith(" B") else "bar"
                spans.append((f" {bar(share, cells - 1, signs)[0]:<{cells - 1}}", role))
            spans.append(("  ", ""))
        found = next((told for told in row.told if told is not None), None)
        reply = found.line[1 : 1 + (rest + 2) // 7] if found is not None else ()
        return (*spans, ("  ".join(reply), ""))

    titles.append((shortened("best reply", max(0, rest)), ""))
    why = why_no_moves(table.study.here.view)
    why = why or f"no move fits the filter; escape shows all {table.total}"
    none: Spans = ((shortened(f" {why}", width), "quiet"),)
    return titles, [line(row) for row in table.shown] or [none]


def write_analysis(table: MoveTable, root: Path, signs: Signs, now: float) -> Path:
    """Write the position and what is known of its moves into a hidden folder among the runs.

    The first line can be pasted back. Raises OSError.
    """
    from azul_tui.runs.files import write_bytes_atomically

    study = table.study
    told = [study.here.notation, draw_position(study.here.view)]
    told += [
        f"{player}: {found.simulations:,} simulations, value {found.value:+.2f}"
        for player in study.players
        if (found := study.analysis(player)) is not None
    ]
    titles, lines = table_spans(table, 160, signs)
    rows = ["".join(text for text, _ in line).rstrip() for line in (titles, *lines)]
    text = "\n\n".join([*told, "\n".join(rows)]) + "\n"
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    path = root / ".analyses" / f"position-{stamp}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomically(path, text.encode("utf-8"), durable=False)
    return path


# -- in words


def heading(study: Study, width: int, signs: Signs) -> list[Spans]:
    """Which position this is, how far the search is or what is in its way, and its value.

    A line for each network; its bar goes from one side to the other, or each of more than two
    players has one.
    """
    view, found = study.here.view, [study.analysis(player) for player in study.players]
    turn = f"player {view.to_move + 1} to move" if view.phase == "moving" else "nobody to move"
    where = f"seed {study.seed}" if study.seeded else ""
    where = f"move {len(study.moves)} of the line" if study.moves else where
    title = f"round {view.round}   {turn}   {where}".rstrip() if width > 70 else turn
    title += "   "
    told, role = study.activity, "quiet"
    if study.stopped and study.next_question() is not None:
        told, role = "stopped; space goes on", "warning"
    elif not told and found[-1] is not None:
        took = found[-1].simulations, found[-1].seconds
        told = f"{took[0]:,} of {study.target:,} simulations, {took[1]:.1f} s"
    rows: list[Spans] = [((title, "strong"), (shortened(told, max(0, width - len(title))), role))]
    if study.trouble:
        rows += [((line, "alert"),) for line in wrapped(study.trouble, width, 0)]
    names = [shortened(plain_text(player, 300), max(8, width // 4)) for player in study.players]
    for at, (name, search) in enumerate(zip(names, found, strict=True)):
        letter, role = ("AB"[at] + " ", f"series.{at}") if len(names) == 2 else ("", "bar")
        value = signed(None if search is None else search.value)
        head = f"{name:<{max(map(len, names))}}   value {value:>5}   "
        spans = [(letter, role), (head, "")]
        bars = 1 if view.players == 2 else view.players
        for seat in range(bars):
            own = search.values[seat] if search is not None and search.values else None
            end = f" {signed(own):>5}  " if bars > 1 else " 2"
            room = (width - len(letter + head)) // bars - 2 - len(end)
            full, empty = bar(None if own is None else (own + 1) / 2, max(2, room), signs)
            mover = "strong" if seat == view.to_move or bars == 1 else "quiet"
            spans += [(f"{seat + 1} ", mover), (full, role), (empty, "bar.empty"), (end, "")]
        rows.append(tuple(spans))
    return rows


def chosen_rows(table: MoveTable, width: int) -> list[Spans]:
    """The line that led here, where the networks part, the chosen move and how it goes on."""

    def moves(head: str, names: Sequence[str]) -> list[str]:  # none of them broken
        told = "  ".join([head, *(name.replace(" ", "\xa0") for name in names)])
        return [line.replace("\xa0", " ") for line in wrapped(told, width, 0)]

    study, chosen = table.study, table.chosen
    rows: list[Spans] = []
    if study.moves:
        rows += [((line, "quiet"),) for line in moves("line", study.moves)[-2:]]
    letters = ["A ", "B "] if len(study.players) == 2 else [""]
    if letters[0]:
        first, second = (next(iter(study.opinions(player)), "") for player in study.players)
        apart = sum(row.disagrees for row in table.shown)
        told = f"far apart on {plural(apart, 'move')}" if apart else "close on every move"
        both = f"both play {first}" if first == second else f"A: {first}, B: {second}"
        rows.append(((f"{both}; {told}" if first and second else "B is asked next", ""),))
    if chosen is None:
        return rows
    players = study.here.view.players
    rows.append(((describe_move(parse_move(chosen.move, players), players), "strong"),))
    if len(chosen.twins) > 1:
        rows.append(((f"the same: {', '.join(chosen.twins[1:])}", "quiet"),))
    for letter, found in zip(letters, chosen.told, strict=True):
        if found is not None and len(found.line) > 1:
            rows += [((line, ""),) for line in moves(f"{letter}then", found.line[1:])[:2]]
        if found is not None and found.margin is not None:
            rows.append(((f"{letter}{margin_words(found)} points at the end", ""),))
    return rows
