"""What a search found, in the order and the words of the position that it was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import (
    MOVING,
    PHASE,
    PLAYERS,
    ROUND,
    TO_MOVE,
    decode_action,
    encode_action,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azul_tui.search.settings import SearchSettings
    from azul_tui.search.tree import Tree


# -- from canonical factory order back to the table's, and onwards move by move


class FactoryOrder:
    """Which factory of the table stands at each canonical place; changes with every move.

    Players and searches name factories by their place in canonical order (`game.canonical`), where
    an emptied factory moves behind the others. On the table it stays where it is.
    """

    def __init__(self, places: Iterable[int]) -> None:
        """Take the `(F,)` or, with the centre last, `(F + 1,)` sources by canonical place."""
        self._places = [int(place) for place in places]

    def copy(self) -> Self:
        """The same order, to follow another line of moves."""
        return type(self)(self._places)

    def table_action(self, action: int) -> int:
        """The action on the table that canonical `action` stands for; the order stays."""
        source, color, row = decode_action(action)
        return encode_action(self._on_table(source), color, row)

    def canonical_action(self, action: int) -> int:
        """The canonical action that stands for `action` on the table; the order stays."""
        source, color, row = decode_action(action)
        place = self._places.index(source) if source < self._factories else source
        return encode_action(place, color, row)

    def follow(self, action: int) -> int:
        """`table_action`, and the order after `apply_canonical` has played it."""
        source, color, row = decode_action(action)
        place = self._on_table(source)
        if source < self._factories:
            self._places.insert(self._factories - 1, self._places.pop(source))
        return encode_action(place, color, row)

    @property
    def _factories(self) -> int:
        """F; the number of sources is even with the centre and odd without."""
        return len(self._places) - (len(self._places) % 2 == 0)

    def _on_table(self, source: int) -> int:
        return self._places[source] if source < self._factories else source


# -- every move of a searched position: prior, visits, Q, completed Q, policy, best continuation
#
# Q is in [-1, 1], seen by the player to move at the root. Letters: G games, M moves of the root.

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RootMove:
    """One move; actions name factories as on the table."""

    action: int
    canonical: int
    """The same in canonical order."""
    prior: float
    """The network's own probability."""
    visits: int
    value: float | None
    """Mean value of the visits; None without any."""
    completed_q: float
    """`value`, or what the search expects of an unvisited move (v_mix)."""
    policy: float
    """Probability after the search: what the network would learn here."""
    line: tuple[int, ...]
    """The most visited continuation within the round, this move first."""


@dataclass(frozen=True, slots=True)
class RootReading:
    """What one search says about its position."""

    value: float
    """Of the position, by the network and the visited moves together."""
    seats: tuple[float, ...]
    """What every seat may expect: `value` for the mover, for the others the mean evaluation."""
    simulations: int
    moves: tuple[RootMove, ...]
    """Best first: by visits, then policy, then action. Moves from equal factories appear once."""


def read_root(
    tree: Tree, settings: SearchSettings, order: FactoryOrder, *, game: int = 0
) -> RootReading:
    """The moves at the root of a search without noise, finished or interrupted.

    Args:
        tree: Searched at least as far as the root's own evaluation.
        settings: Constants of that search.
        order: From the root's canonical factories to the table's.
        game: Which of the G trees.
    """
    nodes = np.asarray(tree.nodes)[game]
    edges = np.asarray(tree.edges)[game]
    root = edges[: int(nodes[0]["edges"])]
    visits = root["visits"].astype(np.int64)
    # The room behind the considered edges is written only when it is needed.
    visits[int(np.asarray(tree.games)[game]["considered"]) :] = 0
    prior = root["prior"].astype(np.float64)
    seen = visits > 0
    # Sums of unvisited edges were never written, and may be anything.
    q = np.where(seen, root["value"], np.float32(0.0)) / np.maximum(visits, 1)
    mixed = _mixed_value(float(nodes[0]["value"]), prior, visits, q)
    completed = np.where(seen, q, mixed)
    policy = _policy(settings, prior, visits, completed)
    ranking = np.lexsort((root["action"], -policy, -visits))
    moves = tuple(
        RootMove(
            action=order.table_action(int(root["action"][at])),
            canonical=int(root["action"][at]),
            prior=float(prior[at]),
            visits=int(visits[at]),
            value=float(q[at]) if seen[at] else None,
            completed_q=float(completed[at]),
            policy=float(policy[at]),
            line=_line(tree, order, game, int(at) if seen[at] else None, int(root["action"][at])),
        )
        for at in ranking
    )
    return RootReading(mixed, _seats(tree, game, mixed), int(visits.sum()), moves)


def _seats(tree: Tree, game: int, value: float) -> tuple[float, ...]:
    """What every seat may expect: the mover `value`, the others the mean of all evaluations."""
    record = np.asarray(tree.games)[game]
    # A search that was interrupted has a last node without its evaluation.
    evaluated = int(record["nodes"]) - (int(record["pending"]) > 0)
    root = tree.states[game, 0]
    players, mover = int(root[PLAYERS]), int(root[TO_MOVE])
    nodes = np.asarray(tree.nodes)[game, : max(1, evaluated)]
    seats: list[float] = nodes["seats"][:, :players].astype(np.float64).mean(axis=0).tolist()
    seats[mover] = value
    if players == 2:
        seats[1 - mover] = -value
    return tuple(seats)


def _mixed_value(
    own: float, prior: Float64Array, visits: npt.NDArray[np.int64], q: Float64Array
) -> float:
    """v_mix of the `(M,)` moves (Danihelka et al. 2022, appendix D)."""
    seen = visits > 0
    total = int(visits.sum())
    weight = float(prior[seen].sum())
    if total == 0 or weight <= 0.0:
        return own
    return (own + total * float((prior * q)[seen].sum()) / weight) / (1 + total)


def _policy(
    settings: SearchSettings,
    prior: Float64Array,
    visits: npt.NDArray[np.int64],
    completed: Float64Array,
) -> Float64Array:
    """`(M,)`: softmax(log prior + sigma(completed Q)), with PUCT each move's share of visits."""
    if not settings.gumbel and visits.any():
        return visits / visits.sum()
    scale = (settings.c_visit + int(visits.max())) * settings.c_scale
    weight = prior * np.exp(scale * (completed - completed.max()))
    total = float(weight.sum())
    return weight / total if total > 0.0 else prior


def _line(
    tree: Tree, order: FactoryOrder, game: int, edge: int | None, action: int
) -> tuple[int, ...]:
    """The most visited moves from root edge `edge` on, as far as the round goes."""
    order = order.copy()
    line = [order.follow(action)]
    nodes = np.asarray(tree.nodes)[game]
    edges = np.asarray(tree.edges)[game]
    states = tree.states[game]
    while edge is not None:
        node = int(edges[edge]["child"])
        here = nodes[node]
        # A sampled refill deals factories that nobody at the table has seen.
        if states[node, PHASE] != MOVING or states[node, ROUND] != states[0, ROUND]:
            break
        first, known = int(here["first"]), int(here["known"])
        if int(here["edges"]) <= 0 or known == 0:
            break
        visits = edges["visits"][first : first + known]
        if not visits.any():
            break
        edge = first + int(np.argmax(visits))
        line.append(order.follow(int(edges[edge]["action"])))
    return tuple(line)
