"""A conversation with another program: requests in, answers out, a line at a time."""

from __future__ import annotations

import json
import math
import os
import queue
import re
import select
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TextIO

from azul_tui.config import unknown_name
from azul_tui.errors import AzulError, JobError
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from azul_tui.jobs.engine.commands import Commands


# -- what the engine says: one JSON object a line, from whichever thread


class Voice:
    """Standard output as a stream of whole records."""

    def __init__(self, output: TextIO) -> None:
        """Speak on `output`."""
        self._output = output
        self._lock = threading.Lock()
        self.gone = False
        """Whether nobody listens any more."""

    def say(self, kind: str, fields: Mapping[str, object], *, answers: str | None) -> None:
        """One record; `answers` is the id of the command that it belongs to."""
        record: dict[str, object] = {"event": kind}
        if answers is not None:
            record["id"] = answers
        line = json.dumps({**record, **fields}, separators=(",", ":"), allow_nan=False)
        with self._lock:
            try:
                self._output.write(line + "\n")
                self._output.flush()
            except (OSError, ValueError):  # the pipe is closed
                self.gone = True

    def is_heard(self) -> bool:
        """Whether somebody can still read the other end."""
        if self.gone:
            return False
        look = select.poll()
        try:
            # Without events to wait for only the end of the reader is told.
            look.register(self._output.fileno(), 0)
        except (OSError, ValueError):  # no pipe at all
            return True
        return not any(event & (select.POLLERR | select.POLLHUP) for _, event in look.poll(0))


# -- one command, taken apart: `#7 choose player=greedy seed=3`

MOST_BYTES: Final = 64 * 1024
"""Of one command, its line break included."""
_ID: Final = re.compile(r"#([A-Za-z0-9]{1,32})(?:\s+|$)")
_WORD: Final = re.compile(
    r'(?P<name>[a-z_]+)=(?:"(?P<quoted>[^"]*)"(?!\S)|(?P<bare>\S*))'
    r'|"(?P<verbatim>[^"]*)"(?!\S)|(?P<word>\S+)'
)
_SHOWN: Final = 60


@dataclass(slots=True)
class Request:
    """A command with its options; what was not asked for is refused at the end."""

    verb: str
    words: str
    """The words that are no options, with one blank between two; those in quotes as they are."""
    id: str | None = None
    options: dict[str, str] = field(default_factory=dict[str, str])
    known: list[str] = field(default_factory=list[str])
    """Options that somebody has asked about."""

    def text(self, name: str, default: str | None = None) -> str:
        """The text of an option.

        Raises:
            JobError: It is not given and has no default.
        """
        value = self._take(name)
        if not value and default is None:
            raise JobError(f"{self.verb} needs {name}=...")
        return value if value is not None else (default or "")

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number.

        Raises:
            JobError: It is none, or out of range.
        """
        value = self._take(name)
        if value is None:
            return default
        if not re.fullmatch(r"[0-9]{1,20}", value) or not low <= int(value) <= high:
            raise JobError(f"{name} is a whole number from {low} to {high}, not {shown(value)}")
        return int(value)

    def seconds(self, name: str, high: float) -> float | None:
        """A time of more than 0 and at most `high` seconds; None when it is not given.

        Raises:
            JobError: It is no such number.
        """
        value = self._take(name)
        if value is None:
            return None
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0.0 < number <= high:
            raise JobError(f"{name} is a number above 0 and at most {high:g}, not {shown(value)}")
        return number

    def finish(self) -> None:
        """Raise JobError for an option that this command does not have."""
        for name in self.options:
            if name not in self.known:
                raise JobError(unknown_name("option", name, self.known, place=self.verb))

    def no_words(self) -> None:
        """Raise JobError for words that this command does not take."""
        if self.words:
            raise JobError(f"{self.verb} takes no {shown(self.words)}")

    def _take(self, name: str) -> str | None:
        self.known.append(name)
        return self.options.get(name)


def parse_request(line: bytes) -> Request:
    """The command in a line that is not blank.

    Raises:
        BadLineError: It is too long or no UTF-8, or its id is none.
    """
    if len(line) > MOST_BYTES:
        raise BadLineError(f"a command has at most {MOST_BYTES:,} bytes; this one has more")
    try:
        text = line.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise BadLineError(
            f"byte {error.start + 1} of the command is not UTF-8, in which commands are written"
        ) from None
    id_ = None
    if text.startswith("#"):
        match = _ID.match(text)
        if match is None:
            raise BadLineError(
                f"an id is # and 1 to 32 letters and digits before the command, not"
                f" {shown(text.split()[0])}"
            )
        id_ = match[1]
        text = text[match.end() :]
    verb, _, rest = text.partition(" ")
    options: dict[str, str] = {}
    words: list[str] = []
    for found in _WORD.finditer(rest):
        if found["name"] is not None:
            options[found["name"]] = found["quoted"] or found["bare"] or ""
        else:
            words.append(found["word"] if found["verbatim"] is None else found["verbatim"])
    return Request(verb.strip(), " ".join(words), id_, options)


class BadLineError(JobError):
    """A line that is no command at all."""


def shown(text: str) -> str:
    """A word of the command, fit for an answer."""
    return repr(plain_text(text, _SHOWN))


# -- hearing commands on one thread and answering them, one after another, on the main one
#
# The main thread is also where signals arrive, so it never waits for long.

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
