"""Writing plain ASCII to a terminal that can show nothing else.

The library's own widgets draw borders, scroll bars and arrows in Unicode; what reaches the
terminal passes through here, so that none of them has to know.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from rich.cells import cell_len

if TYPE_CHECKING:
    from textual.driver import Driver

_KNOWN = {
    **dict.fromkeys("─━═╌┄┈╴╶▁▔▂⎺⎽—–", "-"),
    **dict.fromkeys("│┃║▏▕┊┆╎▎▍▌▐", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰╔╗╚╝╠╣╦╩╬", "+"),
    **dict.fromkeys("█▉▊▋▇▆▅▄▃▀■▪◼", "#"),
    **dict.fromkeys("▶▸▷❯›→", ">"),
    **dict.fromkeys("◀◂◁❮‹←", "<"),
    **dict.fromkeys("▲△▴↑", "^"),
    **dict.fromkeys("▼▽▾↓", "v"),
    **dict.fromkeys("●○◉•", "*"),
    **dict.fromkeys("✓✔", "+"),
    **dict.fromkeys("✗✘×", "x"),
    "…": ".", "·": ".", "±": "~", "⏎": "<", "‖": "=", "★": "*", "◆": "#", "╸": ">", "╺": "<",
}  # fmt: skip


class _Table(dict[int, str]):
    """What stands for each character that is not ASCII, in as many cells."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if code < 128:
            found = char
        else:
            width = max(0, cell_len(char))
            plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
            found = (_KNOWN.get(char) or plain or "?")[:width].ljust(
                width, "?" if width == 1 else " "
            )
        self[code] = found
        return found


_TABLE = _Table()


def to_ascii(text: str) -> str:
    """`text` in ASCII, every character as wide as before."""
    return text if text.isascii() else text.translate(_TABLE)


@cache
def ascii_form(driver: type[Driver]) -> type[Driver]:
    """`driver`, writing ASCII."""

    class AsciiDriver(driver):  # type: ignore[misc, valid-type]
        """Writes what the library draws, in ASCII."""

        def write(self, data: str) -> None:
            """Hand `data` to the terminal."""
            cast("Any", super()).write(to_ascii(data))

    return AsciiDriver
