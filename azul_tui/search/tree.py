"""The trees of G searches as flat, preallocated arrays: no object a node.

Letters: G games, N nodes a tree (simulations + 1), E edges a tree, L most legal moves of a
position, S bytes of a position, P players. Node 0 is the root. Edges of a node are consecutive;
those with a child come first, then the unvisited one with the highest prior: so a selection
looks at the visited edges and one more, never at all of them.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import MAX_PLAYERS, action_count, factory_count, state_size

UNEXPANDED: Final = -1
"""Edge count of a node that still waits for its evaluation."""
NO_NODE: Final = -1


class Edge(Protocol):
    """One move of a node. Before its first visit only `prior` and `action` are set."""

    prior: np.float32
    """Softmax of the logits over the legal moves."""
    value: np.float32
    """Sum of the values backed up, seen by the mover above the edge."""
    visits: int
    child: int
    """Node behind the move."""
    action: int


class Node(Protocol):
    """One position of a tree."""

    first: int
    """Its first edge."""
    edges: int
    """`UNEXPANDED`, 0 for a leaf of known value (afterstate or end), else its moves."""
    known: int
    """Edges that have a child; they come first."""
    visits: int
    """Simulations that went on through the node."""
    mover: int
    """Seat to move."""
    value: np.float32
    """The evaluator's value, seen by the mover."""
    seats: npt.NDArray[np.float32]
    """The same for every seat."""


class Game(Protocol):
    """State of one search."""

    pending: int
    """Node that waits for the evaluator, or `NO_NODE`."""
    plan: int
    """Which of the tree's budgets the search has; the first index of `schedule`."""
    budget: int
    """Simulations asked for."""
    done: int
    """Simulations made."""
    nodes: int
    """Nodes used."""
    edges: int
    """Edges used."""
    depth: int
    """Edges on the path of the simulation under way."""
    considered: int
    """Root edges in sequential halving; with PUCT those that have a child."""
    noise: np.float32
    """Scale of the Gumbel noise; with PUCT whether there is any; 0 for play without noise."""


Record_co = TypeVar("Record_co", covariant=True)


class Records(Protocol[Record_co]):
    """A structured array, seen by the type checker."""

    def __getitem__(self, index: tuple[int, int] | int) -> Record_co:
        """The record at `index`, by reference."""
        ...


EDGE: Final = np.dtype(
    [("prior", "f4"), ("value", "f4"), ("visits", "i4"), ("child", "i4"), ("action", "i4")]
)
NODE: Final = np.dtype(
    [
        ("first", "i4"),
        ("edges", "i4"),
        ("known", "i4"),
        ("visits", "i4"),
        ("mover", "i4"),
        ("value", "f4"),
        ("seats", "f4", (MAX_PLAYERS,)),
    ]
)
GAME: Final = np.dtype(
    [
        (name, "i4")
        for name in ("pending", "plan", "budget", "done", "nodes", "edges", "depth", "considered")
    ]
    + [("noise", "f4")]
)


class Tree(NamedTuple):
    """Arrays of G trees. The type has the name of the variable that holds it, for numba's cache.

    Few arrays of records, not one array a field: a kernel gets every array as seven numbers, and
    what belongs together is read from one cache line.
    """

    states: npt.NDArray[np.int8]
    """`(G, N, S)` canonical positions."""
    nodes: Records[Node]
    """`(G, N)`."""
    edges: Records[Edge]
    """`(G, E)`."""
    games: Records[Game]
    """`(G,)`."""
    path: npt.NDArray[np.int32]
    """`(G, N, 2)`: nodes and edges of the simulation under way, the root first."""
    gumbel: npt.NDArray[np.float32]
    """`(G, 2 L)`: log prior plus noise of each root edge, best first; then scratch."""
    stream: npt.NDArray[np.uint64]
    """`(G, 1)`: random stream of each search."""
    schedule: npt.NDArray[np.int32]
    """`(K, M + 1, N - 1)`: see `halving_schedules`, for K budgets and at most M considered."""
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
    phases = int(np.ceil(np.log2(considered)))
    sequence: list[int] = []
    visits = [0] * considered
    survivors = considered
    while len(sequence) < simulations:
        rounds = max(1, simulations // (phases * survivors))
        for _ in range(rounds):
            sequence.extend(visits[:survivors])
            for index in range(survivors):
                visits[index] += 1
        survivors = max(2, survivors // 2)
    return np.asarray(sequence[:simulations], dtype=np.int32)


def halving_schedules(max_considered: int, budgets: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """`(len(budgets), max_considered + 1, max(budgets))`: `considered_visits` for each."""
    table = np.zeros((len(budgets), max_considered + 1, max(budgets)), np.int32)
    for index, budget in enumerate(budgets):
        for considered in range(max_considered + 1):
            table[index, considered, :budget] = considered_visits(considered, budget)
    return table


def allocate_tree(games: int, players: int, budgets: tuple[int, ...], max_considered: int) -> Tree:
    """Arrays for `games` trees of up to `max(budgets)` simulations.

    Edges are sized by the most legal moves a position can have, not by the mean, so that no
    node is ever left without; pages that are never written cost no memory.
    """
    nodes = max(budgets) + 1
    legal = most_legal_moves(players)
    records = np.zeros(games, GAME)
    records["pending"] = NO_NODE
    return Tree(
        states=np.empty((games, nodes, state_size(players)), np.int8),
        nodes=cast("Records[Node]", np.empty((games, nodes), NODE)),
        edges=cast("Records[Edge]", np.empty((games, nodes * legal), EDGE)),
        games=cast("Records[Game]", records),
        path=np.empty((games, nodes, 2), np.int32),
        gumbel=np.empty((games, 2 * legal), np.float32),
        stream=np.zeros((games, 1), np.uint64),
        schedule=halving_schedules(max_considered, budgets),
        scratch=np.empty(legal, np.float32),
        legal=np.empty(action_count(players), np.int32),
        deal=np.empty(1, np.uint64),
    )
