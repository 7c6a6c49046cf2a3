"""The search of many games in lockstep: each simulation of all games is one call of the network.

Letters: G games, B the evaluator's batch, S bytes a position, F features, A actions, P players,
V values (`value_count(P)`).
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import (
    AFTERSTATE,
    MOVING,
    OVER,
    PHASE,
    PLAYERS,
    TO_MOVE,
    action_count,
    observation_size,
    value_count,
)
from azul_tui.game.kernel import (
    Float32Array,
    Int8Array,
    Int32Array,
    inlined_kernel,
    integer,
    lean_kernel,
)
from azul_tui.game.observation import write_observation
from azul_tui.game.random import next_bits
from azul_tui.game.rules import (
    apply_canonical,
    copy_state,
    list_legal,
    refill_canonical,
    winner_mask,
)
from azul_tui.search.select import (
    SearchSettings,
    begin_halving,
    best_prior_first,
    choose_edge,
    exp_negative,
    mix_dirichlet,
    root_value,
    select_completed_q,
    select_halving,
    select_puct,
    swap_unvisited,
    write_improved_policy,
    write_visit_policy,
)
from azul_tui.search.tree import UNEXPANDED, Tree, allocate_tree

LANES: Final = 8
"""W of a search of few positions: as many rows as cost next to nothing more than one."""


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
        self._answer = (
            np.zeros((batch_size, action_count(players)), np.float32),
            np.zeros((batch_size, value_count(players)), np.float32),
        )

    def __call__(
        self, observations: npt.NDArray[np.int8]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The same answer for every row."""
        del observations
        return self._answer


# -- one game's search as a machine that stops whenever it needs the network
#
# `begin` puts a position at the root, which waits for its evaluation. `receive` takes an
# evaluation, expands the waiting node and backs its value up; `advance` then simulates until the
# next leaf waits or the budget is spent. Leaves of known value (the end of the game, an afterstate
# seen before) cost no evaluation, so games do not move in step: every call of the network has a
# row of each game that still searches. Self-play, where games begin and end at their own times,
# drives these itself.
#
# In sequential halving the simulations of one round, one for each action that is left, go through
# subtrees that do not touch, and none of them is chosen by what another finds: up to W leaves of a
# game may wait at once without any change to the tree. Visits count on the way down, values on the
# way up.


@lean_kernel
def begin(Tree: Tree, game: int, state: Int8Array, plan: int, simulations: int) -> None:
    """Start a search from `state` `(S,)`, canonical and not over; its root waits for a value."""
    copy_state(state, Tree.states[game, 0])
    Tree.nodes[game, 0].mover = state[TO_MOVE]
    Tree.nodes[game, 0].edges = UNEXPANDED
    Tree.pending[game, 0] = 0
    Tree.games[game].waiting = 1
    Tree.games[game].nodes = 1
    Tree.games[game].edges = 0
    Tree.games[game].done = 0
    Tree.games[game].plan = plan
    Tree.games[game].budget = simulations


@lean_kernel
def final_values(state: Int8Array, values: Float32Array) -> None:
    """Write each seat's value of a finished game: 2 * (its share of the win) - 1, in `(P,)`."""
    players = np.int64(state[PLAYERS])
    winners = winner_mask(state)
    count = 0
    for seat in range(players):
        count += winners >> seat & 1
    for seat in range(players):
        values[seat] = np.float32(2.0 / count - 1.0) if winners >> seat & 1 else np.float32(-1.0)


@inlined_kernel
def _seat_values(state: Int8Array, row: Float32Array, values: Float32Array) -> None:
    """Turn an evaluator's `(V,)` row, seen by the mover, into `(P,)` values by seat."""
    players = np.int64(state[PLAYERS])
    mover = np.int64(state[TO_MOVE])
    if players == 2:
        values[mover] = row[0]
        values[1 - mover] = -row[0]
        return
    for turn in range(players):
        seat = mover + turn
        values[seat if seat < players else seat - players] = row[turn]


@inlined_kernel
def _expand(Tree: Tree, game: int, node: int, logits: Float32Array) -> None:
    """List the moves of `node` and give them priors: softmax of their logits `(A,)`.

    The highest prior comes first; the root's moves stay in order of action.
    """
    count = list_legal(Tree.states[game, node], Tree.legal, True)
    first = Tree.games[game].edges
    Tree.games[game].edges = first + count
    Tree.nodes[game, node].first = first
    Tree.nodes[game, node].edges = count
    Tree.nodes[game, node].known = 0
    Tree.nodes[game, node].visits = 0
    top = np.float32(-1e30)
    best = 0
    for index in range(count):
        logit = logits[Tree.legal[index]]
        Tree.scratch[index] = logit
        if logit > top:
            top = logit
            best = index
    total = np.float32(0.0)
    for index in range(count):
        Tree.scratch[index] = exp_negative(Tree.scratch[index] - top)
    for index in range(count):
        total += Tree.scratch[index]
    share = np.float32(1.0) / total
    for index in range(count):
        edge = Tree.edges[game, first + index]
        edge.prior = Tree.scratch[index] * share
        edge.action = Tree.legal[index]
    if best > 0 and node > 0:
        swap_unvisited(Tree, game, first, first + best)


