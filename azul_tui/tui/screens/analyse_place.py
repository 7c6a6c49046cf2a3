"""What all parts of the Analyse place have in common: the study, the talk about it, its picture."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from azul_tui.runs.text import plain_text
from azul_tui.tui.analyse.entries import distinct_moves
from azul_tui.tui.analyse.moves import MoveList
from azul_tui.tui.analyse.picture import analyse_body, split, table_inside
from azul_tui.tui.analyse.session import AnalyseSession
from azul_tui.tui.analyse.state import AnalyseState
from azul_tui.tui.analyse.table import Look
from azul_tui.tui.analyse.thinking import Thinking
from azul_tui.tui.screens.place import PictureScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from azul_tui.tui.analyse.entries import Entry
    from azul_tui.tui.analyse.thinking import AskedEngine
    from azul_tui.tui.picture import Picture

WORK = "analyse"


class AnalysePlace(PictureScreen):
    """A position, what networks say of it, and the one thing that the engine is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.session = AnalyseSession()
        self.thinking = Thinking(self.session, self._engine, self.redraw)
        self.moves = MoveList(self.session)
        self.other: int | None = None
        """The seat whose board the reader wants to see where there is no room for all."""
        self.message = ""
        self.is_bad = False
        self.walking = False

    # -- what is shown

    def chosen(self) -> Entry | None:
        """The move under the pointer."""
        return self.moves.chosen(self.azul.clock())

    def state(self) -> AnalyseState:
        """Everything that the picture depends on."""
        moves, now = self.moves, self.azul.clock()
        rows = moves.rows(now)
        look = Look(
            chosen=moves.chosen_index(rows),
            first=moves.first,
            sorted_by=moves.sort_column().key,
            descending=moves.descending,
            compared=moves.is_compared,
            signs=self.azul.signs,
        )
        return AnalyseState(
            session=self.session,
            rows=rows,
            total=len(distinct_moves(self.session.here.view)),
            columns=moves.columns(),
            look=look,
            filter=plain_text(moves.filter, 30),
            held=moves.is_held(now) and bool(self.thinking.activity),
            activity=self.activity(),
            trouble=self.thinking.trouble,
            message=self.message,
            bad=self.is_bad,
            depth=self.azul.depth,
            signs=self.azul.signs,
            other=self.other,
        )

    def activity(self) -> str:
        """What is going on, in words."""
        if self.thinking.activity:
            return self.thinking.activity
        if self.session.stopped and not self.session.is_done:
            return "stopped; space goes on"
        return ""

    def body(self, width: int, height: int) -> Picture:
        """Board, words and table."""
        state = self.state()
        room = table_inside(split(state, width, height))[1] - 1
        first = self.moves.scroll(state.look.chosen, len(state.rows), room)
        state = replace(state, look=replace(state.look, first=first))
        return analyse_body(state, width, height)

    # -- the talk with the engine

    async def _engine(self) -> AskedEngine:
        """The dashboard's engine."""
        return await self.azul.engine.get()

    def work(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do this instead of what is under way."""
        self.run_worker(work, group=WORK, exclusive=True)

    def is_working(self) -> bool:
        """Whether the engine is asked something for this place."""
        return any(worker.group == WORK and not worker.is_finished for worker in self.workers)

    def stop_working(self) -> None:
        """Ask nothing more, and stop what the engine is doing."""
        self.workers.cancel_group(self, WORK)  # pyright: ignore[reportUnknownMemberType]

    def think(self) -> None:
        """Ask on."""
        self.walking = False
        self.redraw()
        if not self.session.stopped and not self.session.is_done:
            self.work(self.think_on)
        else:
            self.stop_working()

    def seat_networks(self) -> bool:
        """Whether there are networks for this table."""
        raise NotImplementedError

    async def think_on(self) -> None:
        """Ask what is not known yet."""
        if self.seat_networks():
            await self.thinking.think()

    def say(self, words: str, *, bad: bool = False) -> None:
        """Answer a key in words, until the next one."""
        self.message, self.is_bad = words, bad
        self.redraw()
