"""Two players compared: paired games, and their result as a person needs it.

A pair is two games on the same deal with the seats swapped. At a table of three or four, `a`
plays once on every seat of one bag against copies of `b`, and "pair" means that group of games.
The refill depends on the deal's seed and the round alone: with two players, whose 100 tiles are
exactly five rounds, both games of a pair see the same displays.
"""

from __future__ import annotations

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
from azul_tui.arena.match_result import MatchResult, SeatResult, summarise_match
from azul_tui.arena.pairing import bag_seeds, match_seating, unit_means
from azul_tui.errors import ConfigError
from azul_tui.game.constants import check_players

if TYPE_CHECKING:
    from azul_tui.arena.sequential import ClosingTest, SequentialTest, Verdict
    from azul_tui.players.registry import Player

__all__ = ["MatchResult", "SeatResult", "play_match"]

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
