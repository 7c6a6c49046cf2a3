"""Playing a game with the engine: dealing, waiting for a move, thinking, going on.

Knows nothing of a screen: it has a phase and words for it, and calls `changed` whenever
something new is to be shown. Each coroutine may be cancelled at any time; the game is kept.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from azul_tui.tui.engine.process import EngineError
from azul_tui.tui.engine.records import read_choice
from azul_tui.tui.play.game import GamePosition, PlayGame
from azul_tui.tui.play.kept import KeptGame, KeptMove
from azul_tui.tui.play.pick import Pick
from azul_tui.tui.play.settings import PlaySettings, short_name
from azul_tui.tui.play.talk import EngineTalk, word

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from azul_tui.tui.engine.records import ChoiceRecord
    from azul_tui.tui.play.talk import EngineSource

Phase = Literal["none", "starting", "thinking", "yours", "paused", "over", "broken"]

WATCH_S: Final = 0.8
"""Seconds that a move stays on the board at least while two players are watched."""


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
        self._changed = changed
        self._clock = clock
        self.talk = EngineTalk(source, changed, clock)
        self.settings = PlaySettings()
        self.game: PlayGame | None = None
        self.pick: Pick | None = None
        self.phase: Phase = "none"
        self.problem = ""
        self.engine_died = False
        self.since = clock()
        """When the present phase began."""
        self.hint: Hint | None = None
        self.hinting = False
        self.watching_paused = False
        self.shown_since = clock()
        self.went_on = False
        """Whether the game was kept from before, and the person has done nothing in it yet."""
        self.lost = ""
        """Why the kept game cannot be gone on with."""
        self._kept: KeptGame | None = None
        """A kept game whose positions the engine has not told yet."""
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
        if self._kept is not None:
            return self._kept.is_at_stake
        if game is None or game.over or self.settings.seat is None:
            return False
        return self.is_sending or any(turn.seat == self.settings.seat for turn in game.turns)

    def to_keep(self) -> KeptGame | None:
        """The game as it can be gone on with later; None without moves, or when it is over."""
        game = self.game
        if game is None:
            return self._kept
        moves = [KeptMove(turn.move, turn.values) for turn in game.turns]
        moves.extend([KeptMove(self._pending)] * self.is_sending)
        return KeptGame(self.settings, tuple(moves)) if moves and not game.over else None

    # -- what a person asks for; each is to run alone

    def begin(self, settings: PlaySettings) -> Coroutine[Any, Any, None]:
        """Deal a new game, or lay the position to play on from."""
        self._set_table(settings, None)
        return self._guarded(self._deal())

    def take_up(self, kept: KeptGame) -> Coroutine[Any, Any, None]:
        """Go on with a game that was kept; a watched one stands still first."""
        self._set_table(kept.settings, kept)
        self.watching_paused = kept.settings.seat is None
        return self._guarded(self._lay(kept))

    async def go_on(self) -> None:
        """Whatever comes next: dealing, the engine's moves, or the person's turn."""
        if self.game is not None:
            await self._guarded(self._turns(load=True))
        else:
            await self._guarded(self._lay(self._kept) if self._kept else self._deal())

    def play(self, move: str) -> Coroutine[Any, Any, None]:
        """Play the person's move, then the others'; it is noted before anything is awaited."""
        self._pending, self.pick, self.since = move, None, self._clock()
        self.went_on = False
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
        self._pending, self.went_on = "", False
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

    def _set_table(self, settings: PlaySettings, kept: KeptGame | None) -> None:
        """An empty table."""
        self.settings, self.game, self.pick = settings, None, None
        self._kept, self.lost, self.went_on = kept, "", False
        self.watching_paused, self._pending = False, ""

    async def _play_on(self) -> None:
        await self._guarded(self._turns(load=False))

    async def _guarded(self, work: Any) -> None:
        """Do `work`; what goes wrong is told in words and loses no move."""
        try:
            await work
        except EngineError as error:
            self.engine_died = not self.talk.alive
            self.problem = str(error)
            self._enter("broken")

    def _enter(self, phase: Phase) -> None:
        self.phase, self.since = phase, self._clock()
        if phase != "broken":
            self.problem = ""
        self._changed()

    async def _load(self) -> None:
        """Have an engine that knows the players; the first time it takes a while."""
        self.hint = None
        self._enter("starting")
        await self.talk.load(self.settings.engine_players())

    async def _deal(self) -> None:
        await self._load()
        (record,) = await self.talk.ask(f"position {self.settings.base}")
        start = GamePosition.of(record)
        if self.settings.players != start.view.players:
            self.settings = replace(self.settings, players=start.view.players)
        self.game = PlayGame(self.settings.base, start)
        await self._turns(load=False)

    async def _lay(self, kept: KeptGame) -> None:
        """Play the moves of a kept game again."""
        await self._load()
        commands = [f"position {self.settings.base}", *(f"play {turn.move}" for turn in kept.moves)]
        try:
            first, *after = map(GamePosition.of, await self.talk.ask(*commands))
        except EngineError as error:
            if not self.talk.alive:
                raise
            # The rules do not allow it: asking again would not help.
            self._kept = None
            self.lost = f"the game that was kept cannot be gone on with: {error}"
            self._enter("none")
            return
        self.game = game = PlayGame(self.settings.base, first)
        for turn, position in zip(kept.moves, after, strict=True):
            game.add(turn.move, position, turn.values)
        self._kept, self.went_on = None, True
        await self._turns(load=False)

    async def _apply(self, move: str, values: tuple[float, ...]) -> None:
        game = self.game
        assert game is not None
        (record,) = await self.talk.ask(game.command(move))
        game.add(move, GamePosition.of(record), values)
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
        if load and not self.talk.alive:
            await self._load()
        played = 0
        while not game.over:
            player = self.settings.player_at(game.to_move)
            if player is None and self._pending:
                await self._apply(self._pending, ())
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
        choose = f"choose player={word(player)} {strength} seed={seed}"
        records = await self.talk.ask(game.command(), choose)
        choice = read_choice(records[-1])
        if not choice.move:
            raise EngineError(f"{short_name(player)} chose no move")
        if self.settings.seat is None:
            await asyncio.sleep(max(0.0, WATCH_S - (self._clock() - self.shown_since)))
        await self._apply(choice.move, _values(choice, game))

    async def _ask_hint(self) -> None:
        game = self.game
        assert game is not None
        settings = self.settings
        player = word(settings.opponent)
        choose = f"choose player={player} {settings.strength} seed={settings.seed}"
        records = await self.talk.ask(game.command(), choose)
        choice = read_choice(records[-1])
        if choice.move:
            self.hint = Hint(choice.move, choice.value, choice.simulations)


def _values(choice: ChoiceRecord, game: PlayGame) -> tuple[float, ...]:
    """What every seat may expect by a choice; empty when it does not say."""
    players = game.now.view.players
    return choice.values if len(choice.values) == players else ()