@inlined_kernel
def _back_up(Tree: Tree, game: int, leaf: int) -> None:
    """Add the leaf's values to every edge above it, each seen by the mover there."""
    node = integer(leaf)
    while node != 0:
        edge = Tree.nodes[game, node].above
        node = integer(Tree.nodes[game, node].parent)
        Tree.edges[game, edge].value += Tree.nodes[game, leaf].seats[Tree.nodes[game, node].mover]


@lean_kernel
def receive(
    Tree: Tree,
    settings: SearchSettings,
    game: int,
    node: int,
    logits: Float32Array,
    values: Float32Array,
) -> None:
    """Give a waiting node its evaluation: rows `(A,)` and `(V,)` of the evaluator's answer."""
    state = Tree.states[game, node]
    Tree.nodes[game, node].value = values[0]
    _seat_values(state, values, Tree.nodes[game, node].seats)
    if state[PHASE] != MOVING:
        Tree.nodes[game, node].edges = 0
    else:
        _expand(Tree, game, node, logits)
    if node == 0:
        if settings.gumbel:
            begin_halving(Tree, settings, game)
        else:
            mix_dirichlet(Tree, settings, game)
        return
    _back_up(Tree, game, node)


@inlined_kernel
def _add_child(Tree: Tree, settings: SearchSettings, game: int, parent: int, edge: int) -> int:
    """Make the node behind an edge that has none; return it."""
    node = Tree.games[game].nodes
    Tree.games[game].nodes = node + 1
    move = Tree.edges[game, edge]
    move.child = node
    move.visits = 0
    move.value = np.float32(0.0)
    state = Tree.states[game, node]
    copy_state(Tree.states[game, parent], state)
    # One type of action everywhere: every other type would be compiled again.
    apply_canonical(state, integer(move.action))
    if settings.sampled_chance and state[PHASE] == AFTERSTATE:
        refill_canonical(state, next_bits(Tree.stream[game]), Tree.deal)
    Tree.nodes[game, node].parent = parent
    Tree.nodes[game, node].above = edge
    Tree.nodes[game, node].edges = UNEXPANDED
    Tree.nodes[game, node].mover = state[TO_MOVE]
    if state[PHASE] == OVER:
        final_values(state, Tree.nodes[game, node].seats)
        Tree.nodes[game, node].value = np.float32(Tree.nodes[game, node].seats[state[TO_MOVE]])
        Tree.nodes[game, node].edges = 0
    if parent != 0 or not settings.gumbel:
        known = Tree.nodes[game, parent].known + 1
        Tree.nodes[game, parent].known = known
        first = Tree.nodes[game, parent].first
        if known < Tree.nodes[game, parent].edges:
            best_prior_first(Tree, game, first + known, first + Tree.nodes[game, parent].edges)
        if parent == 0:
            Tree.games[game].considered = known
    return node


@inlined_kernel
def _descend(Tree: Tree, settings: SearchSettings, game: int) -> int:
    """Walk from the root to a leaf, counting visits; return the leaf."""
    node = 0
    Tree.games[game].done += 1
    while True:
        if settings.gumbel and node == 0:
            edge = integer(select_halving(Tree, settings, game, Tree.games[game].done - 1))
            new = Tree.edges[game, edge].visits == 0
        else:
            if settings.gumbel:
                edge = integer(select_completed_q(Tree, settings, game, node))
            else:
                edge = integer(select_puct(Tree, settings, game, node))
            new = edge == Tree.nodes[game, node].first + Tree.nodes[game, node].known
        Tree.nodes[game, node].visits += 1
        node = _add_child(Tree, settings, game, node, edge) if new else Tree.edges[game, edge].child
        Tree.edges[game, edge].visits += 1
        if Tree.nodes[game, node].edges <= 0:
            return node


@lean_kernel
def advance(Tree: Tree, settings: SearchSettings, game: int) -> int:
    """Simulate until no more leaves may wait for the evaluator, or the budget is spent.

    Returns how many wait.
    """
    waiting = 0
    most = Tree.pending.shape[1] if settings.gumbel else 1
    plan, considered = Tree.games[game].plan, Tree.games[game].considered
    while waiting < most and Tree.games[game].done < Tree.games[game].budget:
        done = Tree.games[game].done
        order = Tree.schedule[plan, considered]
        if waiting > 0 and order[done] != order[done - 1]:
            break  # the next round depends on what this one finds
        leaf = _descend(Tree, settings, game)
        if Tree.nodes[game, leaf].edges == UNEXPANDED:
            Tree.pending[game, waiting] = leaf
            waiting += 1
        else:
            _back_up(Tree, game, leaf)
    Tree.games[game].waiting = waiting
    return waiting


# -- search G positions at once: the form that players, analysis and the arena use


class SearchResult(NamedTuple):
    """What G searches found; actions refer to canonical factory order."""

    actions: npt.NDArray[np.int32]
    """`(G,)` moves to play."""
    policies: npt.NDArray[np.float32]
    """`(G, A)` policies to learn."""
    values: npt.NDArray[np.float32]
    """`(G,)` root values in [-1, 1], seen by the player to move."""
    evaluations: int
    """Positions that the evaluator was asked for."""


