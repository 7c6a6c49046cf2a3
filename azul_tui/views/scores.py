"""A match result in words: who is stronger, how sure that is, what would make it surer."""

from __future__ import annotations

import math


def elo_text(score: float, players: int = 2) -> str:
    """The difference to equal opponents of an expected score: `Elo +81`, `Elo above +800`."""
    odds = score * (players - 1) / (1 - score) if score < 1 else math.inf
    if odds > 100:
        return "Elo above +800"
    return f"Elo {400 * math.log10(odds):+.0f}" if odds >= 0.01 else "Elo below -800"


def verdict(score: float, low: float, high: float, players: int = 2) -> str:
    """`A is stronger: 61.5% (56.7 to 66.3), Elo +81`, or that nothing is decided yet."""
    low_end, high_end = max(0.0, low) * 100, min(1.0, high) * 100
    figures = f"{score * 100:.1f}% ({low_end:.1f} to {high_end:.1f}), {elo_text(score, players)}"
    stronger = "A" if low > 1 / players else "B" if high < 1 / players else ""
    return f"{stronger} is stronger: {figures}" if stronger else f"not decided: {figures}"


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
