"""Targets for positions between two rounds: what the network says of several refills, averaged.

The outcome of a game says little of the position before a refill: one bag out of thousands was
drawn, and what followed it. The mean over sampled refills is what the search means by the value
of an afterstate, at the price of leaning on the network's own values (a bootstrap).
Shapes: N samples, S bytes a position, K refills of each afterstate, B the evaluator's batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from azul_tui.game.constants import AFTERSTATE, PHASE, observation_size, value_count
from azul_tui.game.kernel import Int8Array, Int64Array, integer, kernel
from azul_tui.game.observation import write_observation
from azul_tui.game.random import GAME, SEARCH, derive
from azul_tui.game.rules import refill_canonical

if TYPE_CHECKING:
    import numpy.typing as npt

    from azul_tui.search.search import Evaluator


@kernel
def _observe_refills(
    states: Int8Array,
    numbers: Int64Array,
    rounds: Int64Array,
    seed: np.uint64,
    first: int,
    samples: int,
    observations: Int8Array,
) -> int:
    """Observe refills `first`, ... of all N * K into the rows of `observations`.

    Refill k of an afterstate depends on the run's seed, the game's number, which of the game's
    afterstates it is and k alone. Returns how many rows were filled.
    """
    state = np.empty(states.shape[1], np.int8)
    stream = np.zeros(1, np.uint64)
    count = min(observations.shape[0], states.shape[0] * samples - first)
    for row in range(count):
        index = (first + row) // samples
        state[:] = states[index]
        game = derive(seed, GAME, integer(numbers[index]))
        which = (integer(rounds[index]) + 1) * samples + (first + row) % samples
        refill_canonical(state, derive(game, SEARCH, which), stream)
        write_observation(state, observations[row])
    return count


def average_refills(
    states: Int8Array,
    numbers: Int64Array,
    rounds: Int64Array,
    seed: int,
    samples: int,
    evaluator: Evaluator,
    players: int,
) -> npt.NDArray[np.float32]:
    """`(N, V)`: mean value of `samples` refills of each afterstate, seen by who begins the round.

    Args:
        states: `(N, S)`, all of them afterstates.
        numbers: `(N,)` game numbers.
        rounds: `(N,)` which of its game's afterstates each is.
        seed: Of the run.
        samples: K.
        evaluator: The network that played.
        players: P.
    """
    observations = np.zeros((evaluator.batch_size, observation_size(players)), np.int8)
    found = np.empty((len(states) * samples, value_count(players)), np.float32)
    for first in range(0, len(found), evaluator.batch_size):
        count = _observe_refills(
            states, numbers, rounds, np.uint64(seed), first, samples, observations
        )
        found[first : first + count] = evaluator(observations)[1][:count]
    return found.reshape(len(states), samples, -1).mean(axis=1, dtype=np.float32)


def afterstate_rows(states: Int8Array) -> Int64Array:
    """Which of `states` `(N, S)` lie between two rounds."""
    return np.flatnonzero(states[:, PHASE] == AFTERSTATE)


def place_in_game(games: Int64Array) -> Int64Array:
    """`(N,)`: how many entries before each one, without a gap, are of the same game."""
    starts = np.flatnonzero(np.diff(games, prepend=-1))
    return np.arange(len(games)) - np.repeat(starts, np.diff(starts, append=len(games)))
