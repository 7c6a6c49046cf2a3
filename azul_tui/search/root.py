"""The root: noise, sequential halving, the move to play and the policy to learn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from azul_tui.game.kernel import Float32Array, Uint64Array, inlined_kernel, lean_kernel
from azul_tui.game.random import next_unit, next_unit_single
from azul_tui.search.selection import exp_negative, log_positive, mixed_value

if TYPE_CHECKING:
    from azul_tui.search.settings import SearchSettings
    from azul_tui.search.tree import Tree

_NO_NOISE: Final = np.float32(0.36787944)
"""1/e, where -log(-log(u)) is 0."""


@inlined_kernel
def _insert_ranked(Tree: Tree, place: int, edge: int, score: float, kept: int) -> None:
    """Put `edge` into the ranking of the `kept` best root edges, which has `place` entries.

    The ranking is `Tree.legal` (edges) and `Tree.scratch` (scores), best first. Edges are
    offered in order of action: an equal score does not pass an earlier one.
    """
    if place >= kept:
        place = kept - 1
        if score <= Tree.scratch[place]:
            return
    while place > 0 and score > Tree.scratch[place - 1]:
        Tree.scratch[place] = Tree.scratch[place - 1]
        Tree.legal[place] = Tree.legal[place - 1]
        place -= 1
    Tree.scratch[place] = score
    Tree.legal[place] = edge


@inlined_kernel
def begin_halving(Tree: Tree, settings: SearchSettings, game: int) -> None:
    """Draw the root's Gumbel noise and bring the actions to consider to the front, best first.

    Equal scores are ordered by action, so play without noise is decided by the lowest index.
    The root's edges must still be in order of action.
    """
    count = Tree.nodes[game, 0].edges
    scale = Tree.games[game].noise
    stream = Tree.stream[game]
    considered = min(settings.max_considered_actions, count)
    noise = Tree.scratch[:count]
    for edge in range(count):
        noise[edge] = next_unit_single(stream) if scale > 0.0 else _NO_NOISE
    for edge in range(count):
        noise[edge] = log_positive(-log_positive(noise[edge]))
    log_priors = Tree.gumbel[game, count : 2 * count]
    for edge in range(count):
        log_priors[edge] = Tree.edges[game, edge].prior
    for edge in range(count):
        log_priors[edge] = log_positive(log_priors[edge])
    for edge in range(count):
        # The ranking overwrites the noise of edges that are already in it, and no other.
        score = log_priors[edge] - scale * noise[edge]
        _insert_ranked(Tree, edge, edge, score, considered)
        # No other node has edges yet: the room behind the root's is free for a copy of them.
        Tree.edges[game, count + edge].action = Tree.edges[game, edge].action
        Tree.edges[game, count + edge].prior = Tree.edges[game, edge].prior
    for place in range(considered):
        edge = Tree.legal[place]
        Tree.edges[game, place].action = Tree.edges[game, count + edge].action
        Tree.edges[game, place].prior = Tree.edges[game, count + edge].prior
        Tree.edges[game, place].visits = 0
        Tree.edges[game, count + edge].action = -1
        Tree.gumbel[game, place] = Tree.scratch[place]
    place = considered
    for edge in range(count, 2 * count):
        if Tree.edges[game, edge].action >= 0:
            Tree.edges[game, place].action = Tree.edges[game, edge].action
            Tree.edges[game, place].prior = Tree.edges[game, edge].prior
            place += 1
    Tree.games[game].considered = considered


@inlined_kernel
def _sigma_scale(Tree: Tree, settings: SearchSettings, game: int) -> float:
    """The factor of Q in sigma at the root."""
    most = 0
    for edge in range(Tree.games[game].considered):
        most = max(most, Tree.edges[game, edge].visits)
    return (settings.c_visit + most) * settings.c_scale


@inlined_kernel
def select_halving(Tree: Tree, settings: SearchSettings, game: int) -> int:
    """Root edge to simulate next: the best of those with the visits that the schedule asks for."""
    considered = Tree.games[game].considered
    wanted = Tree.schedule[Tree.games[game].plan, considered, Tree.games[game].done]
    if wanted == 0:
        for edge in range(considered):
            if Tree.edges[game, edge].visits == 0:
                return edge
    return best_root_edge(Tree, settings, game, wanted)


@inlined_kernel
def best_root_edge(Tree: Tree, settings: SearchSettings, game: int, visits: int) -> int:
    """Edge with exactly `visits` visits and the largest g + log prior + sigma(Q); -1 if none.

    The first of them when scores are NaN, from a network that has run away: never none then.
    """
    scale = _sigma_scale(Tree, settings, game)
    best = -1e30
    chosen = -1
    for edge in range(Tree.games[game].considered):
        if Tree.edges[game, edge].visits != visits:
            continue
        q = Tree.edges[game, edge].value / visits if visits > 0 else Tree.nodes[game, 0].value
        score = Tree.gumbel[game, edge] + scale * q
        if chosen < 0 or score > best:
            best = score
            chosen = edge
    return chosen


@lean_kernel
def write_improved_policy(
    Tree: Tree, settings: SearchSettings, game: int, policy: Float32Array
) -> None:
    """Fill `policy` `(A,)` with softmax(log prior + sigma(completed Q)), the policy to learn."""
    for action in range(len(policy)):
        policy[action] = 0.0
    count = Tree.nodes[game, 0].edges
    considered = Tree.games[game].considered
    scale = _sigma_scale(Tree, settings, game)
    mixed = mixed_value(Tree, game, 0, considered)
    top = mixed
    for edge in range(considered):
        if Tree.edges[game, edge].visits > 0:
            top = max(top, Tree.edges[game, edge].value / Tree.edges[game, edge].visits)
    total = 0.0
    for edge in range(count):
        q = mixed
        if edge < considered and Tree.edges[game, edge].visits > 0:
            q = Tree.edges[game, edge].value / Tree.edges[game, edge].visits
        weight = Tree.edges[game, edge].prior * exp_negative(np.float32(scale * (q - top)))
        policy[Tree.edges[game, edge].action] = weight
        total += weight
    for edge in range(count):
        policy[Tree.edges[game, edge].action] /= np.float32(total)


@lean_kernel
def write_visit_policy(Tree: Tree, game: int, policy: Float32Array) -> None:
    """Fill `policy` `(A,)` with each root action's share of the visits (Silver et al. 2017)."""
    for action in range(len(policy)):
        policy[action] = 0.0
    total = np.float32(max(1, Tree.nodes[game, 0].visits))
    for edge in range(Tree.games[game].considered):
        policy[Tree.edges[game, edge].action] = Tree.edges[game, edge].visits / total


