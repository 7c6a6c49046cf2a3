"""Playing a game with the engine: dealing, waiting for a move, thinking, going on.

Knows nothing of a screen: it has a phase and words for it, and calls `changed` whenever
something new is to be shown. Each coroutine may be cancelled at any time; the game is kept.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from azul_tui.runs.events import number, text
from azul_tui.tui.engine.process import EngineError, EngineRecord
from azul_tui.tui.engine.records import read_choice
from azul_tui.tui.play.game import GamePosition, PlayGame
from azul_tui.tui.play.pick import Pick
from azul_tui.tui.play.settings import PlaySettings, short_name

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

Phase = Literal["none", "starting", "thinking", "yours", "paused", "over", "broken"]

WATCH_S: Final = 0.8
"""Seconds that a move stays on the board at least while two players are watched."""


class Asked(Protocol):
    """What a session wants of an engine."""

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        ...

    async def ask_in_turn(
        self, commands: Sequence[str], on_record: Callable[[EngineRecord], None] | None = None
    ) -> list[EngineRecord]:
        """The last records of several commands."""
        ...


class EngineSource(Protocol):
    """Where an engine comes from; it is started when there is none."""

    async def get(self) -> Asked:
        """The engine."""
        ...


@dataclass(frozen=True, slots=True)
class Hint:
    """What the opponent would play for the person."""

    move: str
    value: float | None
    simulations: int | None


class PlaySession:
    """One table.

    Args:
        source: Gives the engine.
        changed: Told that something new is to be shown.
        clock: Seconds that only ever grow.
    """

    def __init__(
        self, source: EngineSource, changed: Callable[[], None], clock: Callable[[], float]
    ) -> None:
        self._source = source
        self._changed = changed
        self._clock = clock
        self._engine: Asked | None = None
        self.settings = PlaySettings()
        self.game: PlayGame | None = None
        self.pick: Pick | None = None
        self.phase: Phase = "none"
        self.words = ""
        """What is being waited for, while the phase is `starting`."""
        self.progress: tuple[float, float] | None = None
        """Done and total of it."""
        self.progress_since = clock()
        self.problem = ""
        self.engine_died = False
        self.since = clock()
        """When the present phase began."""
        self.hint: Hint | None = None
        self.hinting = False
        self.watching_paused = False
        self.shown_since = clock()
        self._pending = ""
        """The person's move that the engine has not yet heard."""

    @property
    def is_sending(self) -> bool:
        """Whether the person's move is on its way to the engine."""
        return bool(self._pending)

    @property
    def is_at_stake(self) -> bool:
        """Whether a game is on in which the person has moved."""
        game = self.game
        if game is None or game.over or self.settings.seat is None:
            return False
        return self.is_sending or any(turn.seat == self.settings.seat for turn in game.turns)

    # -- what a person asks for; each is to run alone

    async def begin(self, settings: PlaySettings) -> None:
        """Deal a new game, or lay the position to play on from."""
        self.settings, self.game, self.pick = settings, None, None
        self.watching_paused, self._pending = False, ""
        await self._guarded(self._deal())

    async def go_on(self) -> None:
        """Whatever comes next: dealing, the engine's moves, or the person's turn."""
        await self._guarded(self._deal() if self.game is None else self._turns(load=True))

    def play(self, move: str) -> Coroutine[Any, Any, None]:
        """Play the person's move, then the others'; it is noted before anything is awaited."""
        self._pending, self.pick, self.since = move, None, self._clock()
        return self._play_on()

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
        """Back to before the person's last decision."""
        game = self.game
        if game is None:
            return
        # A move that is on its way is the last decision: only that one is taken back.
        left = -1 if self.is_sending else game.undo_to(self.settings)
        self._pending = ""
        if left >= 0:
            del game.turns[left:]
            self.watching_paused = self.settings.seat is None
        await self.go_on()

    async def swap(self) -> None:
        """Give the person the next seat."""
        seat, game = self.settings.seat, self.game
        if seat is not None and game is not None:
            self.settings = replace(self.settings, seat=(seat + 1) % game.now.view.players)
            self._pending = ""
        await self.go_on()

    async def step(self) -> None:
        """One more move of a watched game that stands still."""
        self.watching_paused = False
        await self._guarded(self._turns(load=False, most=1))

    # -- how it is done

    async def _play_on(self) -> None:
        await self._guarded(self._turns(load=False))

    async def _guarded(self, work: Any) -> None:
        """Do `work`; what goes wrong is told in words and loses no move."""
        try:
            await work
        except EngineError as error:
            self.engine_died = self._engine is None or not self._engine.alive
            self.problem = str(error)
            self._enter("broken")

    def _enter(self, phase: Phase) -> None:
        self.phase, self.since = phase, self._clock()
        if phase != "broken":
            self.problem = ""
        self._changed()

    async def _ask(self, *commands: str) -> list[EngineRecord]:
        engine = self._engine
        if engine is None:
            engine = self._engine = await self._source.get()
        return await engine.ask_in_turn(commands, self._hear)

    def _hear(self, record: EngineRecord) -> None:
        """Progress of what is being waited for."""
        if record.get("event") == "progress":
            self.progress_since = self._clock()
            self.words = text(record, "text", 200) or self.words
            done, total = number(record, "done"), number(record, "total")
            self.progress = (done, total) if done is not None and total else None
            self._changed()

    async def _load(self) -> None:
        """Have an engine that knows the players; the first time it takes a while."""
        self.words, self.progress, self.hint = "starting the engine", None, None
        self._enter("starting")
        if self._engine is None or not self._engine.alive:
            self._engine = None
        for player in self.settings.engine_players():
            await self._ask(f"load player={player}")
        self.words, self.progress = "", None

    async def _deal(self) -> None:
        await self._load()
        (record,) = await self._ask(f"position {self.settings.base}")
        start = GamePosition.of(record)
        if self.settings.players != start.view.players:
            self.settings = replace(self.settings, players=start.view.players)
        self.game = PlayGame(self.settings.base, start)
        await self._turns(load=False)

    async def _apply(self, move: str, value: float | None) -> None:
        game = self.game
        assert game is not None
        (record,) = await self._ask(game.command(move))
        game.add(move, GamePosition.of(record), value)
        self.hint = None
        self.shown_since = self._clock()

    async def _turns(self, *, load: bool, most: int | None = None) -> None:
        """The engine's moves until it is the person's turn, or the game is over.

        Args:
            load: Whether the engine may be a new one, which has to load its players.
            most: Moves that are played at most.
        """
        game = self.game
        assert game is not None
        self.hint = None
        if load and (self._engine is None or not self._engine.alive):
            await self._load()
        played = 0
        while not game.over:
            player = self.settings.player_at(game.to_move)
            if player is None and self._pending:
                await self._apply(self._pending, None)
                self._pending = ""
                continue
            if player is None:
                self.pick = Pick.of(game.now.view, game.now.record.legal)
                self._enter("yours")
                return
            self.pick = None
            if self.watching_paused or (most is not None and played == most):
                self.watching_paused = True
                self._enter("paused")
                return
            await self._think(game, player)
            played += 1
        self.pick = None
        self._enter("over")

    async def _think(self, game: PlayGame, player: str) -> None:
        """One move of the engine's."""
        self._enter("thinking")
        seed = self.settings.seed + len(game.turns)
        strength = self.settings.strength
        choose = f"choose player={player} {strength} seed={seed}"
        records = await self._ask(game.command(), choose)
        choice = read_choice(records[-1])
        if not choice.move:
            raise EngineError(f"{short_name(player)} chose no move")
        if self.settings.seat is None:
            await asyncio.sleep(max(0.0, WATCH_S - (self._clock() - self.shown_since)))
        await self._apply(choice.move, choice.value)

    async def _ask_hint(self) -> None:
        game = self.game
        assert game is not None
        settings = self.settings
        choose = f"choose player={settings.opponent} {settings.strength} seed={settings.seed}"
        records = await self._ask(game.command(), choose)
        choice = read_choice(records[-1])
        if choice.move:
            self.hint = Hint(choice.move, choice.value, choice.simulations)
