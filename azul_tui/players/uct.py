"""`uct-N`: tree search by N random playouts a move, without a network.

UCT (Kocsis and Szepesvári, 2006) in the form of Browne et al. (2012), algorithm 2; max-n for
three and four players. A move that ends the round leads to a chance node, which keeps up to ten
sampled refills and then picks among them at random.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import AFTERSTATE, OVER, PHASE, TO_MOVE
from azul_tui.game.kernel import (
    Int8Array,
    Int32Array,
    Int64Array,
    Uint64Array,
    integer,
    kernel,
    lean_kernel,
)
from azul_tui.game.playout import play_out
from azul_tui.game.random import PLAYER, REFILL, SEARCH, derive, next_below, next_bits
from azul_tui.game.rules import apply_canonical, list_legal, refill_canonical, winner_mask
from azul_tui.players.scripted import MAX_ACTIONS, ThreadedPlayer, pick_best

if TYPE_CHECKING:
    from collections.abc import Callable

EXPLORATION: Final = 1.0 / math.sqrt(2.0)
"""C in mean + C sqrt(2 ln(visits) / visits of the child)."""
REFILLS_KEPT: Final = 10
PLAYOUTS_A_SLICE: Final = 1_000
"""After so many, 15 to 30 ms, one that can be interrupted looks whether it is."""
_LONGEST_PATH: Final = 4096
_NO_NODE: Final = -1

VISITS, CHILDREN, FIRST_CHILD, SIBLING, MADE_BY = range(5)
"""Fields of a node. `MADE_BY` is the action, or the number of the refill, that leads to it."""


@kernel
def _untried(actions: Int32Array, count: int, tried: int, seed: np.uint64) -> int:
    """The action to try after `tried` others, in an order shuffled by the node's seed.

    Fisher and Yates from the front: only the first `tried + 1` places are drawn.
    """
    stream = np.empty(1, np.uint64)
    stream[0] = seed
    for place in range(tried + 1):
        other = place + next_below(stream, count - place)
        held = actions[other]
        actions[other] = actions[place]
        actions[place] = held
    return integer(actions[tried])


@lean_kernel
def _best_child(tree: Int32Array, values: npt.NDArray[np.float64], node: int) -> int:
    """Child with the largest upper confidence bound; the first of equals."""
    logarithm = 2.0 * math.log(tree[node, VISITS])
    best = _NO_NODE
    largest = -1.0
    child = integer(tree[node, FIRST_CHILD])
    while child != _NO_NODE:
        visits = tree[child, VISITS]
        bound = values[child] / visits + EXPLORATION * math.sqrt(logarithm / visits)
        if bound > largest:
            largest = bound
            best = child
        child = integer(tree[child, SIBLING])
    return best


@lean_kernel
def _add_child(tree: Int32Array, node: int, child: int, made_by: int) -> None:
    """Make row `child` of `tree` a node without visits, in front of the children of `node`."""
    tree[child, VISITS] = 0
    tree[child, CHILDREN] = 0
    tree[child, FIRST_CHILD] = _NO_NODE
    tree[child, SIBLING] = tree[node, FIRST_CHILD]
    tree[child, MADE_BY] = made_by
    tree[node, FIRST_CHILD] = child
    tree[node, CHILDREN] += 1


@kernel
def _descend(
    state: Int8Array,
    tree: Int32Array,
    values: npt.NDArray[np.float64],
    used: int,
    seed: np.uint64,
    path: Int64Array,
    actions: Int32Array,
    stream: Uint64Array,
) -> int:
    """Walk `state` from the root to a new node or to the end of the game.

    Args:
        state: The root position; afterwards that of the last node.
        tree: `(nodes, 5)`, the fields above.
        values: `(nodes,)` sums of results for the seat that moved into each node.
        used: Nodes in use; a new one takes this row.
        seed: Of this search: decides the order of untried moves and the refills.
        path: `(plies, 2)`: nodes passed behind the root and the seat that moved into each.
        actions: Scratch.
        stream: Picks among kept refills, and plays.

    Returns:
        The length of `path`; `path[length - 1, 0] == used` says that the node is new.
    """
    scratch = np.empty(1, np.uint64)
    node = 0
    length = 0
    while state[PHASE] != OVER and length < path.shape[0]:
        here = derive(seed, SEARCH, node)
        tried = integer(tree[node, CHILDREN])
        seat = integer(state[TO_MOVE])
        if state[PHASE] == AFTERSTATE:
            if tried < REFILLS_KEPT:
                child = used
                _add_child(tree, node, child, tried)
            else:
                child = integer(tree[node, FIRST_CHILD])
                for _ in range(next_below(stream, tried)):
                    child = integer(tree[child, SIBLING])
            number = integer(tree[child, MADE_BY])
            refill_canonical(state, derive(here, REFILL, number), scratch)
        else:
            count = list_legal(state, actions, True)
            if tried < count:
                child = used
                _add_child(tree, node, child, _untried(actions, count, tried, here))
            else:
                child = _best_child(tree, values, node)
            apply_canonical(state, integer(tree[child, MADE_BY]))
        path[length, 0] = child
        path[length, 1] = seat
        length += 1
        node = child
        if node == used:
            break
    return length


@kernel
def grow(
    root: Int8Array,
    playouts: int,
    used: int,
    seed: np.uint64,
    tree: Int32Array,
    values: npt.NDArray[np.float64],
    path: Int64Array,
    actions: Int32Array,
    stream: Uint64Array,
) -> int:
    """Go on by that many playouts with a tree of `used` nodes; return how many it then has.

    See `_descend` for the arrays. Without a node the root is made first, and `stream` begins.
    """
    if used == 0:
        stream[0] = derive(seed, PLAYER, 1)
        tree[0, VISITS] = 1
        tree[0, CHILDREN] = 0
        tree[0, FIRST_CHILD] = _NO_NODE
        used = 1
    scratch = np.empty(1, np.uint64)
    state = np.empty_like(root)
    for _ in range(playouts):
        state[:] = root
        length = _descend(state, tree, values, used, seed, path, actions, stream)
        if path[length - 1, 0] == used:
            values[used] = 0.0
            used += 1
        play_out(state, next_bits(stream), stream, scratch)
        winners = winner_mask(state)
        count = (winners & 1) + (winners >> 1 & 1) + (winners >> 2 & 1) + (winners >> 3 & 1)
        tree[0, VISITS] += 1
        for index in range(length):
            node = integer(path[index, 0])
            tree[node, VISITS] += 1
            values[node] += (winners >> integer(path[index, 1]) & 1) / count
    return used


@kernel
def _most_visited(
    state: Int8Array, tree: Int32Array, actions: Int32Array, seed: np.uint64, deterministic: bool
) -> int:
    """The root's most visited move; `actions` is scratch."""
    visits = np.empty(MAX_ACTIONS, np.int64)
    stream = np.empty(1, np.uint64)
    count = list_legal(state, actions, True)
    for index in range(count):
        visits[index] = 0
        child = integer(tree[0, FIRST_CHILD])
        while child != _NO_NODE:
            if tree[child, MADE_BY] == actions[index]:
                visits[index] = tree[child, VISITS]
            child = integer(tree[child, SIBLING])
    stream[0] = derive(seed, PLAYER, 0)
    return integer(actions[pick_best(visits, count, deterministic, stream)])


