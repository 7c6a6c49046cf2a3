"""A conversation with another program: requests in, answers out, a line at a time."""

from __future__ import annotations

import json
import os
import queue
import re
import select
import threading
from typing import TYPE_CHECKING, Any, Final, TextIO

from azul_tui.config import unknown_name
from azul_tui.errors import AzulError, JobError
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# -- one command, taken apart: `#7 choose player=greedy seed=3`

MOST_BYTES: Final = 64 * 1024
"""Of one command, its line break included."""
_ID: Final = re.compile(r"#([A-Za-z0-9]{1,32})(?:\s+|$)")
_WORD: Final = re.compile(
    r'(?P<name>[a-z_]+)=(?:"(?P<quoted>[^"]*)"(?!\S)|(?P<bare>\S*))'
    r'|"(?P<verbatim>[^"]*)"(?!\S)|(?P<word>\S+)'
)

Option = tuple[int | None, int, int] | float | None
"""What an option takes: a whole number (default, low, high), a time of at most so many seconds,
which may be left out, or a text, which may not."""


class Request:
    """A command, and where the records that answer it go."""

    def __init__(self, line: bytes, conversation: Conversation | None = None) -> None:
        """Take a line apart that is not blank; see `problem` for one that is no command."""
        self.verb = self.words = ""
        """The words are those that are no options, those in quotes as they are."""
        self.id: str | None = None
        self.options: dict[str, str] = {}
        self.problem = ""
        self.stop = False
        """Whether somebody wants it to end early."""
        self.ended = False
        self._conversation = conversation
        if len(line) > MOST_BYTES:
            self.problem = f"a command has at most {MOST_BYTES:,} bytes; this one has more"
            return
        try:
            text = line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            self.problem = (
                f"byte {error.start + 1} of the command is not UTF-8, in which commands are written"
            )
            return
        if text.startswith("#"):
            match = _ID.match(text)
            if match is None:
                self.problem = (
                    "an id is # and 1 to 32 letters and digits before the command, not "
                    f"{shown(text.split()[0])}"
                )
                return
            self.id, text = match[1], text[match.end() :]
        self.verb, _, rest = text.partition(" ")
        words: list[str] = []
        for found in _WORD.finditer(rest):
            if found["name"] is not None:
                self.options[found["name"]] = found["quoted"] or found["bare"] or ""
            else:
                words.append(found["word"] if found["verbatim"] is None else found["verbatim"])
        self.words = " ".join(words)

    def arguments(self, *, words: bool = False, **options: Option) -> dict[str, Any]:
        """The values of the options that this command has.

        Args:
            words: Whether it takes words besides.
            options: What each takes.

        Raises:
            JobError: It has another option or word, or a value is refused.
        """
        if self.words and not words:
            raise JobError(f"{self.verb} takes no {shown(self.words)}")
        values = {name: self._value(name, option) for name, option in options.items()}
        for name in self.options:
            if name not in options:
                raise JobError(unknown_name("option", name, options, place=self.verb))
        return values

    def _value(self, name: str, option: Option) -> str | int | float | None:
        value = self.options.get(name)
        if option is None:
            if not value:
                raise JobError(f"{self.verb} needs {name}=...")
            return value
        if isinstance(option, tuple):
            default, low, high = option
            if value is None:
                return default
            if not re.fullmatch(r"[0-9]{1,20}", value) or not low <= int(value) <= high:
                raise JobError(f"{name} is a whole number from {low} to {high}, not {shown(value)}")
            return int(value)
        if value is None:
            return None
        try:
            seconds = float(value)
        except ValueError:
            seconds = 0.0
        if not 0.0 < seconds <= option:
            raise JobError(f"{name} is a number above 0 and at most {option:g}, not {shown(value)}")
        return seconds

    def say(self, kind: str, **fields: object) -> None:
        """A record before the last."""
        record: dict[str, object] = {"event": kind}
        if self.id is not None:
            record["id"] = self.id
        assert self._conversation is not None
        self._conversation.say({**record, **fields})

    def end(self, kind: str, **fields: object) -> None:
        """The last record."""
        self.ended = True
        self.say(kind, **fields, last=True)

    def stopped(self) -> bool:
        """Whether to end early; ask it often."""
        assert self._conversation is not None
        return self.stop or self._conversation.leaves_now()


def shown(text: str) -> str:
    """A word of the command, fit for an answer."""
    return repr(plain_text(text, 60))


