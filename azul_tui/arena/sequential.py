"""When to stop playing: a sequential test of "is this player better?" on pairs of games.

The generalised sequential probability ratio test for a mean of unknown distribution (Van den
Bergh, "A practical introduction to the GSPRT", 2017), as chess engines are tested. For two
players a pair scores 0, 1/4, 1/2, 3/4 or 1 (the pentanomial); any other values work alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np

from azul_tui.arena.statistics import FloatArray, expected_score
from azul_tui.errors import ConfigError

Decision = Literal["continue", "better", "not better", "undecided"]

_PSEUDO_COUNT: Final = 1e-3
_BISECTIONS: Final = 60


class Verdict(NamedTuple):
    """Where a sequential test stands."""

    decision: Decision
    """`undecided` once the cap is reached without a decision."""
    log_likelihood_ratio: float
    """In nats, for `better` over `not better`."""
    lower: float
    upper: float
    """Bounds whose crossing decides."""
    pairs: int


def _tilt(values: FloatArray, weights: FloatArray, mean: float) -> FloatArray:
    """`1 + t (values - mean)` by which `weights` are divided to have that mean, likeliest so.

    The maximum-likelihood distribution on `values` with a given mean is w / (1 + t (v - mean)),
    where t solves sum of w (v - mean) / (1 + t (v - mean)) = 0, which falls in t.
    """
    offsets = values - mean
    low = -1.0 / float(offsets.max())
    high = -1.0 / float(offsets.min())
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if float((weights * offsets / (1.0 + middle * offsets)).sum()) > 0:
            low = middle
        else:
            high = middle
    return 1.0 + (low + high) / 2 * offsets


def log_likelihood_ratio(scores: FloatArray, score_0: float, score_1: float) -> float:
    """Generalised log likelihood ratio, in nats, of mean `score_1` over mean `score_0`.

    Args:
        scores: `(N,)` mean win share of each pair, in [0, 1].
        score_0: In (0, 1).
        score_1: In (0, 1).
    """
    if len(scores) == 0:
        return 0.0
    seen, counts = np.unique(scores, return_counts=True)
    values = np.union1d(seen, np.array([0.0, 1.0]))
    weights = np.full(len(values), _PSEUDO_COUNT)
    weights[np.searchsorted(values, seen)] += counts
    total = float(weights.sum())
    shares = weights / total
    ratio = _tilt(values, shares, score_0) / _tilt(values, shares, score_1)
    return total * float((shares * np.log(ratio)).sum())


@dataclass(frozen=True, kw_only=True)
class SequentialTest:
    """Is a player better than another by `elo_1`, or no better than by `elo_0`?"""

    elo_0: float = 0.0
    """Elo difference of "not better"."""
    elo_1: float = 30.0
    """Elo difference of "better"."""
    alpha: float = 0.05
    """Chance of "better" when the truth is `elo_0`."""
    beta: float = 0.05
    """Chance of "not better" when the truth is `elo_1`."""
    max_pairs: int = 1000
    """Pairs after which the test ends undecided."""
    players: int = 2

    def __post_init__(self) -> None:
        """Reject a test that cannot decide."""
        if self.elo_1 <= self.elo_0:
            raise ConfigError(f"elo_1 must be above elo_0 = {self.elo_0}, got {self.elo_1}")
        if not (0.0 < self.alpha < 0.5 and 0.0 < self.beta < 0.5):
            raise ConfigError(
                f"alpha and beta must be between 0 and 0.5, got {self.alpha} and {self.beta}"
            )
        if self.max_pairs < 1:
            raise ConfigError(f"max_pairs must be at least 1, got {self.max_pairs}")

    @property
    def bounds(self) -> tuple[float, float]:
        """Wald's bounds (1945) on the log likelihood ratio."""
        return (
            math.log(self.beta / (1.0 - self.alpha)),
            math.log((1.0 - self.beta) / self.alpha),
        )

    def judge(self, scores: FloatArray) -> Verdict:
        """Where the test stands after pairs with these mean win shares `(N,)`."""
        lower, upper = self.bounds
        ratio = log_likelihood_ratio(
            scores,
            expected_score(self.elo_0, self.players),
            expected_score(self.elo_1, self.players),
        )
        decision: Decision = "continue"
        if ratio >= upper:
            decision = "better"
        elif ratio <= lower:
            decision = "not better"
        elif len(scores) >= self.max_pairs:
            decision = "undecided"
        return Verdict(decision, ratio, lower, upper, len(scores))