class UctPlayer(ThreadedPlayer):
    """N random playouts a move; the most visited move is made."""

    def __init__(self, playouts: int, threads: int | None = None) -> None:
        super().__init__(threads)
        self.name: str = f"uct-{playouts}"
        self.playouts = playouts

    def choose_part(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool, chosen: Int32Array
    ) -> None:
        """See `ThreadedPlayer`. The playouts are random, seeded, with `deterministic` too."""
        memory = self._memory()
        for game, (state, seed) in enumerate(zip(states, seeds, strict=True)):
            grow(state, self.playouts, 0, seed, *memory)
            chosen[game] = _most_visited(state, memory[0], memory[3], seed, deterministic)

    def choose_until(
        self, state: Int8Array, seed: int, stopped: Callable[[], bool]
    ) -> tuple[int, bool]:
        """See `StoppablePlayer.choose_until`: it is asked between slices of playouts."""
        memory = self._memory()
        drawn = np.uint64(seed)
        used, left = 0, self.playouts
        while left and not (used and stopped()):
            playouts = min(left, PLAYOUTS_A_SLICE)
            used = grow(state, playouts, used, drawn, *memory)
            left -= playouts
        return int(_most_visited(state, memory[0], memory[3], drawn, True)), left > 0

    def _memory(
        self,
    ) -> tuple[Int32Array, npt.NDArray[np.float64], Int64Array, Int32Array, Uint64Array]:
        """Tree, values, path, actions and stream for one search after another."""
        return (
            np.empty((self.playouts + 1, 5), np.int32),
            np.empty(self.playouts + 1, np.float64),
            np.empty((_LONGEST_PATH, 2), np.int64),
            np.empty(MAX_ACTIONS, np.int32),
            np.empty(1, np.uint64),
        )
