"""The search written a second time, plainly: objects, recursion, float64, no tricks.

It shares nothing with `azul_tui.search` but the rules: priors, the order of edges, the choice of
the next simulation, what is backed up and which policy comes out are written again from the
papers. `solve` needs no search at all: it looks at every line to the end of the round.

Sources: Silver et al. (2017), Methods; Danihelka et al. (2022), sections 3 to 5, appendix D.
"""

from __future__ import annotations

import math

import numpy as np
from search_lab import after, moves_of

from azul_tui.game.constants import AFTERSTATE, MOVING, OVER, PHASE, PLAYERS, TO_MOVE
from azul_tui.game.observation import write_observation
from azul_tui.game.state import GameState


def true_final_values(state):
    """Value of each seat of a finished game, from the rules as people read them."""
    winners = GameState(state).winners
    return [
        2 / len(winners) - 1 if seat in winners else -1.0 for seat in range(int(state[PLAYERS]))
    ]


class Node:
    """A position: its values by seat, and for each action its prior and what lies behind."""

    def __init__(self, state, evaluate):
        self.state = state
        self.mover = int(state[TO_MOVE])
        self.edges = {}
        if state[PHASE] == OVER:
            self.values = true_final_values(state)
            return
        logits, row = evaluate(state)
        players = int(state[PLAYERS])
        self.values = [0.0] * players
        if players == 2:
            self.values[self.mover], self.values[1 - self.mover] = row[0], -row[0]
        else:
            for turn in range(players):
                self.values[(self.mover + turn) % players] = row[turn]
        if state[PHASE] == MOVING:
            actions = moves_of(state)
            weights = np.exp(logits[actions] - logits[actions].max())
            for action, prior in zip(actions, weights / weights.sum(), strict=True):
                self.edges[action] = Edge(float(prior))

    @property
    def value(self):
        return self.values[self.mover]

    @property
    def visits(self):
        return sum(edge.visits for edge in self.edges.values())


class Edge:
    def __init__(self, prior):
        self.prior, self.visits, self.total, self.child = prior, 0, 0.0, None

    @property
    def q(self):
        return self.total / self.visits


def mixed_value(node):
    """v_mix (Danihelka 2022, equation 33): the value estimate of an unvisited action."""
    visited = [edge for edge in node.edges.values() if edge.visits]
    if not visited:
        return node.value
    average = sum(edge.prior * edge.q for edge in visited) / sum(edge.prior for edge in visited)
    return (node.value + node.visits * average) / (1 + node.visits)


def improved_policy(node, settings):
    """softmax(logits + sigma(completed Q)) (equation 11), sigma of equation 8."""
    mixed = mixed_value(node)
    most = max(edge.visits for edge in node.edges.values())
    sigma = (settings.c_visit + most) * settings.c_scale
    scores = {
        action: math.log(edge.prior) + sigma * (edge.q if edge.visits else mixed)
        for action, edge in node.edges.items()
    }
    top = max(scores.values())
    weights = {action: math.exp(score - top) for action, score in scores.items()}
    total = sum(weights.values())
    return {action: weight / total for action, weight in weights.items()}


