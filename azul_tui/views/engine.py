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
import types
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast, get_args, get_origin

from azul_tui.errors import EXIT_USER, AzulError
from azul_tui.runs.launch import job_arguments, job_command, job_environment
from azul_tui.runs.status import ending_words
from azul_tui.runs.text import WARNING, plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

NICENESS: Final = 5
_LONGEST_RECORD: Final = 16 << 20
_LOG_LINES: Final = 50
_LARGEST: Final = 1e300

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
        self.process = process
        self._warned = warned
        self.log: deque[str] = deque(maxlen=_LOG_LINES)
        """The last lines of its standard error, safe to show."""
        self._open: dict[str, tuple[asyncio.Future[Record], Callable[[Record], None] | None]] = {}
        """The commands that wait for their last record, by id, and who hears the others."""
        self._asked = 0
        self._answered = False
        self._closed = False
        self._log_reader = asyncio.create_task(self._read_log(), name="engine log")
        self._reader = asyncio.create_task(self._read_records(), name="engine records")

    @classmethod
    async def start(cls, root: Path, warned: Callable[[str], object] | None = None) -> Self:
        """Start an engine that finds runs in `root`; it can be asked at once.

        `warned` gets every warning that it writes, in words.

        Raises:
            EngineError: The process cannot be made.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *job_command(job_arguments("engine", root=root)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=_LONGEST_RECORD,
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

        Args:
            commands: One line each, as in docs/protocol.md.
            on_record: Called with every record that is not a command's last.

        Raises:
            EngineError: A command was refused (the first one is told), or the engine has ended.
        """
        asked = [self._send(command, on_record) for command in commands]
        try:
            return [await answer for _, answer in asked][-1]
        finally:
            for id_, answer in asked:
                if answer.cancel() or answer.cancelled():
                    self._write(f"stop {id_}")
                else:
                    answer.exception()  # seen, even if an earlier one was raised
                self._open.pop(id_, None)

    def stop(self) -> None:
        """End what it is doing early; the last record then says `stopped`."""
        self._write("stop")

    async def close(self) -> None:
        """End the process. It has nothing to save, and its own way out takes torch a second."""
        self._closed = True
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await asyncio.gather(self._reader, self._log_reader, return_exceptions=True)

    def _send(
        self, command: str, on_record: Callable[[Record], None] | None
    ) -> tuple[str, asyncio.Future[Record]]:
        if not self.alive:
            raise EngineError(self.why_ended())
        self._asked += 1
        id_ = str(self._asked)
        answer: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        self._open[id_] = (answer, on_record)
        self._write(f"#{id_} " + " ".join(command.splitlines()))
        return id_, answer

    def _write(self, line: str) -> None:
        """Write a line; to an engine that is gone it goes nowhere."""
        stdin = self.process.stdin
        if stdin is not None and not stdin.is_closing():
            with suppress(OSError):
                stdin.write(line.encode("utf-8", "replace") + b"\n")

    async def _read_records(self) -> None:
        """Hand records to those who wait for them until there are no more."""
        stdout = self.process.stdout
        assert stdout is not None
        try:
            while line := await stdout.readline():
                self._hear(line)
        except ValueError:  # a record longer than any that the engine writes
            self.log.append("a line without end came from the engine")
            with suppress(ProcessLookupError):
                self.process.kill()
        finally:
            with suppress(asyncio.CancelledError):
                await self.process.wait()
                await asyncio.wait([self._log_reader], timeout=1)  # its last words say why
            for answer, _ in self._open.values():
                if not answer.done():
                    answer.set_exception(EngineError(self.why_ended()))
            self._open.clear()

    def _hear(self, line: bytes) -> None:
        """One line of the engine's; what is no record of an open question is passed over."""
        try:
            value = json.loads(line)
        except ValueError:
            self.log.append(plain_text(line.decode("utf-8", "replace")))
            return
        record = cast("Record", value) if isinstance(value, dict) else {}
        answer, on_record = self._open.get(str(record.get("id")), (None, None))
        if answer is None or answer.done():
            return
        self._answered = True
        if record.get("event") == "error":
            answer.set_exception(EngineError(plain_text(str(record.get("text")), 500)))
        elif record.get("last"):
            answer.set_result(record)
        elif on_record is not None:
            try:
                on_record(record)
            except Exception as error:  # noqa: BLE001 - the fault belongs to whoever asked
                answer.set_exception(error)

    async def _read_log(self) -> None:
        stderr = self.process.stderr
        assert stderr is not None
        with suppress(ValueError):
            while line := await stderr.readline():
                said = plain_text(line.decode("utf-8", "replace"), 500)
                self.log.append(said)
                if self._warned is not None and said.startswith(WARNING):
                    self._warned(said.removeprefix(WARNING))

    def why_ended(self) -> str:
        """In one sentence, why it cannot be asked any more."""
        if self._closed:
            return "the engine was closed"
        code = self.process.returncode
        said = next((line.strip() for line in reversed(self.log) if line.strip()), "")
        if code == EXIT_USER and said:
            return f"the engine cannot start: {said.removeprefix('azul-tui: ')}"
        when = "" if self._answered else " before its first answer"
        words = "the engine has ended" + (f" ({ending_words(code)})" if code else "") + when
        if code == -signal.SIGKILL:
            words += "; the machine may be short of memory"
        return f"{words}: {said}" if said else words


