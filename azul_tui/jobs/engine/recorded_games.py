"""Commands `games` and `game`: what recorded games there are, and one of them move by move.

They are files in the trace format, as runs keep them in their folder `games`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from azul_tui.errors import AzulError, JobError
from azul_tui.game.constants import COLOR_COUNT, encode_action, state_size
from azul_tui.game.dealing import begin_round, clear_game
from azul_tui.game.layout import BAG, LID, NEXT_FIRST, TABLE_TILES, sources_offset
from azul_tui.game.notation import format_move
from azul_tui.game.replaying import replay_recorded
from azul_tui.game.state import GameState
from azul_tui.jobs.game_files import FiledGame, describe_disagreement, read_games
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.game.kernel import Int8Array
    from azul_tui.game.recorded import RecordedGame, RecordedRound

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
