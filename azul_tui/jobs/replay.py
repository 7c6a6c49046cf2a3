"""Job `replay`: does the engine agree with every number of a file of recorded games?

The file is JSON lines, plain or gzip, one game a line as described in `game.recorded`, read one
game at a time. In what is told, games, rounds and moves count from 1.
"""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azul_tui.errors import GameError, JobError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase, BufferedReader

    from azul_tui.game.recorded import RecordedGame
    from azul_tui.game.replaying import Disagreement
    from azul_tui.jobs.context import JobContext

GZIP_MAGIC = b"\x1f\x8b"
MAX_LINE_BYTES = 64_000_000
SHOWN = 200


def run(context: JobContext) -> dict[str, Any]:
    """Replay every game; `ok` is False when the rules disagree with any number.

    Raises:
        JobError: There is no file, or a line is no game; the message names the line.
    """
    from azul_tui.game.replaying import replay_recorded  # loads the compiler

    name = context.text("games")
    if not name:
        raise JobError("replay needs a file of recorded games: --set games=FILE")
    path = Path(name).expanduser()
    games = moves = mismatches = 0
    reporter = context.reporter
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            for line, game in _read_games(path, file):
                if context.stop.is_set():
                    break
                games += 1
                replay = replay_recorded(game)
                moves += replay.moves
                mismatches += len(replay.disagreements)
                for found in replay.disagreements:
                    reporter.record("mismatch", game=games, line=line, **_fields(found))
                    reporter.say(f"game {games}{describe_disagreement(found)}")
                reporter.progress(file.tell() // 1000, size // 1000, "kB")
    except OSError as error:
        raise JobError(f"{path} cannot be read: {error.strerror or error}") from None
    if not games and not context.stop.is_set():
        raise JobError(f"{path} holds no games")
    agreed = "every number agrees" if not mismatches else f"{mismatches:,} do not agree"
    reporter.say(f"{games:,} games, {moves:,} moves replayed: {agreed}")
    return {"ok": not mismatches, "games": games, "moves": moves, "mismatches": mismatches}


def describe_disagreement(found: Disagreement) -> str:
    """Where and what, in words, to follow the number of the game."""
    place = "" if found.round is None else f", round {found.round + 1}"
    if found.move is not None:
        place += f", move {found.move + 1}"
    recorded = "nothing" if found.recorded is None else str(found.recorded)[:SHOWN]
    return f"{place}: {found.field} is {recorded} in the record, and by the rules: {found.ours}"


def _fields(found: Disagreement) -> dict[str, object]:
    return {
        "round": None if found.round is None else found.round + 1,
        "move": None if found.move is None else found.move + 1,
        "field": found.field,
        "recorded": found.recorded,
        "ours": found.ours,
    }


def _read_games(path: Path, file: BufferedReader) -> Iterator[tuple[int, RecordedGame]]:
    """Each game with the number of its line; blank lines are passed over."""
    from azul_tui.game.recorded import parse_recorded

    for number, line in _read_lines(path, file):
        try:
            yield number, parse_recorded(json.loads(line))
        except GameError as error:
            raise JobError(f"{path}, line {number}: {error}") from None
        except (ValueError, RecursionError) as error:
            detail = error.msg if isinstance(error, json.JSONDecodeError) else error
            raise JobError(f"{path}, line {number} is not JSON: {detail}") from None


def _read_lines(path: Path, file: BufferedReader) -> Iterator[tuple[int, bytes]]:
    packed = file.peek(2).startswith(GZIP_MAGIC)
    source: BufferedIOBase = gzip.GzipFile(fileobj=file, mode="rb") if packed else file
    number = 0
    try:
        while line := source.readline(MAX_LINE_BYTES):
            number += 1
            if len(line) == MAX_LINE_BYTES:
                raise JobError(f"{path}, line {number} is too long for a game")
            if line.strip():
                yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise JobError(f"{path} is damaged after line {number}: {error}") from None