class Engines:
    """The one engine of the dashboard: started when it is first asked for, again once it died."""

    def __init__(self, root: Path, warned: Callable[[str], object] | None = None) -> None:
        """Runs live in `root`; `warned` gets every warning of the engine, in words."""
        self._root = root
        self._warned = warned
        self._engine: Engine | None = None
        self._starting = asyncio.Lock()

    async def get(self) -> Engine:
        """The engine.

        Raises:
            EngineError: It cannot be started.
        """
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


@dataclass(frozen=True, slots=True)
class Position:
    """Answer to `position`, `play`, `undo` and `legal`."""

    notation: str
    players: int
    round: int
    to_move: int
    scores: tuple[int, ...]
    over: bool
    winners: tuple[int, ...]
    legal: tuple[str, ...]
    moves: tuple[str, ...]
    """All moves since `position`."""
    round_ended: bool
    """Whether the last move ended a round."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Answer to `choose`."""

    move: str
    value: float | None
    """What the mover may expect; None of a scripted player."""
    values: tuple[float, ...]
    """What each seat may expect; empty when the player tells no value."""
    simulations: int | None
    stopped: bool


@dataclass(frozen=True, slots=True)
class AnalysedMove:
    """One move of an analysis; values are the mover's."""

    move: str
    prior: float
    visits: int
    value: float | None
    completed_q: float
    policy: float
    margin: float | None
    """Points ahead at the end, on average."""
    margin_error: float | None
    line: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """Answer to `analyse`; `last` once nothing more comes."""

    player: str
    notation: str
    simulations: int
    value: float
    values: tuple[float, ...]
    """What each seat may expect."""
    seconds: float
    moves: tuple[AnalysedMove, ...]
    """Best first."""
    last: bool
    stopped: bool


@dataclass(frozen=True, slots=True)
class ListedGame:
    """One recorded game in the answer to `games`."""

    file: str
    index: int
    label: str
    names: tuple[str, ...]
    """Who sat where; empty when nobody wrote it down."""
    players: int
    scores: tuple[int, ...]
    winners: tuple[int, ...]
    moves: int


@dataclass(frozen=True, slots=True)
class ListedGames:
    """Answer to `games`."""

    games: tuple[ListedGame, ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordedGame:
    """Answer to `game`."""

    players: int
    positions: tuple[str, ...]
    """Before each move, and the final one."""
    moves: tuple[str, ...]
    movers: tuple[int, ...]
    scores: tuple[int, ...]
    winners: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReviewedMove:
    """One move in the answers to `review`; the last has no move, its value is the result."""

    number: int
    value: float
    """Seat 0's expected outcome before the move."""
    best: str | None
    best_value: float | None
    played_value: float | None
    swing: float | None
    """What the move cost its mover."""


Answer = TypeVar("Answer")


def read(kind: type[Answer], record: Mapping[str, Any]) -> Answer:
    """A record as one of the types above.

    The engine is part of this program, so a wrong record is a fault of ours; but no screen may
    fall over it: what is missing or of another type reads as empty (None, 0, False, "", ()).
    """
    return kind(**{name: _value(record.get(name), hint) for name, hint in _hints(kind)})


@cache
def _hints(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    from typing import get_type_hints

    assert is_dataclass(kind)
    hints = get_type_hints(kind)
    return tuple((field.name, hints[field.name]) for field in fields(kind))


def _value(value: Any, hint: Any) -> Any:
    """`value` as `hint` says, or the empty value of that type."""
    if isinstance(hint, types.UnionType):  # X | None
        inner = get_args(hint)[0]
        return _value(value, inner) if _fits(value, inner) else None
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        items = cast("list[Any]", value) if isinstance(value, list) else []
        return tuple(_value(item, inner) for item in items if _fits(item, inner))
    if is_dataclass(hint):
        return read(cast("type[Any]", hint), cast("Record", value))
    return hint(value) if _fits(value, hint) else hint()


def _fits(value: Any, hint: Any) -> bool:
    if is_dataclass(hint):
        return isinstance(value, dict)
    if hint is float:
        real = isinstance(value, (int, float)) and not isinstance(value, bool)
        return real and abs(value) < _LARGEST  # which a NaN is not either
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)
