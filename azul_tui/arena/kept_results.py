"""Results of a ladder's matches as records of plain numbers, moves left out.

A run can append those of a new checkpoint and fit the ratings again without playing the old games
anew. (`kept_matches` is the shorter form for matches that their seed decides.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from azul_tui.arena.games import GameResults
from azul_tui.errors import JobError

if TYPE_CHECKING:
    from collections.abc import Mapping


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
