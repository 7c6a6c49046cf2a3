"""One scale for many players: ratings fitted to all results together, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from azul_tui.arena.statistics import ELO_SCALE, FloatArray
from azul_tui.errors import JobError
from azul_tui.game.kernel import Int64Array, kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.arena.games import GameResults


# -- games made ready for rating: who sat where, who won, which games shared a bag
#
# Shapes: G games, P seats.


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


# -- one scale for many players: ratings fitted to all results together, with intervals
#
# The model is Bradley and Terry's with a term for the seat, and Luce's for more than two seats:
# each player has a strength r, each seat an advantage h, and seat i wins with probability
# softmax(r + h)_i; a shared victory counts in parts. `anchor` (`random`) stands at 0. Fitting all
# games at once is what makes it a scale: a chain of newest against previous would drift.
#
# The scale is told from the anchor, but few players meet it in games that anybody might win. So an
# interval says how far a player is known from the *centre* of all players, each weighted by the
# information in its games (p (1 - p) summed over them): two players whose intervals lie apart
# differ, however vaguely both are known from `random`. Intervals against the anchor can be had too.
#
# Intervals are a Bayesian bootstrap over bags (Rubin, 1981): every bag, with all games that were
# played on it by whomever, gets a random weight, and the fit is repeated. So that a player who
# won or lost everything has a finite rating, each two players that met get one drawn game extra;
# in the bootstrap its weight is random too, which is what keeps the interval of a 100% result as
# wide as it should be. Shapes: N players, G games, P seats, B bootstrap fits.

_NEWTON_STEPS: Final = 60
_LONGEST_STEP: Final = 2.0
_TINY: Final = 1e-9
_RIDGE: Final = 1e-6


class Rating(NamedTuple):
    """One player's place on the scale, in Elo points above the anchor."""

    name: str
    elo: float
    low: float
    high: float
    """95% interval: of the difference to the centre, moved along with the scale."""
    games: int
    score: float
    """Mean win share over all its games."""
    weight: float
    """Its part in the centre; all parts add up to 1."""


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """The fitted ladder, strongest first."""

    ratings: tuple[Rating, ...]
    seat_elo: tuple[float, ...]
    """Advantage of each seat in Elo points over the last one."""
    anchor: str

    def record(self) -> dict[str, object]:
        """Plain numbers and texts for an event record."""
        return {
            "anchor": self.anchor,
            "seat_elo": list(self.seat_elo),
            "ratings": [rating._asdict() for rating in self.ratings],
        }


class _Table(NamedTuple):
    """Games with equal seating added up: K seatings."""

    seating: Int64Array
    """`(K, P)`; the last rows are the drawn games extra, one for each two that met."""
    unit_rows: Int64Array
    """`(G,)`: row of each game."""
    extra: int
    """How many rows are extra."""
    columns: Int64Array
    """`(K, 2 P)`: where in the parameters the strengths of a row's seats stand, then the seats."""
    present: FloatArray
    """`(K, P)`: 0 for the further seats of an extra row, which is a game of two only."""
    seated: FloatArray
    """`(K, P)`: 0 in an extra row, which knows no seats."""


def _tabulate(games: RatedGames) -> _Table:
    """Which games have the same seating, and which players met."""
    players, seats = len(games.names), games.seating.shape[1]
    rows, inverse = np.unique(games.seating, axis=0, return_inverse=True)
    met = np.zeros((players, players), bool)
    for first in range(seats):
        for second in range(seats):
            met[rows[:, first], rows[:, second]] = True
    pairs = np.argwhere(np.triu(met, 1))
    extra = np.repeat(pairs[:, :1], seats, axis=1)
    extra[:, 1] = pairs[:, 1]
    seating = np.concatenate([rows, extra]).astype(np.int64)
    places = np.tile(players + np.arange(seats, dtype=np.int64), (len(seating), 1))
    present, seated = np.ones(seating.shape), np.ones(seating.shape)
    present[len(rows) :, 2:] = 0.0
    seated[len(rows) :] = 0.0
    columns = np.concatenate([seating, places], axis=1)
    return _Table(seating, inverse.reshape(-1), len(pairs), columns, present, seated)


