"""The engine process: rules, players and networks for Play, Analyse and Games.

They need numba and torch, which the terminal process never imports, so they live in
`azul-tui --run engine` (docs/protocol.md): one process for the whole dashboard, started when it is
first asked for, and again once it died. It ends when its standard input does, so it cannot outlive
the dashboard.

`msgspec.convert(record, Choice)` makes an answer a type. Moves are in notation (`R 2>3`), seats
count from 0, values are in [-1, 1].
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

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
    """The engine refused a command, cannot be started, or has ended."""


def word(text: str) -> str:
    """`text` as one word of a command, whatever blanks are in it."""
    return '"' + text.replace('"', "") + '"'


class Engine:
    """The engine over the runs in `root`; `warned` gets its warnings, in words."""

    def __init__(self, root: Path, warned: Callable[[str], object] | None = None) -> None:
        self._root, self._warned = root, warned
        self._starting = asyncio.Lock()
        self.process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._open: dict[str, asyncio.Queue[Record]] = {}
        """Where the records go that answer a command, by its id."""
        self._asked = 0
        self._answered = False
        self._last_words = ""
        """The last line that was no record, safe to show."""

    @property
    def alive(self) -> bool:
        """Whether there is a process that can be asked."""
        return self._reader is not None and not self._reader.done()

    async def ask(
        self, *commands: str, on_record: Callable[[Record], None] | None = None
    ) -> Record:
        """Give commands with nobody else's between them, and wait for the last one's answer.

        A position and what is asked about it belong together: another screen may be asking too.
        Whoever stops waiting (a worker that is cancelled) stops the commands in the engine too.
        `on_record` gets every record that is not a command's last. Raises EngineError when the
        engine cannot be started, a command is refused (the first one is told) or the engine ends.
        """
        async with self._starting:
            if not self.alive:
                await self._start()
        assert self.process is not None
        assert self.process.stdin is not None
        heard: asyncio.Queue[Record] = asyncio.Queue()
        waiting: list[str] = []
        still_open, said = self._open, self.process.stdin
        for command in commands:
            self._asked += 1
            waiting.append(str(self._asked))
            still_open[waiting[-1]] = heard
            line = f"#{waiting[-1]} {' '.join(command.splitlines())}\n"
            said.write(line.encode("utf-8", "replace"))
        try:
            while True:
                record = await heard.get()
                if not record.get("last"):
                    if on_record is not None:
                        on_record(record)
                    continue
                del still_open[waiting.pop(0)]  # they are answered in order
                if record.get("event") == "error":
                    raise EngineError(plain_text(str(record.get("text")), 500))
                if not waiting:
                    return record
        finally:
            for id_ in waiting:
                del still_open[id_]
                said.write(f"stop {id_}\n".encode())

    async def close(self) -> None:
        """End the process. It has nothing to save, and its own way out takes torch a second."""
        if self.process is not None and self._reader is not None:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self._reader

    async def _start(self) -> None:
        try:
            self.process = await asyncio.create_subprocess_exec(
                *job_command(job_arguments("engine", root=self._root)),
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
            os.setpriority(os.PRIO_PROCESS, self.process.pid, NICENESS)
        self._open, self._answered, self._last_words = {}, False, ""
        self._reader = asyncio.create_task(self._read(self.process), name="engine")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand records to those who wait for them until there are no more."""
        log = asyncio.create_task(self._read_log(process))
        assert process.stdout is not None
        async for line in process.stdout:
            try:
                record = json.loads(line)
                heard = self._open.get(record.get("id"))
            except (ValueError, AttributeError):  # a library prints where only records belong
                self._last_words = plain_text(line.decode("utf-8", "replace"), 500)
                continue
            if heard is not None:  # else nobody waits any more
                self._answered = True
                heard.put_nowait(record)
        await process.wait()
        await asyncio.wait([log], timeout=1)  # its last words say why
        assert process.stdin is not None
        process.stdin.close()
        ended = {"event": "error", "text": self._why_ended(process.returncode), "last": True}
        for heard in self._open.values():
            heard.put_nowait(ended)

    async def _read_log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            said = plain_text(line.decode("utf-8", "replace"), 500).strip()
            self._last_words = said or self._last_words
            if self._warned is not None and said.startswith(WARNING):
                self._warned(said.removeprefix(WARNING))

    def _why_ended(self, code: int | None) -> str:
        said = self._last_words
        if code == EXIT_USER and said:
            return f"the engine cannot start: {said.removeprefix('azul-tui: ')}"
        words = "the engine has ended" + (f" ({ending_words(code)})" if code else "")
        words += "" if self._answered else " before its first answer"
        if code == -signal.SIGKILL:
            words += "; the machine may be short of memory"
        return f"{words}: {said}" if said else words


# -- what it answers


class Position(msgspec.Struct, frozen=True):
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


class Choice(msgspec.Struct, frozen=True):
    """Answer to `choose`: what its mover and each seat may expect, unless a player has a script."""

    move: str
    value: float | None = None
    values: tuple[float, ...] | None = None


class AnalysedMove(msgspec.Struct, frozen=True):
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


class Analysis(msgspec.Struct, frozen=True):
    """Answer to `analyse`: what each seat may expect, and the moves, best first."""

    simulations: int
    value: float
    values: tuple[float, ...]
    seconds: float
    moves: tuple[AnalysedMove, ...]


class ListedGame(msgspec.Struct, frozen=True):
    """One recorded game in the answer to `games`; no names where nobody wrote them down."""

    file: str
    index: int
    label: str
    names: tuple[str, ...]
    players: int
    scores: tuple[int, ...]
    winners: tuple[int, ...]
    moves: int


class ListedGames(msgspec.Struct, frozen=True):
    """Answer to `games`."""

    games: tuple[ListedGame, ...]
    unreadable: tuple[str, ...]


class RecordedGame(msgspec.Struct, frozen=True):
    """Answer to `game`; the positions before each move, and the final one."""

    players: int
    positions: tuple[str, ...]
    moves: tuple[str, ...]
    movers: tuple[int, ...]
    winners: tuple[int, ...]


class ReviewedMove(msgspec.Struct, frozen=True):
    """What seat 0 could expect before a move, and the `swing` that the move cost its mover.

    The last has no move, its value is the result.
    """

    number: int
    value: float
    best: str | None = None
    swing: float | None = None