@lean_kernel
def _normal(stream: Uint64Array) -> float:
    """Standard normal number (Box and Muller, 1958)."""
    radius = math.sqrt(-2.0 * math.log(next_unit(stream)))
    return radius * math.cos(2.0 * math.pi * next_unit(stream))


@lean_kernel
def _log_gamma(shape: float, stream: Uint64Array) -> float:
    """Logarithm of a gamma number (Marsaglia and Tsang, 2000); shapes below 1 by their boost.

    The number itself is below every float when the shape is small.
    """
    boost = 0.0
    if shape < 1.0:
        boost = math.log(next_unit(stream)) / shape
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = _normal(stream)
        v = (1.0 + c * x) ** 3
        if v > 0.0 and math.log(next_unit(stream)) < 0.5 * x * x + d - d * v + d * math.log(v):
            return boost + math.log(d * v)


@lean_kernel
def mix_dirichlet(Tree: Tree, settings: SearchSettings, game: int) -> None:
    """Mix Dirichlet noise into the root's priors; the highest prior comes first again.

    Its share is that of the settings, whatever the scale of the noise, unless that is 0.
    """
    count = Tree.nodes[game, 0].edges
    share = settings.dirichlet_fraction
    if share > 0.0 and Tree.games[game].noise > 0.0:
        stream = Tree.stream[game]
        top = -math.inf
        for edge in range(count):
            draw = _log_gamma(settings.dirichlet_alpha, stream)
            Tree.gumbel[game, edge] = draw
            top = max(top, draw)
        total = 0.0
        for edge in range(count):
            Tree.gumbel[game, edge] = math.exp(Tree.gumbel[game, edge] - top)
            total += Tree.gumbel[game, edge]
        for edge in range(count):
            prior = (1.0 - share) * Tree.edges[game, edge].prior
            Tree.edges[game, edge].prior = prior + share * Tree.gumbel[game, edge] / total
    best = 0
    for edge in range(1, count):
        if Tree.edges[game, edge].prior > Tree.edges[game, best].prior:
            best = edge
    one, other = Tree.edges[game, 0], Tree.edges[game, best]
    one.action, other.action = other.action, one.action
    one.prior, other.prior = other.prior, one.prior
    Tree.games[game].considered = 0


@inlined_kernel
def _most_visits(Tree: Tree, game: int) -> int:
    """Visits of the most visited root edge."""
    most = 0
    for edge in range(Tree.games[game].considered):
        most = max(most, Tree.edges[game, edge].visits)
    return most


@lean_kernel
def choose_edge(Tree: Tree, settings: SearchSettings, game: int, temperature: float) -> int:
    """Root edge to play.

    Gumbel: the most visited with the largest g + log prior + sigma(Q); the noise g has been
    drawn with the search, so `temperature` only says whether it counts (> 0) or not (0).
    PUCT: drawn in proportion to visits ^ (1 / temperature); at 0 the most visited one.
    """
    most = _most_visits(Tree, game)
    if settings.gumbel:
        if temperature <= 0.0 and Tree.games[game].noise > 0.0:
            for edge in range(Tree.games[game].considered):
                Tree.gumbel[game, edge] = log_positive(Tree.edges[game, edge].prior)
        return best_root_edge(Tree, settings, game, most)
    chosen = -1
    if temperature > 0.0:
        total = 0.0
        for edge in range(Tree.games[game].considered):
            total += (Tree.edges[game, edge].visits / most) ** (1.0 / temperature)
        left = next_unit(Tree.stream[game]) * total
        for edge in range(Tree.games[game].considered):
            share = (Tree.edges[game, edge].visits / most) ** (1.0 / temperature)
            if share > 0.0:
                chosen = edge
                left -= share
                if left <= 0.0:
                    break
        return chosen
    for edge in range(Tree.games[game].considered):
        if Tree.edges[game, edge].visits == most and (
            chosen < 0 or Tree.edges[game, edge].action < Tree.edges[game, chosen].action
        ):
            chosen = edge
    return chosen


@lean_kernel
def root_value(Tree: Tree, game: int) -> np.float32:
    """Value of the root after search, seen by its mover: v_mix over the visited edges."""
    return mixed_value(Tree, game, 0, Tree.games[game].considered)
