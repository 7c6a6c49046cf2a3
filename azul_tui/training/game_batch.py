"""What self-play hands over: samples of finished games, their moves, and how far a batch is.

Letters: N samples, S bytes a position, A actions, V values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class PlayedGame:
    """One game's moves, enough to replay it with the run's seed."""

    number: int
    actions: tuple[int, ...]
    """In canonical factory order."""


@dataclass(frozen=True, slots=True)
class SelfPlayTally:
    """Sums over a batch of games; add two with `+`."""

    games: int = 0
    moves: int = 0
    simulations: int = 0
    first_seat_wins: float = 0.0
    """Shared victories count by their share."""
    draws: int = 0
    entropy: float = 0.0
    """Sum over the learnt policies, in nats."""
    policies: int = 0

    def __add__(self, other: SelfPlayTally) -> SelfPlayTally:
        """Sums of both."""
        return SelfPlayTally(
            self.games + other.games,
            self.moves + other.moves,
            self.simulations + other.simulations,
            self.first_seat_wins + other.first_seat_wins,
            self.draws + other.draws,
            self.entropy + other.entropy,
            self.policies + other.policies,
        )


@dataclass(frozen=True, slots=True)
class GameBatch:
    """The samples of finished games, in order of game number."""

    states: npt.NDArray[np.int8]
    """`(N, S)`."""
    policies: npt.NDArray[np.float16]
    """`(N, A)`; zeros where only the value is learnt."""
    outcomes: npt.NDArray[np.float32]
    """`(N, V)` in [-1, 1], seen by the mover."""
    games: tuple[PlayedGame, ...]
    samples: npt.NDArray[np.int64]
    """`(len(games),)` samples of each game."""
    tally: SelfPlayTally = field(default_factory=SelfPlayTally)


@dataclass(frozen=True, slots=True)
class SelfPlayProgress:
    """How far a batch of games is, for people to look at."""

    games: int
    simulations: int
    position: bytes
    """The position under play at the first place."""
    number: int
    """Its game number."""
    moves: int
    """Moves made in it."""
    last_action: int = -1
    """The last of them, -1 before the first."""
    value: float | None = None
    """What the last search thought of the position it moved from, seen by its mover."""


def merge_batches(batches: Sequence[GameBatch]) -> GameBatch:
    """All games of `batches` in order of number, whoever played them and whenever."""
    games = [game for batch in batches for game in batch.games]
    samples = np.concatenate([batch.samples for batch in batches])
    numbers = np.asarray([game.number for game in games], np.int64)
    # Rows keep their order within a game, so sorting them by game is all there is to do.
    rows = np.argsort(np.repeat(numbers, samples), kind="stable")
    order: list[int] = np.argsort(numbers, kind="stable").tolist()
    return GameBatch(
        states=np.concatenate([batch.states for batch in batches])[rows],
        policies=np.concatenate([batch.policies for batch in batches])[rows],
        outcomes=np.concatenate([batch.outcomes for batch in batches])[rows],
        games=tuple(games[game] for game in order),
        samples=samples[order],
        tally=sum((batch.tally for batch in batches), SelfPlayTally()),
    )
