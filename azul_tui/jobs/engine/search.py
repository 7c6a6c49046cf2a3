"""What players would do and networks think: `load`, `choose`, `analyse` and `review`."""

from __future__ import annotations

import math
import sys
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from azul_tui.errors import CheckpointError, PlayerError
from azul_tui.game.constants import AFTERSTATE, MOVING, PHASE, TO_MOVE, observation_size
from azul_tui.game.notation import format_move
from azul_tui.game.observation import write_observation
from azul_tui.game.random import PLAYOUT, derive
from azul_tui.game.rules import apply_canonical
from azul_tui.game.state import GameState
from azul_tui.jobs.names import check_player_name
from azul_tui.players.names import parse_player_name
from azul_tui.players.registry import StoppablePlayer, create_player
from azul_tui.runs.text import plain_text, warn
from azul_tui.search.reading import FactoryOrder, RootReading, read_root
from azul_tui.search.search import LANES, LockstepSearch, final_values

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azul_tui.game.kernel import Float32Array, Int8Array
    from azul_tui.jobs.engine.conversation import Request
    from azul_tui.jobs.recorded_games import ReplayedGame
    from azul_tui.players.registry import Player
    from azul_tui.search.reading import RootMove
    from azul_tui.search.search import Evaluator
    from azul_tui.search.select import SearchSettings


# -- players that were asked for by name, kept ready for the next time

_MOST_KEPT: Final = 4


class OpenedNetwork(NamedTuple):
    """A network ready to search one position, or many."""

    name: str
    players: int
    search: SearchSettings
    evaluator_of: Callable[[int], Evaluator]
    """An evaluator of so many rows; made once for each number."""

    def check_seats(self, players: int) -> None:
        """Raise CheckpointError when the network plays with another number of players."""
        if self.players != players:
            raise CheckpointError(
                f"{self.name} is for {self.players} players, and the game before it has {players}"
            )


class OpenedPlayers:
    """Players by name; the last few stay open."""

    def __init__(self, root: Path) -> None:
        """Look for runs in `root`."""
        self._root = root
        self._kept: OrderedDict[tuple[str, int, int], Player | OpenedNetwork] = OrderedDict()

    def open(self, request: Request, name: str, players: int) -> Player | OpenedNetwork:
        """The player called `name`, for games of `players` if it is a scripted one.

        A checkpoint that has been written anew is read anew.

        Raises:
            PlayerError: It is no player's name.
            CheckpointError: The checkpoint cannot be used.
        """
        path = self._find(request, name, players)
        try:
            stamp = path.stat().st_mtime_ns if path is not None else 0
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None
        key = (str(path or name.strip().lower()), 0 if path else players, stamp)
        if key not in self._kept:
            if path is None:
                self._kept[key] = _open_scripted(request, name, players)
            else:
                self._kept[key] = _open_network(request, path)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def open_network(self, request: Request, name: str, players: int) -> OpenedNetwork:
        """The network called `name`, for games of `players`.

        Raises:
            PlayerError: It is a scripted player, or nobody.
            CheckpointError: The checkpoint cannot be used, or is for another number of players.
        """
        network = self.open(request, name, players)
        if not isinstance(network, OpenedNetwork):
            raise PlayerError(
                f"{plain_text(name, 60)} is a scripted player and has no opinion to show; name a"
                " run, a checkpoint or pretrained"
            )
        network.check_seats(players)
        return network

    def _find(self, request: Request, name: str, players: int) -> Path | None:
        """The checkpoint that `name` means, None for a scripted player."""
        try:
            parse_player_name(name, players)
        except PlayerError:
            check_player_name(name, self._root, players)
        else:
            return None
        if "torch" not in sys.modules:
            _progress(request, "loading the libraries", 0)
        from azul_tui.training.checkpoint_players import find_player  # takes two seconds

        return find_player(name, self._root, players=players)


def _open_network(request: Request, path: Path) -> OpenedNetwork:
    """Read, compile and try a network once."""
    import torch

    from azul_tui.network import NetworkEvaluator
    from azul_tui.training.checkpoint_players import read_saved_network

    torch.set_num_threads(1)  # more only wait for each other with small batches
    saved = read_saved_network(path)
    for note in saved.notes:
        warn(note)  # between the records nobody expects it
    made: dict[int, NetworkEvaluator] = {}

    def evaluator_of(rows: int) -> Evaluator:
        if rows not in made:
            made[rows] = NetworkEvaluator(saved.network, rows, "cpu" if rows == LANES else "auto")
        return made[rows]

    _progress(request, _starting("the search"), 1)
    start = GameState.new(saved.players).canonical()[0].array[None, :]
    LockstepSearch(1, 2, saved.search, saved.players, LANES).run(start, evaluator_of(LANES))
    _progress(request, "ready", 3)
    return OpenedNetwork(saved.name, saved.players, saved.search, evaluator_of)


