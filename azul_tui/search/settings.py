"""What decides a search, as plain numbers that kernels can read."""

from __future__ import annotations

from typing import NamedTuple


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
