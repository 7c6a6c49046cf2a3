"""The recorded games of one run: the list, the game that is replayed, and what is thought of it.

Knows nothing of the engine's process or of the screen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from azul_tui.errors import AzulError
from azul_tui.game.notation import parse_position
from azul_tui.tui.board.marks import Marks, Move

if TYPE_CHECKING:
    from azul_tui.game.view import PositionView
    from azul_tui.tui.engine.records import ListedGame, RecordedGameRecord, ReviewedMove

MISTAKE = 0.15
"""Expected outcome lost from which the engine calls a move a mistake."""


@dataclass(slots=True)
class Replay:
    """One game, looked at move by move."""

    listed: ListedGame
    game: RecordedGameRecord
    at: int = 0
    """Moves played so far: 0 is the first deal."""
    reviews: list[ReviewedMove] = field(default_factory=list["ReviewedMove"])
    """By number; they come in while the game is looked at."""
    mistakes: tuple[int, ...] = ()
    """Numbers of the worst moves, the worst first; known when the review has ended."""
    is_reviewed: bool = False
    trouble: str = ""
    """Why there is no review."""
    _views: dict[int, PositionView] = field(default_factory=dict[int, "PositionView"])

    @property
    def last(self) -> int:
        """Moves of the whole game."""
        return len(self.game.positions) - 1

    @property
    def notation(self) -> str:
        """The position that is looked at."""
        return self.game.positions[self.at]

    @property
    def view(self) -> PositionView:
        """The same as plain values.

        Raises:
            NotationError: The engine gave something else.
        """
        if self.at not in self._views:
            self._views[self.at] = parse_position(self.notation)
        return self._views[self.at]

    def go(self, at: int) -> None:
        """Look at the position after `at` moves, or the nearest there is."""
        self.at = min(max(at, 0), self.last)

    def next_mistake(self) -> int | None:
        """The position before the next of the worst moves, the first after the last."""
        numbers = sorted(self.mistakes)
        return next((number for number in numbers if number > self.at), next(iter(numbers), None))

    def review(self, number: int) -> ReviewedMove | None:
        """What is thought of move `number`, from 0; None before it is known."""
        return self.reviews[number] if 0 <= number < len(self.reviews) else None

    def marks(self) -> Marks:
        """The move that led here, and the better one where the next is a mistake."""
        players = self.game.players
        last = hint = None
        if self.at > 0:
            last = Move.parse(self.game.moves[self.at - 1], players)
        here = self.review(self.at)
        if here is not None and here.best and (here.swing or 0.0) >= MISTAKE:
            hint = Move.parse(here.best, players)
        seat = self.game.movers[self.at - 1] if self.at > 0 else -1
        return Marks(last=last, last_seat=seat, hint=hint)

    def names(self) -> list[str]:
        """A name for every seat; those that would be equal carry their seat."""
        names = list(self.listed.names)
        if len(names) != self.game.players:
            return [f"player {seat + 1}" for seat in range(self.game.players)]
        return [
            f"{name} {seat + 1}" if names.count(name) > 1 else name
            for seat, name in enumerate(names)
        ]


def check_game(listed: ListedGame, game: RecordedGameRecord) -> Replay:
    """The replay of a game that the engine has told.

    Raises:
        AzulError: It does not hang together, which a fault alone can bring about.
    """
    count = len(game.moves)
    if len(game.positions) != count + 1 or len(game.movers) != count:
        raise AzulError(f"{listed.label}: the engine told {count} moves and other positions")
    replay = Replay(listed, game)
    assert replay.view
    return replay


@dataclass(slots=True)
class GameList:
    """The games of a run, and the one under the pointer."""

    games: tuple[ListedGame, ...] = ()
    unreadable: tuple[str, ...] = ()
    chosen: int = 0
    first: int = 0
    """First row of the table that is seen."""
    is_listed: bool = False

    def fill(self, games: tuple[ListedGame, ...], unreadable: tuple[str, ...]) -> None:
        """Take a new list; the pointer stays on its game."""
        before = self.current()
        self.games, self.unreadable, self.is_listed = games, unreadable, True
        if before is not None:
            same = (before.file, before.index)
            places = [at for at, game in enumerate(games) if (game.file, game.index) == same]
            self.chosen = places[0] if places else self.chosen
        self.move(0)

    def current(self) -> ListedGame | None:
        """The game under the pointer."""
        return self.games[self.chosen] if self.games else None

    def move(self, step: int) -> None:
        """Move the pointer."""
        self.chosen = min(max(self.chosen + step, 0), max(0, len(self.games) - 1))
