"""Value targets: what a finished game says of each of its positions.

The outcome, or TD(lambda) between it and the values that the searches found. Of a position between
two rounds the outcome says little: one bag out of thousands was drawn, and what followed it. There
the target may be the mean of what the network says of several refills: what a search means by the
value of an afterstate, at the price of leaning on the network's own values (a bootstrap).

Shapes: N samples, S bytes a position, G games, P players, V values, K refills of each afterstate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from azul_tui.game.constants import AFTERSTATE, PHASE, TO_MOVE, observation_size
from azul_tui.game.kernel import Float32Array, Int8Array, Int64Array, integer, kernel
from azul_tui.game.observation import write_observation
from azul_tui.game.random import GAME, SEARCH, derive
from azul_tui.game.rules import refill_canonical

if TYPE_CHECKING:
    from azul_tui.search.search import Evaluator


@kernel
def value_targets(
    states: Int8Array,
    root_values: Float32Array,
    games: Int64Array,
    results: Float32Array,
    mix: float,
    td_lambda: float,
) -> Float32Array:
    """`(N, V)` targets in [-1, 1], seen by the mover, then by the seats after it.

    TD(lambda), Sutton 1988, read backwards from the result. A position bootstraps from its own
    search's value and not, as the textbook has it, from the next one's: that search has looked
    ahead from it.

    Args:
        states: `(N, S)`, those of a game next to each other and in order.
        root_values: `(N,)` of their searches, seen by the mover; NaN where there was none.
        games: `(N,)` which of `results` each belongs to.
        results: `(G, P)` each seat's result in [-1, 1].
        mix: Share of the root value in the target of its own position.
        td_lambda: Share of what the game says of the position after it; 1 is the outcome alone.
    """
    players = results.shape[1]
    targets = np.empty((len(states), 1 if players == 2 else players), np.float32)
    returns = np.empty(players, np.float32)
    own_share = np.float32(mix)
    share = np.float32(1.0 - td_lambda)
    for row in range(len(states) - 1, -1, -1):
        if row == len(states) - 1 or games[row] != games[row + 1]:
            returns[:] = results[games[row]]
        mover = integer(states[row, TO_MOVE])
        root_value = root_values[row]
        searched = not np.isnan(root_value)
        if searched and share > 0.0:  # else the outcome stays as it is, to the sign of a draw's 0
            returns[mover] += share * (root_value - returns[mover])
            if players == 2:
                returns[1 - mover] = -returns[mover]
        for turn in range(targets.shape[1]):
            targets[row, turn] = returns[(mover + turn) % players]
        if searched:
            outcome = returns[mover]
            targets[row, 0] = outcome + own_share * (root_value - outcome)
    return targets


def average_afterstates(
    targets: Float32Array,
    states: Int8Array,
    numbers: Int64Array,
    seed: int,
    refills: int,
    evaluator: Evaluator,
    players: int,
) -> None:
    """Replace the targets of afterstates by the mean value of several refills of each.

    Args:
        targets: `(N, V)`, changed.
        states: `(N, S)`, those of a game next to each other and in order.
        numbers: `(N,)` number of the game of each.
        seed: Of the run.
        refills: K.
        evaluator: The network that played.
        players: P.
    """
    rows = np.flatnonzero(states[:, PHASE] == AFTERSTATE)
    afterstates, numbers = states[rows], numbers[rows]
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    rounds = np.arange(len(rows)) - np.repeat(starts, np.diff(starts, append=len(rows)))
    observations = np.zeros((evaluator.batch_size, observation_size(players)), np.int8)
    values = np.empty((len(rows) * refills, targets.shape[1]), np.float32)
    for first in range(0, len(values), evaluator.batch_size):
        count = _observe_refills(
            afterstates, numbers, rounds, np.uint64(seed), first, refills, observations
        )
        values[first : first + count] = evaluator(observations)[1][:count]
    targets[rows] = values.reshape(len(rows), refills, -1).mean(axis=1, dtype=np.float32)


@kernel
def _observe_refills(
    states: Int8Array,
    numbers: Int64Array,
    rounds: Int64Array,
    seed: np.uint64,
    first: int,
    refills: int,
    observations: Int8Array,
) -> int:
    """Observe refills `first`, ... of all N * K into the rows of `observations`.

    Refill k of an afterstate depends on the run's seed, the game's number, which of the game's
    afterstates it is and k alone. Returns how many rows were filled.
    """
    state = np.empty(states.shape[1], np.int8)
    stream = np.zeros(1, np.uint64)
    count = min(observations.shape[0], states.shape[0] * refills - first)
    for row in range(count):
        index = (first + row) // refills
        state[:] = states[index]
        game = derive(seed, GAME, integer(numbers[index]))
        which = (integer(rounds[index]) + 1) * refills + (first + row) % refills
        refill_canonical(state, derive(game, SEARCH, which), stream)
        write_observation(state, observations[row])
    return count