def _open_scripted(request: Request, name: str, players: int) -> Player:
    """Compile a scripted player by asking it once."""
    player = create_player(name, players)
    _progress(request, _starting(player.name), 1)
    start = GameState.new(players).canonical()[0].array
    if isinstance(player, StoppablePlayer):
        player.choose_until(start, 0, lambda: True)  # as it is asked later, and briefly
    else:
        player.choose(start[None, :], np.zeros(1, np.uint64), deterministic=True)
    _progress(request, "ready", 3)
    return player


def _progress(request: Request, text: str, done: int) -> None:
    request.say("progress", text=text, done=done, total=3)


def _starting(what: str) -> str:
    from azul_tui.game.kernel import is_compiled

    known = is_compiled("search") and is_compiled("players")
    return f"starting {what}" if known else f"compiling {what}, only the first time"


# -- positions searched together: by a number of simulations, by time, or until somebody says stop

_DIGITS: Final = 5
"""Decimals of values and probabilities."""
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
        self._evaluator, self._stopped, self._begun = evaluator, stopped, False

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


def _read(
    network: OpenedNetwork, search: LockstepSearch, order: FactoryOrder, game: int = 0
) -> RootReading:
    """What the search of the network came to in one of its games.

    Raises:
        CheckpointError: The network's values are not finite.
    """
    reading = read_root(search.tree, network.search, order, game=game)
    if not math.isfinite(reading.value + sum(move.prior for move in reading.moves)):
        raise CheckpointError(
            f"{network.name} gives values that are no numbers; take an earlier checkpoint"
        )
    return reading


def _search(
    request: Request, network: OpenedNetwork, game: GameState, simulations: int, seed: int
) -> tuple[RootReading, bool]:
    """Search `game`, which has a move to make; the reading, and whether it was interrupted."""
    canonical, order = game.canonical()
    search = LockstepSearch(1, simulations, network.search, network.players, LANES)
    evaluator = StoppableEvaluator(network.evaluator_of(LANES), request.stopped)
    interrupted = False
    try:
        search.run(canonical.array[None, :], evaluator, seeds=np.asarray([seed], np.uint64))
    except StoppedError:
        interrupted = True
    return _read(network, search, FactoryOrder(order)), interrupted


def _search_by_time(
    request: Request, network: OpenedNetwork, game: GameState, seconds: float, most: int, seed: int
) -> tuple[RootReading, bool]:
    """Search anew with twice the simulations until the time or `most` simulations are spent.

    The last search takes as many as should fit into what is left.
    """
    began = time.monotonic()
    simulations = min(_FIRST_SIMULATIONS, most)
    best: RootReading | None = None
    while True:
        started = time.monotonic()
        reading, interrupted = _search(request, network, game, simulations, seed)
        if interrupted:  # what was finished is better than what was only begun
            return best or reading, True
        best = reading
        now = time.monotonic()
        growth = (began + seconds - now) / max(now - started, 1e-6)
        if growth < _WORTH_A_LAST or simulations >= most:
            return reading, False
        simulations = min(most, int(simulations * min(2.0, growth)))


# -- commands `choose` and `analyse`


def choose(
    request: Request,
    opened: Player | OpenedNetwork,
    game: GameState,
    *,
    player: str,
    simulations: int,
    seconds: float | None,
    seed: int,
) -> None:
    """Answer with one move; it is not played.

    With `seconds` the search ends when they or the `simulations` are spent, whichever is first.
    """
    began = time.monotonic()
    opinion: dict[str, Any] = {"value": None, "values": None, "simulations": None}
    if isinstance(opened, OpenedNetwork):
        opened.check_seats(game.players)
        if seconds is not None and simulations:
            reading, stopped = _search_by_time(request, opened, game, seconds, simulations, seed)
        else:
            reading, stopped = _search(request, opened, game, max(1, simulations), seed)
        best = reading.moves[0] if simulations else max(reading.moves, key=lambda move: move.prior)
        action = best.action
        opinion = {
            "value": round(reading.value, _DIGITS),
            "values": [round(seat, _DIGITS) for seat in reading.seats],
            "simulations": reading.simulations if simulations else 0,
        }
    else:
        canonical, order = game.canonical()
        if isinstance(opened, StoppablePlayer):
            chosen, stopped = opened.choose_until(canonical.array, seed, request.stopped)
        else:  # takes a quarter of a second at most
            seeds, stopped = np.asarray([seed], np.uint64), False
            chosen = int(opened.choose(canonical.array[None, :], seeds, deterministic=True)[0])
        action = FactoryOrder(order).table_action(chosen)
    request.end(
        "choice",
        player=player,
        notation=game.notation(),
        move=format_move(action, game.players),
        **opinion,
        seconds=round(time.monotonic() - began, 3),
        **({"stopped": True} if stopped else {}),
    )


