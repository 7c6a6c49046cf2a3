"""Command `review`: where a recorded game was lost, by the opinion of one network.

The positions are searched many at a time. A played move and the best one are compared by a search
of the position after each, so that both are looked at equally deep; after a round's last move that
is the network's value before the refill, which is luck.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from azul_tui.game.canonical import apply_canonical
from azul_tui.game.constants import observation_size
from azul_tui.game.layout import AFTERSTATE, MOVING, PHASE, TO_MOVE
from azul_tui.game.notation import format_move
from azul_tui.game.observation import write_observation
from azul_tui.jobs.engine.analysis import DIGITS
from azul_tui.jobs.engine.opened_players import check_seats
from azul_tui.jobs.engine.thinking import StoppableEvaluator, StoppedError, refuse_infinite
from azul_tui.search.lockstep import LockstepSearch
from azul_tui.search.reading.factory_order import FactoryOrder
from azul_tui.search.reading.root_moves import RootReading, read_root
from azul_tui.search.simulation import final_values

if TYPE_CHECKING:
    from azul_tui.game.kernel import Int8Array
    from azul_tui.jobs.engine.conversation import Answer
    from azul_tui.jobs.engine.opened_players import OpenedNetwork
    from azul_tui.jobs.engine.recorded_games import ReplayedGame

_ROWS: Final = 64
MISTAKE: Final = 0.15
"""Expected outcome lost that is called a mistake."""
_MOST_MISTAKES: Final = 5


def review(
    answer: Answer, network: OpenedNetwork, game: ReplayedGame, simulations: int, seed: int
) -> None:
    """Answer with every move of the game and what it cost."""
    check_seats(network, game.final.players)
    swings: list[float] = []
    judge = _Judge(answer, network, simulations, seed)
    try:
        for first in range(0, len(game.actions), _ROWS // 2):
            for told in judge.moves(game, range(first, min(len(game.actions), first + _ROWS // 2))):
                answer.say("review", number=len(swings), **told)
                swings.append(float(told["swing"] or 0.0))
    except StoppedError:
        answer.end("reviewed", mistakes=_mistakes(swings), stopped=True)
        return
    final = np.zeros(game.final.players, np.float32)
    final_values(game.final.array, final)
    answer.say(
        "review",
        number=len(swings),
        value=round(float(final[0]), DIGITS),
        best=None,
        best_value=None,
        played_value=None,
        swing=None,
    )
    answer.end("reviewed", mistakes=_mistakes(swings))


def _mistakes(swings: list[float]) -> list[int]:
    """Numbers of the moves that cost most, the worst first."""
    order = sorted(range(len(swings)), key=lambda number: (-swings[number], number))
    return [number for number in order if swings[number] >= MISTAKE][:_MOST_MISTAKES]


class _Judge:
    """Searches of up to `_ROWS` positions at once with one network."""

    def __init__(self, answer: Answer, network: OpenedNetwork, simulations: int, seed: int) -> None:
        self._network = network
        self._seed = np.uint64(seed)
        self._evaluator = StoppableEvaluator(network.evaluator_of(_ROWS), answer.stopped)
        self._search = LockstepSearch(_ROWS, simulations, network.search, network.players)

    def moves(self, game: ReplayedGame, numbers: range) -> list[dict[str, float | str | None]]:
        """The fields of `review` for some moves of the game, at most half of `_ROWS`."""
        roots: list[Int8Array] = []
        orders: list[FactoryOrder] = []
        for number in numbers:
            canonical, order = game.before[number].canonical()
            roots.append(canonical.array)
            orders.append(FactoryOrder(order))
        readings = self._read(roots, orders)
        children: list[Int8Array] = []
        for root, order, reading, number in zip(roots, orders, readings, numbers, strict=True):
            played = order.canonical_action(game.actions[number])
            children += [_after(root, reading.moves[0].canonical), _after(root, played)]
        movers = [int(root[TO_MOVE]) for root in roots]
        values = self._values(children, [mover for mover in movers for _ in range(2)])
        told: list[dict[str, float | str | None]] = []
        for at, number in enumerate(numbers):
            best, played = values[2 * at : 2 * at + 2]
            action = readings[at].moves[0].action
            same = children[2 * at].tobytes() == children[2 * at + 1].tobytes()
            if same or played >= best:
                best, action = played, game.actions[number]
            told.append(
                {
                    "value": round(_seat_value(readings[at], roots[at], 0), DIGITS),
                    "best": format_move(action, self._network.players),
                    "best_value": round(best, DIGITS),
                    "played_value": round(played, DIGITS),
                    "swing": round(best - played, DIGITS),
                }
            )
        return told

    def _read(self, states: list[Int8Array], orders: list[FactoryOrder]) -> list[RootReading]:
        """Search positions that have a move to make."""
        seeds = np.full(len(states), self._seed)
        self._search.run(np.stack(states), self._evaluator, seeds=seeds)
        settings = self._network.search
        readings = [
            read_root(self._search.tree, settings, order, game=at)
            for at, order in enumerate(orders)
        ]
        for reading in readings:
            refuse_infinite(reading, self._network)
        return readings

    def _values(self, states: list[Int8Array], seats: list[int]) -> list[float]:
        """What each position is worth to a seat: searched, evaluated, or counted at the end."""
        values = [0.0] * len(states)
        going = [at for at, state in enumerate(states) if state[PHASE] == MOVING]
        if going:
            orders = [FactoryOrder(range(2 * self._network.players + 1)) for _ in going]
            readings = self._read([states[at] for at in going], orders)
            for at, reading in zip(going, readings, strict=True):
                values[at] = _seat_value(reading, states[at], seats[at])
        observations = np.zeros((_ROWS, observation_size(self._network.players)), np.int8)
        for at, state in enumerate(states):
            write_observation(state, observations[at])
        rows = self._evaluator(observations)[1]
        for at, state in enumerate(states):
            if state[PHASE] == AFTERSTATE:
                turn = (seats[at] - int(state[TO_MOVE])) % self._network.players
                sign = -1.0 if self._network.players == 2 and turn else 1.0
                values[at] = sign * float(rows[at, 0 if self._network.players == 2 else turn])
            elif state[PHASE] != MOVING:
                final = np.zeros(self._network.players, np.float32)
                final_values(state, final)
                values[at] = float(final[seats[at]])
        return values


def _after(state: Int8Array, action: int) -> Int8Array:
    child = state.copy()
    apply_canonical(child, action)
    return child


def _seat_value(reading: RootReading, state: Int8Array, seat: int) -> float:
    """The value of a searched position to any seat."""
    if seat == state[TO_MOVE]:
        return reading.value
    return -reading.value if len(reading.seats) == 2 else reading.seats[seat]