def halving_sequence(considered, simulations):
    """Visits that the next action must have, from sequential halving told as a tournament."""
    if considered == 1:
        return list(range(simulations))
    rounds = math.ceil(math.log2(considered))
    sequence, visits, alive = [], 0, considered
    while len(sequence) < simulations:
        for _ in range(max(1, math.floor(simulations / (rounds * alive)))):
            sequence += [visits] * alive
            visits += 1
        alive = max(2, alive // 2)
    return sequence[:simulations]


class PlainSearch:
    """One search. `evaluate(state) -> (logits (A,), values (V,))` in float64."""

    def __init__(
        self, state, evaluate, simulations, settings, root_priors=None, scores=None, refill=None
    ):
        """`scores` (log prior + Gumbel noise) and `root_priors` stand for the root's noise.

        `refill(state)` deals the next round in place, for a search that walks on into it.
        """
        self.settings = settings
        self.refill = refill
        self.evaluate = evaluate
        self.root = Node(state, evaluate)
        for action, prior in (root_priors or {}).items():
            self.root.edges[action].prior = prior
        edges = self.root.edges
        self.scores = scores or {action: math.log(edge.prior) for action, edge in edges.items()}
        count = min(settings.max_considered_actions, len(edges))
        self.considered = sorted(edges, key=lambda action: (-self.scores[action], action))[:count]
        self.sequence = halving_sequence(count, simulations)
        for done in range(simulations):
            self.simulate(self.root, done)

    def simulate(self, node, done=None):
        """One simulation from `node`; the values by seat of the leaf it reached."""
        if done is not None and self.settings.gumbel:
            action = self.best_root(self.sequence[done])
        elif self.settings.gumbel:
            policy = improved_policy(node, self.settings)
            total = 1 + node.visits
            action = max(policy, key=lambda a: policy[a] - node.edges[a].visits / total)
        else:
            edges = node.edges  # before the first visit all scores are equal: the prior decides
            action = max(edges, key=lambda a: (self.puct(node, edges[a]), edges[a].prior))
        edge = node.edges[action]
        if edge.child is None:
            state = after(node.state, action)
            if self.refill is not None and state[PHASE] == AFTERSTATE:
                self.refill(state)
            edge.child = Node(state, self.evaluate)
            values = edge.child.values
        elif edge.child.edges:
            values = self.simulate(edge.child)
        else:
            values = edge.child.values
        edge.visits += 1
        edge.total += values[node.mover]
        return values

    def best_root(self, visits):
        most = max(edge.visits for edge in self.root.edges.values())
        sigma = (self.settings.c_visit + most) * self.settings.c_scale
        edges = self.root.edges
        wanted = [action for action in self.considered if edges[action].visits == visits]
        return max(
            wanted,
            key=lambda a: self.scores[a] + (sigma * edges[a].q if visits else 0.0),
        )

    def puct(self, node, edge):
        q = edge.q if edge.visits else node.value
        return q + self.settings.c_puct * edge.prior * math.sqrt(node.visits) / (1 + edge.visits)

    def choice(self):
        """The move to play when noise does not count."""
        most = max(edge.visits for edge in self.root.edges.values())
        return self.best_root(most)


def evaluate_alone(evaluator, players):
    """`evaluate(state)` that asks a batched evaluator about one position."""
    from azul_tui.game.constants import observation_size

    observations = np.zeros((evaluator.batch_size, observation_size(players)), np.int8)

    def evaluate(state):
        write_observation(state, observations[0])
        logits, values = evaluator(observations)
        return logits[0].astype(np.float64), values[0].astype(np.float64)

    return evaluate


# Exhaustive truth


class TooManyError(Exception):
    """More positions than a test wants to look at."""


class Solver:
    """max-n to the end of the round: every mover takes the move best for its own seat.

    `bounds` are values by seat, lowest and highest over all moves that are within `slack` of a
    mover's best, so that a position whose value hangs on a near tie can be told from the others.
    With two players the values are opposite and both bounds differ by little: minimax.
    """

    def __init__(self, leaf_values, most_positions, slack=0.0):
        self.leaf_values = leaf_values
        self.slack = slack
        self.left = most_positions
        self.seen = {}

    def bounds(self, state):
        """`(lowest, highest)`, each `(P,)`."""
        key = state.tobytes()
        if key not in self.seen:
            self.left -= 1
            if self.left < 0:
                raise TooManyError
            self.seen[key] = self._bounds(state)
        return self.seen[key]

    def _bounds(self, state):
        if state[PHASE] == OVER:
            values = np.array(true_final_values(state))
            return values, values
        if state[PHASE] != MOVING:
            values = self.leaf_values(state)
            return values, values
        mover = int(state[TO_MOVE])
        pairs = [self.bounds(after(state, action)) for action in moves_of(state)]
        enough = max(low[mover] for low, _ in pairs) - self.slack
        good = [(low, high) for low, high in pairs if high[mover] >= enough]
        return (
            np.min([low for low, _ in good], axis=0),
            np.max([high for _, high in good], axis=0),
        )

    def moves(self, state):
        """`action -> (lowest, highest)` value for the mover of each move."""
        mover = int(state[TO_MOVE])
        behind = {action: self.bounds(after(state, action)) for action in moves_of(state)}
        return {action: (low[mover], high[mover]) for action, (low, high) in behind.items()}


def solved_move(state, leaf_values, most_positions=2000, margin=0.2, slack=0.0):
    """`(best action, its value)` where it beats every other by `margin`, else None."""
    solver = Solver(leaf_values, most_positions, slack)
    try:
        moves = solver.moves(state)
    except TooManyError:
        return None
    best = max(moves, key=lambda action: moves[action][0])
    low, high = moves[best]
    others = [other_high for action, (_, other_high) in moves.items() if action != best]
    if not others or low - max(others) < margin or high - low > 0.02:
        return None
    return best, (low + high) / 2
