"""The engine process, seen from the dashboard's event loop: questions out, records back.

Rules, players and networks need numba and torch, which the terminal process never imports. They
live in `azul-tui --run engine` (docs/protocol.md), one process for the whole dashboard; it ends
when its standard input does, so it cannot outlive the dashboard.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, cast

from azul_tui.errors import AzulError
from azul_tui.runs.launch import job_arguments, job_command, job_environment
from azul_tui.runs.status import ending_words
from azul_tui.runs.text import WARNING, plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

EngineRecord = dict[str, Any]
"""One record as it came; `engine.records` reads them."""

NICENESS: Final = 5
_LONGEST_RECORD: Final = 16 << 20
_LOG_LINES: Final = 20
_LONGEST_LINE: Final = 500


class EngineError(AzulError):
    """The engine refused a command, or it is not there any more."""


@dataclass(slots=True)
class _Question:
    """A command that waits for its last record."""

    answer: asyncio.Future[EngineRecord]
    on_record: Callable[[EngineRecord], None] | None


class Engine:
    """One engine process. Made by `start`, ended by `close`."""

    def __init__(
        self, process: asyncio.subprocess.Process, warned: Callable[[str], object] | None = None
    ) -> None:
        """Begin to read what `process` says; `warned` gets its warnings."""
        self._process = process
        self._warned = warned
        self._questions: dict[str, _Question] = {}
        self._asked = 0
        self._closed = False
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._readers = [
            asyncio.create_task(self._read_records(), name="engine records"),
            asyncio.create_task(self._read_log(), name="engine log"),
        ]

    @classmethod
    async def start(cls, root: Path, warned: Callable[[str], object] | None = None) -> Self:
        """Start an engine that finds runs in `root`; it is ready to be asked at once.

        `warned` gets every warning that it writes, in words.

        Raises:
            EngineError: The process cannot be made.
        """
        command = job_command(job_arguments("engine", root=root))
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
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
        return not (self._closed or self._readers[0].done())

    @property
    def log(self) -> list[str]:
        """The last lines of its standard error, safe to show."""
        return list(self._log)

    async def ask(
        self, command: str, on_record: Callable[[EngineRecord], None] | None = None
    ) -> EngineRecord:
        """Give a command and wait for its last record.

        Who stops waiting (a worker that is cancelled) stops the command in the engine too.

        Args:
            command: One line, as in docs/protocol.md.
            on_record: Called with every record before the last.

        Raises:
            EngineError: The command was refused, or the engine is gone; the reason in words.
        """
        return (await self.ask_in_turn([command], on_record))[-1]

    async def ask_in_turn(
        self, commands: Sequence[str], on_record: Callable[[EngineRecord], None] | None = None
    ) -> list[EngineRecord]:
        """Give several commands with none of anybody else's between them; their last records.

        A position and what is asked about it belong together: another screen may be asking too.

        Raises:
            EngineError: As `ask`; the first command that was refused.
        """
        asked = [self._send(command, on_record) for command in commands]
        try:
            return [await question.answer for _, question in asked]
        finally:
            for id_, question in asked:
                if question.answer.cancel() or question.answer.cancelled():
                    self._write(f"stop {id_}")
                else:
                    question.answer.exception()  # seen, even if an earlier one was raised
                self._questions.pop(id_, None)

    def stop(self) -> None:
        """End what the engine is doing early; its last record then says `stopped`."""
        self._write("stop")

    async def close(self) -> None:
        """End the process. It has nothing to save, and its own way out takes torch a second."""
        self._closed = True
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await asyncio.gather(*self._readers, return_exceptions=True)

    # -- talking

    def _send(
        self, command: str, on_record: Callable[[EngineRecord], None] | None
    ) -> tuple[str, _Question]:
        if not self.alive:
            raise EngineError(self._last_words())
        self._asked += 1
        id_ = str(self._asked)
        loop = asyncio.get_running_loop()
        question = _Question(loop.create_future(), on_record)
        self._questions[id_] = question
        self._write(f"#{id_} " + " ".join(command.splitlines()))
        return id_, question

    def _write(self, line: str) -> None:
        """Write a line; to an engine that is gone it goes nowhere."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            with suppress(OSError):
                stdin.write(line.encode() + b"\n")

    # -- listening

    async def _read_records(self) -> None:
        """Hand records to those who wait for them until there are no more."""
        stdout = self._process.stdout
        assert stdout is not None
        try:
            while line := await stdout.readline():
                self._hear(line)
        except ValueError:  # a record longer than any that the engine writes
            self._log.append("the engine wrote a line without end")
        finally:
            with suppress(asyncio.CancelledError):
                await self._process.wait()
            for question in self._questions.values():
                if not question.answer.done():
                    question.answer.set_exception(EngineError(self._last_words()))
            self._questions.clear()

    def _hear(self, line: bytes) -> None:
        """One line of the engine's; what is no record of an open question is passed over."""
        try:
            value = json.loads(line)
        except ValueError:
            self._log.append(plain_text(line.decode("utf-8", "replace")))
            return
        if not isinstance(value, dict):
            return
        record = cast("EngineRecord", value)
        question = self._questions.get(str(record.get("id")))
        if question is None or question.answer.done():
            return
        if record.get("event") == "error":
            question.answer.set_exception(EngineError(plain_text(str(record.get("text")), 500)))
        elif record.get("last"):
            question.answer.set_result(record)
        elif question.on_record is not None:
            try:
                question.on_record(record)
            except Exception as error:  # noqa: BLE001 - the fault belongs to whoever asked
                question.answer.set_exception(error)

    async def _read_log(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        with suppress(ValueError):
            while line := await stderr.readline():
                said = plain_text(line.decode("utf-8", "replace"), _LONGEST_LINE)
                self._log.append(said)
                if self._warned is not None and said.startswith(WARNING):
                    self._warned(said.removeprefix(WARNING))

    def _last_words(self) -> str:
        """That the engine is gone, and what it said last."""
        if self._closed:
            return "the engine was closed"
        code = self._process.returncode
        said = next((line for line in reversed(self._log) if line.strip()), "")
        words = "the engine has ended" + (f" ({ending_words(code)})" if code else "")
        return f"{words}: {said}" if said else words


def quoted(text: str) -> str:
    """`text` as one word of a command, whatever blanks are in it."""
    return '"' + text.replace('"', "") + '"'


class SharedEngine:
    """The one engine of the dashboard: started when it is first asked for, again when it died."""

    def __init__(self, root: Path, warned: Callable[[str], object] | None = None) -> None:
        """Runs live in `root`; `warned` gets every warning of the engine."""
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
        """End the engine if there is one."""
        async with self._starting:
            if self._engine is not None:
                await self._engine.close()
                self._engine = None
