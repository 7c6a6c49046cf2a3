"""What a network thinks of a position, told while it thinks."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from azul_tui.errors import CheckpointError, JobError
from azul_tui.game.notation import format_move
from azul_tui.game.random import PLAYOUT, derive
from azul_tui.game.rules import apply_canonical
from azul_tui.jobs.engine.opened_players import PLAYOUT_ROWS, check_seats
from azul_tui.players.registry import StoppablePlayer
from azul_tui.search.reading import FactoryOrder, RootReading, read_root
from azul_tui.search.search import LockstepSearch

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.game.kernel import Float32Array, Int8Array
    from azul_tui.game.state import GameState
    from azul_tui.jobs.engine.conversation import Answer
    from azul_tui.jobs.engine.opened_players import OpenedNetwork, OpenedPlayer
    from azul_tui.players.registry import Player
    from azul_tui.search.reading import RootMove
    from azul_tui.search.search import Evaluator


# -- one position searched: by a number of simulations, by time, or until somebody says stop

MOST_SIMULATIONS: Final = 100_000
_FIRST_SIMULATIONS: Final = 32
"""Where a search by time begins."""
_WORTH_A_LAST: Final = 1.3
"""A search by time ends with one that fills what is left, unless it is hardly larger."""


class StoppedError(Exception):
    """Somebody wants the search to end."""


class StoppableEvaluator:
    """An evaluator that is interrupted between two batches, never before the first."""

    def __init__(self, evaluator: Evaluator, stopped: Callable[[], bool]) -> None:
        """Ask `stopped` before every batch but the first."""
        self._evaluator = evaluator
        self._stopped = stopped
        self._begun = False

    @property
    def batch_size(self) -> int:
        """See `Evaluator.batch_size`."""
        return self._evaluator.batch_size

    def __call__(self, observations: Int8Array) -> tuple[Float32Array, Float32Array]:
        """See `Evaluator.__call__`."""
        if self._begun and self._stopped():
            raise StoppedError
        self._begun = True
        return self._evaluator(observations)


@dataclass(frozen=True, slots=True)
class Thought:
    """What a search of one position came to."""

    reading: RootReading
    stopped: bool
    """Whether it was interrupted."""


def think(
    network: OpenedNetwork,
    game: GameState,
    simulations: int,
    seed: int,
    stopped: Callable[[], bool],
) -> Thought:
    """Search `game`, which has a move to make, with at least one simulation."""
    canonical, order = game.canonical()
    search = LockstepSearch(1, simulations, network.search, network.players)
    evaluator = StoppableEvaluator(network.evaluator_of(1), stopped)
    interrupted = False
    try:
        search.run(canonical.array[None, :], evaluator, seeds=np.asarray([seed], np.uint64))
    except StoppedError:
        interrupted = True
    reading = read_root(search.tree, network.search, FactoryOrder(order))
    refuse_infinite(reading, network)
    return Thought(reading, interrupted)


def refuse_infinite(reading: RootReading, network: OpenedNetwork) -> None:
    """Raise CheckpointError for the opinion of a network that has run away."""
    if not math.isfinite(reading.value + sum(move.prior for move in reading.moves)):
        raise CheckpointError(
            f"{network.name} gives values that are no numbers; take an earlier checkpoint"
        )


def think_by_time(
    network: OpenedNetwork,
    game: GameState,
    seconds: float,
    most: int,
    seed: int,
    stopped: Callable[[], bool],
) -> Thought:
    """Search anew with twice the simulations until the time or `most` simulations are spent.

    The last search takes as many as should fit into what is left.
    """
    began = time.monotonic()
    simulations = min(_FIRST_SIMULATIONS, most)
    best: Thought | None = None
    while True:
        started = time.monotonic()
        thought = think(network, game, simulations, seed, stopped)
        if thought.stopped:
            # What was finished is better than what was only begun.
            return Thought(best.reading if best is not None else thought.reading, True)
        best = thought
        now = time.monotonic()
        growth = (began + seconds - now) / max(now - started, 1e-6)
        if growth < _WORTH_A_LAST or simulations >= most:
            return thought
        simulations = min(most, int(simulations * min(2.0, growth)))


# -- commands `choose` and `analyse`: what a player would do here, and what a network thinks

MOST_SECONDS: Final = 600.0
MOST_MARGINS: Final = 10_000
DIGITS: Final = 5
"""Decimals of values and probabilities."""
Margins = dict[int, tuple[float, float]]
"""Mean and standard error by canonical action."""


def refuse_finished(game: GameState) -> None:
    """Raise JobError when there is no move to think about."""
    if game.is_over:
        raise JobError("the game is over, and there is no move to choose")


def choose(
    answer: Answer,
    player: OpenedPlayer,
    game: GameState,
    *,
    simulations: int,
    seconds: float | None,
    seed: int,
) -> None:
    """Answer with one move; it is not played.

    With `seconds` the search ends when they or the `simulations` are spent, whichever is first.
    """
    began = time.monotonic()
    refuse_finished(game)
    value: float | None = None
    values: list[float] | None = None
    spent: int | None = None
    stopped = False
    if player.network is not None:
        check_seats(player.network, game.players)
        if seconds is not None and simulations:
            thought = think_by_time(
                player.network, game, seconds, simulations, seed, answer.stopped
            )
        else:
            thought = think(player.network, game, max(1, simulations), seed, answer.stopped)
        reading = thought.reading
        best = reading.moves[0] if simulations else max(reading.moves, key=lambda move: move.prior)
        action, value, spent, stopped = (
            best.action,
            reading.value,
            reading.simulations,
            thought.stopped,
        )
        values = [round(seat, DIGITS) for seat in reading.seats]
        if not simulations:
            spent = 0
    else:
        assert player.scripted is not None
        action, stopped = _choose_scripted(player.scripted, game, seed, answer.stopped)
    answer.end(
        "choice",
        player=player.name,
        notation=game.notation(),
        move=format_move(action, game.players),
        value=None if value is None else round(value, DIGITS),
        values=values,
        simulations=spent,
        seconds=round(time.monotonic() - began, 3),
        **({"stopped": True} if stopped else {}),
    )


def _choose_scripted(
    player: Player, game: GameState, seed: int, stopped: Callable[[], bool]
) -> tuple[int, bool]:
    """The action on the table, and whether its search was interrupted.

    Only those that may think for seconds can be: the others take a quarter of one at most.
    """
    canonical, order = game.canonical()
    if isinstance(player, StoppablePlayer):
        chosen, interrupted = player.choose_until(canonical.array, seed, stopped)
    else:
        seeds = np.asarray([seed], np.uint64)
        chosen = int(player.choose(canonical.array[None, :], seeds, deterministic=True)[0])
        interrupted = False
    return FactoryOrder(order).table_action(chosen), interrupted


def analyse(
    answer: Answer,
    player: str,
    network: OpenedNetwork,
    game: GameState,
    *,
    simulations: int,
    first: int,
    margins: int,
    seed: int,
) -> None:
    """Answer with every move of the position, again and again as the search grows."""
    began = time.monotonic()
    budget = min(first, simulations)
    while True:
        thought = think(network, game, budget, seed, answer.stopped)
        fields = {"player": player, "notation": game.notation()}
        told = _told(thought.reading, game, {})
        told["seconds"] = round(time.monotonic() - began, 3)
        if thought.stopped:
            answer.end("analysis", **fields, **told, stopped=True)
            return
        if budget >= simulations:
            break
        answer.say("analysis", **fields, **told)
        budget = min(simulations, 2 * budget)
    if margins == 0:
        answer.end("analysis", **fields, **told)
        return
    answer.say("analysis", **fields, **told)  # the games that follow take a while
    found = _play_out(answer, network, game, thought.reading, margins, seed)
    told = _told(thought.reading, game, found or {})
    told["seconds"] = round(time.monotonic() - began, 3)
    answer.end("analysis", **fields, **told, **({"stopped": True} if found is None else {}))


def _told(reading: RootReading, game: GameState, margins: Margins) -> dict[str, Any]:
    """The fields that a reading fills."""
    return {
        "simulations": reading.simulations,
        "value": round(reading.value, DIGITS),
        "values": [round(value, DIGITS) for value in reading.seats],
        "moves": [_told_move(move, game, margins) for move in reading.moves],
    }


def _told_move(move: RootMove, game: GameState, margins: Margins) -> dict[str, Any]:
    margin = margins.get(move.canonical)
    return {
        "move": format_move(move.action, game.players),
        "prior": round(move.prior, DIGITS),
        "visits": move.visits,
        "value": None if move.value is None else round(move.value, DIGITS),
        "completed_q": round(move.completed_q, DIGITS),
        "policy": round(move.policy, DIGITS),
        "margin": None if margin is None else round(margin[0], 2),
        "margin_error": None if margin is None else round(margin[1], 2),
        "line": [format_move(action, game.players) for action in move.line],
    }


def _play_out(
    answer: Answer,
    network: OpenedNetwork,
    game: GameState,
    reading: RootReading,
    margins: int,
    seed: int,
) -> Margins | None:
    """Margin of every move over as many games of the bare policy; None when stopped.

    The i-th game of every move has the same seed: luck that is common to the moves does not
    separate them.
    """
    from azul_tui.players.network import play_out

    canonical = game.canonical()[0].array
    starts: list[Int8Array] = []
    for move in reading.moves:
        state = canonical.copy()
        apply_canonical(state, move.canonical)
        starts.append(state)
    deals = np.asarray(
        [derive(np.uint64(seed), PLAYOUT, index) for index in range(margins)], np.uint64
    )
    scores = play_out(
        np.repeat(np.stack(starts), margins, axis=0),
        np.tile(deals, len(starts)),
        network.evaluator_of(PLAYOUT_ROWS),
        answer.stopped,
    )
    if scores is None:
        return None
    mover = game.to_move
    ahead = scores[:, mover] - np.delete(scores, mover, axis=1).max(axis=1)
    by_move = ahead.reshape(len(starts), margins).astype(np.float64)
    errors = by_move.std(axis=1, ddof=1) / np.sqrt(margins) if margins > 1 else by_move[:, 0] * 0
    return {
        move.canonical: (float(mean), float(error))
        for move, mean, error in zip(reading.moves, by_move.mean(axis=1), errors, strict=True)
    }
