"""The engine process: rules, players and networks for Play, Analyse and Games.

They need numba and torch, which the terminal process never imports, so they live in
`azul-tui --run engine` (docs/protocol.md): one process for the whole dashboard, started when it is
first asked for. It ends when its standard input does, so it cannot outlive the dashboard.

`await Engines(root).get()` gives the process, `ask` its answers; `read(Choice, record)` makes an
answer a type. Moves are in notation (`R 2>3`), seats count from 0, values are in [-1, 1].
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import typing
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeVar, cast

from azul_tui.errors import EXIT_USER, AzulError
from azul_tui.runs.control import job_arguments, job_command, job_environment
from azul_tui.runs.status import ending_words
from azul_tui.runs.text import WARNING, plain_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NICENESS: Final = 5
LONGEST_RECORD: Final = 16 << 20
Record = dict[str, Any]
"""One record as it came."""


class EngineError(AzulError):
    """The engine refused a command, or it is not there any more."""


def word(text: str) -> str:
    """`text` as one word of a command, whatever blanks are in it."""
    return '"' + text.replace('"', "") + '"'


class Engine:
    """One engine process, made by `start` and ended by `close`."""

    def __init__(
        self, process: asyncio.subprocess.Process, warned: Callable[[str], object] | None = None
    ) -> None:
        """Begin to read what `process` says; `warned` gets its warnings, in words."""
        assert process.stdin is not None
        self.process, self._commands, self._warned = process, process.stdin, warned
        self._open: dict[str, asyncio.Queue[Record | None]] = {}
        """Where the records go that answer a command, by its id; None once nothing comes."""
        self._asked = 0
        self._answered = self._closed = False
        self._last_words = ""
        """The last line that was no record, safe to show."""
        self._reader = asyncio.create_task(self._read(), name="engine")

    @classmethod
    async def start(cls, root: Path, warned: Callable[[str], object] | None = None) -> Self:
        """An engine that finds runs in `root`; raises EngineError when it cannot be started."""
        try:
            process = await asyncio.create_subprocess_exec(
                *job_command(job_arguments("engine", root=root)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=LONGEST_RECORD,
                env={"OMP_NUM_THREADS": "1", **job_environment()},
            )
        except OSError as error:
            raise EngineError(f"the engine cannot be started: {error.strerror}") from None
        with suppress(OSError):  # a system that forbids it is no reason to fail
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        return cls(process, warned)

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return not (self._closed or self._reader.done())

    async def ask(
        self, *commands: str, on_record: Callable[[Record], None] | None = None
    ) -> Record:
        """Give commands with nobody else's between them, and wait for the last one's answer.

        A position and what is asked about it belong together: another screen may be asking too.
        Whoever stops waiting (a worker that is cancelled) stops the commands in the engine too.
        `on_record` gets every record that is not a command's last. Raises EngineError when a
        command is refused (the first one is told) or the engine has ended.
        """
        if not self.alive:
            raise EngineError(self.why_ended())
        heard: asyncio.Queue[Record | None] = asyncio.Queue()
        waiting: list[str] = []
        for command in commands:
            self._asked += 1
            waiting.append(str(self._asked))
            self._open[waiting[-1]] = heard
            line = f"#{waiting[-1]} {' '.join(command.splitlines())}\n"
            self._commands.write(line.encode("utf-8", "replace"))
        try:
            while (record := await heard.get()) is not None:
                if not record.get("last"):
                    if on_record is not None:
                        on_record(record)
                    continue
                del self._open[waiting.pop(0)]  # they are answered in order
                if record.get("event") == "error":
                    raise EngineError(plain_text(str(record.get("text")), 500))
                if not waiting:
                    return record
            raise EngineError(self.why_ended())
        finally:
            for id_ in waiting:
                del self._open[id_]
                self._commands.write(f"stop {id_}\n".encode())

    async def close(self) -> None:
        """End the process. It has nothing to save, and its own way out takes torch a second."""
        self._closed = True
        self._commands.close()
        with suppress(ProcessLookupError):
            self.process.kill()
        await self._reader

    async def _read(self) -> None:
        """Hand records to those who wait for them until there are no more."""
        log = asyncio.create_task(self._read_log())
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            try:
                record = json.loads(line)
                heard = self._open.get(record.get("id"))
            except (ValueError, AttributeError):  # a library prints where only records belong
                self._last_words = plain_text(line.decode("utf-8", "replace"), 500)
                continue
            if heard is not None:  # else nobody waits any more
                self._answered = True
                heard.put_nowait(record)
        await self.process.wait()
        await asyncio.wait([log], timeout=1)  # its last words say why
        for heard in self._open.values():
            heard.put_nowait(None)

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            said = plain_text(line.decode("utf-8", "replace"), 500).strip()
            self._last_words = said or self._last_words
            if self._warned is not None and said.startswith(WARNING):
                self._warned(said.removeprefix(WARNING))

    def why_ended(self) -> str:
        """In one sentence, why it cannot be asked any more."""
        if self._closed:
            return "the engine was closed"
        code, said = self.process.returncode, self._last_words
        if code == EXIT_USER and said:
            return f"the engine cannot start: {said.removeprefix('azul-tui: ')}"
        words = "the engine has ended" + (f" ({ending_words(code)})" if code else "")
        words += "" if self._answered else " before its first answer"
        if code == -signal.SIGKILL:
            words += "; the machine may be short of memory"
        return f"{words}: {said}" if said else words


class Engines:
    """The one engine of the dashboard: started when it is first asked for, again once it died."""

    def __init__(self, root: Path, warned: Callable[[str], object] | None = None) -> None:
        """Runs live in `root`; `warned` gets every warning of the engine, in words."""
        self._root, self._warned = root, warned
        self._engine: Engine | None = None
        self._starting = asyncio.Lock()

    async def get(self) -> Engine:
        """The engine; raises EngineError when it cannot be started."""
        async with self._starting:
            if self._engine is None or not self._engine.alive:
                if self._engine is not None:
                    await self._engine.close()
                self._engine = await Engine.start(self._root, self._warned)
            return self._engine

    async def close(self) -> None:
        """End the engine if there is one; `get` starts another."""
        async with self._starting:
            if self._engine is not None:
                await self._engine.close()
                self._engine = None


# -- what it answers

Answer = TypeVar("Answer")


def read(kind: type[Answer], record: Record) -> Answer:
    """A record as one of the types below; what it lacks is empty: None, 0, False, "", ()."""
    return kind(**{name: _value(record.get(name), hint) for name, hint in _hints(kind).items()})


_hints = cache(typing.get_type_hints)


def _value(value: Any, hint: Any) -> Any:
    if isinstance(value, list):
        inner, items = typing.get_args(hint)[0], cast("list[Any]", value)
        return tuple(_value(item, inner) for item in items)
    if isinstance(value, dict):
        return read(hint, cast("Record", value))
    if value is None and not isinstance(hint, UnionType):
        return (typing.get_origin(hint) or hint)()
    return value


class Position(NamedTuple):
    """Answer to `position`; whether the last move ended a round."""

    notation: str
    players: int
    round: int
    to_move: int
    scores: tuple[int, ...]
    over: bool
    winners: tuple[int, ...]
    legal: tuple[str, ...]
    round_ended: bool


class Choice(NamedTuple):
    """Answer to `choose`: what its mover and each seat may expect, unless a player has a script."""

    move: str
    value: float | None
    values: tuple[float, ...]


class AnalysedMove(NamedTuple):
    """One move of an analysis; values are the mover's, margins points ahead at the end."""

    move: str
    prior: float
    visits: int
    value: float | None
    completed_q: float
    policy: float
    margin: float | None
    margin_error: float | None
    line: tuple[str, ...]


class Analysis(NamedTuple):
    """Answer to `analyse`: what each seat may expect, and the moves, best first."""

    notation: str
    simulations: int
    value: float
    values: tuple[float, ...]
    seconds: float
    moves: tuple[AnalysedMove, ...]
    stopped: bool


@dataclass(frozen=True)
class ListedGame:
    """One recorded game in the answer to `games`; no names where nobody wrote them down."""

    file: str
    index: int
    label: str
    names: tuple[str, ...]
    players: int
    scores: tuple[int, ...]
    winners: tuple[int, ...]
    moves: int


class ListedGames(NamedTuple):
    """Answer to `games`."""

    games: tuple[ListedGame, ...]
    unreadable: tuple[str, ...]


class RecordedGame(NamedTuple):
    """Answer to `game`; the positions before each move, and the final one."""

    players: int
    positions: tuple[str, ...]
    moves: tuple[str, ...]
    movers: tuple[int, ...]
    winners: tuple[int, ...]


class ReviewedMove(NamedTuple):
    """What seat 0 could expect before a move, and the `swing` that the move cost its mover.

    The last has no move, its value is the result.
    """

    number: int
    value: float
    best: str | None
    swing: float | None
