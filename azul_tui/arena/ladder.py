"""A ladder: everybody plays everybody, all results are kept, and ratings are fitted to them all.

Results are kept as records of plain numbers, so that a run can append those of a new checkpoint
and fit again without playing the old games anew.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from azul_tui.arena.games import GameResults, ProgressReport, StopRequest
from azul_tui.arena.match import MatchResult, play_match
from azul_tui.errors import JobError, PlayerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from azul_tui.players.protocol import Player

MatchReport = Callable[[MatchResult], None]
"""Called with every match that has ended."""


def results_record(results: GameResults) -> dict[str, object]:
    """The finished games as plain numbers; moves are left out."""
    done = results.finished
    return {
        "players": list(results.players),
        "seating": results.seating[done].tolist(),
        "deals": [str(deal) for deal in results.deals[done]],
        "scores": results.scores[done].tolist(),
        "shares": results.shares[done].tolist(),
        "ranks": results.ranks[done].tolist(),
        "moves": results.moves[done].tolist(),
        "seconds": results.seconds.tolist(),
        "decisions": results.decisions.tolist(),
    }


def results_from_record(record: Mapping[str, Any]) -> GameResults:
    """What `results_record` wrote, without the moves.

    Raises:
        JobError: A field is missing or does not fit the others.
    """
    try:
        players = tuple(str(name) for name in cast("list[object]", record["players"]))
        seating = np.array(record["seating"], np.int64)
        results = GameResults(
            players=players,
            seating=seating,
            deals=np.array([int(deal) for deal in record["deals"]], np.uint64),
            finished=np.ones(len(seating), bool),
            scores=np.array(record["scores"], np.int64),
            shares=np.array(record["shares"], np.float64),
            ranks=np.array(record["ranks"], np.float64),
            moves=np.array(record["moves"], np.int64),
            actions=np.full((len(seating), 0), -1, np.int16),
            seconds=np.array(record["seconds"], np.float64),
            decisions=np.array(record["decisions"], np.int64),
        )
        shape = results.seating.shape
        if not (
            len(shape) == 2
            and results.shares.shape == shape == results.scores.shape == results.ranks.shape
            and len(results.deals) == len(results.moves) == shape[0]
            and 0 <= int(seating.min()) <= int(seating.max()) < len(players)
        ):
            raise ValueError("shapes differ")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise JobError(
            f"a record of a ladder is damaged ({error}); leave it out or play the match again"
        ) from error
    return results


def play_ladder(
    players: Sequence[Player],
    games: int,
    seed: int,
    seats: int = 2,
    on_match: MatchReport | None = None,
    on_progress: ProgressReport | None = None,
    stop: StopRequest | None = None,
) -> list[MatchResult]:
    """Play a match between each two of `players`; the same bags for every match.

    Args:
        players: At least two, with different names.
        games: For each match, rounded up to whole pairs.
        seed: Any integer.
        seats: Players at the table; at three and four one sits against copies of the other.
        on_match: Called with every match that has ended.
        on_progress: Told games done and games in all.
        stop: Asked before every move; the match under way then ends early.

    Raises:
        PlayerError: Two players have the same name, or there are fewer than two.
    """
    names = [player.name for player in players]
    if len(set(names)) < len(names) or len(names) < 2:
        raise PlayerError(f"a ladder needs two or more different players, got {', '.join(names)}")
    pairs = list(itertools.combinations(players, 2))
    total = len(pairs) * -(-games // seats) * seats
    matches: list[MatchResult] = []
    for index, (player_a, player_b) in enumerate(pairs):
        before = index * (total // len(pairs))
        report = None if on_progress is None else _shifted(on_progress, before, total)
        match = play_match(player_a, player_b, games, seed, seats, report, stop)
        matches.append(match)
        if on_match is not None:
            on_match(match)
        if match.stopped:
            break
    return matches


def _shifted(on_progress: ProgressReport, before: int, total: int) -> ProgressReport:
    """A report that counts the matches `before` this one."""
    return lambda done, _: on_progress(before + done, total)
