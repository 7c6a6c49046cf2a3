"""One game as the Play place knows it: where it began, every move, who thought what of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from azul_tui.errors import NotationError
from azul_tui.game.notation import parse_position
from azul_tui.tui.board.marks import Move
from azul_tui.tui.engine.process import EngineError
from azul_tui.tui.engine.records import PositionRecord, read_position

if TYPE_CHECKING:
    from azul_tui.game.view import PositionView
    from azul_tui.tui.engine.process import EngineRecord
    from azul_tui.tui.play.settings import PlaySettings


@dataclass(frozen=True, slots=True)
class GamePosition:
    """A position as the engine told it, and as the board draws it."""

    record: PositionRecord
    view: PositionView

    @classmethod
    def of(cls, record: EngineRecord) -> GamePosition:
        """Read a `position` record; raises EngineError when it holds no position."""
        told = read_position(record)
        try:
            return cls(told, parse_position(told.notation))
        except NotationError as error:
            raise EngineError(f"the engine told no position: {error}") from None


@dataclass(frozen=True, slots=True)
class Turn:
    """A move that was played."""

    move: str
    seat: int
    before: GamePosition
    after: GamePosition
    values: tuple[float, ...] = ()
    """What its mover thought that every seat may expect, -1 to 1; empty when nobody said."""

    @property
    def value(self) -> float | None:
        """What its mover expected for itself; None when nobody said."""
        return self.values[self.seat] if self.values else None

    @property
    def round_ended(self) -> bool:
        """Whether the round was scored after it."""
        return self.after.record.round_ended

    @property
    def gains(self) -> tuple[int, ...]:
        """Points that every seat won or lost with it."""
        pairs = zip(self.after.record.scores, self.before.record.scores, strict=True)
        return tuple(after - before for after, before in pairs)


@dataclass(slots=True)
class PlayGame:
    """The moves from `start` on."""

    base: str
    """The first position in the words of the protocol."""
    start: GamePosition
    turns: list[Turn] = field(default_factory=list["Turn"])

    @property
    def now(self) -> GamePosition:
        """The position on the board."""
        return self.turns[-1].after if self.turns else self.start

    @property
    def to_move(self) -> int:
        """Seat to move."""
        return self.now.record.to_move

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.now.record.over

    def command(self, *more: str) -> str:
        """The position here, or after `more` moves, in the words of the protocol."""
        moves = [*(turn.move for turn in self.turns), *more]
        return f"position {self.base}" + (f" moves {', '.join(moves)}" if moves else "")

    def add(self, move: str, after: GamePosition, values: tuple[float, ...] = ()) -> None:
        """Note a move that the engine has accepted."""
        self.turns.append(Turn(move, self.to_move, self.now, after, values))

    def last_move(self) -> tuple[Move | None, int]:
        """The move that led here and who made it; nothing to light at the start of a round."""
        if not self.turns or (self.turns[-1].round_ended and not self.over):
            return None, -1
        turn = self.turns[-1]
        return Move.parse(turn.move, self.now.view.players), turn.seat

    def undo_to(self, settings: PlaySettings) -> int:
        """Turns that are left when the person's last decision is taken back; -1 when none was."""
        if settings.seat is None:
            return len(self.turns) - 1
        for index in range(len(self.turns) - 1, -1, -1):
            if self.turns[index].seat == settings.seat:
                return index
        return -1

    def expected(self, seat: int) -> float | None:
        """What `seat` may expect by the newest thought about this game, -1 to 1."""
        if self.over:
            winners = self.now.record.winners
            if seat not in winners:
                return -1.0
            return 1.0 if len(winners) == 1 else 0.0
        for turn in reversed(self.turns[-8:]):
            if turn.values:
                return turn.values[seat]
        return None
