"""Results of matches kept as lines of text, from which ratings are fitted again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np

from azul_tui.arena.games import GameResults
from azul_tui.arena.match import bag_seeds, match_seating
from azul_tui.arena.ratings import RatedGames
from azul_tui.errors import JobError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from azul_tui.arena.match import MatchResult
    from azul_tui.arena.statistics import FloatArray
    from azul_tui.game.kernel import Int64Array, Uint64Array


# -- matches kept for ratings in a line of text each, without their moves
#
# A match of `play_match` is decided by its seed, so a line needs no deals and no seating: only who
# played whom, and every game's win shares in twelfths, one hexadecimal digit a seat.

_PARTS: Final = 12
"""Of a win share: a victory is shared by two, three or four."""
_LONGEST_NAME: Final = 200


class KeptMatch(NamedTuple):
    """What ratings need of a match: G games of whole pairs at a table of P seats."""

    players: tuple[str, str]
    seed: int
    shares: FloatArray
    """`(G, P)`."""


def keep_match(result: MatchResult) -> KeptMatch:
    """The whole pairs of a match, which must be its first ones."""
    results = result.results
    return KeptMatch(
        (result.player_a, result.player_b), result.seed, results.shares[: result.games]
    )


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


def joined_matches(matches: Sequence[KeptMatch]) -> RatedGames:
    """All games of several matches made ready for rating; a deal that several used is one bag.

    Raises:
        JobError: There is no game, or the matches have different numbers of seats.
    """
    played = [match for match in matches if len(match.shares)]
    if len({match.shares.shape[1] for match in played}) != 1:
        raise JobError("ratings need games between equally many players")
    names = tuple(dict.fromkeys(name for match in played for name in match.players))
    seating: list[Int64Array] = []
    deals: list[Uint64Array] = []
    for match in played:
        games, seats = match.shares.shape
        number = np.array([names.index(name) for name in match.players], np.int64)
        seating.append(number[match_seating(games // seats, seats)])
        deals.append(bag_seeds(match.seed, 0, games // seats, seats)[0])
    _, units = np.unique(np.concatenate(deals), return_inverse=True)
    return RatedGames(
        names,
        np.concatenate(seating),
        np.concatenate([match.shares for match in played]),
        units.astype(np.int64),
    )


# -- results of a ladder's matches as records of plain numbers, moves left out
#
# A run can append those of a new checkpoint and fit the ratings again without playing the old games
# anew. (`kept_matches` is the shorter form for matches that their seed decides.)


def results_record(results: GameResults) -> dict[str, object]:
    """The finished games as plain numbers; moves are left out."""
    done = results.finished
    return {
        "players": list(results.players),
        "seating": results.seating[done].tolist(),
        "deals": [str(deal) for deal in results.deals[done]],
        "scores": results.scores[done].tolist(),
        "shares": results.shares[done].tolist(),
        "ranks": results.ranks[done].tolist(),
        "moves": results.moves[done].tolist(),
        "seconds": results.seconds.tolist(),
        "decisions": results.decisions.tolist(),
    }


def results_from_record(record: Mapping[str, Any]) -> GameResults:
    """What `results_record` wrote, without the moves.

    Raises:
        JobError: A field is missing or does not fit the others.
    """
    try:
        players = tuple(str(name) for name in cast("list[object]", record["players"]))
        seating = np.array(record["seating"], np.int64)
        results = GameResults(
            players=players,
            seating=seating,
            deals=np.array([int(deal) for deal in record["deals"]], np.uint64),
            finished=np.ones(len(seating), bool),
            scores=np.array(record["scores"], np.int64),
            shares=np.array(record["shares"], np.float64),
            ranks=np.array(record["ranks"], np.float64),
            moves=np.array(record["moves"], np.int64),
            actions=np.full((len(seating), 0), -1, np.int16),
            seconds=np.array(record["seconds"], np.float64),
            decisions=np.array(record["decisions"], np.int64),
        )
        shape = results.seating.shape
        if not (
            len(shape) == 2
            and results.shares.shape == shape == results.scores.shape == results.ranks.shape
            and len(results.deals) == len(results.moves) == shape[0]
            and 0 <= int(seating.min()) <= int(seating.max()) < len(players)
        ):
            raise ValueError("shapes differ")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise JobError(
            f"a record of a ladder is damaged ({error}); leave it out or play the match again"
        ) from error
    return results
