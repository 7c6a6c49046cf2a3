"""Recorded games for another program: lists of them, one in full, where it went wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from azul_tui.errors import AzulError, JobError
from azul_tui.game.constants import (
    AFTERSTATE,
    BAG,
    COLOR_COUNT,
    LID,
    MOVING,
    NEXT_FIRST,
    PHASE,
    TABLE_TILES,
    TO_MOVE,
    encode_action,
    observation_size,
    state_size,
)
from azul_tui.game.notation import format_move
from azul_tui.game.observation import write_observation
from azul_tui.game.record import replay_recorded
from azul_tui.game.rules import apply_canonical, begin_round, clear_game, sources_offset
from azul_tui.game.state import GameState
from azul_tui.jobs.engine.analysis import DIGITS, StoppableEvaluator, StoppedError, refuse_infinite
from azul_tui.jobs.engine.opened_players import check_seats
from azul_tui.jobs.game_files import FiledGame, describe_disagreement, read_games
from azul_tui.runs.text import plain_text
from azul_tui.search.reading import FactoryOrder, RootReading, read_root
from azul_tui.search.search import LockstepSearch, final_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.game.kernel import Int8Array
    from azul_tui.game.record import RecordedGame, RecordedRound
    from azul_tui.jobs.engine.conversation import Answer
    from azul_tui.jobs.engine.opened_players import OpenedNetwork


# -- command `review`: where a recorded game was lost, by the opinion of one network
#
# The positions are searched many at a time. A played move and the best one are compared by a search
# of the position after each, so that both are looked at equally deep; after a round's last move
# that
# is the network's value before the refill, which is luck.

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


# -- commands `games` and `game`: what recorded games there are, and one of them move by move
#
# They are files in the trace format, as runs keep them in their folder `games`.

MOST_LISTED: Final = 2000
"""Games in one answer; the newest are listed."""
_MOST_BYTES: Final = 1_000_000
"""Of one game; real ones have about four thousand."""
_MOST_COMPLAINTS: Final = 5
_ITERATION: Final = re.compile(r"(?:iter|eval)_([0-9]{1,9})(?:_.*)?")


@dataclass(frozen=True, slots=True)
class ReplayedGame:
    """A recorded game, played again by the rules."""

    before: list[GameState]
    """The position before each move."""
    actions: list[int]
    """As on the table."""
    final: GameState


def list_games(words: str, stopped: Callable[[], bool]) -> dict[str, Any]:
    """The fields of a `games` record.

    Args:
        words: A file, or a folder of files.
        stopped: Whether to leave it at what was found so far.

    Raises:
        JobError: There is no such thing, or the file cannot be read.
    """
    path = _path(words, "games", "a file or folder of recorded games")
    listed: list[dict[str, Any]] = []
    complaints: list[str] = []
    if path.is_dir():
        for file in _newest_first(path):
            if stopped() or len(listed) >= MOST_LISTED:
                break
            try:
                listed += _list_file(file, MOST_LISTED - len(listed))
            except AzulError as error:
                complaints.append(plain_text(str(error), 300))
    else:
        listed = _list_file(path, MOST_LISTED)
    return {"games": listed, "unreadable": complaints[:_MOST_COMPLAINTS]}


def replayed_game(words: str, verb: str) -> ReplayedGame:
    """The game that `FILE INDEX` names, played again.

    Raises:
        JobError: There is no such game, or it does not follow the rules.
    """
    name, _, number = words.rpartition(" ")
    if not name or not re.fullmatch(r"[0-9]{1,9}", number):
        raise JobError(f"{verb} needs a file and the number of a game in it, from 0")
    path = _path(name, verb, "a file of recorded games")
    index = int(number)
    for filed in islice(_read(path), index, None):
        return _replay(filed.game, f"game {index} of {path}")
    raise JobError(f"{path} has no game {index}; the first is 0")


def told_game(game: ReplayedGame) -> dict[str, Any]:
    """The fields of a `game` record."""
    players = game.final.players
    return {
        "players": players,
        "positions": [state.notation() for state in (*game.before, game.final)],
        "moves": [format_move(action, players) for action in game.actions],
        "movers": [state.to_move for state in game.before],
        "scores": list(game.final.scores),
        "winners": list(game.final.winners),
    }


def _path(words: str, verb: str, what: str) -> Path:
    if not words:
        raise JobError(f"{verb} needs {what} after it")
    try:
        path = Path(words).expanduser()
        there = path.exists()
    except (OSError, ValueError, RuntimeError):  # a name that no system takes, nobody's home
        there = False
        path = Path()
    if not there:
        raise JobError(f"{plain_text(words, 200)}: there is no such file or folder")
    return path


def _read(path: Path) -> list[FiledGame]:
    """The games of a file, at most as many as are ever listed."""
    try:
        with path.open("rb") as file:
            return list(islice(read_games(path, file, most_bytes=_MOST_BYTES), MOST_LISTED))
    except OSError as error:
        raise JobError(f"{path} cannot be read: {error.strerror or error}") from None


def _newest_first(folder: Path) -> list[Path]:
    """The files of games in a folder, by falling iteration."""

    def age(file: Path) -> tuple[int, str]:
        found = _ITERATION.fullmatch(file.stem)
        return (-int(found[1]) if found else 1, file.name)

    try:
        files = [file for file in folder.iterdir() if file.name.endswith((".jsonl", ".jsonl.gz"))]
    except OSError as error:
        raise JobError(f"{folder} cannot be read: {error.strerror or error}") from None
    return sorted((file for file in files if not file.name.startswith(".")), key=age)


def _list_file(path: Path, most: int) -> list[dict[str, Any]]:
    return [
        {
            "file": str(path),
            "index": index,
            "label": _label(path, index, filed.meta),
            "names": _names(filed),
            "players": filed.game.players,
            "scores": filed.game.final_scores,
            "winners": filed.game.winners,
            "moves": len(filed.game.moves),
        }
        for index, filed in enumerate(_read(path)[:most])
    ]


def _label(path: Path, index: int, meta: dict[str, Any]) -> str:
    """What kind of game it is, for people."""
    tag = plain_text(str(meta.get("tag") or ""), 40) or f"game {index + 1}"
    title = plain_text(str(meta.get("title") or ""), 80)
    found = _ITERATION.fullmatch(path.stem)
    if not title:
        title = f"iteration {int(found[1])}" if found else plain_text(path.stem, 60)
    return f"{title}, {tag}"


def _names(filed: FiledGame) -> list[str]:
    """Who sat where, if whoever wrote the game knew."""
    names: object = filed.meta.get("names")
    if not isinstance(names, list) or len(cast("list[object]", names)) != filed.game.players:
        return []
    return [plain_text(str(name), 60) for name in cast("list[object]", names)]


def _replay(game: RecordedGame, name: str) -> ReplayedGame:
    wrong = replay_recorded(game).disagreements
    if wrong:
        raise JobError(f"{name} does not follow the rules{describe_disagreement(wrong[0])}")
    array = np.zeros(state_size(game.players), np.int8)
    clear_game(array, game.players)
    array[NEXT_FIRST] = game.first_player
    before: list[GameState] = []
    actions = [encode_action(*move) for move in game.moves]
    state = GameState(array)
    for record in game.rounds:
        state = GameState(_dealt(state.array, record))
        while state.phase == "moving":
            before.append(state.copy())
            state.apply(actions[len(before) - 1], refill=False)
    return ReplayedGame(before, actions, state)


def _dealt(array: Int8Array, record: RecordedRound) -> Int8Array:
    """The position after a recorded refill of an afterstate."""
    array = array.copy()
    begin_round(array)
    array[BAG : BAG + COLOR_COUNT] = record.bag
    array[LID : LID + COLOR_COUNT] = record.lid
    tiles = np.asarray(record.factories, np.int8).reshape(-1)
    array[TABLE_TILES] = tiles.sum()
    at = int(sources_offset(array))
    array[at : at + len(tiles)] = tiles
    return array
