"""What a search found, in the order and the words of the position that it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from azul_tui.game.constants import (
    MOVING,
    PHASE,
    PLAYERS,
    ROUND,
    TO_MOVE,
    action_count,
    decode_action,
    encode_action,
)
from azul_tui.search.select import root_value, write_improved_policy, write_visit_policy
from azul_tui.search.tree import UNEXPANDED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azul_tui.search.select import SearchSettings
    from azul_tui.search.tree import Tree


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


class RootMove(NamedTuple):
    """One move; actions name factories as on the table, values are the root's mover's."""

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


class RootReading(NamedTuple):
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
    nodes, edges = np.asarray(tree.nodes)[game], np.asarray(tree.edges)[game]
    record = np.asarray(tree.games)[game]
    players, mover = int(tree.states[game, 0, PLAYERS]), int(tree.states[game, 0, TO_MOVE])
    root = edges[: int(nodes[0]["edges"])]
    visits = root["visits"].astype(np.int64)
    # The room behind the considered edges is written only when it is needed.
    visits[int(record["considered"]) :] = 0
    value = float(root_value(tree, game))
    # Sums of unvisited edges were never written, and may be anything.
    q = np.where(visits > 0, root["value"], np.float32(0.0)) / np.maximum(visits, 1)
    dense = np.empty(action_count(players), np.float32)
    if settings.gumbel or not visits.any():
        write_improved_policy(tree, settings, game, dense)
    else:
        write_visit_policy(tree, game, dense)
    policy = dense[root["action"]].astype(np.float64)
    moves = tuple(
        RootMove(
            action=order.table_action(int(root["action"][at])),
            canonical=int(root["action"][at]),
            prior=float(root["prior"][at]),
            visits=int(visits[at]),
            value=float(q[at]) if visits[at] else None,
            completed_q=float(q[at]) if visits[at] else value,
            policy=float(policy[at]),
            line=_line(tree, order, game, int(at), int(visits[at]) > 0),
        )
        for at in np.lexsort((root["action"], -policy, -visits))
    )
    # What every seat may expect is the mean of all evaluations: a search that was interrupted has
    # nodes without one.
    evaluated = nodes[: int(record["nodes"])]
    evaluated = evaluated["seats"][evaluated["edges"] != UNEXPANDED, :players]
    seats: list[float] = evaluated.astype(np.float64).mean(axis=0).tolist()
    seats[mover] = value
    if players == 2:
        seats[1 - mover] = -value
    return RootReading(value, tuple(seats), int(visits.sum()), moves)


def _line(tree: Tree, order: FactoryOrder, game: int, edge: int, visited: bool) -> tuple[int, ...]:
    """The most visited moves from root edge `edge` on, as far as the round goes."""
    nodes, edges = np.asarray(tree.nodes)[game], np.asarray(tree.edges)[game]
    states = tree.states[game]
    order = order.copy()
    line = [order.follow(int(edges[edge]["action"]))]
    while visited:
        node = int(edges[edge]["child"])
        # A sampled refill deals factories that nobody at the table has seen.
        if states[node, PHASE] != MOVING or states[node, ROUND] != states[0, ROUND]:
            break
        first, known = int(nodes[node]["first"]), int(nodes[node]["known"])
        if int(nodes[node]["edges"]) <= 0 or known == 0:
            break
        edge = first + int(np.argmax(edges["visits"][first : first + known]))
        visited = bool(edges[edge]["visits"])
        if visited:
            line.append(order.follow(int(edges[edge]["action"])))
    return tuple(line)
