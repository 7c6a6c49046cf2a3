"""One command, taken apart: `#7 choose player=greedy seed=3`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Final

from azul_tui.config import unknown_name
from azul_tui.errors import JobError
from azul_tui.runs.text import plain_text

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
