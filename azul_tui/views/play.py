"""A game under play: the move in hand, the turns, and asking the engine.

Knows nothing of a screen. `Session` has a phase, calls `changed` whenever there is something new
to show, and asks the engine; each of its coroutines may be cancelled at any time, the game stays.
Seats, sources, colours and lines count from 0 as in `azul_tui.game.view`; source F is the centre,
line 5 the floor; values are in [-1, 1].
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from azul_tui.errors import AzulError
from azul_tui.game.constants import COLOR_LETTERS, FLOOR_ROW, decode_action, encode_action
from azul_tui.game.legality import why_illegal
from azul_tui.game.notation import format_move, parse_move, parse_position
from azul_tui.runs.text import plain_text
from azul_tui.views.engine import Choice, EngineError, Position, Record, read, word
from azul_tui.views.play_settings import KeptGame, PlaySettings, short_name

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from azul_tui.game.view import PositionView
    from azul_tui.views.engine import Engine, Engines

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


@dataclass(slots=True)
class Pick:
    """What a person has chosen so far of a move: source, colour, then the line."""

    position: PositionView
    legal: frozenset[Move]
    source: int | None = None
    color: int | None = None
    refusal: str = ""
    """Why the last key did nothing, in words."""

    @classmethod
    def of(cls, position: PositionView, moves: Iterable[str]) -> Pick:
        """Nothing chosen yet; `moves` are the legal ones in notation."""
        return cls(position, frozenset(Move.parse(move, position.players) for move in moves))

    @property
    def complete(self) -> bool:
        """Whether the tiles are in hand and only the line is missing."""
        return self.source is not None and self.color is not None

    @property
    def begun(self) -> bool:
        """Whether anything is chosen."""
        return self.source is not None or self.color is not None

    def takeable(self) -> frozenset[tuple[int, int]]:
        """`(source, colour)` of all tiles that go with what is chosen."""
        return frozenset(
            (move.source, move.color)
            for move in self.legal
            if self.source in {None, move.source} and self.color in {None, move.color}
        )

    def rows(self) -> list[int]:
        """Lines that take the tiles in hand, ascending, the floor last."""
        return sorted(m.row for m in self.legal if (m.source, m.color) == (self.source, self.color))

    def falls(self, row: int) -> int:
        """Tiles in hand that would not fit line `row`."""
        tiles = self.position.sources[self.source or 0][self.color or 0]
        line = self.position.boards[self.position.to_move].lines[row]
        return max(0, tiles - (row + 1 - line.tiles))

    def press(self, key: str) -> Move | None:
        """Heed a digit (factory, then line), `c`, `f` or a colour's letter; the whole move."""
        centre = len(self.position.factories)
        self.refusal = ""
        if key == "f" or (key.isdigit() and self.complete):
            return self.lay(FLOOR_ROW if key == "f" else int(key) - 1)
        if key == "c" or key.isdigit():
            if self.complete:
                self.source = self.color = None
            self._choose(centre if key == "c" else int(key) - 1, self.color)
        else:
            color = COLOR_LETTERS.index(key.upper())
            changed = self.complete and color != self.color
            self._choose(self.source, color) if not changed else self.take(self.source or 0, color)
        return None

    def take(self, source: int, color: int) -> None:
        """Take these tiles in hand, whatever was chosen before."""
        self.refusal = ""
        if (source, color) in {(move.source, move.color) for move in self.legal}:
            self.source, self.color = source, color
        else:
            self.refusal = self._why(source, color, FLOOR_ROW)

    def lay(self, row: int) -> Move | None:
        """The move that lays the tiles in hand on line `row`; None when it takes none."""
        self.refusal = ""
        if self.source is None or self.color is None:
            self.refusal = "first the tiles: a factory or C, then a colour"
            return None
        if row not in self.rows():
            self.refusal = (
                self._why(self.source, self.color, row) if row <= FLOOR_ROW
                else "there are lines 1 to 5, and F for the floor"
            )  # fmt: skip
            return None
        return Move(self.source, self.color, row)

    def back(self) -> bool:
        """One step back; False when nothing was chosen."""
        self.refusal = ""
        begun, held = self.begun, self.complete
        self.color = None
        # A source of one colour chose the colour too, so they go together.
        if not held or len({m.color for m in self.legal if m.source == self.source}) == 1:
            self.source = None
        return begun

    def _choose(self, source: int | None, color: int | None) -> None:
        """Choose a source or a colour, in either order; one colour alone is chosen with it."""
        fits = {
            move.color for move in self.legal
            if source in {None, move.source} and color in {None, move.color}
        }  # fmt: skip
        if not fits:
            self.refusal = self._why(source, color, FLOOR_ROW)
            return
        self.source, self.color = source, color
        if source is not None and len(fits) == 1:
            self.color = fits.pop()

    def _why(self, source: int | None, color: int | None, row: int) -> str:
        """What is in the way, in words."""
        if source is None:
            return f"there is no {COLOR_LETTERS[color or 0]} tile to take"
        if not 0 <= source < len(self.position.sources):
            return f"there is no factory {source + 1}"
        action = encode_action(source, color or 0, row)
        return why_illegal(self.position, action) or "that is not possible"


