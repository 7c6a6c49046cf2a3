"""When to stop playing two players against each other, pair by pair.

Two questions, one statistic. `SequentialTest` asks for a proof, "is this player better by so
much?", and may end without one. `ClosingTest` asks which of two to go on with, and has decided
at its last pair. Both look at the log likelihood ratio of two scores under the spread that the
pairs show (Van den Bergh, "A practical introduction to the GSPRT", 2017, the normal form), as
chess engines are tested: pairs that share their luck decide sooner.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from azul_tui.arena.statistics import FloatArray, expected_score
from azul_tui.errors import ConfigError

Decision = Literal["continue", "better", "not better", "undecided", "ahead", "level", "behind"]

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

    Scores are taken as normal with the variance that they show, drawn by the weight of one pair
    towards that of independent games of equals: a few pairs that all ended alike prove little.

    Args:
        scores: `(N,)` mean win share of each pair, in [0, 1].
        score_0: In (0, 1).
        score_1: In (0, 1).
        players: Seats at the table.
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
            self.players,
        )
        decision: Decision = "continue"
        if ratio >= upper:
            decision = "better"
        elif ratio <= lower:
            decision = "not better"
        elif len(scores) >= self.max_pairs:
            decision = "undecided"
        return Verdict(decision, ratio, lower, upper, len(scores))


@dataclass(frozen=True, kw_only=True)
class ClosingTest:
    """Which of two players to go on with: the one that is ahead, decided at the last pair.

    The bounds close in by the same step with every pair and meet at the last one, where nothing
    but the score counts (Anderson, "A modification of the sequential probability ratio test to
    reduce the sample size", 1960). Taking an equal does no harm, so nothing is left undecided.
    """

    elo: float = 50.0
    """Elo difference that the test is to tell, either way."""
    max_pairs: int = 150
    players: int = 2

    def __post_init__(self) -> None:
        """Reject a test that cannot decide."""
        if self.elo <= 0.0:
            raise ConfigError(f"elo must be above 0, got {self.elo}")
        if self.max_pairs < 1:
            raise ConfigError(f"max_pairs must be at least 1, got {self.max_pairs}")

    def judge(self, scores: FloatArray) -> Verdict:
        """Where the test stands after pairs with these mean win shares `(N,)`."""
        pairs = len(scores)
        left = max(0.0, 1.0 - pairs / self.max_pairs)
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
        return Verdict(decision, ratio, lower, upper, pairs)