# -- hearing commands on one thread and answering them, one after another, on the main one
#
# The main thread is also where signals arrive, so it never waits for long.

LOOK_EVERY_S: Final = 0.2
_CHUNK: Final = 1 << 16
_MOST_WAITING: Final = 1000
_LONGEST_REPLY: Final = 1000


class Conversation:
    """The engine's two threads and what they share."""

    def __init__(
        self, output: TextIO, obey: Callable[[Request], None], leaving: Callable[[], bool]
    ) -> None:
        """Answer on `output` by `obey`; `leaving` says whether a signal has arrived."""
        self._output, self._obey, self._leaving = output, obey, leaving
        self._lock = threading.Lock()
        self._heard: queue.Queue[Request | None] = queue.Queue()
        """None at the end."""
        self._due: list[Request] = []
        """Heard and not yet answered."""
        self._quit = False
        """Whether to leave without the answers that are due: `quit` was said twice."""
        self._input_ended = False
        self._output_ended = False

    def say(self, record: dict[str, object]) -> None:
        """One record, from whichever thread."""
        line = json.dumps(record, separators=(",", ":"), allow_nan=False)
        with self._lock:
            try:
                self._output.write(line + "\n")
                self._output.flush()
            except (OSError, ValueError):  # the pipe is closed
                self._output_ended = True

    def leaves_now(self) -> bool:
        """Whether nobody waits for what is being answered."""
        # A script's input has ended long before its last answer is due; when a dashboard dies,
        # so does the reader of the answers.
        unheard = self._output_ended or (self._input_ended and not self._is_heard())
        return self._quit or unheard or self._leaving()

    def _is_heard(self) -> bool:
        """Whether somebody can still read the other end."""
        look = select.poll()
        try:
            # Without events to wait for only the end of the reader is told.
            look.register(self._output.fileno(), 0)
        except (OSError, ValueError):  # no pipe at all
            return True
        return not any(event & (select.POLLERR | select.POLLHUP) for _, event in look.poll(0))

    def listen(self, descriptor: int) -> None:
        """Begin to hear commands from a file descriptor."""
        # os.read and not sys.stdin: a daemon thread must not hold the lock of a stream when the
        # interpreter goes down.
        threading.Thread(target=self._hear, args=(descriptor,), name="hear", daemon=True).start()

    def answer_all(self) -> int:
        """Answer until `quit`, the end of the input or a signal; how many commands that were."""
        answered = 0
        while not (self._leaving() or self._quit or self._output_ended):
            try:
                request = self._heard.get(timeout=LOOK_EVERY_S)
            except queue.Empty:
                continue
            if request is None:
                break
            if request.verb == "quit":
                request.end("ok")
                break
            self._answer(request)
            answered += 1
        return answered

    def _answer(self, request: Request) -> None:
        """One command, whatever happens."""
        try:
            if request.problem:
                raise JobError(request.problem)
            self._obey(request)
        except AzulError as error:
            request.end("error", text=plain_text(str(error), _LONGEST_REPLY))
        except Exception as error:  # noqa: BLE001 - the border: a fault in one answer is not the end
            fault = plain_text(f"{type(error).__name__}: {error}", _LONGEST_REPLY)
            request.end("error", text=f"a fault of this program, please report it: {fault}")
        assert request.ended, f"{request.verb} was not answered"
        self._due.remove(request)

    def _hear(self, descriptor: int) -> None:
        """Read commands to the end of the input; `stop` and a second `quit` act at once."""
        leaving = False
        for line in read_lines(descriptor):
            if not line.strip():
                continue
            request = Request(line, self)
            if request.verb == "stop":
                ids = request.words.replace("#", " ").split()
                for due in list(self._due):
                    due.stop = due.stop or not ids or due.id in ids
                request.end("ok")
            elif request.verb == "quit" and leaving:
                self._quit = True
                request.end("ok")
                break
            elif leaving:
                continue
            elif request.verb == "quit":  # after the answers that are due before it
                leaving = True
                self._heard.put(request)
            elif self._heard.qsize() >= _MOST_WAITING:
                text = f"{_MOST_WAITING:,} commands wait to be answered; this one is dropped"
                request.end("error", text=text)
            else:
                self._due.append(request)
                self._heard.put(request)
        self._input_ended = True
        self._heard.put(None)


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
