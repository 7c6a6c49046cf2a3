"""Two players compared: paired games, and their result as a person needs it.

A pair is two games on the same deal with the seats swapped. At a table of three or four, `a`
plays once on every seat of one bag against copies of `b`, and "pair" means that group of games.
The refill depends on the deal's seed and the round alone: with two players, whose 100 tiles are
exactly five rounds, both games of a pair see the same displays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from azul_tui.arena.games import (
    EndedReport,
    GameResults,
    ProgressReport,
    StopRequest,
    join_games,
    play_games,
)
from azul_tui.arena.statistics import (
    FloatArray,
    elo_difference,
    finite_or_none,
    games_to_decide,
    mean_interval,
    score_interval,
)
from azul_tui.errors import ConfigError
from azul_tui.game.constants import check_players
from azul_tui.game.kernel import Int64Array, Uint64Array, kernel
from azul_tui.game.random import GAME, PLAYER, derive

if TYPE_CHECKING:
    from azul_tui.arena.statistics import ClosingTest, SequentialTest, Verdict
    from azul_tui.players.registry import Player

_SEED_BITS: Final = 0xFFFF_FFFF_FFFF_FFFF


@kernel
def _derive_bag_seeds(seed: np.uint64, first: int, seats: int, seeds: Uint64Array) -> None:
    """Write deal seed and decision seed of the games on bags `first`, ... into `seeds` `(G, 2)`.

    The `seats` games of a bag share their deal; their decisions have streams of their own.
    """
    for game in range(seeds.shape[0]):
        deal = derive(seed, GAME, first + game // seats)
        seeds[game, 0] = deal
        seeds[game, 1] = derive(deal, PLAYER, game % seats)


def bag_seeds(
    seed: int, first: int, bags: int, games_per_bag: int
) -> tuple[Uint64Array, Uint64Array]:
    """Deal seeds and decision seeds, each `(bags * games_per_bag,)`, of bags `first`, ..."""
    seeds = np.empty((bags * games_per_bag, 2), np.uint64)
    _derive_bag_seeds(np.uint64(seed & _SEED_BITS), first, games_per_bag, seeds)
    return seeds[:, 0].copy(), seeds[:, 1].copy()


def match_seating(bags: int, seats: int) -> Int64Array:
    """`(bags * seats, seats)`: player 0 on seat k of the k-th game of each bag, 1 elsewhere."""
    return np.tile(1 - np.eye(seats, dtype=np.int64), (bags, 1))


def seat_of(results: GameResults, player: int) -> Int64Array:
    """`(G,)`: the first seat of `player` in each game."""
    return np.argmax(results.seating == player, axis=1).astype(np.int64)


def unit_means(results: GameResults, games_per_bag: int) -> tuple[FloatArray, FloatArray]:
    """Mean win share and mean margin of player 0 in each finished group of games.

    Returns:
        Two `(N,)` arrays; a group with an unfinished game is left out.
    """
    rows = np.arange(len(results.deals))
    seat = seat_of(results, 0)
    share = results.shares[rows, seat]
    margin = margins(results)
    whole = results.finished.reshape(-1, games_per_bag).all(axis=1)
    return (
        share.reshape(-1, games_per_bag)[whole].mean(axis=1),
        margin.reshape(-1, games_per_bag)[whole].mean(axis=1),
    )


def margins(results: GameResults) -> FloatArray:
    """`(G,)`: points of player 0 less those of the best other seat."""
    rows = np.arange(len(results.deals))
    seat = seat_of(results, 0)
    others = results.scores.astype(np.float64)
    own = others[rows, seat].copy()
    others[rows, seat] = -np.inf
    return own - others.max(axis=1)


# -- what a match says, as a person needs it: score, margin, Elo, seats, and how sure it all is


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


# -- two players compared: paired games, and their result as a person needs it

_GAMES_AT_ONCE: Final = 1024


def play_match(
    player_a: Player,
    player_b: Player,
    games: int,
    seed: int,
    players: int = 2,
    on_progress: ProgressReport | None = None,
    stop: StopRequest | None = None,
    *,
    on_ended: EndedReport | None = None,
    test: SequentialTest | ClosingTest | None = None,
    deterministic: bool = True,
    games_at_once: int = _GAMES_AT_ONCE,
) -> MatchResult:
    """Play `player_a` against `player_b` (against P - 1 copies of it) and sum up.

    The result depends on the players, `games`, `seed` and `deterministic` alone; with a `test`
    also on `games_at_once`, because the test is asked after each such batch.

    Args:
        player_a: From whose point of view the result is told.
        player_b: The opponent; may be the same object.
        games: At most so many, rounded up to whole pairs.
        seed: Any integer; decides the deals and the streams.
        players: Seats at the table.
        on_progress: Told games done and games in all, after every move.
        on_ended: Told the win shares of `player_a` in all games that have ended, when more have.
        stop: Asked before every move; unfinished pairs are then left out.
        test: Ends the match as soon as it decides; its own `max_pairs` bounds it too.
        deterministic: Ties by the lowest action index, no noise.
        games_at_once: Games in lockstep.

    Raises:
        ConfigError: `games` or `games_at_once` is below 1.
        PlayerError: A player cannot play this game, or chose an illegal move.
    """
    check_players(players)
    if games < 1 or games_at_once < 1:
        raise ConfigError(f"games must be at least 1, got {min(games, games_at_once)}")
    bags = -(-games // players)
    if test is not None:
        bags = min(bags, test.max_pairs)
    step = max(1, games_at_once // players)
    parts: list[GameResults] = []
    verdict: Verdict | None = None
    done = 0
    while done < bags:
        now = min(step, bags - done)
        deals, streams = bag_seeds(seed, done, now, players)
        parts.append(
            play_games(
                (player_a, player_b),
                match_seating(now, players),
                deals,
                streams,
                deterministic=deterministic,
                on_progress=_shifted(on_progress, done * players, bags * players),
                on_ended=_joined(on_ended, parts),
                stop=stop,
            )
        )
        done += now
        if not parts[-1].finished.all():
            break
        if test is not None:
            verdict = test.judge(unit_means(join_games(parts), players)[0])
            if verdict.decision != "continue":
                break
    results = join_games(parts)
    return summarise_match(results, seed, stopped=not results.finished.all(), verdict=verdict)


def _shifted(on_progress: ProgressReport | None, before: int, total: int) -> ProgressReport | None:
    """A report that counts the games `before` this batch and the `total` of the match."""
    if on_progress is None:
        return None
    return lambda done, _: on_progress(before + done, total)


def _joined(on_ended: EndedReport | None, parts: list[GameResults]) -> EndedReport | None:
    """A report that tells of the games of the batches before this one too."""
    if on_ended is None:
        return None
    before = [part.shares[part.seating == 0] for part in parts]
    return lambda shares: on_ended(np.concatenate([*before, shares]))
