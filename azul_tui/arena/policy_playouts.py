"""Games played out by a network's bare policy, many in lockstep: what a move is worth in points.

Shapes: N games, B rows of the evaluator, S bytes of a position, P seats.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.game.constants import (
    AFTERSTATE,
    MOVING,
    PHASE,
    PLAYERS,
    action_count,
    observation_size,
)
from azul_tui.game.kernel import (
    Float32Array,
    Int8Array,
    Int32Array,
    Int64Array,
    Uint64Array,
    integer,
    kernel,
)
from azul_tui.game.observation import write_observation
from azul_tui.game.random import PLAYER, derive, next_unit
from azul_tui.game.rules import apply_canonical, list_legal, refill_canonical, score_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.search.settings import Evaluator


@kernel
def _observe(states: Int8Array, games: Int64Array, observations: Int8Array) -> None:
    """Write the observation of each of `games` `(N,)` into the first rows of `(B, F)`."""
    for row in range(games.shape[0]):
        write_observation(states[integer(games[row])], observations[row])


@kernel
def _draw_moves(
    states: Int8Array,
    games: Int64Array,
    logits: Float32Array,
    deals: Uint64Array,
    streams: Uint64Array,
    legal: Int32Array,
) -> None:
    """Play a move of the softmax of `logits` `(B, A)` in each of `games`, refilling after a round.

    `deals` and `streams` `(N,)` are the seeds of refills and the random streams of all games.
    """
    stream = np.zeros(1, np.uint64)
    scratch = np.zeros(1, np.uint64)
    for row in range(games.shape[0]):
        game = integer(games[row])
        state = states[game]
        count = list_legal(state, legal, True)
        top = logits[row, legal[0]]
        for index in range(1, count):
            top = max(top, logits[row, legal[index]])
        total = 0.0
        for index in range(count):
            total += math.exp(logits[row, legal[index]] - top)
        stream[0] = streams[game]
        left = next_unit(stream) * total
        streams[game] = stream[0]
        chosen = 0
        for index in range(count):
            left -= math.exp(logits[row, legal[index]] - top)
            chosen = index
            if left <= 0.0:
                break
        apply_canonical(state, integer(legal[chosen]))
        if state[PHASE] == AFTERSTATE:
            refill_canonical(state, deals[game], scratch)


@kernel
def _read_scores(states: Int8Array, scores: Int64Array) -> None:
    for game in range(states.shape[0]):
        for seat in range(scores.shape[1]):
            scores[game, seat] = score_of(states[game], seat)


@kernel
def _refill_all(states: Int8Array, deals: Uint64Array) -> None:
    scratch = np.zeros(1, np.uint64)
    for game in range(states.shape[0]):
        if states[game, PHASE] == AFTERSTATE:
            refill_canonical(states[game], deals[game], scratch)


@kernel
def _streams(deals: Uint64Array, streams: Uint64Array) -> None:
    for game in range(deals.shape[0]):
        streams[game] = derive(deals[game], PLAYER, 0)


def play_out(
    states: Int8Array,
    deals: Uint64Array,
    evaluator: Evaluator,
    stop: Callable[[], bool] = lambda: False,
) -> Int64Array | None:
    """Final scores `(N, P)` of games drawn move by move from the policy; None when stopped.

    Args:
        states: `(N, S)` canonical positions, afterstates too; they are not changed.
        deals: `(N,)` seeds of each game's refills and of its moves. Games of equal seeds meet
            the same luck as far as their moves allow.
        evaluator: The network.
        stop: Asked before every batch.
    """
    states = states.copy()
    players = int(states[0, PLAYERS])
    size = evaluator.batch_size
    observations = np.zeros((size, observation_size(players)), np.int8)
    legal = np.empty(action_count(players), np.int32)
    streams = np.empty(len(states), np.uint64)
    _streams(deals, streams)
    _refill_all(states, deals)
    while len(live := np.flatnonzero(states[:, PHASE] == MOVING)):
        for first in range(0, len(live), size):
            if stop():
                return None
            games = live[first : first + size]
            _observe(states, games, observations)
            logits, _ = evaluator(observations)
            _draw_moves(states, games, logits, deals, streams, legal)
    scores = np.empty((len(states), players), np.int64)
    _read_scores(states, scores)
    return scores
