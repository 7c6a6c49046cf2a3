"""What a number of games says, how firmly, and when to stop playing. No games are played here.

The unit is the *pair*: two games on the same bag with the seats swapped (for three and four
players the group of games in which the player sat once on every seat). The games of a pair share
their luck, the pairs do not, so intervals come from the spread between pairs. Shapes: N pairs.
A score is a mean win share in [0, 1]; `even` is the score of equals, 1/P at a table of P.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from azul_tui.errors import ConfigError

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
    mean = float(values.mean()) if len(values) else 0.0
    if len(values) < 2:
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
    lead = abs(float(scores.mean()) - even) if len(scores) else 0.0
    if lead < 1e-12:
        return None
    spread = float(scores.var(ddof=1)) if len(scores) > 1 else 0.25
    pairs = ((Z_95 + _Z_POWER_80) / lead) ** 2 * spread
    return games_per_pair * max(2, math.ceil(pairs))


# -- when to stop playing two players against each other, pair by pair
#
# Two questions, one statistic. `SequentialTest` asks for a proof, "is this player better by so
# much?", and may end without one. `ClosingTest` asks which of two to go on with, and has decided
# at its last pair. Both look at the log likelihood ratio of two scores under the spread that the
# pairs show (Van den Bergh, "A practical introduction to the GSPRT", 2017, the normal form), as
# chess engines are tested: pairs that share their luck decide sooner.

Decision = Literal["continue", "better", "not better", "undecided", "ahead", "level", "behind"]

_WALD_BOUND: Final = math.log((1.0 - 0.05) / 0.05)
"""Of a `SequentialTest` (Wald, 1945), in nats: 5% of either mistake."""
_AHEAD: Final = 6.0
_BEHIND: Final = -3.0
"""Bounds, in nats, that a `ClosingTest` begins with; EXPERIMENTS.md has what others do."""


class Verdict(NamedTuple):
    """Where a test stands."""

    decision: Decision
    """`better`, `not better` or `undecided` of a `SequentialTest`; `ahead`, `level` or `behind` of
    a `ClosingTest`; `continue` of either."""
    log_likelihood_ratio: float
    """In nats, for the higher score over the lower."""
    lower: float
    upper: float
    """Bounds that decide when reached."""
    pairs: int


def log_likelihood_ratio(
    scores: FloatArray, score_0: float, score_1: float, players: int = 2
) -> float:
    """Log likelihood ratio, in nats, of mean `score_1` over mean `score_0`.

    Scores `(N,)` are taken as normal with the variance that they show, drawn by the weight of one
    pair towards that of independent games of equals: a few pairs that all ended alike prove little.
    """
    pairs = len(scores)
    if pairs == 0:
        return 0.0
    even = 1.0 / players
    of_equals = even * (1.0 - even) / players
    variance = (pairs * float(scores.var()) + of_equals) / (pairs + 1)
    lead = float(scores.mean()) - (score_0 + score_1) / 2
    return pairs * (score_1 - score_0) * lead / variance


@dataclass(frozen=True, kw_only=True)
class SequentialTest:
    """Is a player better than another by `elo`, or no better? Either way 5% are mistaken."""

    elo: float = 30.0
    """Elo difference of "better"; that of "not better" is 0."""
    max_pairs: int = 1000
    """Pairs after which the test ends undecided."""
    players: int = 2

    def __post_init__(self) -> None:
        """Reject a test that cannot decide."""
        if self.elo <= 0.0:
            raise ConfigError(f"elo must be above 0, got {self.elo}")
        if self.max_pairs < 1:
            raise ConfigError(f"max_pairs must be at least 1, got {self.max_pairs}")

    def judge(self, scores: FloatArray) -> Verdict:
        """Where the test stands after pairs with these mean win shares `(N,)`."""
        even, better = 1.0 / self.players, expected_score(self.elo, self.players)
        ratio = log_likelihood_ratio(scores, even, better, self.players)
        decision: Decision = "continue"
        if ratio >= _WALD_BOUND:
            decision = "better"
        elif ratio <= -_WALD_BOUND:
            decision = "not better"
        elif len(scores) >= self.max_pairs:
            decision = "undecided"
        return Verdict(decision, ratio, -_WALD_BOUND, _WALD_BOUND, len(scores))


@dataclass(frozen=True, kw_only=True)
class ClosingTest(SequentialTest):
    """Which of two players to go on with: the one that is ahead, decided at the last pair.

    The bounds close in by the same step with every pair and meet at the last one, where nothing
    but the score counts (Anderson, "A modification of the sequential probability ratio test to
    reduce the sample size", 1960). Taking an equal does no harm, so nothing is left undecided.
    """

    elo: float = 50.0
    """Elo difference that the test is to tell, either way."""
    max_pairs: int = 150

    def judge(self, scores: FloatArray) -> Verdict:
        """Where the test stands after pairs with these mean win shares `(N,)`."""
        left = max(0.0, 1.0 - len(scores) / self.max_pairs)
        lower, upper = left * _BEHIND, left * _AHEAD
        even = 1.0 / self.players
        high, low = (expected_score(sign * self.elo, self.players) for sign in (1, -1))
        reach = (high - low) / 2
        ratio = log_likelihood_ratio(scores, even - reach, even + reach, self.players)
        if abs(ratio) < 1e-6:  # a score that is even but for rounding
            ratio = 0.0
        decision: Decision = "continue"
        if ratio >= upper:
            decision = "ahead" if ratio > 0.0 else "level"
        elif ratio <= lower:
            decision = "behind"
        return Verdict(decision, ratio, lower, upper, len(scores))
