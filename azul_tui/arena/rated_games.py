"""Games made ready for rating: who sat where, who won, which games shared a bag.

Shapes: G games, P seats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from azul_tui.errors import JobError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.arena.games import GameResults
    from azul_tui.arena.statistics import FloatArray
    from azul_tui.game.kernel import Int64Array


class RatedGames(NamedTuple):
    """Games between named players, all with the same number of seats."""

    names: tuple[str, ...]
    seating: Int64Array
    """`(G, P)`: index in `names` of who sat on each seat; a name may sit twice."""
    shares: FloatArray
    """`(G, P)` win shares, each row adding up to 1."""
    units: Int64Array
    """`(G,)`: number of the bag; games of equal number are weighted together."""


def rated_games(matches: Sequence[GameResults]) -> RatedGames:
    """The finished games of several matches; a deal that several used is one bag.

    Raises:
        JobError: There is no finished game, or the matches have different numbers of seats.
    """
    seats = {match.seating.shape[1] for match in matches}
    if len(seats) != 1 or not any(match.finished.any() for match in matches):
        raise JobError(
            "ratings need finished games between equally many players; there are matches of"
            f" {sorted(seats)} seats"
        )
    names = tuple(dict.fromkeys(name for match in matches for name in match.players))
    seating: list[Int64Array] = []
    for match in matches:
        number = np.array([names.index(name) for name in match.players], np.int64)
        seating.append(number[match.seating[match.finished]])
    deals = np.concatenate([match.deals[match.finished] for match in matches])
    _, units = np.unique(deals, return_inverse=True)
    return RatedGames(
        names,
        np.concatenate(seating),
        np.concatenate([match.shares[match.finished] for match in matches]),
        units.astype(np.int64),
    )


def check_connected(games: RatedGames, anchor: str) -> None:
    """Raise JobError when somebody cannot be compared with the anchor."""
    reached = np.zeros(len(games.names), bool)
    reached[games.names.index(anchor)] = True
    for _ in games.names:
        touched = reached[games.seating].any(axis=1)
        reached[games.seating[touched]] = True
    if not reached.all():
        apart = [name for name, found in zip(games.names, reached, strict=True) if not found]
        raise JobError(
            f"{', '.join(apart)} cannot be rated: no chain of games leads to {anchor}; let them"
            " play somebody who is rated"
        )
