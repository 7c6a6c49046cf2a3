"""Putting a session's questions to the engine, one after another, and taking the answers.

Cancelling a task that waits here stops the engine's search as well (see `Engine.ask_in_turn`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from azul_tui.errors import AzulError, NotationError
from azul_tui.game.notation import parse_position
from azul_tui.runs.text import plain_text
from azul_tui.tui.engine.records import read_analysis, read_position

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from azul_tui.game.view import PositionView
    from azul_tui.tui.analyse.session import AnalyseSession, Question


class AskedEngine(Protocol):
    """What is needed of an engine."""

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        ...

    async def ask_in_turn(
        self,
        commands: Sequence[str],
        on_record: Callable[[dict[str, Any]], None] | None = None,
    ) -> list[dict[str, Any]]:
        """The last records of several commands."""
        ...


class Thinking:
    """The talk with the engine about one session.

    Args:
        session: What is asked about.
        engine: Gives the engine, started if need be.
        changed: Called whenever there is something new to show.
    """

    def __init__(
        self,
        session: AnalyseSession,
        engine: Callable[[], Awaitable[AskedEngine]],
        changed: Callable[[], None],
    ) -> None:
        self.session = session
        self.activity = ""
        """What the engine is doing, in words."""
        self.trouble = ""
        """Why it does nothing more, in one sentence."""
        self.is_gone = False
        """Whether the trouble is that there is no engine."""
        self._engine = engine
        self._changed = changed

    async def think(self) -> None:
        """Ask until everything is known, the session is stopped, or something is in the way."""
        try:
            while not self.session.stopped and (question := self.session.next_question()):
                await self._ask(question)
        except AzulError as error:
            self._is_in_trouble(error)
        finally:
            self._busy_with("")

    def refuse(self, words: str) -> None:
        """Ask nothing, because of what `words` say."""
        self.trouble, self.is_gone = words, False
        self._changed()

    async def walk(self, notation: str, moves: Sequence[str], seed: int) -> PositionView | None:
        """The position after `moves` from `notation`; None when there is trouble, which is kept.

        Raises:
            NotationError: The engine refused the position or a move, and is fine itself.
        """
        played = f" moves {', '.join(moves)}" if moves else ""
        try:
            engine = await self._start()
            self._busy_with("playing the move" if moves else "laying out the position")
            try:
                laid = f"position {notation} seed={seed} setup=1{played}"
                (record,) = await engine.ask_in_turn([laid])
            except AzulError as error:
                if engine.alive:
                    raise NotationError(str(error)) from None
                raise
            return parse_position(read_position(record).notation)
        except NotationError:
            raise
        except AzulError as error:
            self._is_in_trouble(error)
            return None
        finally:
            self._busy_with("")

    async def _start(self) -> AskedEngine:
        """The engine."""
        self.trouble, self.is_gone = "", False
        self._busy_with("starting the engine")
        try:
            return await self._engine()
        except AzulError:
            self.is_gone = True
            raise

    async def _ask(self, question: Question) -> None:
        engine = await self._start()
        self._busy_with(f"{question.player}: {question.simulations:,} simulations")

        def hear(record: dict[str, Any]) -> None:
            if record.get("event") == "progress":
                words = plain_text(str(record.get("text") or "preparing"), 60)
                done, total = record.get("done"), record.get("total")
                of = f", {done} of {total}" if isinstance(done, int) and total else ""
                self._busy_with(f"{words}{of}")
            elif record.get("event") == "analysis":
                # The search is there, the games for its margins are still being played.
                self.session.take(read_analysis(record), question._replace(margins=0))
                self._busy_with(f"playing games for the margins of {question.player}")

        try:
            laid = f"position {question.notation} seed={self.session.seed} setup=1"
            commands = [laid, question.command]
            answers = await engine.ask_in_turn(commands, hear)
        except AzulError:
            self.is_gone = not engine.alive
            raise
        analysis = read_analysis(answers[-1])
        if not analysis.moves:
            raise AzulError("the engine answered without a single move")
        self.session.take(analysis, question)
        self._changed()

    def _is_in_trouble(self, error: AzulError) -> None:
        words = plain_text(str(error), 400)
        other_table = re.search(r" is for ([2-4]) players", words)
        if self.is_gone:
            self.trouble = f"{words}; r starts it again"
        elif other_table is not None:
            seats = other_table[1]
            self.trouble = f"{words}; m chooses another network, N leads to openings for {seats}"
        else:
            self.trouble = f"{words}; m chooses another network, r asks again"

    def _busy_with(self, words: str) -> None:
        self.activity = words
        self._changed()
