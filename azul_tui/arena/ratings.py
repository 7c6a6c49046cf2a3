"""One scale for many players: ratings fitted to all results together, with intervals.

The model is Bradley and Terry's with a term for the seat, and Luce's for more than two seats: each
player has a strength r, each seat an advantage h, and seat i wins with probability
softmax(r + h)_i; a shared victory counts in parts. The anchor (`random`) stands at 0. Fitting all
games at once is what makes it a scale: a chain of newest against previous would drift.

The scale is told from the anchor, but few players meet it in games that anybody might win. So an
interval says how far a player is known from the *centre* of all players, each weighted by the
information in its games (p (1 - p) summed over them): two players whose intervals lie apart
differ, however vaguely both are known from `random`.

Intervals are a Bayesian bootstrap over bags (Rubin, 1981): every bag, with all games that were
played on it by whomever, gets a random weight, and the fit is repeated. So that a player who won
or lost everything has a finite rating, each two players that met get one drawn game extra; in the
bootstrap its weight is random too, which is what keeps the interval of a 100% result as wide as it
should be.
Shapes: N players, G games, P seats, K different seatings, B bootstrap fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from azul_tui.arena.statistics import ELO_SCALE, FloatArray
from azul_tui.errors import JobError
from azul_tui.game.kernel import Int64Array, kernel

_NEWTON_STEPS: Final = 60
_LONGEST_STEP: Final = 2.0
_TINY: Final = 1e-9
_RIDGE: Final = 1e-6


class RatedGames(NamedTuple):
    """Games between named players, all with the same number of seats."""

    names: tuple[str, ...]
    seating: Int64Array
    """`(G, P)`: index in `names` of who sat on each seat; a name may sit twice."""
    shares: FloatArray
    """`(G, P)` win shares, each row adding up to 1."""
    units: Int64Array
    """`(G,)`: number of the bag; games of equal number are weighted together."""


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


class _Seatings(NamedTuple):
    """The K different seatings of the games, and behind them the drawn games extra."""

    of_game: Int64Array
    """`(G,)`: row of each game."""
    extra: int
    """How many rows are extra, one for each two players that met."""
    columns: Int64Array
    """`(K, 2 P)`: where in the parameters the strengths of a row's seats stand, then the seats."""
    parts: FloatArray
    """`(K, 2 P)`: 0 for what does not count in an extra row, a game of two that knows no seats."""


def _tabulate(games: RatedGames) -> _Seatings:
    """Which games have the same seating, and which players met."""
    players, seats = len(games.names), games.seating.shape[1]
    rows, inverse = np.unique(games.seating, axis=0, return_inverse=True)
    met = np.zeros((players, players), bool)
    for first, second in np.ndindex(seats, seats):
        met[rows[:, first], rows[:, second]] = True
    pairs = np.argwhere(np.triu(met, 1))
    extra = np.repeat(pairs[:, :1], seats, axis=1)
    extra[:, 1] = pairs[:, 1]
    seating = np.concatenate([rows, extra])
    places = np.tile(np.arange(players, players + seats, dtype=np.int64), (len(seating), 1))
    parts = np.ones((len(seating), 2 * seats))
    parts[len(rows) :, 2:] = 0.0
    columns = np.concatenate([seating, places], axis=1)
    return _Seatings(inverse.reshape(-1), len(pairs), columns, parts)


def _sum_shares(
    games: RatedGames, table: _Seatings, weights: FloatArray, extra: FloatArray
) -> FloatArray:
    """`(K, P)`: the win shares of each row, games weighted by `(G,)` and extra ones by `extra`."""
    seats = games.seating.shape[1]
    real = len(table.columns) - table.extra
    shares = np.zeros((len(table.columns), seats))
    for seat in range(seats):
        shares[:real, seat] = np.bincount(
            table.of_game, weights * games.shares[:, seat], minlength=real
        )
    shares[real:, :2] = extra[:, None] / 2
    return shares


def _chances(table: _Seatings, beta: FloatArray) -> FloatArray:
    """Win chances `(K, P)`."""
    seats = table.columns.shape[1] // 2
    terms = beta[table.columns]
    logits = terms[:, :seats] + table.parts[:, seats:] * terms[:, seats:]
    odds = table.parts[:, :seats] * np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


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