Margins = dict[int, tuple[float, float]]
"""Mean and standard error by canonical action."""
PLAYOUT_ROWS: Final = 512


def analyse(
    request: Request,
    network: OpenedNetwork,
    game: GameState,
    *,
    player: str,
    simulations: int,
    first: int,
    margins: int,
    seed: int,
) -> None:
    """Answer with every move of the position, again and again as the search grows."""
    began = time.monotonic()

    def fields(reading: RootReading, found: Margins) -> dict[str, Any]:
        return {
            "player": player,
            "notation": game.notation(),
            "simulations": reading.simulations,
            "value": round(reading.value, _DIGITS),
            "values": [round(value, _DIGITS) for value in reading.seats],
            "moves": [_move_fields(move, game, found) for move in reading.moves],
            "seconds": round(time.monotonic() - began, 3),
        }

    budget = min(first, simulations)
    while True:
        reading, interrupted = _search(request, network, game, budget, seed)
        if interrupted:
            request.end("analysis", **fields(reading, {}), stopped=True)
            return
        if budget >= simulations:
            break
        request.say("analysis", **fields(reading, {}))
        budget = min(simulations, 2 * budget)
    if margins == 0:
        request.end("analysis", **fields(reading, {}))
        return
    request.say("analysis", **fields(reading, {}))  # the games that follow take a while
    found = _play_out(request, network, game, reading, margins, seed)
    stopped = {"stopped": True} if found is None else {}
    request.end("analysis", **fields(reading, found or {}), **stopped)


def _move_fields(move: RootMove, game: GameState, margins: Margins) -> dict[str, Any]:
    margin = margins.get(move.canonical)
    return {
        "move": format_move(move.action, game.players),
        "prior": round(move.prior, _DIGITS),
        "visits": move.visits,
        "value": None if move.value is None else round(move.value, _DIGITS),
        "completed_q": round(move.completed_q, _DIGITS),
        "policy": round(move.policy, _DIGITS),
        "margin": None if margin is None else round(margin[0], 2),
        "margin_error": None if margin is None else round(margin[1], 2),
        "line": [format_move(action, game.players) for action in move.line],
    }


