"""Matches kept for ratings, a line of text each, without their moves.

A match of `play_match` is decided by its players and its seed, so a line needs no deals and no
seating: only who played whom, and every game's win shares in twelfths, one hexadecimal digit a
seat (a victory is shared by two, three or four). The evaluations of a run (`rated_games.jsonl`),
a ladder (`ladder.jsonl`) and experiments keep the same lines, and rate them in the same way.
Shapes: G games of whole pairs, P seats.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np

from azul_tui.arena.match import bag_seeds, match_seating
from azul_tui.arena.ratings import RatedGames
from azul_tui.errors import JobError
from azul_tui.runs.listing import RatingRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azul_tui.arena.match import MatchResult
    from azul_tui.arena.ratings import Ratings
    from azul_tui.arena.statistics import FloatArray
    from azul_tui.game.kernel import Int64Array, Uint64Array

_PARTS: Final = 12
_LONGEST_NAME: Final = 200
_ITERATION: Final = re.compile(r"iteration (\d{1,9})|.*checkpoint_iter_(\d{1,9})@.*", re.DOTALL)


class KeptMatch(NamedTuple):
    """What ratings need of a match."""

    players: tuple[str, str]
    seed: int
    shares: FloatArray
    """`(G, P)`."""

    @property
    def key(self) -> tuple[object, ...]:
        """What the match was: equal players, seats, games and seed are the same match."""
        return (*self.players, self.shares.shape[1], len(self.shares), self.seed)


def keep_match(result: MatchResult) -> KeptMatch:
    """The first whole pairs of a match, all of them unless it was stopped."""
    finished = result.results.finished
    games = len(finished) if finished.all() else int(np.argmin(finished))
    games -= games % result.players
    shares = result.results.shares[:games]
    return KeptMatch((result.player_a, result.player_b), result.seed, shares)


def encode_match(match: KeptMatch) -> str:
    """A line without its end."""
    twelfths = np.rint(match.shares * _PARTS).astype(np.int64)
    digits = "".join(f"{part:x}" for part in twelfths.ravel().tolist())
    fields = {"players": match.players, "seats": match.shares.shape[1], "seed": match.seed}
    return json.dumps({**fields, "twelfths": digits})


def decode_match(line: str | bytes) -> KeptMatch:
    """What `encode_match` wrote.

    Raises:
        JobError: The line is damaged.
    """
    try:
        record = cast("dict[str, Any]", json.loads(line))
        one, other = (str(name)[:_LONGEST_NAME] for name in record["players"])
        seats, digits = int(record["seats"]), str(record["twelfths"])
        parts = np.array([int(digit, 16) for digit in digits], np.float64) / _PARTS
        shares = parts.reshape(-1, seats)
        if not 2 <= seats <= 4 or len(shares) % seats or (np.abs(shares.sum(1) - 1) > 1e-9).any():
            raise ValueError("shares do not add up")
        return KeptMatch((one, other), int(record["seed"]), shares)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise JobError(f"a kept match is damaged ({type(error).__name__}); leave it out") from None


def joined_matches(matches: Iterable[KeptMatch]) -> RatedGames:
    """All games of several matches made ready for rating; a deal that several used is one bag.

    Raises:
        JobError: There is no game, or the matches have different numbers of seats.
    """
    played = [match for match in matches if len(match.shares)]
    tables = {match.shares.shape[1] for match in played}
    if len(tables) != 1:
        raise JobError(
            "ratings need finished games between equally many players; there are matches of"
            f" {sorted(tables)} seats"
        )
    seats = tables.pop()
    names = tuple(dict.fromkeys(name for match in played for name in match.players))
    seating: list[Int64Array] = []
    deals: list[Uint64Array] = []
    for match in played:
        bags = len(match.shares) // seats
        number = np.array([names.index(name) for name in match.players], np.int64)
        seating.append(number[match_seating(bags, seats)])
        deals.append(bag_seeds(match.seed, 0, bags, seats)[0])
    units = np.unique(np.concatenate(deals), return_inverse=True)[1].astype(np.int64)
    shares = np.concatenate([match.shares for match in played])
    return RatedGames(names, np.concatenate(seating), shares, units)


def iteration_of(name: str) -> int | None:
    """The iteration whose weights a rated player has, by its name."""
    found = _ITERATION.fullmatch(name)
    return int(found[1] or found[2]) if found else None


def rating_rows(ratings: Ratings) -> list[RatingRow]:
    """Fitted ratings as `runs.listing` keeps them."""
    return [
        RatingRow(
            name=rating.name,
            elo=round(rating.elo, 2),
            low=round(rating.low, 2),
            high=round(rating.high, 2),
            games=rating.games,
            score=round(rating.score, 4),
            iteration=iteration_of(rating.name),
        )
        for rating in ratings.ratings
    ]