def _fit(table: _Seatings, shares: FloatArray, start: FloatArray, anchor: int) -> FloatArray:
    """Maximum-likelihood strengths and seat terms `(N + P,)`, by Newton's method.

    Slope and curvature are added up from the few parameters that a seating touches: with a
    hundred checkpoints a matrix of all of them would be nearly empty.
    """
    size = len(start)
    free = np.ones(size, bool)
    free[[anchor, size - 1]] = False
    beta = start.copy()
    counts = shares.sum(axis=1)
    columns, parts = table.columns, table.parts
    cells = (columns[:, :, None] * size + columns[:, None, :]).ravel()
    both = parts[:, :, None] * parts[:, None, :]
    for _ in range(_NEWTON_STEPS):
        chance = _chances(table, beta)
        left = np.tile(shares - counts[:, None] * chance, 2) * parts
        slope = np.bincount(columns.ravel(), left.ravel(), minlength=size).astype(np.float64)
        known = -chance[:, :, None] * chance[:, None, :]
        known[:, *np.diag_indices(chance.shape[1])] += chance
        blocks = np.tile(counts[:, None, None] * known, (1, 2, 2)) * both
        curve = np.bincount(cells, blocks.ravel(), minlength=size * size).reshape(size, size)
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


def check_connected(games: RatedGames, anchor: str) -> None:
    """Raise JobError when somebody cannot be compared with the anchor."""
    if anchor not in games.names:
        raise JobError(
            f"ratings are told from {anchor}, who has not played; those who have are"
            f" {', '.join(games.names)}"
        )
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


def fit_ratings(
    games: RatedGames,
    *,
    anchor: str = "random",
    bootstraps: int = 200,
    generator: np.random.Generator | None = None,
) -> Ratings:
    """Ratings of all players from all games.

    Args:
        games: What was played.
        anchor: The player at 0.
        bootstraps: B; 0 leaves the intervals empty (low = high = the rating).
        generator: Weights of the bootstrap; a fixed seed if None.

    Raises:
        JobError: `anchor` did not play, or somebody has no chain of games to the anchor.
    """
    check_connected(games, anchor)
    rng = np.random.default_rng(0) if generator is None else generator
    table = _tabulate(games)
    players, seats = len(games.names), games.seating.shape[1]
    fixed = games.names.index(anchor)
    shares = _sum_shares(games, table, np.ones(len(games.units)), np.ones(table.extra))
    best = _fit(table, shares, np.zeros(int(players + seats)), fixed)
    draws = np.tile(best, (max(1, bootstraps), 1))
    for index in range(bootstraps):
        weights = rng.exponential(size=int(games.units.max()) + 1)[games.units]
        drawn = _sum_shares(games, table, weights, rng.exponential(size=table.extra))
        draws[index] = _fit(table, drawn, best, fixed)
    chance = _chances(table, best)
    known = shares.sum(axis=1)[:, None] * chance * (1.0 - chance)
    information = np.bincount(table.columns[:, :seats].ravel(), known.ravel(), minlength=players)
    information = information / information.sum()
    strengths = draws[:, :players]
    moved = best[:players] @ information - strengths @ information
    low, high = ELO_SCALE * np.quantile(strengths + moved[:, None], [0.025, 0.975], axis=0)
    found: list[Rating] = []
    for number, name in enumerate(games.names):
        here = games.seating == number
        elo = ELO_SCALE * float(best[number])
        found.append(
            Rating(
                name=name,
                elo=elo,
                low=min(float(low[number]), elo),
                high=max(float(high[number]), elo),
                games=int(here.any(axis=1).sum()),
                score=float(games.shares[here].sum()) / max(1, int(here.sum())),
                weight=float(information[number]),
            )
        )
    return Ratings(
        ratings=tuple(sorted(found, key=lambda rating: -rating.elo)),
        seat_elo=tuple(float(ELO_SCALE * term) for term in best[players:]),
        anchor=anchor,
    )
