"""What a match says, as a person needs it: score, margin, Elo, seats, and how sure it all is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.arena.pairing import margins, seat_of, unit_means
from azul_tui.arena.statistics import (
    FloatArray,
    elo_difference,
    finite_or_none,
    games_to_decide,
    mean_interval,
    score_interval,
)

if TYPE_CHECKING:
    from azul_tui.arena.games import GameResults
    from azul_tui.arena.sequential import Verdict
    from azul_tui.game.kernel import Int64Array


@dataclass(frozen=True)
class SeatResult:
    """How `a` did from one seat."""

    seat: int
    games: int
    score: float
    wins: int
    draws: int
    losses: int
    margin: float


@dataclass(frozen=True, kw_only=True)
class MatchResult:
    """What a match between `a` and `b` says, from `a`'s point of view."""

    player_a: str
    player_b: str
    players: int
    seed: int
    games: int
    pairs: int
    """Pairs finished (groups of as many games as seats); only these count anywhere."""
    score: float
    """Mean win share of `a`: a win 1, a victory shared by two 1/2."""
    low: float
    high: float
    """95% interval of `score`, from pairs (see `statistics.score_interval`)."""
    wins: int
    draws: int
    losses: int
    margin: float
    """Mean points of `a` less those of the best other seat."""
    margin_low: float
    margin_high: float
    elo: float
    """Elo difference; infinite at a score of 0 or 1, and so may be its interval's ends."""
    elo_low: float
    elo_high: float
    points_a: float
    points_b: float
    """Mean final points."""
    moves_per_game: float
    seconds: float
    """Time both sides spent choosing moves."""
    ms_per_move_a: float
    ms_per_move_b: float
    by_seat: tuple[SeatResult, ...]
    games_to_decide: int | None
    """Games after which equality would likely be excluded, if things are as they look."""
    stopped: bool
    """Whether the match was stopped before its last game."""
    verdict: Verdict | None = None
    """Decision of the sequential test, if there was one."""
    pair_scores: FloatArray = field(repr=False, compare=False)
    """`(pairs,)` mean win share of `a` in each pair."""
    results: GameResults = field(repr=False, compare=False)
    """Every game, those of unfinished pairs included."""

    def tally(self) -> dict[str, int | float]:
        """Games and score of `a`, as the records of a run tell them."""
        return {
            "games": self.games,
            "wins": self.wins,
            "draws": self.draws,
            "losses": self.losses,
            "score": self.score,
            "low": self.low,
            "high": self.high,
            "margin": self.margin,
        }

    def record(self) -> dict[str, object]:
        """Plain numbers and texts for an event record; None where a number is infinite."""
        plain: dict[str, object] = {
            key: finite_or_none(value) if isinstance(value, float) else value
            for key, value in vars(self).items()
            if key not in {"by_seat", "verdict", "pair_scores", "results"}
        }
        plain["by_seat"] = [vars(seat) for seat in self.by_seat]
        if self.verdict is not None:
            plain["verdict"] = self.verdict.decision
            plain["log_likelihood_ratio"] = self.verdict.log_likelihood_ratio
        return plain


def summarise_match(
    results: GameResults, seed: int, *, stopped: bool = False, verdict: Verdict | None = None
) -> MatchResult:
    """The figures of a match from its games, player 0 of `results` being `a`.

    Args:
        results: Games in the order of `match_seating`.
        seed: Recorded as it is.
        stopped: Recorded as it is.
        verdict: Recorded as it is.
    """
    seats = results.seating.shape[1]
    shares, unit_margins = unit_means(results, seats)
    score = score_interval(shares)
    margin = mean_interval(unit_margins)
    whole = np.repeat(results.finished.reshape(-1, seats).all(axis=1), seats)
    rows = np.arange(len(results.deals))
    seat = seat_of(results, 0)
    share = results.shares[rows, seat][whole]
    points = results.scores[rows, seat][whole]
    all_points = results.scores[whole]
    games = int(whole.sum())
    pace = 1000.0 * results.seconds / np.maximum(1, results.decisions)
    return MatchResult(
        player_a=results.players[0],
        player_b=results.players[1],
        players=seats,
        seed=seed,
        games=games,
        pairs=len(shares),
        score=score.mean,
        low=score.low,
        high=score.high,
        wins=int((share == 1.0).sum()),
        draws=int(((share > 0.0) & (share < 1.0)).sum()),
        losses=int((share == 0.0).sum()),
        margin=margin.mean,
        margin_low=margin.low,
        margin_high=margin.high,
        elo=elo_difference(score.mean, seats),
        elo_low=elo_difference(score.low, seats),
        elo_high=elo_difference(score.high, seats),
        points_a=float(points.sum()) / max(1, games),
        points_b=float(all_points.sum() - points.sum()) / max(1, games * (seats - 1)),
        moves_per_game=float(results.moves[whole].sum()) / max(1, games),
        seconds=float(results.seconds.sum()),
        ms_per_move_a=float(pace[0]),
        ms_per_move_b=float(pace[1]),
        by_seat=_by_seat(seat[whole], share, margins(results)[whole], seats),
        games_to_decide=games_to_decide(shares, seats, 1.0 / seats),
        stopped=stopped,
        verdict=verdict,
        pair_scores=shares,
        results=results,
    )


def _by_seat(
    seat: Int64Array, share: FloatArray, margin: FloatArray, seats: int
) -> tuple[SeatResult, ...]:
    """How player 0 did from each seat; all arrays are `(games,)`."""
    rows: list[SeatResult] = []
    for number in range(seats):
        here = share[seat == number]
        games = max(1, len(here))
        rows.append(
            SeatResult(
                seat=number,
                games=len(here),
                score=float(here.sum()) / games,
                wins=int((here == 1.0).sum()),
                draws=int(((here > 0.0) & (here < 1.0)).sum()),
                losses=int((here == 0.0).sum()),
                margin=float(margin[seat == number].sum()) / games,
            )
        )
    return tuple(rows)
