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

KNOWN = {
    char: plain
    for plain, chars in {
        "-": "─━═╌┄┈╴╶▁▔▂⎺⎽—–", "|": "│┃║▏▕┊┆╎▎▍▌▐", "+": "┌┐└┘├┤┬┴┼╭╮╯╰╔╗╚╝╠╣╦╩╬✓✔",
        "#": "█▉▊▋▇▆▅▄▃▀■▪◼◆", ">": "▶▸▷❯›→╸", "<": "◀◂◁❮‹←⏎╺", "^": "▲△▴↑", "v": "▼▽▾↓",
        "*": "●○◉•★", "x": "✗✘×", ".": "…·", "~": "±", "=": "‖",
    }.items()
    for char in chars
}  # fmt: skip


class _Table(dict[int, str]):
    """What stands for each character that is not ASCII, in as many cells."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        width = max(0, cell_len(char))
        plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
        fill = "?" if width == 1 else " "
        found = (KNOWN.get(char) or plain or "?")[:width].ljust(width, fill)
        self[code] = found if code > 127 else char
        return self[code]


TO_ASCII = _Table()


@cache
def ascii_form(driver: type[Driver]) -> type[Driver]:
    """`driver`, writing ASCII."""

    class AsciiDriver(driver):  # type: ignore[misc, valid-type]
        """Writes what the library draws, in ASCII."""

        def write(self, data: str) -> None:
            """Hand `data` to the terminal, every character as wide as before."""
            cast("Any", super()).write(data if data.isascii() else data.translate(TO_ASCII))

    return AsciiDriver
