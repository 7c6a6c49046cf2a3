"""Which edge a simulation follows below the root. Q is in [-1, 1], seen by the node's mover."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from azul_tui.game.kernel import inlined_kernel
from azul_tui.search.exponential import exp_negative

if TYPE_CHECKING:
    from azul_tui.search.settings import SearchSettings
    from azul_tui.search.tree import Tree


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