def _play_out(
    request: Request,
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
    from azul_tui.arena.games import play_games
    from azul_tui.players.network import NetworkPlayer

    canonical = game.canonical()[0].array
    starts = [_after(canonical, move.canonical) for move in reading.moves]
    deals = np.asarray(
        [derive(np.uint64(seed), PLAYOUT, index) for index in range(margins)], np.uint64
    )
    deals = np.tile(deals, len(starts))
    results = play_games(
        [NetworkPlayer(network.evaluator_of(PLAYOUT_ROWS), 0, network.search, game.players)],
        np.zeros((len(deals), game.players), np.int64),
        deals,
        deals,
        deterministic=False,
        stop=request.stopped,
        starts=np.repeat(np.stack(starts), margins, axis=0),
    )
    if not results.finished.all():
        return None
    mover = game.to_move
    scores = results.scores
    ahead = scores[:, mover] - np.delete(scores, mover, axis=1).max(axis=1)
    by_move = ahead.reshape(len(starts), margins).astype(np.float64)
    errors = by_move.std(axis=1, ddof=1) / np.sqrt(margins) if margins > 1 else by_move[:, 0] * 0
    return {
        move.canonical: (float(mean), float(error))
        for move, mean, error in zip(reading.moves, by_move.mean(axis=1), errors, strict=True)
    }


def _after(state: Int8Array, action: int) -> Int8Array:
    child = state.copy()
    apply_canonical(child, action)
    return child


# -- command `review`: where a recorded game was lost, by the opinion of one network
#
# The positions are searched many at a time. A played move and the best one are compared by a search
# of the position after each, so that both are looked at equally deep; after a round's last move
# that is the network's value before the refill, which is luck.

_ROWS: Final = 64
MISTAKE: Final = 0.15
"""Expected outcome lost that is called a mistake."""
_MOST_MISTAKES: Final = 5


def review(
    request: Request, network: OpenedNetwork, game: ReplayedGame, simulations: int, seed: int
) -> None:
    """Answer with every move of the game and what it cost."""
    swings: list[float] = []
    judge = _Judge(request, network, simulations, seed)
    stopped: dict[str, Any] = {}
    try:
        for first in range(0, len(game.actions), _ROWS // 2):
            last = min(len(game.actions), first + _ROWS // 2)
            for fields in judge.moves(game.before[first:last], game.actions[first:last]):
                request.say("review", number=len(swings), **fields)
                swings.append(fields["swing"])
    except StoppedError:
        stopped = {"stopped": True}
    else:
        final = np.zeros(game.final.players, np.float32)
        final_values(game.final.array, final)
        nothing = dict.fromkeys(("best", "best_value", "played_value", "swing"))
        value = round(float(final[0]), _DIGITS)
        request.say("review", number=len(swings), value=value, **nothing)
    order = sorted(range(len(swings)), key=lambda number: (-swings[number], number))
    mistakes = [number for number in order if swings[number] >= MISTAKE][:_MOST_MISTAKES]
    request.end("reviewed", mistakes=mistakes, **stopped)


class _Judge:
    """Searches of up to `_ROWS` positions at once with one network."""

    def __init__(
        self, request: Request, network: OpenedNetwork, simulations: int, seed: int
    ) -> None:
        self._network, self._seed = network, np.uint64(seed)
        self._evaluator = StoppableEvaluator(network.evaluator_of(_ROWS), request.stopped)
        self._search = LockstepSearch(_ROWS, simulations, network.search, network.players)

    def moves(self, games: list[GameState], actions: list[int]) -> list[dict[str, Any]]:
        """The fields of `review` for some moves, at most half of `_ROWS`."""
        tables = [game.canonical() for game in games]
        roots = [canonical.array for canonical, _ in tables]
        orders = [FactoryOrder(order) for _, order in tables]
        readings = self._readings(roots, orders)
        children: list[Int8Array] = []
        for root, order, reading, action in zip(roots, orders, readings, actions, strict=True):
            played = order.canonical_action(action)
            children += [_after(root, reading.moves[0].canonical), _after(root, played)]
        movers = [int(root[TO_MOVE]) for root in roots]
        values = self._values(children, [mover for mover in movers for _ in range(2)])
        fields: list[dict[str, Any]] = []
        for at, action in enumerate(actions):
            best, played = values[2 * at : 2 * at + 2]
            best_action = readings[at].moves[0].action
            same = children[2 * at].tobytes() == children[2 * at + 1].tobytes()
            if same or played >= best:
                best, best_action = played, action
            fields.append({
                "value": round(_seat_value(readings[at], roots[at], 0), _DIGITS),
                "best": format_move(best_action, self._network.players),
                "best_value": round(best, _DIGITS),
                "played_value": round(played, _DIGITS),
                "swing": round(best - played, _DIGITS),
            })  # fmt: skip
        return fields

    def _readings(self, states: list[Int8Array], orders: list[FactoryOrder]) -> list[RootReading]:
        """Search positions that have a move to make."""
        seeds = np.full(len(states), self._seed)
        self._search.run(np.stack(states), self._evaluator, seeds=seeds)
        return [
            _read(self._network, self._search, order, game=at) for at, order in enumerate(orders)
        ]

    def _values(self, states: list[Int8Array], seats: list[int]) -> list[float]:
        """What each position is worth to a seat: searched, evaluated, or counted at the end."""
        players = self._network.players
        values = [0.0] * len(states)
        going = [at for at, state in enumerate(states) if state[PHASE] == MOVING]
        if going:
            orders = [FactoryOrder(range(2 * players + 1)) for _ in going]
            readings = self._readings([states[at] for at in going], orders)
            for at, reading in zip(going, readings, strict=True):
                values[at] = _seat_value(reading, states[at], seats[at])
        observations = np.zeros((_ROWS, observation_size(players)), np.int8)
        for at, state in enumerate(states):
            write_observation(state, observations[at])
        rows = self._evaluator(observations)[1]
        for at, state in enumerate(states):
            if state[PHASE] == AFTERSTATE:
                turn = (seats[at] - int(state[TO_MOVE])) % players
                sign = -1.0 if players == 2 and turn else 1.0
                values[at] = sign * float(rows[at, 0 if players == 2 else turn])
            elif state[PHASE] != MOVING:
                final = np.zeros(players, np.float32)
                final_values(state, final)
                values[at] = float(final[seats[at]])
        return values


def _seat_value(reading: RootReading, state: Int8Array, seat: int) -> float:
    """The value of a searched position to any seat."""
    if seat == state[TO_MOVE]:
        return reading.value
    return -reading.value if len(reading.seats) == 2 else reading.seats[seat]