@lean_kernel
def _begin_all(Tree: Tree, states: Int8Array, observations: Int8Array, simulations: int) -> None:
    """Start a search of plan 0 from each of `states` `(G, S)`."""
    for game in range(states.shape[0]):
        begin(Tree, game, states[game], 0, simulations)
        write_observation(states[game], observations[game * Tree.pending.shape[1]])


@lean_kernel
def _step_all(
    Tree: Tree,
    settings: SearchSettings,
    games: int,
    logits: Float32Array,
    values: Float32Array,
    observations: Int8Array,
) -> int:
    """Hand out evaluations and simulate on; return how many nodes wait for the next ones."""
    waiting = 0
    lanes = Tree.pending.shape[1]
    for game in range(games):
        if Tree.games[game].waiting == 0:
            continue
        row = game * lanes
        for lane in range(Tree.games[game].waiting):
            node = integer(Tree.pending[game, lane])
            receive(Tree, settings, game, node, logits[row + lane], values[row + lane])
        for lane in range(advance(Tree, settings, game)):
            write_observation(Tree.states[game, Tree.pending[game, lane]], observations[row + lane])
            waiting += 1
    return waiting


@lean_kernel
def _withdraw(Tree: Tree, games: int) -> None:
    """Take the visits of simulations back that nobody will evaluate."""
    for game in range(games):
        for lane in range(Tree.games[game].waiting):
            node = integer(Tree.pending[game, lane])
            Tree.games[game].done -= 1 if node != 0 else 0
            while node != 0:
                Tree.edges[game, Tree.nodes[game, node].above].visits -= 1
                node = integer(Tree.nodes[game, node].parent)
                Tree.nodes[game, node].visits -= 1
        Tree.games[game].waiting = 0


@lean_kernel
def _finish_all(
    Tree: Tree,
    settings: SearchSettings,
    actions: Int32Array,
    policies: Float32Array,
    values: Float32Array,
) -> None:
    """Write each game's move `(G,)`, policy `(G, A)` and root value `(G,)`."""
    for game in range(actions.shape[0]):
        if settings.gumbel:
            write_improved_policy(Tree, settings, game, policies[game])
        else:
            write_visit_policy(Tree, game, policies[game])
        actions[game] = Tree.edges[game, choose_edge(Tree, settings, game, 0.0)].action
        values[game] = root_value(Tree, game)


class LockstepSearch:
    """Memory for searching up to G positions at once with one number of simulations."""

    def __init__(
        self,
        games: int,
        simulations: int,
        settings: SearchSettings,
        players: int = 2,
        lanes: int = 1,
    ) -> None:
        """Allocate the trees.

        Args:
            games: G.
            simulations: Simulations for each position, at least 1.
            settings: Constants of the search.
            players: P.
            lanes: W, leaves of one position that are evaluated at once. The evaluator's batch size
                is G W. More than 1 makes Gumbel searches of few positions faster, and no different.
        """
        self.simulations = simulations
        self.settings = settings
        self.players = players
        most = settings.max_considered_actions
        self.tree = allocate_tree(games, players, (simulations,), most, lanes)
        self.observations = np.zeros((games * lanes, observation_size(players)), np.int8)

    def run(
        self,
        states: npt.NDArray[np.int8],
        evaluator: Evaluator,
        *,
        seeds: npt.NDArray[np.uint64] | None = None,
        noise: float = 0.0,
    ) -> SearchResult:
        """Search each position; none may be over or wait for its refill.

        Args:
            states: `(G', S)` canonical positions, G' at most G.
            evaluator: Answers batches of G W rows. What it raises ends the search, whose tree is
                then as after the last simulation.
            seeds: `(G',)` starts of the random streams, for noise and sampled refills; all the
                same if not given.
            noise: Scale of the Gumbel noise, with PUCT whether the root gets its Dirichlet noise;
                0 makes the search deterministic.

        Raises:
            ValueError: More positions than places, or one without a move to make.
        """
        games = len(states)
        if games > len(self.tree.pending):
            raise ValueError(f"at most {len(self.tree.pending)} positions at once, got {games}")
        ended = np.flatnonzero(states[:, PHASE] != MOVING)
        if len(ended):
            raise ValueError(f"position {ended[0]} has no move to make")
        np.asarray(self.tree.games)["noise"][:games] = noise
        self.tree.stream[:games, 0] = 0 if seeds is None else seeds
        _begin_all(self.tree, states, self.observations, self.simulations)
        waiting = games
        evaluations = 0
        while waiting:
            try:
                logits, values = evaluator(self.observations)
            except BaseException:
                _withdraw(self.tree, games)
                raise
            evaluations += waiting
            waiting = _step_all(self.tree, self.settings, games, logits, values, self.observations)
        actions = np.empty(games, np.int32)
        policies = np.empty((games, action_count(self.players)), np.float32)
        root_values = np.empty(games, np.float32)
        _finish_all(self.tree, self.settings, actions, policies, root_values)
        return SearchResult(actions, policies, root_values, evaluations)
