"""What a search is told: its constants, and the network as a callable."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import action_count, value_count


class SearchSettings(NamedTuple):
    """Constants of one search; the number of simulations is given with each position."""

    gumbel: bool = True
    """Gumbel root, completed-Q policy (Danihelka et al. 2022); else PUCT (Silver et al. 2017)."""
    max_considered_actions: int = 16
    """m: actions that sequential halving starts from."""
    c_visit: float = 50.0
    c_scale: float = 0.1
    """sigma(q) = (c_visit + max visits) * c_scale * q, with q in [-1, 1]."""
    c_puct: float = 1.5
    dirichlet_alpha: float = 0.3
    dirichlet_fraction: float = 0.25
    """Share of Dirichlet noise in the root's priors (PUCT only)."""
    sampled_chance: bool = False
    """Walk on into one sampled refill instead of stopping at the afterstate.

    The edge that ends a round keeps the refill of its first visit for the rest of the search: its
    value is that of one deal, not the mean over deals.
    """


# -- what a search asks of a network
#
# Letters: B batch size, F features, A actions, V values (`value_count(P)`).


class Evaluator(Protocol):
    """A network, seen from a search."""

    @property
    def batch_size(self) -> int:
        """B, the one number of rows that every call has."""
        ...

    def __call__(
        self, observations: npt.NDArray[np.int8]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Logits `(B, A)` and values `(B, V)` of observations `(B, F)`.

        Values are in [-1, 1], seen by the player to move; with three or four players seats are
        rotated so that index 0 is the mover. The arrays belong to the evaluator and are valid
        until its next call. A row's result does not depend on the other rows.
        """
        ...


class ConstantEvaluator:
    """Knows nothing: equal logits, value 0. Measures the cost of the tree alone."""

    def __init__(self, batch_size: int, players: int = 2) -> None:
        """Allocate the answer for `batch_size` rows once."""
        self.batch_size = batch_size
        self._logits = np.zeros((batch_size, action_count(players)), np.float32)
        self._values = np.zeros((batch_size, value_count(players)), np.float32)

    def __call__(
        self, observations: npt.NDArray[np.int8]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The same answer for every row."""
        del observations
        return self._logits, self._values
