"""Different players at one table of three or four: every seating on one bag.

Each bag is played once with every order of the players round the table, 6 games for three and 24
for four, so that neither the seat nor the neighbours favour anybody. The bag is the unit of all
intervals. (`a` against copies of `b` is `play_match` with `players=3` or 4.)
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.arena.games import GameResults, ProgressReport, StopRequest, play_games
from azul_tui.arena.match import bag_seeds
from azul_tui.arena.statistics import (
    Interval,
    elo_difference,
    finite_or_none,
    mean_interval,
    score_interval,
)
from azul_tui.errors import ConfigError, PlayerError
from azul_tui.game.constants import MAX_PLAYERS, MIN_PLAYERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.players.registry import Player


@dataclass(frozen=True)
class Standing:
    """How one player did at the table."""

    name: str
    share: Interval
    """Mean win share with its 95% interval; equals have 1/P."""
    rank: Interval
    """Mean place, 1 the best, with its 95% interval."""
    points: float
    elo: float
    """Elo points above the others, taken as equals; infinite at a share of 0 or 1."""


@dataclass(frozen=True, kw_only=True)
class TableResult:
    """What a number of bags at one table say."""

    seed: int
    games: int
    bags: int
    """Bags on which every seating was played to its end; only these count."""
    standings: tuple[Standing, ...]
    """In the order in which the players were given."""
    first_seat_share: float
    """Mean win share of the seat that begins."""
    moves_per_game: float
    seconds: float
    results: GameResults = field(repr=False, compare=False)

    def record(self) -> dict[str, object]:
        """Plain numbers and texts for an event record."""
        return {
            "seed": self.seed,
            "games": self.games,
            "bags": self.bags,
            "first_seat_share": self.first_seat_share,
            "moves_per_game": self.moves_per_game,
            "seconds": self.seconds,
            "standings": [
                {
                    "name": standing.name,
                    "share": standing.share.mean,
                    "share_low": standing.share.low,
                    "share_high": standing.share.high,
                    "rank": standing.rank.mean,
                    "rank_low": finite_or_none(standing.rank.low),
                    "rank_high": finite_or_none(standing.rank.high),
                    "points": standing.points,
                    "elo": finite_or_none(standing.elo),
                }
                for standing in self.standings
            ],
        }


def play_table(
    players: Sequence[Player],
    bags: int,
    seed: int,
    on_progress: ProgressReport | None = None,
    stop: StopRequest | None = None,
    *,
    deterministic: bool = True,
) -> TableResult:
    """Play every seating of `players` on each of `bags` bags.

    Args:
        players: One for each seat, all made for a table of that many.
        bags: Each costs P! games.
        seed: Any integer; decides the deals and the streams.
        on_progress: Told games done and games in all, after every move.
        stop: Asked before every move; unfinished bags are then left out.
        deterministic: Ties by the lowest action index, no noise.

    Raises:
        PlayerError: There are not 2 to 4 players, or one of them chose an illegal move.
        ConfigError: `bags` is below 1.
    """
    seats = len(players)
    if not MIN_PLAYERS <= seats <= MAX_PLAYERS:
        raise PlayerError(f"a table takes 2, 3 or 4 players, got {seats}")
    if bags < 1:
        raise ConfigError(f"bags must be at least 1, got {bags}")
    orders = np.array(list(itertools.permutations(range(seats))), np.int64)
    deals, streams = bag_seeds(seed, 0, bags, len(orders))
    results = play_games(
        players,
        np.tile(orders, (bags, 1)),
        deals,
        streams,
        deterministic=deterministic,
        on_progress=on_progress,
        stop=stop,
    )
    return summarise_table(results, seed, len(orders))


def summarise_table(results: GameResults, seed: int, games_per_bag: int) -> TableResult:
    """The standings from the games of whole bags.

    Args:
        results: Games, those of a bag next to each other.
        seed: Recorded as it is.
        games_per_bag: P! for every seating.
    """
    whole = results.finished.reshape(-1, games_per_bag).all(axis=1)
    kept = np.repeat(whole, games_per_bag)
    bags = int(whole.sum())
    games = bags * games_per_bag
    seats = results.seating.shape[1]
    standings: list[Standing] = []
    for number, name in enumerate(results.players):
        here = results.seating[kept] == number
        share = score_interval(results.shares[kept][here].reshape(bags, games_per_bag).mean(axis=1))
        standings.append(
            Standing(
                name=name,
                share=share,
                rank=mean_interval(
                    results.ranks[kept][here].reshape(bags, games_per_bag).mean(axis=1)
                ),
                points=float(results.scores[kept][here].sum()) / max(1, games),
                elo=elo_difference(share.mean, seats),
            )
        )
    return TableResult(
        seed=seed,
        games=games,
        bags=bags,
        standings=tuple(standings),
        first_seat_share=float(results.shares[kept, 0].sum()) / max(1, games),
        moves_per_game=float(results.moves[kept].sum()) / max(1, games),
        seconds=float(results.seconds.sum()),
        results=results,
    )
