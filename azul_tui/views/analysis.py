"""A study of positions: the line explored, the networks asked, the table of moves, the words.

`Study` puts one question after another to the engine and knows no screen. Values are in [-1, 1],
for the player to move; margins are points ahead of the best opponent at the end. Moves from
factories that hold the same tiles are one move here, as they are in the search.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from azul_tui.errors import AzulError, NotationError
from azul_tui.game.constants import COLOR_NAMES, decode_action, factory_count
from azul_tui.game.notation import (
    describe_move,
    draw_position,
    format_move,
    format_position,
    parse_move,
    parse_position,
)
from azul_tui.game.view import legal_moves, why_illegal
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.runs.paths import SHIPPED_NAMES
from azul_tui.runs.text import plain_text
from azul_tui.views.engine import Analysis, word
from azul_tui.views.signs import bar
from azul_tui.views.words import plural, shortened, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from azul_tui.game.view import PositionView
    from azul_tui.views.engine import AnalysedMove, Engine, Record
    from azul_tui.views.signs import Signs
    from azul_tui.views.words import Spans

FIRST_SIMULATIONS: Final = 25
"""The first search of a position has about so many simulations, the next twice as many."""
MOST_SIMULATIONS: Final = 51_200
"""The engine takes up to 100,000."""
PLAYED_OUT: Final = 32
"""Games played out from every move for its margin."""
KEPT: Final = 150
"""Positions that are remembered, so that going back shows what was found at once."""
OPENING: Final = (
    "azul2 r1 move:1 next:1 BYRW/BRKW/RRRK/BBWW/BYYW * bag:B15Y17R15K18W15 lid:- "
    "0,-/-/-/-/-,...../...../...../...../.....,- 0,-/-/-/-/-,...../...../...../...../.....,-"
)
"""The opening position of seed 0, drawn before the engine is there."""
DIFFERS: Final = 0.15
"""Two networks disagree on a move when their priors or their values differ by so much."""
CONTINUATION: Final = 12
"""Cells that the best continuation has at least, before columns give way."""
MOST_TEXT: Final = 20_000
"""Characters of a paste that are looked at; a drawn position of four players has 1,400."""


@dataclass(slots=True)
class Step:
    """One position of the explored line."""

    view: PositionView
    notation: str
    move: str = ""
    """The move that led here, empty for the first."""
    chosen: str = ""
    """The move that the reader looks at; empty follows the best."""


class Row(NamedTuple):
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

    def fits(self, wanted: str, players: int) -> bool:
        """Whether a filter asks for the move, or for one of its twins.

        A word of it is part of the notation (`r`, `2>`, `>3`) or of the move told at length: `red`,
        `centre`, `floor`.
        """
        for move in self.twins:
            action = parse_move(move, players)
            color = COLOR_NAMES[decode_action(action)[1]]
            told = f"{color} {describe_move(action, players).lower()}"
            short = move.replace(" ", "").lower()
            if all(w in short or (len(w) > 1 and w in told) for w in wanted.lower().split()):
                return True
        return False


class Study:
    """Positions, networks, results, the talk with the engine, and which moves are shown.

    Cancelling a coroutine that waits here stops the search too. `changed` is called whenever there
    is something new to show.
    """

    def __init__(self, engine: Engine, changed: Callable[[], None]) -> None:
        self._engine, self._changed = engine, changed
        self.seated: dict[int, list[str]] = {}
        """By players at the table, the network that is asked, or the two that are compared."""
        self.found: dict[tuple[str, str], dict[int, Analysis]] = {}
        """By network and notation, then by simulations."""
        self.target = 400
        """Simulations of the deepest search that is wanted."""
        self.stopped = False
        self.activity = ""
        """What the engine is doing, in words."""
        self.trouble = ""
        """Why it does nothing more, in one sentence."""
        self.filter, self.sorted_by, self.descending = "", "visits", True
        self.held = False
        """Whether the reader has just moved in the table, so that the order stands still."""
        self.total = 0
        """Moves there are, whatever the filter leaves."""
        self.shown: list[Row] = []
        """The moves as they were sorted last."""
        self.start(parse_position(OPENING), seed=0)

    # -- the line

    def start(self, view: PositionView, *, seed: int | None = None) -> None:
        """Begin a line at `view`; a seed says that it is that seed's opening."""
        self.steps = [Step(view, format_position(view))]
        self.seeded = seed is not None
        self.seed = seed if seed is not None else self.seed
        """Of refills while a line is explored."""

    @property
    def here(self) -> Step:
        """The position that is looked at."""
        return self.steps[-1]

    @property
    def moves(self) -> list[str]:
        """The moves of the explored line."""
        return [step.move for step in self.steps[1:]]

    @property
    def players(self) -> list[str]:
        """The networks of this table."""
        seats = self.here.view.players
        return self.seated.setdefault(seats, [SHIPPED_NAMES[seats]])

    # -- what is known, and what is not

    def searches(self, player: str) -> dict[int, Analysis]:
        """What `player` said of the position here, by simulations."""
        return self.found.get((player, self.here.notation), {})

    def analysis(self, player: str) -> Analysis | None:
        """The deepest search of `player` here that is not beyond the target."""
        searches = self.searches(player)
        return searches.get(max((n for n in searches if n <= self.target), default=0))

    def opinions(self, player: str) -> dict[str, AnalysedMove]:
        """What `player` says of the moves here, its best first.

        Games for margins are played once, beside the deepest search of that time.
        """
        played: dict[str, Any] = {
            move.move: {"margin": move.margin, "margin_error": move.margin_error}
            for search in self.searches(player).values()
            for move in search.moves
            if move.margin is not None
        }
        best = self.analysis(player)
        replace = msgspec.structs.replace
        return {m.move: replace(m, **played.get(m.move, {})) for m in (best.moves if best else ())}

    def next_question(self) -> tuple[str, int, int] | None:
        """Network, simulations and games a move of the search to ask for now, None for none."""
        if self.here.view.phase != "moving":
            return None
        ramp = [self.target]
        while ramp[0] // 2 >= FIRST_SIMULATIONS:
            ramp.insert(0, ramp[0] // 2)
        for simulations in ramp:
            for player in self.players:
                known = self.searches(player)
                played = any(move.margin is not None for a in known.values() for move in a.moves)
                margins = PLAYED_OUT if simulations == self.target and not played else 0
                if margins or not any(simulations <= n <= self.target for n in known):
                    return player, simulations, margins
        return None

    def deepen(self, factor: float) -> None:
        """So many times the simulations; what was found with fewer is shown again."""
        self.target = min(max(1, int(self.target * factor)), MOST_SIMULATIONS)

    # -- the talk

    async def think(self) -> None:
        """Ask until everything is known, the study is stopped, or something is in the way."""
        try:
            while not self.stopped and (question := self.next_question()):
                await self._search(*question)
        except AzulError as error:
            self._say_trouble(error)
        finally:
            self._busy_with("")

    async def walk(self, moves: Sequence[str], opening: tuple[int, int] | None = None) -> None:
        """Play moves in the engine, which knows the refills.

        Args:
            moves: From here on; none fills the factories after a round that was scored.
            opening: Players and seed of a game that begins the line instead.

        Raises:
            NotationError: The engine refused the position or a move, and is fine itself.
        """
        try:
            for move in moves or [""]:
                players, seed = opening or (0, self.seed)
                laid = f"new players={players}" if opening else self.here.notation
                played = f" moves {move}" if move else ""
                self._busy_with("playing the move" if move else "laying out the position")
                record = await self._ask(f"position {laid} seed={seed} setup=1{played}")
                view = parse_position(record["notation"])
                if move:
                    self.here.chosen = move
                    self.steps.append(Step(view, format_position(view), move))
                else:
                    self.start(view, seed=seed if opening else None)
        except AzulError as error:
            if self._engine.alive:
                raise NotationError(plain_text(str(error), 300)) from None
            self._say_trouble(error)
        finally:
            self._busy_with("")

    async def _ask(
        self, *commands: str, on_record: Callable[[Record], None] | None = None
    ) -> Record:
        self.trouble = ""
        if not self._engine.alive:
            self._busy_with("starting the engine")
        return await self._engine.ask(*commands, on_record=on_record)

    async def _search(self, player: str, simulations: int, margins: int) -> None:
        searches = self.found.setdefault((player, self.here.notation), {})
        while len(self.found) > KEPT:
            del self.found[next(iter(self.found))]

        def hear(record: Record) -> None:
            if record.get("event") == "progress":
                words = plain_text(str(record.get("text") or "preparing"), 60)
                done, total = record.get("done"), record.get("total")
                of = f", {done} of {total}" if isinstance(done, int) and total else ""
                self._busy_with(f"{words}{of}")
            elif record.get("event") == "analysis":
                # The search is there, the games for its margins are still being played.
                searches[simulations] = msgspec.convert(record, Analysis)
                self._busy_with(f"playing games for the margins of {player}")

        self._busy_with(f"{player}: {simulations:,} simulations")
        answer = await self._ask(
            f"position {self.here.notation} seed={self.seed} setup=1",
            f"analyse player={word(player)} simulations={simulations} "
            f"first={simulations} margins={margins}",
            on_record=hear,
        )
        searches[simulations] = msgspec.convert(answer, Analysis)
        self._changed()

    def _say_trouble(self, error: AzulError) -> None:
        words = plain_text(str(error), 400)
        other_table = re.search(r" is for ([2-4]) players", words)
        way = "m chooses another network, r asks again"
        if not self._engine.alive:
            way = "r starts it again"
        elif other_table is not None:
            way = f"m chooses another network, N leads to openings for {other_table[1]}"
        self.trouble = f"{words}; {way}"

    def _busy_with(self, words: str) -> None:
        self.activity = words
        self._changed()

    # -- which moves are shown, and in which order

    def sort_moves(self) -> None:
        """Sort the moves that match the filter, those without a value last, unless held."""
        view, asked = self.here.view, [self.opinions(player) for player in self.players]
        every = [
            Row(
                twins, order,
                tuple(next((told[m] for m in twins if m in told), None) for told in asked),
                tuple(next(iter(told), "") in twins for told in asked),
            )
            for order, twins in enumerate(distinct_moves(view))
        ]  # fmt: skip
        self.total = len(every)
        found = [row for row in every if row.fits(self.filter, view.players)]
        place = {row.move: number for number, row in enumerate(self.shown)}
        if self.held and all(row.move in place for row in found):
            self.shown = sorted(found, key=lambda row: place[row.move])
            return
        number, sign = self.sort_column().number, -1 if self.descending else 1
        self.shown = sorted(found, key=lambda row: ((n := number(row)) is None, sign * (n or 0.0)))

    @property
    def pointer(self) -> int:
        """The row that is chosen: the reader's move, otherwise the first."""
        chosen = self.here.chosen
        return next((i for i, row in enumerate(self.shown) if chosen in row.twins), 0)

    @property
    def chosen(self) -> Row | None:
        """The move under the pointer; None while nobody has looked or chosen one."""
        row = self.shown[self.pointer] if self.shown else None
        return row if row is not None and (any(row.told) or self.here.chosen) else None

    def sort_column(self) -> Column:
        """The column that it is sorted by; with one network it is `value`, with two `value A`."""
        shown = columns(len(self.players))
        near = [column for column in shown if column.title[:5] == self.sorted_by[:5]] or shown[2:]
        return next((column for column in near if column.title == self.sorted_by), near[0])

    def sort_by(self, title: str, step: int) -> None:
        """Sort by a column, empty for one some steps on; by the same again: reversed.

        Moves begin with the first, numbers with the largest.
        """
        titles = [column.title for column in columns(len(self.players))]
        by = self.sort_column().title
        title = title or titles[(titles.index(by) + step) % len(titles)]
        self.descending = not self.descending if title == by else title != "move"
        self.sorted_by, self.held = title, False


def distinct_moves(view: PositionView) -> list[tuple[str, ...]]:
    """The legal moves of `view`, one for all factories that hold the same tiles."""
    found: dict[tuple[object, ...], list[str]] = {}
    for action in legal_moves(view):
        source, color, line = decode_action(action)
        centre = source == factory_count(view.players)
        key = (centre, view.sources[source], color, line)
        found.setdefault(key, []).append(format_move(action, view.players))
    return [tuple(names) for names in found.values()]


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


def table_spans(
    study: Study, width: int, signs: Signs
) -> tuple[list[tuple[str, str]], list[Spans]]:
    """The titles, each with the column that it sorts by (or nothing), and a line for each move.

    The columns fit into `width` cells, the last of them to give way first; bars take what remains.
    """
    shown, by = columns(len(study.players)), study.sort_column().title
    while len(shown) > 2 and sum(c.width + 2 for c in shown) + 4 + CONTINUATION > width:
        shown.remove(max(reversed(shown), key=lambda column: column.gives_way))
    spare = width - sum(column.width + 2 for column in shown) - 4
    barred = max(1, sum(column.bar for column in shown))
    cells = min(16, max(5, (spare - CONTINUATION - 18) // barred))  # with the blank before it
    cells = cells if cells * barred + CONTINUATION <= spare else 0
    rest = spare - cells * barred
    titles, ends = [("    ", "")], dict[str, tuple[float, float]]()
    for column in shown:
        text = column.title + ("▼" if study.descending else "▲") * (column.title == by)
        gap = 2 + (cells if column.bar else 0)
        titles += [(f"{text:>{column.width}}", column.title), (" " * gap, "")]
        numbers = [n for row in study.shown if (n := column.number(row)) is not None] or [0.0]
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
    why = why_no_moves(study.here.view)
    why = why or f"no move fits the filter; escape shows all {study.total}"
    none: Spans = ((shortened(f" {why}", width), "quiet"),)
    return titles, [line(row) for row in study.shown] or [none]


def write_analysis(study: Study, root: Path, signs: Signs, now: float) -> Path:
    """Write the position and what is known of its moves into a hidden folder among the runs.

    The first line can be pasted back. Raises OSError.
    """
    told = [study.here.notation, draw_position(study.here.view)]
    told += [
        f"{player}: {found.simulations:,} simulations, value {found.value:+.2f}"
        for player in study.players
        if (found := study.analysis(player)) is not None
    ]
    titles, lines = table_spans(study, 160, signs)
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
    bars = 1 if view.players == 2 else view.players
    most = max(5, min(width // 4, width - 12 * bars - 5))
    names = [shortened(plain_text(player, 300), most) for player in study.players]
    for at, (name, search) in enumerate(zip(names, found, strict=True)):
        letter, role = ("AB"[at] + " ", f"series.{at}") if len(names) == 2 else ("", "bar")
        head = f"{name:<{max(map(len, names))}}   "
        if bars == 1:
            head += f"value {signed(None if search is None else search.value):>5}   "
        spans = [(letter, role), (head, "")]
        for seat in range(bars):
            own = search.values[seat] if search is not None and search.values else None
            end = f" {signed(own):>5}  " if bars > 1 else " 2"
            room = (width - len(letter + head)) // bars - 2 - len(end)
            full, empty = bar(None if own is None else (own + 1) / 2, max(2, room), signs)
            mover = "strong" if seat == view.to_move or bars == 1 else "quiet"
            spans += [(f"{seat + 1} ", mover), (full, role), (empty, "bar.empty"), (end, "")]
        rows.append(tuple(spans))
    return rows


def chosen_rows(study: Study, width: int) -> list[Spans]:
    """The line that led here, where the networks part, the chosen move and how it goes on."""

    def moves(head: str, names: Sequence[str]) -> list[str]:  # none of them broken
        told = "  ".join([head, *(name.replace(" ", "\xa0") for name in names)])
        return [line.replace("\xa0", " ") for line in wrapped(told, width, 0)]

    chosen, players = study.chosen, study.here.view.players
    rows: list[Spans] = []
    if study.moves:
        rows += [((line, "quiet"),) for line in moves("line", study.moves)[-2:]]
    letters = ["A ", "B "] if len(study.players) == 2 else [""]
    if letters[0]:
        first, second = (next(iter(study.opinions(player)), "") for player in study.players)
        apart = sum(row.disagrees for row in study.shown)
        told = f"far apart on {plural(apart, 'move')}" if apart else "close on every move"
        both = f"both play {first}" if first == second else f"A: {first}, B: {second}"
        rows.append(((f"{both}; {told}" if first and second else "B is asked next", ""),))
    if chosen is None:
        return rows
    rows.append(((describe_move(parse_move(chosen.move, players), players), "strong"),))
    if len(chosen.twins) > 1:
        rows.append(((f"the same: {', '.join(chosen.twins[1:])}", "quiet"),))
    for letter, found in zip(letters, chosen.told, strict=True):
        if found is not None and len(found.line) > 1:
            rows += [((line, ""),) for line in moves(f"{letter}then", found.line[1:])[:2]]
        if found is not None and found.margin is not None:
            rows.append(((f"{letter}{margin_words(found)} points at the end", ""),))
    return rows


def why_no_moves(view: PositionView) -> str:
    """Why nobody can move in `view`; empty when somebody can."""
    if view.phase == "moving":
        return ""
    if view.phase == "over":
        points = [board.score for board in view.boards]
        scores = " : ".join(map(str, points))
        if points.count(max(points)) > 1:
            return f"the game is over, {scores}"
        first = points.index(max(points)) + 1
        return f"the game is over, player {first} has the most points, {scores}"
    return why_illegal(view, 0) or ""


def read_position(text: str) -> tuple[PositionView, list[str]]:
    """The position in `text`, on one line, broken or not.

    Quotation marks of mails (`>`), code fences and words before the position are passed over.

    Returns:
        The position, and the moves after the word `moves` as the engine's protocol writes them.

    Raises:
        NotationError: One sentence that names what is wrong.
    """
    if not text.strip():
        raise NotationError("there is no text in it; copy a position first")
    if len(text) > MOST_TEXT:
        raise NotationError(
            f"that text has {len(text):,} characters; a position has fewer than {MOST_TEXT:,}"
        )
    lines = [line.strip() for line in text.splitlines()]
    words = [line.lstrip("> ") for line in lines if not line.startswith("```")]
    whole = " ".join(" ".join(words).split())  # mails break a long line
    begin = re.search(r"azul[0-9]+ ", whole)
    if begin is None:
        raise NotationError("that is no position; one begins with azul2, azul3 or azul4")
    told, _, played = whole[begin.start() :].partition(" moves ")
    view = parse_position(told)
    moves = (move for move in re.split(r"[,;]", played) if move.strip())
    return view, [format_move(parse_move(move, view.players), view.players) for move in moves]
