"""Reading files of recorded games: JSON lines, plain or gzip, one game a line (`game.recorded`)."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from azul_tui.errors import GameError, JobError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase, BufferedReader
    from pathlib import Path

    from azul_tui.game.record import Disagreement, RecordedGame

GZIP_MAGIC = b"\x1f\x8b"
MAX_LINE_BYTES = 64_000_000
SHOWN = 200


class FiledGame(NamedTuple):
    """One game of a file."""

    line: int
    """Number of its line, from 1."""
    game: RecordedGame
    meta: dict[str, Any]
    """What its writer noted besides; empty when nothing."""
    unknown: tuple[str, ...] = ()
    """Other fields, which this version does not know."""


def read_games(
    path: Path, file: BufferedReader, *, most_bytes: int | None = None
) -> Iterator[FiledGame]:
    """Each game of an open file; blank lines are passed over.

    Args:
        path: To name in errors.
        file: Opened for reading bytes.
        most_bytes: Of one game; MAX_LINE_BYTES if not given.

    Raises:
        JobError: A line is no game; the message names it.
    """
    from azul_tui.game.record import RecordedGame, parse_recorded

    known = {"meta", *(field.name for field in fields(RecordedGame))}
    for number, line in _read_lines(path, file, most_bytes or MAX_LINE_BYTES):
        try:
            value = json.loads(line)
            game = parse_recorded(value)
        except GameError as error:
            raise JobError(f"{path}, line {number}: {error}") from None
        except (ValueError, RecursionError) as error:
            detail = error.msg if isinstance(error, json.JSONDecodeError) else error
            raise JobError(f"{path}, line {number} is not JSON: {detail}") from None
        meta = value.get("meta")
        noted = cast("dict[str, Any]", meta) if _is_object(meta) else {}
        unknown = tuple(name for name in value if name not in known)
        yield FiledGame(number, game, noted, unknown)


def describe_disagreement(found: Disagreement) -> str:
    """Where and what, in words, to follow the number of the game."""
    place = "" if found.round is None else f", round {found.round + 1}"
    if found.move is not None:
        place += f", move {found.move + 1}"
    recorded = "nothing" if found.recorded is None else str(found.recorded)[:SHOWN]
    return f"{place}: {found.field} is {recorded} in the record, and by the rules: {found.ours}"


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _read_lines(path: Path, file: BufferedReader, most_bytes: int) -> Iterator[tuple[int, bytes]]:
    packed = file.peek(2).startswith(GZIP_MAGIC)
    source: BufferedIOBase = gzip.GzipFile(fileobj=file, mode="rb") if packed else file
    number = 0
    try:
        while line := source.readline(most_bytes):
            number += 1
            if len(line) == most_bytes:
                raise JobError(f"{path}, line {number} is too long for a game")
            if line.strip():
                yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise JobError(f"{path} is damaged after line {number}: {error}") from None