# -- the game


@lru_cache(maxsize=8)
def view_of(position: Position) -> PositionView:
    """A position of the engine's as the board draws it; raises NotationError."""
    return parse_position(position.notation)


@dataclass(frozen=True, slots=True)
class Turn:
    """A move that was played."""

    move: str
    seat: int
    before: Position
    after: Position
    values: tuple[float, ...] = ()
    """What its mover thought that every seat may expect; empty when nobody said."""

    @property
    def gains(self) -> tuple[int, ...]:
        """Points that every seat won or lost with it."""
        pairs = zip(self.after.scores, self.before.scores, strict=True)
        return tuple(after - before for after, before in pairs)


@dataclass(slots=True)
class Game:
    """The moves from `start` on."""

    start: Position
    turns: list[Turn]

    @property
    def now(self) -> Position:
        """The position on the board."""
        return self.turns[-1].after if self.turns else self.start

    @property
    def to_move(self) -> int:
        """Seat to move."""
        return self.now.to_move

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.now.over

    def add(self, move: str, after: Position, values: tuple[float, ...] = ()) -> None:
        """Note a move that the engine has accepted."""
        self.turns.append(Turn(move, self.to_move, self.now, after, values))

    def undo_to(self, seat: int | None) -> int:
        """Turns left when the person's last decision is taken back; -1 when there was none."""
        if seat is None:
            return len(self.turns) - 1
        own = [index for index, turn in enumerate(self.turns) if turn.seat == seat]
        return own[-1] if own else -1

    def expected(self, seat: int) -> float | None:
        """What `seat` may expect by the newest thought about this game; None when nobody said."""
        if self.over:
            winners = self.now.winners
            return -1.0 if seat not in winners else float(len(winners) == 1)
        return next((t.values[seat] for t in reversed(self.turns[-8:]) if t.values), None)