def _sums(
    games: RatedGames, table: _Table, weights: FloatArray, extra: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Weighted shares `(K, P)` and number of games `(K,)` of each row of `table`."""
    rows, seats = table.seating.shape
    real = rows - table.extra
    shares = np.zeros((rows, seats))
    for seat in range(seats):
        shares[:real, seat] = np.bincount(
            table.unit_rows, weights * games.shares[:, seat], minlength=real
        )
    shares[real:, :2] = extra[:, None] / 2
    return shares, shares.sum(axis=1)


def _chances(table: _Table, beta: FloatArray) -> FloatArray:
    """Win chances `(K, P)`."""
    logits = beta[table.columns[:, : table.seating.shape[1]]]
    logits = logits + table.seated * beta[table.columns[:, table.seating.shape[1] :]]
    odds = table.present * np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def _added(cells: Int64Array, parts: FloatArray, size: int) -> FloatArray:
    """`(size,)`: the sums of `parts` that belong to each cell."""
    return np.bincount(cells, parts.ravel(), minlength=size).astype(np.float64)


@kernel
def _solve(matrix: FloatArray, right: FloatArray) -> None:
    """Write x with `matrix` x = `right` into `right` `(n,)`; a positive definite matrix is spoilt.

    By Cholesky's decomposition. Numpy's would start threads for a matrix of a hundred rows, and
    on a busy machine wait for them forty times as long as it computes.
    """
    size = len(right)
    for column in range(size):
        for row in range(column, size):
            rest = matrix[row, column]
            for before in range(column):
                rest -= matrix[row, before] * matrix[column, before]
            if row == column:
                matrix[row, row] = np.sqrt(rest)
            else:
                matrix[row, column] = rest / matrix[column, column]
    for row in range(size):
        for before in range(row):
            right[row] -= matrix[row, before] * right[before]
        right[row] /= matrix[row, row]
    for row in range(size - 1, -1, -1):
        for after in range(row + 1, size):
            right[row] -= matrix[after, row] * right[after]
        right[row] /= matrix[row, row]


def _fit(
    table: _Table, shares: FloatArray, counts: FloatArray, start: FloatArray, anchor: int
) -> FloatArray:
    """Maximum-likelihood strengths and seat terms `(N + P,)`, by Newton's method.

    Slope and curvature are added up from the few parameters that a seating touches: with a
    hundred checkpoints a matrix of all of them would be nearly empty.
    """
    size = len(start)
    free = np.ones(size, bool)
    free[[anchor, size - 1]] = False
    beta = start.copy()
    parts = np.concatenate([np.ones_like(table.seated), table.seated], axis=1)
    cells = (table.columns[:, :, None] * size + table.columns[:, None, :]).ravel()
    both = parts[:, :, None] * parts[:, None, :]
    for _ in range(_NEWTON_STEPS):
        chance = _chances(table, beta)
        left = np.tile(shares - counts[:, None] * chance, 2) * parts
        slope = _added(table.columns.ravel(), left, size)
        known = -chance[:, :, None] * chance[:, None, :]
        known[:, *np.diag_indices(chance.shape[1])] += chance
        blocks = np.tile(counts[:, None, None] * known, (1, 2, 2)) * both
        curve = _added(cells, blocks, size * size).reshape(size, size)
        curve += _RIDGE * np.eye(size)
        move = slope[free]
        _solve(curve[np.ix_(free, free)], move)
        step = np.zeros(size)
        step[free] = move
        longest = float(np.abs(step).max())
        beta += step * min(1.0, _LONGEST_STEP / max(longest, _TINY))
        if longest < _TINY:
            break
    return beta


def fit_ratings(
    games: RatedGames,
    *,
    anchor: str = "random",
    bootstraps: int = 200,
    against: Literal["centre", "anchor"] = "centre",
    generator: np.random.Generator | None = None,
) -> Ratings:
    """Ratings of all players from all games.

    Args:
        games: What was played.
        anchor: The player at 0.
        bootstraps: B; 0 leaves the intervals empty (low = high = the rating).
        against: What the intervals are told against.
        generator: Weights of the bootstrap; a fixed seed if None.

    Raises:
        JobError: `anchor` did not play, or somebody has no chain of games to the anchor.
    """
    if anchor not in games.names:
        raise JobError(
            f"ratings are told from {anchor}, who has not played; those who have are"
            f" {', '.join(games.names)}"
        )
    check_connected(games, anchor)
    rng = np.random.default_rng(0) if generator is None else generator
    table = _tabulate(games)
    players, seats = len(games.names), games.seating.shape[1]
    fixed = games.names.index(anchor)
    start = np.zeros(players + seats)
    once, extra = np.ones(len(games.units)), np.ones(table.extra)
    best = _fit(table, *_sums(games, table, once, extra), start, fixed)
    draws = np.tile(best, (max(1, bootstraps), 1))
    for index in range(bootstraps):
        unit_weights = rng.exponential(size=int(games.units.max()) + 1)
        extra = rng.exponential(size=table.extra)
        draws[index] = _fit(
            table, *_sums(games, table, unit_weights[games.units], extra), best, fixed
        )
    counts = _sums(games, table, once, np.ones(table.extra))[1]
    weights = _information(table, counts, best, players)
    strengths = draws[:, :players]
    if against == "centre":
        moved = best[:players] @ weights - strengths @ weights
        strengths = strengths + moved[:, None]
    low, high = ELO_SCALE * np.quantile(strengths, [0.025, 0.975], axis=0)
    found = [
        _rating(games, number, ELO_SCALE * float(best[number]), float(low[number]),
                float(high[number]), float(weights[number]))
        for number in range(players)
    ]  # fmt: skip
    return Ratings(
        ratings=tuple(sorted(found, key=lambda rating: -rating.elo)),
        seat_elo=tuple(float(ELO_SCALE * term) for term in best[players:]),
        anchor=anchor,
    )


def _information(table: _Table, counts: FloatArray, beta: FloatArray, players: int) -> FloatArray:
    """What the games tell of each player, `(N,)`: p (1 - p) added up, in parts of the whole."""
    chance = _chances(table, beta)
    known = counts[:, None] * chance * (1.0 - chance)
    total = np.bincount(table.seating.ravel(), known.ravel(), minlength=players)
    return total / total.sum()


def _rating(
    games: RatedGames, number: int, elo: float, low: float, high: float, weight: float
) -> Rating:
    """The entry of one player; its interval always holds its rating."""
    here = games.seating == number
    seats_taken = int(here.sum())
    return Rating(
        name=games.names[number],
        elo=elo,
        low=min(low, elo),
        high=max(high, elo),
        games=int(here.any(axis=1).sum()),
        score=float(games.shares[here].sum()) / max(1, seats_taken),
        weight=weight,
    )
