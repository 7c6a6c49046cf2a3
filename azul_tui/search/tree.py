"""The trees of G searches as flat, preallocated arrays: no object a node.

Letters: G games, N nodes a tree (simulations + 1), E edges a tree, L most legal moves of a
position, W most nodes of a tree that wait for the evaluator at once, S bytes of a position, P
players. Node 0 is the root. Edges of a node are consecutive; those with a child come first, then
the unvisited one with the highest prior: so a selection looks at the visited edges and one more,
never at all of them.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import MAX_PLAYERS, action_count, factory_count, state_size

UNEXPANDED: Final = -1
"""Edge count of a node that still waits for its evaluation."""

EDGE: Final = np.dtype(
    [
        ("prior", "f4"),  # softmax of the logits over the legal moves
        ("value", "f4"),  # sum of the values backed up, seen by the mover above the edge
        ("visits", "i4"),  # before the first one only prior and action are set
        ("child", "i4"),  # node behind the move
        ("action", "i4"),
    ]
)
NODE: Final = np.dtype(
    [
        ("parent", "i4"),
        ("above", "i4"),  # edge of the parent that leads to it
        ("first", "i4"),  # its first edge
        ("edges", "i4"),  # UNEXPANDED, 0 for a leaf of known value (afterstate, end), else moves
        ("known", "i4"),  # edges that have a child; they come first
        ("visits", "i4"),  # simulations that went on through the node, those under way too
        ("mover", "i4"),  # seat to move
        ("value", "f4"),  # the evaluator's value, seen by the mover
        ("seats", "f4", (MAX_PLAYERS,)),  # the same for every seat
    ]
)
GAME: Final = np.dtype(
    [
        ("waiting", "i4"),  # nodes that wait for the evaluator, the first of `pending`
        ("plan", "i4"),  # which of the tree's budgets: the first index of `schedule`
        ("budget", "i4"),  # simulations asked for
        ("done", "i4"),  # simulations made, those under way too
        ("nodes", "i4"),  # nodes used
        ("edges", "i4"),  # edges used
        ("considered", "i4"),  # root edges in sequential halving; PUCT: those with a child
        ("noise", "f4"),  # scale of the Gumbel noise; PUCT: whether any; 0 without noise
    ]
)

Record_co = TypeVar("Record_co", covariant=True)


class Records(Protocol[Record_co]):
    """A structured array, seen by the type checker."""

    def __getitem__(self, index: tuple[int, int] | int) -> Record_co:
        """The record at `index`, by reference."""
        ...


class Tree(NamedTuple):
    """Arrays of G trees. The type has the name of the variable that holds it, for numba's cache.

    Few arrays of records, not one array a field: a kernel gets every array as seven numbers, and
    what belongs together is read from one cache line.
    """

    states: npt.NDArray[np.int8]
    """`(G, N, S)` canonical positions."""
    nodes: Records[Any]
    """`(G, N)` of `NODE`."""
    edges: Records[Any]
    """`(G, E)` of `EDGE`."""
    games: Records[Any]
    """`(G,)` of `GAME`."""
    pending: npt.NDArray[np.int32]
    """`(G, W)`: nodes that wait for the evaluator."""
    gumbel: npt.NDArray[np.float32]
    """`(G, 2 L)`: log prior plus noise of each root edge, best first; then scratch."""
    stream: npt.NDArray[np.uint64]
    """`(G, 1)`: random stream of each search."""
    schedule: npt.NDArray[np.int32]
    """`(K, M + 1, N - 1)`: `considered_visits` for K budgets and 0 to M considered actions."""
    scratch: npt.NDArray[np.float32]
    """`(L,)`."""
    legal: npt.NDArray[np.int32]
    """`(A,)`: scratch for listing moves."""
    deal: npt.NDArray[np.uint64]
    """`(1,)`: scratch for refills."""


def most_legal_moves(players: int) -> int:
    """L: 4 colours on each of F factories, six lines each.

    Taking from a factory removes at least one (source, colour) pair and brings the centre at most
    three, so no position has more pairs than 4F.
    """
    return 4 * factory_count(players) * 6


def considered_visits(considered: int, simulations: int) -> npt.NDArray[np.int32]:
    """`(simulations,)`: visits that the root edge to be simulated next must have.

    Sequential halving (Karnin et al. 2013) as in Danihelka et al. (2022), section 3.3: each of
    ceil(log2 m) phases gives its survivors an equal share, then the better half goes on.
    """
    if considered <= 1:
        return np.arange(simulations, dtype=np.int32)
    phases = math.ceil(math.log2(considered))
    sequence: list[int] = []
    visits, survivors = 0, considered
    while len(sequence) < simulations:
        for _ in range(max(1, simulations // (phases * survivors))):
            sequence += [visits] * survivors
            visits += 1
        survivors = max(2, survivors // 2)
    return np.asarray(sequence[:simulations], dtype=np.int32)


def allocate_tree(
    games: int, players: int, budgets: tuple[int, ...], max_considered: int, most_waiting: int = 1
) -> Tree:
    """Arrays for `games` trees of up to `max(budgets)` simulations.

    Edges are sized by the most legal moves a position can have, not by the mean, so that no
    node is ever left without; pages that are never written cost no memory.
    """
    nodes = max(budgets) + 1
    legal = most_legal_moves(players)
    schedule = np.zeros((len(budgets), max_considered + 1, nodes - 1), np.int32)
    for plan, budget in enumerate(budgets):
        for considered in range(max_considered + 1):
            schedule[plan, considered, :budget] = considered_visits(considered, budget)
    return Tree(
        states=np.empty((games, nodes, state_size(players)), np.int8),
        nodes=cast("Records[Any]", np.empty((games, nodes), NODE)),
        edges=cast("Records[Any]", np.empty((games, nodes * legal), EDGE)),
        games=cast("Records[Any]", np.zeros(games, GAME)),
        pending=np.empty((games, most_waiting), np.int32),
        gumbel=np.empty((games, 2 * legal), np.float32),
        stream=np.zeros((games, 1), np.uint64),
        schedule=schedule,
        scratch=np.empty(legal, np.float32),
        legal=np.empty(action_count(players), np.int32),
        deal=np.empty(1, np.uint64),
    )
