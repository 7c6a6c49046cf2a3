"""A game under play: the move in hand, the turns, asking the engine, and all of it in words.

Knows nothing of a screen. Seats, sources, colours and lines count from 0 as in
`azul_tui.game.view`; source F is the centre, line 5 the floor; values are in [-1, 1].
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

from azul_tui.errors import AzulError
from azul_tui.game.constants import (
    COLOR_LETTERS,
    COLOR_NAMES,
    FLOOR_ROW,
    decode_action,
    encode_action,
)
from azul_tui.game.notation import describe_move, format_move, parse_move, parse_position
from azul_tui.game.view import legal_moves, why_illegal
from azul_tui.runs.text import plain_text
from azul_tui.views import words
from azul_tui.views.engine import Choice, Position, Record, word
from azul_tui.views.play_settings import KeptGame, KeptMove, PlaySettings, short_name
from azul_tui.views.signs import bar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from azul_tui.game.view import PositionView
    from azul_tui.views.engine import Engine
    from azul_tui.views.signs import Signs
    from azul_tui.views.words import Spans

WATCH_S: Final = 0.8
"""Seconds that a move stays on the board at least while two players are watched."""
Phase = Literal["none", "starting", "thinking", "yours", "paused", "over", "broken"]


class Move(NamedTuple):
    """A move taken apart."""

    source: int
    color: int
    row: int

    @classmethod
    def parse(cls, text: str, players: int) -> Move:
        """The move `R 2>3`; raises NotationError when it is none."""
        return cls(*decode_action(parse_move(text, players)))


class Pick:
    """What a person has chosen so far of a move: source, colour, then the line."""

    def __init__(self, position: PositionView) -> None:
        self.position = position
        self.legal = [Move(*decode_action(action)) for action in legal_moves(position)]
        self.source: int | None = None
        self.color: int | None = None
        self.refusal = ""
        """Why the last key did nothing, in words."""

    @property
    def complete(self) -> bool:
        """Whether the tiles are in hand and only the line is missing."""
        return self.source is not None and self.color is not None

    def takeable(self) -> set[tuple[int, int]]:
        """`(source, colour)` of all tiles that go with what is chosen."""
        return {move[:2] for move in self._fitting(self.source, self.color)}

    def rows(self) -> list[int]:
        """Lines that take the tiles in hand, ascending, the floor last."""
        return sorted(move.row for move in self._fitting(self.source, self.color))

    def press(self, key: str) -> Move | None:
        """Heed a digit (factory, then line), `c`, `f` or a colour's letter; the whole move."""
        places = {"c": len(self.position.factories), "f": FLOOR_ROW}
        place = places.get(key, int(key) - 1 if key.isdigit() else None)
        if key == "f" or (self.complete and key.isdigit()):
            return self.choose(self.source, self.color, place)
        if place is not None:
            return self.choose(place, None if self.complete else self.color)
        return self.choose(self.source, COLOR_LETTERS.index(key.upper()))

    def choose(self, source: int | None, color: int | None, row: int | None = None) -> Move | None:
        """Choose a source, a colour, or both, and the line at last; then the whole move.

        The only colour of a source is chosen with it. What cannot be is said in `refusal`.
        """
        fitting = self._fitting(source, color, row)
        self.refusal = ""
        if row is not None and not self.complete:
            self.refusal = "first the tiles: a factory or C, then a colour"
        elif not fitting:
            self.refusal = self._why_not(source, color or 0, FLOOR_ROW if row is None else row)
        elif row is not None:
            return fitting[0]
        else:
            alone = source is not None and len({move.color for move in fitting}) == 1
            self.source, self.color = source, fitting[0].color if alone else color
        return None

    def back(self) -> bool:
        """One step back; False when nothing was chosen."""
        begun, held = (self.source, self.color) != (None, None), self.complete
        self.refusal, self.color = "", None
        # A source of one colour chose the colour too, so they go together.
        if not held or len(self.takeable()) == 1:
            self.source = None
        return begun

    def _fitting(self, *chosen: int | None) -> list[Move]:
        """The legal moves that begin with what is chosen."""
        pairs = [(place, part) for place, part in enumerate(chosen) if part is not None]
        return [move for move in self.legal if all(move[place] == part for place, part in pairs)]

    def _why_not(self, source: int | None, color: int, row: int) -> str:
        if source is None:
            return f"there is no {COLOR_LETTERS[color]} tile to take"
        if source >= len(self.position.sources):
            return f"there is no factory {source + 1}"
        if row > FLOOR_ROW:
            return "there are lines 1 to 5, and F for the floor"
        return why_illegal(self.position, encode_action(source, color, row)) or "that is no move"

    def prompt(self) -> tuple[str, str]:
        """What is in hand, and the keys with which the move can go on."""
        places = "123456789"[: len(self.position.factories)] + "C"
        color = "" if self.color is None else f"{COLOR_NAMES[self.color]} "
        if self.source is None:
            keys = [places[source] for source in sorted({source for source, _ in self.takeable()})]
            return f"{color or 'take '}from", "  ".join(keys)
        place = "the centre" if places[self.source] == "C" else places[self.source]
        if self.color is None:
            keys = [COLOR_LETTERS[color] for _, color in sorted(self.takeable())]
            return f"from {place}: colour", "  ".join(keys)
        tiles = self.position.sources[self.source][self.color]
        lines, told = self.position.boards[self.position.to_move].lines, ""
        for row in self.rows()[:-1]:  # the last is the floor
            falls = tiles - (row + 1 - lines[row].tiles)
            told += f"{row + 1} ({falls} to the floor)  " if falls > 0 else f"{row + 1}  "
        return f"{color}from {place} to line", f"{told}F"


