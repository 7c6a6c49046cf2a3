"""Text from files, names and other processes, made harmless to show in a terminal."""

from __future__ import annotations

import re
import sys
import unicodedata

MAX_SHOWN = 200
WARNING = "warning: "
"""How a line begins that warns whoever reads the output of a job."""

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor movement
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)?"  # strings
    r"|\x1b[ -/]*[0-~]"  # everything else that begins with escape
)
_SPACES = frozenset("\t\n\r\v\f")
# Zs all spaces, Zl and Zp line and paragraph separators
_SPACE_KINDS = frozenset({"Zs", "Zl", "Zp"})
# Cc control, Cf direction marks and invisible joiners, Cs lone surrogates, Co private use, Cn
# not assigned
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
MAX_COMBINING = 4
"""Marks stacked on one letter beyond this number are dropped."""


def plain_text(text: str, limit: int = MAX_SHOWN, *, keep_lines: bool = False) -> str:
    """The text without anything that acts on a terminal, at most `limit` characters.

    Escape sequences, control characters, direction marks and lone surrogates are removed;
    line breaks become spaces unless `keep_lines`. The result is never markup: whoever
    shows it in a widget must still pass it as text, not as a marked-up string.
    """
    kept: list[str] = []
    marks = 0
    shortened = len(text) > limit * 8  # enough to fill the limit even after heavy stripping
    for char in _ESCAPES.sub("", text[: limit * 8]):
        if " " <= char <= "~":
            kept.append(char)
            marks = 0
        elif char == "\n" and keep_lines:
            kept.append(char)
        elif char in _SPACES or (kind := unicodedata.category(char)) in _SPACE_KINDS:
            kept.append(" ")
        elif kind not in _REFUSED:
            marks = marks + 1 if unicodedata.combining(char) else 0
            if marks <= MAX_COMBINING:
                kept.append(char)
        if len(kept) > limit:
            break
    if len(kept) > limit or shortened:
        return "".join(kept[: max(limit - 1, 0)]) + "…"
    return "".join(kept)


def warn(text: str) -> None:
    """Tell whoever reads standard error, as the dashboard does of its engine, in one line."""
    sys.stderr.write(f"{WARNING}{text}\n")
    sys.stderr.flush()
