"""One line of text that is being typed: a value with a caret, and how keys change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from azul_tui.tui.picture import fit

if TYPE_CHECKING:
    from azul_tui.tui.picture import Line

MOST = 500
"""Letters that a line may have."""


@dataclass(slots=True)
class LineEditor:
    """A line and its caret, which stands before the letter `caret`."""

    text: str = ""
    caret: int = 0
    fresh: bool = False
    """Nothing was pressed yet: what is typed first replaces the text."""

    def insert(self, words: str) -> bool:
        """Put `words` (their first line, without control characters) at the caret."""
        first = words.splitlines()[0] if words.strip() else words
        clean = "".join(letter for letter in first if letter.isprintable())
        if self.fresh and clean:
            self.text, self.caret = "", 0
        self.fresh = False
        clean = clean[: max(0, MOST - len(self.text))]
        self.text = self.text[: self.caret] + clean + self.text[self.caret :]
        self.caret += len(clean)
        return bool(clean)

    def press(self, key: str, character: str | None) -> bool:
        """Take one key; whether it was one that edits.

        The keys are those of a shell's command line besides arrows, home and end.
        """
        moves = {
            "left": self.caret - 1,
            "right": self.caret + 1,
            "ctrl+left": self._word_start(),
            "ctrl+right": self._word_end(),
            **dict.fromkeys(("home", "ctrl+a"), 0),
            **dict.fromkeys(("end", "ctrl+e"), len(self.text)),
        }
        cuts = {
            "backspace": (self.caret - 1, self.caret),
            **dict.fromkeys(("delete", "ctrl+d"), (self.caret, self.caret + 1)),
            **dict.fromkeys(("ctrl+w", "ctrl+backspace"), (self._word_start(), self.caret)),
            "ctrl+u": (0, self.caret),
            "ctrl+k": (self.caret, len(self.text)),
        }
        if key in moves:
            self.caret = min(max(moves[key], 0), len(self.text))
        elif key in cuts:
            start, stop = (min(max(place, 0), len(self.text)) for place in cuts[key])
            self.text = self.text[:start] + self.text[stop:]
            self.caret = start
        elif character is not None and character.isprintable() and not key.startswith("alt+"):
            self.insert(character)
        else:
            return False
        self.fresh = False
        return True

    def _word_start(self) -> int:
        before = self.text[: self.caret].rstrip()
        return before.rfind(" ") + 1

    def _word_end(self) -> int:
        after = self.text[self.caret :]
        skipped = len(after) - len(after.lstrip())
        end = after.find(" ", skipped)
        return len(self.text) if end < 0 else self.caret + end

    def drawn(self, width: int) -> Line:
        """The line in exactly `width` cells, scrolled so that the caret is seen."""
        if self.fresh and self.text and cell_len(self.text) < width:
            return fit(((self.text, "chosen"), (" ", "caret"), (" " * width, "field")), width)
        start = 0
        while start < self.caret and cell_len(self.text[start : self.caret]) > width - 1:
            start += 1
        here = self.text[self.caret : self.caret + 1] or " "
        line = (
            (self.text[start : self.caret], "field"),
            (here, "caret"),
            (self.text[self.caret + 1 :], "field"),
            (" " * width, "field"),
        )
        return fit(line, width)