# -- the game


class Session:
    """One table: the moves of the game, as far as it is played and beyond.

    What a person asks for (`play`, `undo`, `pause` ...) changes what is to come; then `go_on` is to
    run, alone. It may be cancelled at any time: the game stays as it is, and the next one goes on.
    `changed` is told that something new is to be shown; `clock` gives seconds that only ever grow.
    """

    def __init__(
        self, engine: Engine, changed: Callable[[], None], clock: Callable[[], float]
    ) -> None:
        self._engine, self._changed, self._clock = engine, changed, clock
        self.settings = PlaySettings()
        self.moves: list[KeptMove] = []
        self.positions: list[Position] = []
        """The first one, and those after each move, as far as the engine has played them."""
        self.moves_left = math.inf
        """Moves that a watched game goes on for before it stands still."""
        self.phase: Phase = "none"
        self._since = clock()
        self.loading = ""
        """What the engine does before it can answer."""
        self.problem = ""
        self.pick: Pick | None = None
        self.hint: Choice | None = None
        self.hinting = False

    @property
    def now(self) -> Position | None:
        """The position on the board; None before there is a game."""
        return self.positions[-1] if self.positions else None

    @property
    def waits(self) -> bool:
        """Whether the engine is at work, and seconds pass."""
        return self.hinting or self.phase in {"starting", "thinking"}

    @property
    def is_at_stake(self) -> bool:
        """Whether a game is on in which the person has moved."""
        moved = self._own() or len(self.moves) > len(self.positions)
        return self.settings.seat is not None and self.phase != "over" and bool(moved)

    def _own(self) -> list[int]:
        """The moves that a person made, or watched."""
        turns, seat = zip(self.positions, self.moves, strict=False), self.settings.seat
        return [at for at, (before, _) in enumerate(turns) if seat in {None, before.to_move}]

    def to_keep(self) -> KeptGame | None:
        """The game as it can be gone on with later; None without moves, or when it is over."""
        on = self.moves and self.phase != "over"
        return KeptGame(self.settings, tuple(self.moves)) if on else None

    def can(self, what: str) -> bool:
        """Whether a person can do this now: one of the methods below, or what a screen offers."""
        phase, watched = self.phase, self.settings.seat is None
        on = self.now is not None and phase != "starting"
        return {
            "go_on": phase == "broken",
            "pause": watched and phase in {"thinking", "paused"},
            "step": phase == "paused",
            "ask_hint": self.pick is not None,
            "undo": on and phase != "broken" and bool(self._own()),
            "move": on and not watched and phase != "over",
            "value": on and phase != "over",
            "swap": on and not watched and len(self.moves) < len(self.positions),
            "again": phase != "none",
            "strength": phase != "none",
        }.get(what, on)

    # What a person asks for.

    def begin(self, settings: PlaySettings, moves: Sequence[KeptMove] = ()) -> None:
        """A new game; with moves one that was kept, and a watched one of them stands still."""
        self.settings, self.moves, self.positions = settings, list(moves), []
        self.moves_left = 0 if moves and settings.seat is None else math.inf
        self.phase = "starting"
        self._forget()

    def play(self, move: Move) -> None:
        """The person's move."""
        self.moves.append((format_move(encode_action(*move), self.settings.players), ()))
        self._forget()

    def ask_hint(self) -> None:
        """What would the opponent play here?"""
        self.hinting, self.hint = True, None

    def undo(self) -> None:
        """Back to before the person's last decision; a watched game stands still there."""
        at = self._own()[-1]  # it may still be on its way to the engine
        del self.moves[at:], self.positions[at + 1 :]
        self.moves_left = 0 if self.settings.seat is None else math.inf
        self._forget()

    def swap(self) -> None:
        """Give the person the next seat: in this game, or in the next one when it is over."""
        seat = ((self.settings.seat or 0) + 1) % self.settings.players
        self.settings = replace(self.settings, seat=seat)
        self._forget()
        if self.phase == "over":
            self.begin(self.settings.next_deal())

    def pause(self) -> None:
        """Let a watched game stand still, or go on."""
        self.moves_left = 0 if self.moves_left else math.inf

    def step(self) -> None:
        """One more move of a watched game."""
        self.moves_left = 1

    def _forget(self) -> None:
        self.pick, self.hint, self.hinting = None, None, False

    # What comes of it.

    async def go_on(self) -> None:
        """Whatever comes next, until it is the person's turn, or nothing more can be done."""
        try:
            await self._go_on()
        except AzulError as error:  # told in words; no move is lost
            self.hinting = False
            self._enter("broken", str(error))

    async def _go_on(self) -> None:
        if not self.positions:
            self._enter("starting")
            # The table comes first: a scripted player is compiled for its number of seats.
            table = f"position new players={self.settings.players}"
            for player in dict.fromkeys(map(self.settings.player_at, range(2))):
                if player is not None:
                    await self._ask(table, f"load player={word(player)}")
            self.positions = [await self._position_after(0)]
        while not (now := self.positions[-1]).over:
            played, player = len(self.positions) - 1, self.settings.player_at(now.to_move)
            if played < len(self.moves):
                move = self.moves[played][0]
                if move not in now.legal:
                    self.begin(self.settings)
                    told = f"the kept game cannot be resumed: {move} is not possible"
                    return self._enter("none", told)
                self.positions.append(await self._position_after(played + 1))
                self._forget()
            elif player is None:
                self.pick = self.pick or Pick(parse_position(now.notation))
                self._enter("yours")
                if self.hinting:
                    self.hint = await self._choose(self.settings.opponent)
                    self.hinting = False
                    self._enter("yours")
                return None
            elif self.moves_left <= 0:
                return self._enter("paused")
            else:
                self._enter("thinking")
                stays = WATCH_S if self.settings.seat is None else 0.0
                choice, _ = await asyncio.gather(self._choose(player), asyncio.sleep(stays))
                self.moves.append((choice.move, choice.values or ()))
                self.moves_left -= 1
        return self._enter("over")

    async def _choose(self, player: str) -> Choice:
        by, seed = self.settings, self.settings.seed + len(self.moves)
        most = f"seconds={by.seconds:g}" if by.by_time else f"simulations={by.simulations}"
        choose = f"choose player={word(player)} {most} seed={seed}"
        return msgspec.convert(await self._ask(self._laid(len(self.moves)), choose), Choice)

    async def _position_after(self, played: int) -> Position:
        return msgspec.convert(await self._ask(self._laid(played)), Position)

    def _laid(self, played: int) -> str:
        """The position after so many moves, in the words of the protocol."""
        by, moves = self.settings, ", ".join(move for move, _ in self.moves[:played])
        first = f"{by.notation} seed={by.seed} setup=1"
        first = first if by.notation else f"new players={by.players} seed={by.seed}"
        return f"position {first}" + (f" moves {moves}" if moves else "")

    async def _ask(self, *commands: str) -> Record:
        """The answer to the last command."""
        self.loading = "" if self.positions else "starting the engine"
        try:
            return await self._engine.ask(*commands, on_record=self._hear)
        finally:
            self.loading = ""

    def _hear(self, record: Record) -> None:
        """Progress of what is being waited for."""
        if record.get("event") == "progress":
            done, total = record.get("done"), record.get("total")
            share = f", step {done + 1} of {total}" if done is not None and done != total else ""
            self.loading = plain_text(str(record.get("text")), 100) + share
            self._changed()

    def _enter(self, phase: Phase, problem: str = "") -> None:
        self.phase, self.problem, self._since = phase, problem, self._clock()
        self._changed()

    # In words.

    def state(self) -> tuple[str, str]:
        """What is going on, and its role."""
        waited = words.duration(self._clock() - self._since)
        if self.phase == "broken":
            return "that did not work", "alert"
        if self.loading or self.now is None:
            return (f"{self.loading}, {waited}", "strong") if self.loading else ("no game yet", "")
        if self.hinting:
            return f"asking for a hint, {waited}", ""
        yours = ("your turn", "good") if self.pick is not None else ("your move is sent", "")
        return {
            "thinking": (f"{self.settings.names()[self.now.to_move]} thinks, {waited}", ""),
            "paused": ("paused", "strong"),
            "over": (self.verdict(), "strong"),
        }.get(self.phase, yours)

    def verdict(self) -> str:
        """How the game ended."""
        assert self.now is not None
        names, scores = self.settings.names(), sorted(self.now.scores, reverse=True)
        winners = " and ".join(names[seat] for seat in self.now.winners)
        won = "win" if self.now.winners == (self.settings.seat,) else "wins"
        won = "share the victory" if len(self.now.winners) > 1 else won
        return f"{winners} {won}, {' to '.join(map(str, scores))}"

    def headline(self, width: int, dot: str) -> Spans:
        """What is going on, how the round ended, which game this is; the last two give way."""
        settings, now, rights = self.settings, self.now, [""]
        state, role = self.state()
        if now is not None:
            whom = short_name(settings.opponent)
            whom = " against ".join(settings.names()) if settings.seat is None else whom
            whom += "" if settings.scripted else f", {settings.strength_words}"
            brief = f"round {now.round}{dot}move {len(self.positions)}"
            rights = [f"{brief}{dot}{whom}{dot}seed {settings.seed}", f"{brief}{dot}{whom}", brief]
        # Told until the person has moved again.
        recent = range(max(1, len(self.positions) - settings.players), len(self.positions))
        news = [f"   {self._round_words(at)}" for at in recent if self.positions[at].round_ended]
        for new, right in [(new, right) for new in (*news, "") for right in (*rights, "")]:
            gap = width - len(state + new + right)
            if gap >= 3:
                return (state, role), (new, "good"), (" " * gap, ""), (right, "quiet")
        return ((words.shortened(state, width), role),)

    def _round_words(self, at: int) -> str:
        """How the round before position `at` ended: `round 2: you 12 (+9), planner 15 (+6)`."""
        before, after = self.positions[at - 1], self.positions[at]
        names = [f"{name}:" if name[-1].isdigit() else name for name in self.settings.names()]
        told = zip(names, after.scores, before.scores, strict=True)
        ended = ", ".join(f"{name} {score} ({score - old:+d})" for name, score, old in told)
        return f"round {before.round}: {ended}"

    def move_rows(self, width: int, *, values: bool) -> list[Spans]:
        """Every move, with what its mover thought if `values`; how rounds and the game ended."""
        names = self.settings.names()
        rows: list[Spans] = []
        longest = min(24, max(map(len, names)))
        played = self.moves[: len(self.positions) - 1]
        moves = [move_words(move, self.settings.players) for move, _ in played]
        if longest + max(map(len, moves), default=0) + 12 > width:
            moves = [move for move, _ in played]
        room = max(map(len, moves), default=0)
        for at, ((_, told), move) in enumerate(zip(played, moves, strict=True), 1):
            seat, role = self.positions[at - 1].to_move, "strong" if at == len(moves) else ""
            value = f" {told[seat]:+.2f}" if told and values else ""
            name = f"{words.shortened(names[seat], longest):<{longest}}  "
            row = (f"{at:>3} ", "quiet"), (name, role or "quiet"), (f"{move:<{room}}", role)
            rows.append((*row, (value, "quiet")))
            if self.positions[at].round_ended:
                rows.append(((f"    {self._round_words(at)}", "good"),))
        return rows

    def value_spans(self, width: int, signs: Signs) -> Spans:
        """Who is ahead by the newest thought of a network, as a share of the points at stake.

        Two players share one bar, of three and four each has its own.
        """
        names, own = self.settings.names(), self.settings.seat or 0
        values = next((values for _, values in reversed(self.moves[-8:]) if values), ())
        if not values or self.phase == "over":
            told = "no value yet: it comes with the first move of a network"
            told = "scripted players tell no value" if self.settings.scripted else told
            return (("" if self.phase == "over" else told, "quiet"),)
        room = max(3, width // len(names) // 2 - 4)
        if len(names) > 2 and max(map(len, names)) > room:  # the boards carry the numbers too
            names = [name if name == "you" else f"{seat}" for seat, name in enumerate(names, 1)]
        longest, names = max(map(len, names)), [words.shortened(name, room) for name in names]
        shares = [(value + 1) / 2 for value in values]
        turns = [*range(own, len(names)), *range(own)]
        bars = [(f"{names[at]:<{longest}} ", shares[at], f" {shares[at]:.0%}   ") for at in turns]
        if len(names) == 2:
            right = f" {shares[1 - own]:.0%} {names[1 - own]}   value {values[own]:+.2f}"
            bars = [(f"{names[own]} {shares[own]:.0%} ", shares[own], right)]
        spans: list[tuple[str, str]] = []
        for left, share, right in bars:
            full, empty = bar(share, max(0, width // len(bars) - len(left + right)), signs)
            spans += [(left, "strong"), (full, "bar"), (empty, "bar.empty"), (right, "quiet")]
        return tuple(spans)


def move_words(move: str, players: int) -> str:
    """A move at length: `R from 2 to line 3`."""
    return describe_move(parse_move(move, players), players)
