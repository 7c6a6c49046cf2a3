"""Hearing commands on one thread and answering them, one after another, on the main one.

The main thread is also where signals arrive, so it never waits for long.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING, Final

from azul_tui.errors import AzulError
from azul_tui.jobs.engine.request import MOST_BYTES, BadLineError, Request, parse_request
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azul_tui.jobs.engine.commands import Commands
    from azul_tui.jobs.engine.voice import Voice

LOOK_EVERY_S: Final = 0.2
_CHUNK: Final = 1 << 16
_MOST_WAITING: Final = 1000
_LONGEST_REPLY: Final = 1000


class Answer:
    """Where the records that answer one command go."""

    def __init__(self, voice: Voice, request: Request, stopped: Callable[[], bool]) -> None:
        """Answer `request`; `stopped` says whether somebody wants it to end early."""
        self._voice = voice
        self.request = request
        self.stopped = stopped
        self.ended = False

    def say(self, kind: str, **fields: object) -> None:
        """A record before the last."""
        self._voice.say(kind, fields, answers=self.request.id)

    def end(self, kind: str, **fields: object) -> None:
        """The last record."""
        self.ended = True
        self._voice.say(kind, {**fields, "last": True}, answers=self.request.id)


class Conversation:
    """The engine's two threads and what they share."""

    def __init__(self, voice: Voice, commands: Commands, leaving: Callable[[], bool]) -> None:
        """Answer with `commands`; `leaving` says whether a signal has arrived."""
        self._voice = voice
        self._commands = commands
        self._leaving = leaving
        self._heard: queue.Queue[tuple[int, Request] | None] = queue.Queue()
        """None at the end."""
        self._number = 0
        """Of the newest command heard."""
        self._stopped = 0
        """Commands up to this number are to end early."""
        self._waiting: set[str | None] = set()
        """Ids of the commands that were heard and not answered."""
        self._stopped_ids: set[str | None] = set()
        """Those of them that are to end early."""
        self._quit = False
        """Whether to leave without the answers that are due: `quit` was said twice."""
        self._input_ended = False

    def listen(self, descriptor: int) -> None:
        """Begin to hear commands from a file descriptor."""
        # os.read and not sys.stdin: a daemon thread must not hold the lock of a stream when the
        # interpreter goes down.
        threading.Thread(target=self._hear, args=(descriptor,), name="hear", daemon=True).start()

    def answer_all(self) -> int:
        """Answer until `quit`, the end of the input or a signal; how many commands that were."""
        answered = 0
        while not (self._leaving() or self._quit or self._voice.gone):
            try:
                heard = self._heard.get(timeout=LOOK_EVERY_S)
            except queue.Empty:
                continue
            if heard is None:
                break
            number, request = heard
            if request.verb == "quit":
                self._voice.say("ok", {"last": True}, answers=request.id)
                break
            self._answer(number, request)
            answered += 1
        return answered

    def _answer(self, number: int, request: Request) -> None:
        """One command, whatever happens."""
        answer = Answer(self._voice, request, lambda: self._is_stopped(number, request))
        try:
            self._commands.obey(answer)
        except AzulError as error:
            answer.end("error", text=plain_text(str(error), _LONGEST_REPLY))
        except Exception as error:  # noqa: BLE001 - the border: a fault in one answer is not the end
            said = plain_text(f"{type(error).__name__}: {error}", _LONGEST_REPLY)
            answer.end("error", text=f"a fault of this program, please report it: {said}")
        assert answer.ended, f"{request.verb} was not answered"
        self._waiting.discard(request.id)
        self._stopped_ids.discard(request.id)

    def _is_stopped(self, number: int, request: Request) -> bool:
        # A script's input has ended long before its last answer is due; when a dashboard dies,
        # so does the reader of the answers.
        unheard = self._voice.gone or (self._input_ended and not self._voice.is_heard())
        named = number <= self._stopped or request.id in self._stopped_ids
        return named or self._quit or self._leaving() or unheard

    def _hear(self, descriptor: int) -> None:
        """Read commands to the end of the input; `stop` and a second `quit` act at once."""
        leaving = False
        for line in read_lines(descriptor):
            if not line.strip():
                continue
            self._number += 1
            try:
                request = parse_request(line)
            except BadLineError as error:
                request = Request("error", str(error))
            if request.verb == "stop":
                self._stop(request.words)
                self._voice.say("ok", {"last": True}, answers=request.id)
            elif request.verb == "quit" and leaving:
                self._quit = True
                self._voice.say("ok", {"last": True}, answers=request.id)
                break
            elif leaving:
                continue
            elif request.verb == "quit":  # after the answers that are due before it
                leaving = True
                self._heard.put((self._number, request))
            elif self._heard.qsize() >= _MOST_WAITING:
                text = f"{_MOST_WAITING:,} commands wait to be answered; this one is dropped"
                self._voice.say("error", {"text": text, "last": True}, answers=request.id)
            else:
                self._waiting.add(request.id)
                self._heard.put((self._number, request))
        self._input_ended = True
        self._heard.put(None)

    def _stop(self, ids: str) -> None:
        """End the commands of these ids early, or all that were heard."""
        if ids:
            self._stopped_ids |= set(ids.replace("#", " ").split()) & self._waiting
        else:
            self._stopped = self._number


def read_lines(descriptor: int) -> Iterator[bytes]:
    """Lines of a file descriptor; of one that is too long no more than says so."""
    kept = bytearray()
    while chunk := _read(descriptor):
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            kept += end[: MOST_BYTES + 1]
            yield bytes(kept)
            kept.clear()
        if len(kept) <= MOST_BYTES:
            kept += rest
    if kept:
        yield bytes(kept)


def _read(descriptor: int) -> bytes:
    """The next bytes, none at the end."""
    try:
        return os.read(descriptor, _CHUNK)
    except OSError:  # a terminal that hung up
        return b""
