"""Which action a search looks at next: Gumbel with sequential halving, and PUCT."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from azul_tui.game.kernel import inlined_kernel, lean_kernel

if TYPE_CHECKING:
    from azul_tui.search.settings import SearchSettings
    from azul_tui.search.tree import Tree


# -- exp and log, cheap enough to call for every legal move and the same on every machine

_LOWEST: Final = np.float32(-80.0)
_LOG2_E: Final = np.float32(1.4426950408889634)
_C0: Final = np.float32(1.0)
_C1: Final = np.float32(0.6931517388)
_C2: Final = np.float32(0.2401592714)
_C3: Final = np.float32(0.0558186760)
_C4: Final = np.float32(0.0089909951)
_C5: Final = np.float32(0.0018793187)


@lean_kernel
def exp_negative(x: np.float32) -> np.float32:
    """e^x for x <= 0, clamped at e^-80; relative error below 4e-6, near 0 below 4e-7.

    2^t with t split into its floor, which becomes the exponent bits, and a remainder f in [0, 1).
    2^f is the polynomial of degree 5 whose largest relative error there, 1.8e-7, is least among
    those that are 1 at 0 and 2 at 1, so that the pieces join.
    """
    t = max(x, _LOWEST) * _LOG2_E
    whole = np.floor(t)
    f = np.float32(t - whole)
    power = _C0 + f * (_C1 + f * (_C2 + f * (_C3 + f * (_C4 + f * _C5))))
    return np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32) * power


_MANTISSA: Final = np.int32((1 << 23) - 1)
_EXPONENT_OF_ONE: Final = np.int32(127 << 23)
_SQRT_2: Final = np.float32(1.4142135)
_LN_2: Final = np.float32(0.6931472)
_ONE: Final = np.float32(1.0)
_A1: Final = np.float32(2.0)
_A3: Final = np.float32(2.0 / 3.0)
_A5: Final = np.float32(2.0 / 5.0)
_A7: Final = np.float32(2.0 / 7.0)
_A9: Final = np.float32(2.0 / 9.0)


@lean_kernel
def log_positive(x: np.float32) -> np.float32:
    """Logarithm of a normal x > 0; error below 2e-7 of the result or of 1, whichever is larger.

    x = 2^k m with m in [sqrt(1/2), sqrt(2)), and ln m = 2 artanh((m - 1) / (m + 1)) as a series.
    Without branches: a loop over it becomes vector code.
    """
    bits = np.int32(np.float32(x).view(np.int32))
    high = np.int32((bits & _MANTISSA) | _EXPONENT_OF_ONE).view(np.float32) >= _SQRT_2
    up = np.int32(1) if high else np.int32(0)
    exponent = np.int32((bits >> np.int32(23)) - np.int32(127) + up)
    m = np.int32(((bits & _MANTISSA) | _EXPONENT_OF_ONE) - (up << np.int32(23))).view(np.float32)
    s = np.float32((m - _ONE) / (m + _ONE))
    s2 = np.float32(s * s)
    series = _A1 + s2 * (_A3 + s2 * (_A5 + s2 * (_A7 + s2 * _A9)))
    return np.float32(exponent) * _LN_2 + s * series


# -- which edge a simulation follows below the root. Q is in [-1, 1], seen by the node's mover


@inlined_kernel
def mixed_value(Tree: Tree, game: int, node: int, edges: int) -> np.float32:
    """v_mix: the node's own value mixed with its visited edges' (Danihelka 2022, appendix D).

    Of the node's edges the first `edges` are looked at.
    """
    first = Tree.nodes[game, node].first
    total = 0
    prior = np.float32(0.0)
    weighted = np.float32(0.0)
    for edge in range(first, first + edges):
        visits = Tree.edges[game, edge].visits
        if visits > 0:
            total += visits
            prior += Tree.edges[game, edge].prior
            weighted += Tree.edges[game, edge].prior * Tree.edges[game, edge].value / visits
    own = Tree.nodes[game, node].value
    if total == 0 or prior <= 0.0:
        return own
    return (own + total * (weighted / prior)) / np.float32(1 + total)


@inlined_kernel
def select_completed_q(Tree: Tree, settings: SearchSettings, game: int, node: int) -> int:
    """Edge with the largest pi'(a) - N(a) / (1 + sum N) (Danihelka et al. 2022, equation 14).

    pi' = softmax(log prior + sigma(completed Q)). Unvisited edges all have Q = v_mix, so of
    them only the one with the highest prior, which stands right behind the visited, can win.
    """
    here = Tree.nodes[game, node]
    first = here.first
    known = here.known
    if known == 0:
        return first
    most = 0
    prior = np.float32(0.0)
    weighted = np.float32(0.0)
    top = np.float32(-2.0)
    for index in range(known):
        edge = Tree.edges[game, first + index]
        q = edge.value / np.float32(edge.visits)
        Tree.scratch[index] = q
        top = max(top, q)
        most = max(most, edge.visits)
        prior += edge.prior
        weighted += edge.prior * q
    visits = np.float32(here.visits)
    mixed = (here.value + visits * (weighted / prior)) / (np.float32(1.0) + visits)
    top = max(top, mixed)
    scale = np.float32((settings.c_visit + most) * settings.c_scale)
    rest = exp_negative(scale * (mixed - top))
    total = max(np.float32(1.0) - prior, np.float32(0.0)) * rest
    for index in range(known):
        weight = Tree.edges[game, first + index].prior * exp_negative(
            scale * (Tree.scratch[index] - top)
        )
        Tree.scratch[index] = weight
        total += weight
    share = np.float32(1.0) / total
    each = np.float32(1.0) / (np.float32(1.0) + visits)
    best = np.float32(-2.0)
    chosen = first
    if known < here.edges:
        chosen = first + known
        best = Tree.edges[game, chosen].prior * rest * share
    for index in range(known):
        score = (
            Tree.scratch[index] * share - np.float32(Tree.edges[game, first + index].visits) * each
        )
        if score > best:
            best = score
            chosen = first + index
    return chosen


@inlined_kernel
def select_puct(Tree: Tree, settings: SearchSettings, game: int, node: int) -> int:
    """Edge with the largest Q + c_puct * P * sqrt(sum of N) / (1 + N) (Silver et al. 2017).

    An unvisited edge has the node's own value for Q, so of them only the one with the highest
    prior can win.
    """
    first = Tree.nodes[game, node].first
    known = Tree.nodes[game, node].known
    bonus = np.float32(settings.c_puct * math.sqrt(Tree.nodes[game, node].visits))
    best = np.float32(-1e30)
    chosen = first
    if known < Tree.nodes[game, node].edges:
        chosen = first + known
        best = Tree.nodes[game, node].value + bonus * Tree.edges[game, chosen].prior
    for edge in range(first, first + known):
        visits = np.float32(Tree.edges[game, edge].visits)
        q = Tree.edges[game, edge].value / visits
        score = q + bonus * Tree.edges[game, edge].prior / (np.float32(1.0) + visits)
        if score > best:
            best = score
            chosen = edge
    return chosen
