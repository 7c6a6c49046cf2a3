"""A match result in words: who is stronger, how sure that is, what would make it surer."""

from __future__ import annotations

import math


def elo(score: float, players: int = 2) -> float:
    """Elo difference to equal opponents of an expected score in (0, 1); infinite at the ends."""
    if score <= 0:
        return -math.inf
    if score >= 1:
        return math.inf
    return 400 * math.log10(score * (players - 1) / (1 - score))


def elo_text(score: float, players: int = 2) -> str:
    """`Elo +81`, `Elo above +800`."""
    value = elo(score, players)
    if value > 800:
        return "Elo above +800"
    if value < -800:
        return "Elo below -800"
    return f"Elo {value:+.0f}"


def verdict(score: float, low: float, high: float, players: int = 2) -> str:
    """`A is stronger: 61.5% (56.7 to 66.3), Elo +81`, or that nothing is decided yet."""
    low_end, high_end = max(0.0, low) * 100, min(1.0, high) * 100
    figures = f"{score * 100:.1f}% ({low_end:.1f} to {high_end:.1f}), {elo_text(score, players)}"
    if low > 1 / players:
        return f"A is stronger: {figures}"
    if high < 1 / players:
        return f"B is stronger: {figures}"
    return f"not decided: {figures}"


def games_for_firmer(score: float, low: float, high: float, games: int, players: int = 2) -> str:
    """How many games more would decide it, or halve its interval when it is decided.

    The half-width of an interval shrinks with the square root of the games.
    """
    half = (high - low) / 2
    if games <= 0 or half <= 0 or not math.isfinite(half):
        return ""
    if low > 1 / players or high < 1 / players:
        return f"about {3 * games:,} games more would halve the interval"
    gap = abs(score - 1 / players)
    if gap < half / 30:
        return "as even as this, no reasonable number of games would decide it"
    more = math.ceil(games * (half / gap) ** 2) - games
    return f"about {max(2, round(more, -1)):,} games more would decide it at this score"
