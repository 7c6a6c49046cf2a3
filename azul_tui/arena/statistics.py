"""What a number of games says, and how firmly. Pure arithmetic, no games are played here.

The unit is the *pair*: two games on the same bag with the seats swapped (for three and four
players the group of games in which the player sat once on every seat). The games of a pair share
their luck, the pairs do not, so intervals come from the spread between pairs. Shapes: N pairs.
A score is a mean win share in [0, 1]; `even` is the score of equals, 1/P at a table of P.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

Z_95: Final = 1.959963984540054
"""Normal quantile of a two-sided 95% interval."""
_Z_POWER_80: Final = 0.8416212335729143
_PRIOR_VARIANCE: Final = 1.0
ELO_SCALE: Final = 400.0 / math.log(10.0)
"""Elo points for a factor e in the odds of winning."""


class Interval(NamedTuple):
    """A mean and its 95% interval."""

    mean: float
    low: float
    high: float


def finite_or_none(value: float) -> float | None:
    """`value`, or None for an infinite one, which JSON cannot hold."""
    return value if math.isfinite(value) else None


def student_quantile(degrees: int) -> float:
    """Two-sided 95% quantile of Student's t.

    Exact for 1 and 2 degrees of freedom, else Cornish and Fisher's expansion (Abramowitz and
    Stegun, 1964, 26.7.5), within 0.2% of the truth from 3 degrees on.
    """
    if degrees <= 1:
        return 12.706204736
    if degrees == 2:
        return 4.30265273
    z, n = Z_95, degrees
    z2 = z * z
    first = (z2 + 1) * z / 4
    second = ((5 * z2 + 16) * z2 + 3) * z / 96
    third = (((3 * z2 + 19) * z2 + 17) * z2 - 15) * z / 384
    fourth = ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) * z / 92160
    return z + first / n + second / n**2 + third / n**3 + fourth / n**4


def score_interval(scores: FloatArray) -> Interval:
    """Mean score of N pairs and its 95% interval, inside [0, 1].

    Wilson's interval (1927) with an effective number of trials: N pairs whose mean score varies
    by s^2 are worth N / r trials of a coin with the same mean m, r = s^2 / (m (1 - m)). Pairs of
    independent games have r = 1/2; games that share their luck have more. Where nearly every
    pair ended alike, s^2 says nothing, so r is drawn towards 1 by the weight of one unit of
    variance: (N s^2 + 1) / (N m (1 - m) + 1). With 100% or 0% it is 1, and the interval is that
    of N coins that all fell alike: 200 pairs won give 98.1% to 100%.

    Args:
        scores: `(N,)` mean win share of each pair. Without a pair nothing is known: 0 to 1.
    """
    pairs = len(scores)
    if pairs == 0:
        return Interval(0.5, 0.0, 1.0)
    mean = float(scores.mean())
    spread = float(scores.var(ddof=1)) if pairs > 1 else 0.0
    coin = mean * (1.0 - mean)
    ratio = (pairs * spread + _PRIOR_VARIANCE) / (pairs * coin + _PRIOR_VARIANCE)
    trials = pairs / ratio
    quantile = student_quantile(max(pairs - 1, 2)) if coin > 0 else Z_95
    shrink = quantile**2 / trials
    centre = (mean + shrink / 2) / (1 + shrink)
    half = quantile * math.sqrt(coin / trials + shrink / (4 * trials)) / (1 + shrink)
    return Interval(mean, min(mean, max(0.0, centre - half)), max(mean, min(1.0, centre + half)))


def mean_interval(values: FloatArray) -> Interval:
    """Mean of N independent values with Student's 95% interval; infinite below two values."""
    if len(values) == 0:
        return Interval(0.0, -math.inf, math.inf)
    mean = float(values.mean())
    if len(values) == 1:
        return Interval(mean, -math.inf, math.inf)
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    half = student_quantile(len(values) - 1) * error
    return Interval(mean, mean - half, mean + half)


def elo_difference(score: float, players: int = 2) -> float:
    """Elo points between a player and its equals-among-themselves opponents.

    The logistic model: the chance to win is that of r among one r and P - 1 zeros, so with
    strengths in Elo score = 1 / (1 + (P - 1) 10^(-r/400)). Infinite at a score of 0 or 1.
    """
    if score <= 0.0:
        return -math.inf
    if score >= 1.0:
        return math.inf
    return ELO_SCALE * math.log(score * (players - 1) / (1.0 - score))


def expected_score(elo: float, players: int = 2) -> float:
    """The score that `elo_difference` makes into `elo`."""
    return 1.0 / (1.0 + (players - 1) * math.exp(-elo / ELO_SCALE))


def games_to_decide(scores: FloatArray, games_per_pair: int, even: float) -> int | None:
    """Games in all after which the interval would exclude `even`, four times out of five.

    Supposes that the score and the spread between pairs are as measured. None when the score
    is exactly even, or nothing was played: no number of games would do.
    """
    if len(scores) == 0:
        return None
    lead = abs(float(scores.mean()) - even)
    if lead < 1e-12:
        return None
    spread = float(scores.var(ddof=1)) if len(scores) > 1 else 0.25
    pairs = ((Z_95 + _Z_POWER_80) / lead) ** 2 * spread
    return games_per_pair * max(2, math.ceil(pairs))
