"""One position searched: by a number of simulations, by time, or until somebody says stop."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from azul_tui.errors import CheckpointError
from azul_tui.search.lockstep import LockstepSearch
from azul_tui.search.reading.factory_order import FactoryOrder
from azul_tui.search.reading.root_moves import RootReading, read_root

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.game.kernel import Float32Array, Int8Array
    from azul_tui.game.state import GameState
    from azul_tui.jobs.engine.opened_players import OpenedNetwork
    from azul_tui.search.evaluator import Evaluator

MOST_SIMULATIONS: Final = 100_000
_FIRST_SIMULATIONS: Final = 32
"""Where a search by time begins."""
_WORTH_A_LAST: Final = 1.3
"""A search by time ends with one that fills what is left, unless it is hardly larger."""


class StoppedError(Exception):
    """Somebody wants the search to end."""


class StoppableEvaluator:
    """An evaluator that is interrupted between two batches, never before the first."""

    def __init__(self, evaluator: Evaluator, stopped: Callable[[], bool]) -> None:
        """Ask `stopped` before every batch but the first."""
        self._evaluator = evaluator
        self._stopped = stopped
        self._begun = False

    @property
    def batch_size(self) -> int:
        """See `Evaluator.batch_size`."""
        return self._evaluator.batch_size

    def __call__(self, observations: Int8Array) -> tuple[Float32Array, Float32Array]:
        """See `Evaluator.__call__`."""
        if self._begun and self._stopped():
            raise StoppedError
        self._begun = True
        return self._evaluator(observations)


@dataclass(frozen=True, slots=True)
class Thought:
    """What a search of one position came to."""

    reading: RootReading
    stopped: bool
    """Whether it was interrupted."""


def think(
    network: OpenedNetwork,
    game: GameState,
    simulations: int,
    seed: int,
    stopped: Callable[[], bool],
) -> Thought:
    """Search `game`, which has a move to make, with at least one simulation."""
    canonical, order = game.canonical()
    search = LockstepSearch(1, simulations, network.search, network.players)
    evaluator = StoppableEvaluator(network.evaluator_of(1), stopped)
    interrupted = False
    try:
        search.run(canonical.array[None, :], evaluator, seeds=np.asarray([seed], np.uint64))
    except StoppedError:
        interrupted = True
    reading = read_root(search.tree, network.search, FactoryOrder(order))
    refuse_infinite(reading, network)
    return Thought(reading, interrupted)


def refuse_infinite(reading: RootReading, network: OpenedNetwork) -> None:
    """Raise CheckpointError for the opinion of a network that has run away."""
    if not math.isfinite(reading.value + sum(move.prior for move in reading.moves)):
        raise CheckpointError(
            f"{network.name} gives values that are no numbers; take an earlier checkpoint"
        )


def think_by_time(
    network: OpenedNetwork,
    game: GameState,
    seconds: float,
    most: int,
    seed: int,
    stopped: Callable[[], bool],
) -> Thought:
    """Search anew with twice the simulations until the time or `most` simulations are spent.

    The last search takes as many as should fit into what is left.
    """
    began = time.monotonic()
    simulations = min(_FIRST_SIMULATIONS, most)
    best: Thought | None = None
    while True:
        started = time.monotonic()
        thought = think(network, game, simulations, seed, stopped)
        if thought.stopped:
            # What was finished is better than what was only begun.
            return Thought(best.reading if best is not None else thought.reading, True)
        best = thought
        now = time.monotonic()
        growth = (began + seconds - now) / max(now - started, 1e-6)
        if growth < _WORTH_A_LAST or simulations >= most:
            return thought
        simulations = min(most, int(simulations * min(2.0, growth)))
