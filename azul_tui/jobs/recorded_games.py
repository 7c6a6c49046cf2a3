"""Recorded games (JSON lines, plain or gzip; `docs/traces.md`): job `replay`, lists and replays.

In what a person is told, games, rounds and moves count from 1.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np

from azul_tui.config import shown_path
from azul_tui.errors import AzulError, GameError, JobError
from azul_tui.game.constants import (
    BAG,
    COLOR_COUNT,
    LID,
    NEXT_FIRST,
    TABLE_TILES,
    encode_action,
    state_size,
)
from azul_tui.game.notation import format_move
from azul_tui.game.record import RecordedGame, parse_recorded, replay_recorded
from azul_tui.game.rules import begin_round, clear_game, sources_offset
from azul_tui.game.state import GameState
from azul_tui.runs.paths import named_path
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedIOBase, BufferedReader

    from azul_tui.game.record import Disagreement
    from azul_tui.jobs.start import JobContext

MAX_LINE_BYTES: Final = 64_000_000
_MAX_LISTED_BYTES: Final = 1_000_000
"""Of one game that is listed; real ones have about four thousand."""
MOST_LISTED: Final = 2000
"""Games in one answer; the newest are listed."""
_ITERATION: Final = re.compile(r"(?:iter|eval)_([0-9]{1,9})(?:_.*)?")


# -- reading a file


class FiledGame(NamedTuple):
    """One game of a file."""

    line: int
    """Number of its line, from 1."""
    game: RecordedGame
    meta: dict[str, Any]
    """What its writer noted besides; empty when nothing."""
    unknown: tuple[str, ...] = ()
    """Other fields, which this version does not know."""


def read_games(path: Path, file: BufferedReader, max_bytes: int = 0) -> Iterator[FiledGame]:
    """Each game of an open file, read one at a time; blank lines are passed over.

    Args:
        path: To name in errors.
        file: Opened for reading bytes.
        max_bytes: Of one game; MAX_LINE_BYTES if not given.

    Raises:
        JobError: A line is no game; the message names it.
    """
    known = {"meta", *(field.name for field in fields(RecordedGame))}
    max_bytes = max_bytes or MAX_LINE_BYTES
    packed = file.peek(2).startswith(b"\x1f\x8b")
    source: BufferedIOBase = gzip.GzipFile(fileobj=file, mode="rb") if packed else file
    number = 0
    try:
        while line := source.readline(max_bytes):
            number += 1
            if len(line) == max_bytes:
                raise JobError(f"{path}, line {number} is too long for a game")
            if not line.strip():
                continue
            value: Any = json.loads(line)
            game = parse_recorded(value)
            meta: Any = value.get("meta")
            unknown = tuple(name for name in value if name not in known)
            yield FiledGame(number, game, meta if isinstance(meta, dict) else {}, unknown)
    except GameError as error:
        raise JobError(f"{path}, line {number}: {error}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise JobError(f"{path} is damaged after line {number}: {error}") from None
    except (ValueError, RecursionError) as error:
        detail = error.msg if isinstance(error, json.JSONDecodeError) else error
        raise JobError(f"{path}, line {number} is not JSON: {detail}") from None


def describe_disagreement(found: Disagreement) -> str:
    """Where and what, in words, to follow the number of the game."""
    place = "" if found.round is None else f", round {found.round + 1}"
    if found.move is not None:
        place += f", move {found.move + 1}"
    recorded = "nothing" if found.recorded is None else str(found.recorded)[:200]
    return f"{place}: {found.field} is {recorded} in the record, and by the rules: {found.ours}"


# -- job `replay`: does the engine agree with every number of a file?


def replay(context: JobContext) -> dict[str, Any]:
    """Replay every game; `ok` is False when the rules disagree with any number.

    Raises:
        JobError: There is no file, or a line is no game; the message names the line.
    """
    name = context.text("games")
    if not name:
        raise JobError("replay needs a file of recorded games: --set games=FILE")
    path = named_path(name)
    files = sorted(path.glob("*.jsonl*")) if path.is_dir() else [path]
    if not files:
        raise JobError(f"{path} holds no files of recorded games (*.jsonl, *.jsonl.gz)")
    reporter = context.reporter
    games = moves = mismatches = 0
    for file in files:
        unknown: set[str] = set()
        try:
            size = file.stat().st_size
            with file.open("rb") as opened:
                for filed in read_games(file, opened):
                    if context.stop.is_set():
                        break
                    unknown.update(filed.unknown[: 8 - len(unknown)])
                    games += 1
                    replayed = replay_recorded(filed.game)
                    moves += replayed.moves
                    mismatches += len(replayed.disagreements)
                    for found in replayed.disagreements:
                        _record_mismatch(context, games, filed.line, found)
                    reporter.progress(opened.tell() // 1000, size // 1000, "kB")
        except OSError as error:
            raise JobError(f"{file} cannot be read: {error.strerror or error}") from None
        if unknown:
            named = plain_text(", ".join(sorted(unknown)))
            context.warn(
                f"{shown_path(file)}: this version does not know {named} of a game, and leaves it"
                " out"
            )
    if not games and not context.stop.is_set():
        raise JobError(f"{path} holds no games")
    agreed = "every number agrees" if not mismatches else f"{mismatches:,} do not agree"
    counted = f"{games:,} game{'' if games == 1 else 's'}"
    reporter.say(f"{counted}, {moves:,} moves replayed: {agreed}")
    return {"ok": not mismatches, "games": games, "moves": moves, "mismatches": mismatches}


def _record_mismatch(context: JobContext, game: int, line: int, found: Disagreement) -> None:
    numbers = {
        key: None if value is None else value + 1
        for key, value in (("round", found.round), ("move", found.move))
    }
    values = {"field": found.field, "recorded": found.recorded, "ours": found.ours}
    context.reporter.record("mismatch", game=game, line=line, **numbers, **values)
    context.reporter.say(f"game {game}{describe_disagreement(found)}")


# -- for the engine's `games`, `game` and `review`


class ReplayedGame(NamedTuple):
    """A recorded game, played again by the rules."""

    before: list[GameState]
    """The position before each move."""
    actions: list[int]
    """As on the table."""
    final: GameState

    def record(self) -> dict[str, Any]:
        """The fields of a `game` record."""
        players = self.final.players
        return {
            "players": players,
            "positions": [state.notation() for state in (*self.before, self.final)],
            "moves": [format_move(action, players) for action in self.actions],
            "movers": [state.to_move for state in self.before],
            "scores": list(self.final.scores),
            "winners": list(self.final.winners),
        }


def list_games(words: str, stopped: Callable[[], bool]) -> dict[str, Any]:
    """The fields of a `games` record.

    Args:
        words: A file, or a folder of files.
        stopped: Whether to leave it at what was found so far.

    Raises:
        JobError: There is no such thing, or the file cannot be read.
    """
    path = _existing_path(words, "games", "a file or folder of recorded games")
    if not path.is_dir():
        return {"games": _list_file(path), "unreadable": []}
    listed: list[dict[str, Any]] = []
    complaints: list[str] = []
    for file in _newest_first(path):
        if stopped() or len(listed) >= MOST_LISTED:
            break
        try:
            listed += _list_file(file)[: MOST_LISTED - len(listed)]
        except AzulError as error:
            complaints.append(plain_text(str(error), 300))
    return {"games": listed, "unreadable": complaints[:5]}


def replayed_game(words: str, verb: str) -> ReplayedGame:
    """The game that `FILE INDEX` names, played again.

    Raises:
        JobError: There is no such game, or it does not follow the rules.
    """
    name, _, number = words.rpartition(" ")
    if not name or not re.fullmatch(r"[0-9]{1,9}", number):
        raise JobError(f"{verb} needs a file and the number of a game in it, from 0")
    path, index = _existing_path(name, verb, "a file of recorded games"), int(number)
    games = _read(path)
    if index >= len(games):
        raise JobError(f"{path} has no game {index}; the first is 0")
    game = games[index].game
    if wrong := replay_recorded(game).disagreements:
        told = describe_disagreement(wrong[0])
        raise JobError(f"game {index} of {path} does not follow the rules{told}")
    array = np.zeros(state_size(game.players), np.int8)
    clear_game(array, game.players)
    array[NEXT_FIRST] = game.first_player
    before: list[GameState] = []
    actions = [encode_action(*move) for move in game.moves]
    state = GameState(array)
    for record in game.rounds:
        array = state.array.copy()
        begin_round(array)
        array[BAG : BAG + COLOR_COUNT] = record.bag
        array[LID : LID + COLOR_COUNT] = record.lid
        tiles = np.asarray(record.factories, np.int8).reshape(-1)
        array[TABLE_TILES] = tiles.sum()
        at = int(sources_offset(array))
        array[at : at + len(tiles)] = tiles
        state = GameState(array)
        while state.phase == "moving":
            before.append(state.copy())
            state.apply(actions[len(before) - 1], refill=False)
    return ReplayedGame(before, actions, state)


def _existing_path(words: str, verb: str, what: str) -> Path:
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
            return list(islice(read_games(path, file, _MAX_LISTED_BYTES), MOST_LISTED))
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


def _list_file(path: Path) -> list[dict[str, Any]]:
    found = _ITERATION.fullmatch(path.stem)
    default = f"iteration {int(found[1])}" if found else plain_text(path.stem, 60)
    listed: list[dict[str, Any]] = []
    for index, (_, game, meta, _) in enumerate(_read(path)):
        title = plain_text(str(meta.get("title") or ""), 80) or default
        tag = plain_text(str(meta.get("tag") or ""), 40) or f"game {index + 1}"
        names = cast("list[object]", meta["names"] if isinstance(meta.get("names"), list) else [])
        listed.append({
            "file": str(path),
            "index": index,
            "label": f"{title}, {tag}",
            "names": [plain_text(str(name), 60) for name in names] * (len(names) == game.players),
            "players": game.players,
            "scores": game.final_scores,
            "winners": game.winners,
            "moves": len(game.moves),
        })  # fmt: skip
    return listed
