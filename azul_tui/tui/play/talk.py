"""Talking with the engine about one game: which one is asked, and what is being waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from azul_tui.runs.events import number, text
from azul_tui.tui.engine.process import EngineRecord, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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


class EngineTalk:
    """The talk of one session.

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
        self.words = ""
        """What is being waited for while players are loaded."""
        self.progress: tuple[float, float] | None = None
        """Done and total of it."""
        self.progress_since = clock()

    @property
    def alive(self) -> bool:
        """Whether there is an engine, with its players loaded."""
        return self._engine is not None and self._engine.alive

    async def load(self, players: Sequence[str]) -> None:
        """Have an engine that knows the players; the first time it takes a while.

        Raises:
            EngineError: There is none, or it knows nobody of such a name.
        """
        self.words, self.progress = "starting the engine", None
        self._changed()
        if not self.alive:
            self._engine = None
        for player in players:
            await self.ask(f"load player={word(player)}")
        self.words, self.progress = "", None

    async def ask(self, *commands: str) -> list[EngineRecord]:
        """The last records of commands, none of anybody else's between them.

        Raises:
            EngineError: One was refused, or the engine is gone.
        """
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


def word(player: str) -> str:
    """A player's name as one word of a command; names of runs and folders may hold blanks."""
    return quoted(player) if " " in player else player
