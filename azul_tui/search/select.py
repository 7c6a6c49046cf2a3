"""Which action a search looks at next, plays and learns: Gumbel with sequential halving, and PUCT.

Q is in [-1, 1], seen by the mover of the node. What the search is told comes first, then cheap
exp and log, the choice below the root, the root's noise and halving, and what comes out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from azul_tui.game.kernel import Float32Array, Uint64Array, inlined_kernel, integer, lean_kernel
from azul_tui.game.random import next_unit, next_unit_single

if TYPE_CHECKING:
    from azul_tui.search.tree import Tree


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


# -- which edge a simulation follows below the root


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


# -- the root under Gumbel: noise, sequential halving

_NO_NOISE: Final = np.float32(0.36787944)
"""1/e, where -log(-log(u)) is 0."""


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
        # No other node has edges yet: the room behind the root's is free for a copy of them.
        Tree.edges[game, count + edge].action = Tree.edges[game, edge].action
        Tree.edges[game, count + edge].prior = Tree.edges[game, edge].prior
        # The best so far stand in `legal` and `scratch`, an equal score behind the earlier one.
        # They overwrite the noise of edges that have been ranked already, and no other.
        score = log_priors[edge] - scale * noise[edge]
        place = edge
        if place >= considered:
            place = considered - 1
            if score <= Tree.scratch[place]:
                continue
        while place > 0 and score > Tree.scratch[place - 1]:
            Tree.scratch[place] = Tree.scratch[place - 1]
            Tree.legal[place] = Tree.legal[place - 1]
            place -= 1
        Tree.scratch[place] = score
        Tree.legal[place] = edge
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
def _most_visits(Tree: Tree, game: int) -> int:
    """Visits of the most visited root edge."""
    most = 0
    for edge in range(Tree.games[game].considered):
        most = max(most, Tree.edges[game, edge].visits)
    return most


@inlined_kernel
def _best_root_edge(Tree: Tree, settings: SearchSettings, game: int, visits: int) -> int:
    """Edge with exactly `visits` visits and the largest g + log prior + sigma(Q); -1 if none.

    The first of them when scores are NaN, from weights that diverged: never none then.
    """
    scale = (settings.c_visit + _most_visits(Tree, game)) * settings.c_scale
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


@inlined_kernel
def select_halving(Tree: Tree, settings: SearchSettings, game: int, done: int) -> int:
    """Root edge of the simulation after `done`: the best with as many visits as are scheduled."""
    considered = Tree.games[game].considered
    wanted = Tree.schedule[Tree.games[game].plan, considered, done]
    if wanted == 0:  # they stand in order of their scores
        for edge in range(considered):
            if Tree.edges[game, edge].visits == 0:
                return edge
    return _best_root_edge(Tree, settings, game, integer(wanted))


# -- the root under PUCT: Dirichlet noise


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
        radius = math.sqrt(-2.0 * math.log(next_unit(stream)))
        x = radius * math.cos(2.0 * math.pi * next_unit(stream))  # normal (Box and Muller, 1958)
        v = (1.0 + c * x) ** 3
        if v > 0.0 and math.log(next_unit(stream)) < 0.5 * x * x + d - d * v + d * math.log(v):
            return boost + math.log(d * v)


@inlined_kernel
def swap_unvisited(Tree: Tree, game: int, first: int, second: int) -> None:
    """Exchange two edges that have no child yet."""
    one = Tree.edges[game, first]
    other = Tree.edges[game, second]
    one.action, other.action = other.action, one.action
    one.prior, other.prior = other.prior, one.prior


@inlined_kernel
def best_prior_first(Tree: Tree, game: int, first: int, end: int) -> None:
    """Swap the unvisited edge with the highest prior in [first, end) to the front."""
    best = first
    for edge in range(first + 1, end):
        if Tree.edges[game, edge].prior > Tree.edges[game, best].prior:
            best = edge
    swap_unvisited(Tree, game, first, best)


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
    best_prior_first(Tree, game, 0, count)
    Tree.games[game].considered = 0


# -- what comes out: the move to play, the policy to learn, the value


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
        return _best_root_edge(Tree, settings, game, most)
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
    """Value of the root, seen by its mover: its own mixed with those of its visited edges.

    v_mix of Danihelka et al. (2022), appendix D: also what is expected of an unvisited edge.
    """
    total = 0
    prior = np.float32(0.0)
    weighted = np.float32(0.0)
    for edge in range(Tree.games[game].considered):
        visits = Tree.edges[game, edge].visits
        if visits > 0:
            total += visits
            prior += Tree.edges[game, edge].prior
            weighted += Tree.edges[game, edge].prior * Tree.edges[game, edge].value / visits
    own = Tree.nodes[game, 0].value
    if total == 0 or prior <= 0.0:
        return own
    return (own + total * (weighted / prior)) / np.float32(1 + total)


@lean_kernel
def write_improved_policy(
    Tree: Tree, settings: SearchSettings, game: int, policy: Float32Array
) -> None:
    """Fill `policy` `(A,)` with softmax(log prior + sigma(completed Q)), the policy to learn."""
    policy[:] = 0.0
    count = Tree.nodes[game, 0].edges
    considered = Tree.games[game].considered
    scale = (settings.c_visit + _most_visits(Tree, game)) * settings.c_scale
    mixed = root_value(Tree, game)
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
    policy[:] = 0.0
    total = np.float32(max(1, Tree.nodes[game, 0].visits))
    for edge in range(Tree.games[game].considered):
        policy[Tree.edges[game, edge].action] = Tree.edges[game, edge].visits / total
