"""Players compared: games in groups that share a bag, and their result as a person needs it.

A match is `a` against copies of `b`: on each bag `a` plays once on every seat, which with two
players is a pair of games with the seats swapped; "pair" means that group at larger tables too. At
a table of different players every bag is played with every order of them, so that neither the
seat nor the neighbours favour anybody. The bag is the unit of all intervals.
The refill depends on the deal's seed and the round alone: with two players, whose 100 tiles are
exactly five rounds, both games of a pair see the same displays.
Shapes: G games, N whole bags, P seats.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

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
from azul_tui.errors import ConfigError, PlayerError
from azul_tui.game.constants import MAX_PLAYERS, MIN_PLAYERS, check_players
from azul_tui.game.kernel import Int64Array, Uint64Array, kernel
from azul_tui.game.random import GAME, PLAYER, derive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.arena.statistics import SequentialTest, Verdict
    from azul_tui.players.registry import Player

_SEED_BITS: Final = 0xFFFF_FFFF_FFFF_FFFF
_GAMES_AT_ONCE: Final = 1024


@kernel
def _derive_bag_seeds(seed: np.uint64, first: int, games_per_bag: int, seeds: Uint64Array) -> None:
    for game in range(seeds.shape[1]):
        deal = derive(seed, GAME, first + game // games_per_bag)
        seeds[0, game] = deal
        seeds[1, game] = derive(deal, PLAYER, game % games_per_bag)


def bag_seeds(
    seed: int, first: int, bags: int, games_per_bag: int
) -> tuple[Uint64Array, Uint64Array]:
    """Deal seeds and decision seeds, each `(bags * games_per_bag,)`, of bags `first`, ...

    The games of a bag share their deal; their decisions have streams of their own.
    """
    seeds = np.empty((2, bags * games_per_bag), np.uint64)
    _derive_bag_seeds(np.uint64(seed & _SEED_BITS), first, games_per_bag, seeds)
    return seeds[0], seeds[1]


def match_seating(bags: int, seats: int) -> Int64Array:
    """`(bags * seats, seats)`: player 0 on seat k of the k-th game of each bag, 1 elsewhere."""
    return np.tile(1 - np.eye(seats, dtype=np.int64), (bags, 1))


def pair_shares(results: GameResults) -> FloatArray:
    """`(N, P)`: win share of player 0 from each seat, on the bags whose games are all finished."""
    seats = results.seating.shape[1]
    whole = results.finished.reshape(-1, seats).all(axis=1)
    return results.shares[results.seating == 0].reshape(-1, seats)[whole]


# -- a match of two


class SeatResult(NamedTuple):
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
        keys = ("games", "wins", "draws", "losses", "score", "low", "high", "margin")
        return {key: getattr(self, key) for key in keys}

    def record(self) -> dict[str, object]:
        """Plain numbers and texts for an event record; None where a number is infinite."""
        plain: dict[str, object] = {
            key: finite_or_none(value) if isinstance(value, float) else value
            for key, value in vars(self).items()
            if key not in {"by_seat", "verdict", "pair_scores", "results"}
        }
        plain["by_seat"] = [seat._asdict() for seat in self.by_seat]
        if self.verdict is not None:
            plain["verdict"] = self.verdict.decision
            plain["log_likelihood_ratio"] = self.verdict.log_likelihood_ratio
        return plain


def _summarise(
    results: GameResults, seed: int, stopped: bool, verdict: Verdict | None
) -> MatchResult:
    """The figures of a match from its games, which stand in the order of `match_seating`."""
    seats = results.seating.shape[1]
    whole = np.repeat(results.finished.reshape(-1, seats).all(axis=1), seats)
    scores = results.scores[whole]
    mine = results.seating[whole] == 0
    points = scores[mine]
    # Each `(N, P)`: a row a pair, a column a seat of `a`.
    share = pair_shares(results)
    margin = points - np.where(mine, -1, scores).max(axis=1, initial=-1)
    margin = margin.reshape(-1, seats).astype(np.float64)
    pair_scores = share.mean(axis=1)
    score, lead = score_interval(pair_scores), mean_interval(margin.mean(axis=1))
    games = share.size
    pace = 1000.0 * results.seconds / np.maximum(1, results.decisions)
    by_seat = tuple(
        SeatResult(
            seat=seat,
            games=len(share),
            score=float(share[:, seat].sum()) / max(1, len(share)),
            margin=float(margin[:, seat].sum()) / max(1, len(share)),
            **_counted(share[:, seat]),
        )
        for seat in range(seats)
    )
    return MatchResult(
        player_a=results.players[0],
        player_b=results.players[1],
        players=seats,
        seed=seed,
        games=games,
        pairs=len(share),
        score=score.mean,
        low=score.low,
        high=score.high,
        **_counted(share),
        margin=lead.mean,
        margin_low=lead.low,
        margin_high=lead.high,
        elo=elo_difference(score.mean, seats),
        elo_low=elo_difference(score.low, seats),
        elo_high=elo_difference(score.high, seats),
        points_a=float(points.sum()) / max(1, games),
        points_b=float(scores.sum() - points.sum()) / max(1, games * (seats - 1)),
        moves_per_game=float(results.moves[whole].sum()) / max(1, games),
        seconds=float(results.seconds.sum()),
        ms_per_move_a=float(pace[0]),
        ms_per_move_b=float(pace[1]),
        by_seat=by_seat,
        games_to_decide=games_to_decide(pair_scores, seats, 1.0 / seats),
        stopped=stopped,
        verdict=verdict,
        pair_scores=pair_scores,
        results=results,
    )


def _counted(share: FloatArray) -> dict[str, int]:
    """Games won, shared and lost."""
    wins, losses = int((share == 1.0).sum()), int((share == 0.0).sum())
    return {"wins": wins, "draws": share.size - wins - losses, "losses": losses}


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
    test: SequentialTest | None = None,
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
    for done in range(0, bags, step):
        now = min(step, bags - done)
        deals, streams = bag_seeds(seed, done, now, players)
        before = [part.shares[part.seating == 0] for part in parts]

        def progress(part: float, _: int, before: int = done * players) -> None:
            if on_progress is not None:
                on_progress(before + part, bags * players)

        def ended(shares: FloatArray, before: list[FloatArray] = before) -> None:
            if on_ended is not None:
                on_ended(np.concatenate([*before, shares]))

        parts.append(
            play_games(
                (player_a, player_b),
                match_seating(now, players),
                deals,
                streams,
                deterministic=deterministic,
                on_progress=progress if on_progress else None,
                on_ended=ended if on_ended else None,
                stop=stop,
            )
        )
        if not parts[-1].finished.all():
            break
        if test is not None:
            verdict = test.judge(pair_shares(join_games(parts)).mean(axis=1))
            if verdict.decision != "continue":
                break
    results = join_games(parts)
    return _summarise(results, seed, not results.finished.all(), verdict)


# -- a table of different players


class Standing(NamedTuple):
    """How one player did at the table."""

    name: str
    share: float
    share_low: float
    share_high: float
    """Mean win share with its 95% interval; equals have 1/P."""
    rank: float
    rank_low: float | None
    rank_high: float | None
    """Mean place, 1 the best, with its 95% interval; None from a single bag."""
    points: float
    elo: float | None
    """Elo points above the others, taken as equals; None at a share of 0 or 1."""


@dataclass(frozen=True, kw_only=True)
class TableResult:
    """What a number of bags at one table say."""

    seed: int
    games: int
    bags: int
    """Bags on which every seating was played to its end; only these count."""
    first_seat_share: float
    """Mean win share of the seat that begins."""
    moves_per_game: float
    seconds: float
    standings: tuple[Standing, ...]
    """In the order in which the players were given."""
    results: GameResults = field(repr=False, compare=False)

    def record(self) -> dict[str, object]:
        """Plain numbers and texts for an event record."""
        plain = {key: value for key, value in vars(self).items() if key != "results"}
        plain["standings"] = [standing._asdict() for standing in self.standings]
        return plain


def play_table(
    players: Sequence[Player],
    bags: int,
    seed: int,
    on_progress: ProgressReport | None = None,
    stop: StopRequest | None = None,
    *,
    deterministic: bool = True,
) -> TableResult:
    """Play every seating of `players` on each of `bags` bags, P! games each.

    Args:
        players: One for each seat, all made for a table of that many.
        bags: How many.
        seed: Any integer; decides the deals and the streams.
        on_progress: Told games done and games in all, after every move.
        stop: Asked before every move; unfinished bags are then left out.
        deterministic: Ties by the lowest action index, no noise.

    Raises:
        PlayerError: There are not 2 to 4 players, or one of them chose an illegal move.
        ConfigError: `bags` is below 1.
    """
    seats = len(players)
    if not MIN_PLAYERS <= seats <= MAX_PLAYERS:
        raise PlayerError(f"a table takes 2, 3 or 4 players, got {seats}")
    if bags < 1:
        raise ConfigError(f"bags must be at least 1, got {bags}")
    orders = np.array(list(itertools.permutations(range(seats))), np.int64)
    deals, streams = bag_seeds(seed, 0, bags, len(orders))
    results = play_games(
        players,
        np.tile(orders, (bags, 1)),
        deals,
        streams,
        deterministic=deterministic,
        on_progress=on_progress,
        stop=stop,
    )
    whole = results.finished.reshape(bags, -1).all(axis=1)
    kept = np.repeat(whole, len(orders))
    games = int(kept.sum())
    standings: list[Standing] = []
    for number, name in enumerate(results.players):
        here = (results.seating == number) & kept[:, None]
        share = score_interval(results.shares[here].reshape(-1, len(orders)).mean(axis=1))
        rank = mean_interval(results.ranks[here].reshape(-1, len(orders)).mean(axis=1))
        standings.append(
            Standing(
                name,
                *share,
                rank.mean,
                finite_or_none(rank.low),
                finite_or_none(rank.high),
                float(results.scores[here].sum()) / max(1, games),
                finite_or_none(elo_difference(share.mean, seats)),
            )
        )
    return TableResult(
        seed=seed,
        games=games,
        bags=int(whole.sum()),
        standings=tuple(standings),
        first_seat_share=float(results.shares[kept, 0].sum()) / max(1, games),
        moves_per_game=float(results.moves[kept].sum()) / max(1, games),
        seconds=float(results.seconds.sum()),
        results=results,
    )
