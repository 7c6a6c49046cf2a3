"""What a terminal shows, as far as finding words on it needs: cursor moves and text."""

from __future__ import annotations

import re

_ESCAPE = (
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # control sequences
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)|P.*?\x1b\\"  # strings
    r"|[^\[\]P])"
)
_SEQUENCE = re.compile(_ESCAPE.encode(), re.DOTALL)
_PARTS_OF_TEXT = re.compile(
    rf"\x1b\[(?P<place>[0-9;]*)[Hf]|{_ESCAPE}|(?P<letter>[^\x1b])", re.DOTALL
)


class Cells:
    """What is on the screen, as far as finding words on it needs: cursor moves and text."""

    def __init__(self, width: int, height: int) -> None:
        self.rows = [[" "] * width for _ in range(height)]
        self.row = self.column = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take over what was written; an unfinished sequence waits for the rest."""
        data = self._rest + data
        cut = data.rfind(b"\x1b")
        whole = cut < 0 or _SEQUENCE.match(data, cut) is not None
        self._rest = b"" if whole else data[cut:]
        text = (data if whole else data[:cut]).decode("utf-8", "ignore")
        for part in _PARTS_OF_TEXT.finditer(text):
            if (place := part["place"]) is not None:
                row, _, column = place.partition(";")
                self.row, self.column = int(row or 1) - 1, int(column or 1) - 1
            elif (letter := part["letter"]) is not None:
                self._put(letter)

    def _put(self, letter: str) -> None:
        if letter == "\n":
            self.row, self.column = self.row + 1, 0
        elif letter == "\r":
            self.column = 0
        else:
            if self.row < len(self.rows) and self.column < len(self.rows[0]):
                self.rows[self.row][self.column] = letter
            self.column += 1

    def shows(self, text: str) -> bool:
        """Whether a line of the screen has `text` in it."""
        return any(text in "".join(row) for row in self.rows)