class Session:
    """One table.

    Args:
        engines: Where the engine comes from.
        changed: Told that something new is to be shown.
        clock: Seconds that only ever grow.
    """

    def __init__(
        self, engines: Engines, changed: Callable[[], None], clock: Callable[[], float]
    ) -> None:
        self._engines, self._changed, self._clock = engines, changed, clock
        self._engine: Engine | None = None
        """The one that has the players loaded."""
        self.settings = PlaySettings()
        self.game: Game | None = None
        self.pick: Pick | None = None
        self.phase: Phase = "none"
        self.since = clock()
        """When the present phase began."""
        self.loading = ""
        """What the engine does before it can play."""
        self.problem = ""
        self.hint: Choice | None = None
        self.hinting = False
        self.paused = False
        """Whether a watched game stands still."""
        self.went_on = False
        """Whether the game was kept from before, and the person has done nothing in it yet."""
        self.lost = ""
        """Why the kept game cannot be gone on with."""
        self._kept: KeptGame | None = None
        """A kept game whose positions the engine has not told yet."""
        self._pending = ""
        """The person's move that the engine has not yet heard."""
        self._shown_since = clock()

    @property
    def is_sending(self) -> bool:
        """Whether the person's move is on its way to the engine."""
        return bool(self._pending)

    @property
    def is_at_stake(self) -> bool:
        """Whether a game is on in which the person has moved."""
        game, seat = self.game, self.settings.seat
        if seat is None or (game is None and self._kept is None) or (game and game.over):
            return False
        return game is None or self.is_sending or any(turn.seat == seat for turn in game.turns)

    def to_keep(self) -> KeptGame | None:
        """The game as it can be gone on with later; None without moves, or when it is over."""
        if self.game is None:
            return self._kept
        moves = [(turn.move, turn.values) for turn in self.game.turns]
        moves += [(self._pending, ())] if self._pending else []
        return KeptGame(self.settings, tuple(moves)) if moves and not self.game.over else None

    # What a person asks for; each is to run alone.

    def begin(self, settings: PlaySettings) -> Coroutine[Any, Any, None]:
        """Deal a new game, or lay the position to play on from."""
        return self._lay(settings, None)

    def take_up(self, kept: KeptGame) -> Coroutine[Any, Any, None]:
        """Go on with a game that was kept; a watched one stands still first."""
        return self._lay(kept.settings, kept)

    async def go_on(self) -> None:
        """Whatever comes next: the engine's moves, or the person's turn."""
        await self._guarded(self._turns() if self.game is not None else self._start())

    def play(self, move: Move) -> Coroutine[Any, Any, None]:
        """Play the person's move, then the others'; it is noted before anything is awaited."""
        self._pending = format_move(encode_action(*move), self.settings.players)
        self.pick, self.since, self.went_on = None, self._clock(), False
        return self.go_on()

    async def ask_hint(self) -> None:
        """Ask the opponent what it would play here; a move that is on its way comes first."""
        if self.is_sending:
            await self.go_on()
            return
        self.hinting, self.since = True, self._clock()
        self._changed()
        try:
            await self._guarded(self._ask_hint())
        finally:
            self.hinting = False
            self._changed()

    async def undo(self) -> None:
        """Back to before the person's last decision; a move on its way is that decision."""
        if self.game is not None:
            left = -1 if self.is_sending else self.game.undo_to(self.settings.seat)
            self._pending, self.went_on = "", False
            if left >= 0:
                del self.game.turns[left:]
                self.paused = self.settings.seat is None
        await self.go_on()

    async def swap(self) -> None:
        """Give the person the next seat."""
        if self.settings.seat is not None:
            seat = (self.settings.seat + 1) % self.settings.players
            self.settings = replace(self.settings, seat=seat)
            self._pending = ""
        await self.go_on()

    async def step(self) -> None:
        """One more move of a watched game that stands still."""
        self.paused = False
        await self._guarded(self._turns(most=1))

    # How it is done.

    def _lay(self, settings: PlaySettings, kept: KeptGame | None) -> Coroutine[Any, Any, None]:
        self.settings, self._kept, self.game, self.pick = settings, kept, None, None
        self.lost, self._pending, self.went_on = "", "", False
        self.paused = kept is not None and settings.seat is None
        return self._guarded(self._start())

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work`; what goes wrong is told in words and loses no move."""
        try:
            await work
        except AzulError as error:
            self.problem = str(error)
            self._enter("broken")

    def _enter(self, phase: Phase) -> None:
        self.phase, self.since = phase, self._clock()
        if phase != "broken":
            self.problem = ""
        self._changed()

    async def _ask(self, *commands: str) -> Record:
        """The answer to the last command; a new engine loads the players first."""
        engine = await self._engines.get()
        if engine is not self._engine:
            before: Phase = "thinking" if self.phase == "starting" else self.phase
            self.loading = "starting the engine"
            self._enter("starting")
            # The table comes first: a scripted player is compiled for its number of seats.
            table = f"position new players={self.settings.players}"
            for player in self.settings.engine_players():
                await engine.ask(table, f"load player={word(player)}", on_record=self._hear)
            self._engine, self.loading = engine, ""
            if self.game is not None:
                self._enter(before)
        return await engine.ask(*commands, on_record=self._hear)

    def _hear(self, record: Record) -> None:
        """Progress of what is being waited for."""
        text = record.get("text")
        if record.get("event") == "progress" and isinstance(text, str):
            done, total = record.get("done"), record.get("total")
            share = f", step {done + 1} of {total}" if isinstance(done, int) else ""
            self.loading = plain_text(text, 100) + (share if done != total else "")
            self._changed()

    def _command(self, *more: str) -> str:
        """The position here, or after `more` moves, in the words of the protocol."""
        moves = [turn.move for turn in self.game.turns] if self.game is not None else []
        moves += more
        base = f"position {self.settings.base}"
        return base + (f" moves {', '.join(moves)}" if moves else "")

    async def _start(self) -> None:
        """Lay the first position, and play the moves of a kept game again."""
        self.hint, self._engine = None, None  # its players may be other ones
        kept = self._kept
        first = read(Position, await self._ask(f"position {self.settings.base}"))
        self.settings = replace(self.settings, players=view_of(first).players)
        game = Game(first, [])
        for number, (move, values) in enumerate(kept.moves if kept is not None else ()):
            # One at a time, for each position is shown when it is taken back.
            played = ", ".join(move for move, _ in kept.moves[: number + 1]) if kept else ""
            try:
                record = await self._ask(f"position {self.settings.base} moves {played}")
            except EngineError as error:
                if self._engine is None or not self._engine.alive:
                    raise
                # The rules do not allow it: asking again would not help.
                self._kept = None
                self.lost = f"the game that was kept cannot be gone on with: {error}"
                self._enter("none")
                return
            game.add(move, read(Position, record), values)
        self.game, self._kept, self.went_on = game, None, kept is not None
        await self._turns()

    async def _apply(self, move: str, values: tuple[float, ...]) -> None:
        record = await self._ask(self._command(move))
        assert self.game is not None
        self.game.add(move, read(Position, record), values)
        self.hint, self._shown_since = None, self._clock()

    async def _turns(self, most: int | None = None) -> None:
        """The engine's moves, `most` at most, until it is the person's turn or the game is over."""
        game = self.game
        assert game is not None
        self.hint = None
        while not game.over:
            player = self.settings.player_at(game.to_move)
            if player is None and self._pending:
                await self._apply(self._pending, ())
                self._pending = ""
                continue
            if player is None:
                self.pick = Pick.of(view_of(game.now), game.now.legal)
                self._enter("yours")
                return
            self.pick = None
            if self.paused or most == 0:
                self.paused = True
                self._enter("paused")
                return
            self._enter("thinking")
            choice = await self._choose(player, self.settings.seed + len(game.turns))
            if not choice.move:
                raise EngineError(f"{short_name(player)} chose no move")
            if self.settings.seat is None:
                await asyncio.sleep(max(0.0, WATCH_S - (self._clock() - self._shown_since)))
            told = choice.values if len(choice.values) == self.settings.players else ()
            await self._apply(choice.move, told)
            most = None if most is None else most - 1
        self.pick = None
        self._enter("over")

    async def _choose(self, player: str, seed: int) -> Choice:
        choose = f"choose player={word(player)} {self.settings.strength} seed={seed}"
        return read(Choice, await self._ask(self._command(), choose))

    async def _ask_hint(self) -> None:
        choice = await self._choose(self.settings.opponent, self.settings.seed)
        self.hint = choice if choice.move else None
