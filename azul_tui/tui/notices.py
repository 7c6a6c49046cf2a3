"""Short messages that go by themselves, in the place of the key line below a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from azul_tui.tui.picture import Picture, fit, shorten, spread, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.signs import Signs

READ_S = 1.5
"""Seconds after which a notice was there long enough for a key to take it away."""
ROLES = {"warning": "notice.warning", "error": "notice.error"}
ALL_KEYS = "? all keys"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message.

    Args:
        text: What is said.
        severity: `information`, `warning` or `error`.
    """

    text: str
    severity: str = "information"

    @property
    def stays(self) -> bool:
        """Whether it waits for a key; the others go after a while as well."""
        return self.severity == "error"


def notice_lines(notices: Sequence[Notice], width: int, height: int, signs: Signs) -> Picture:
    """The newest notices, whole lines of `width` cells, the newest last; empty when none fits.

    They take a third of `height` lines at most: a longer one is shortened at its end, and
    older ones wait until there is room.
    """
    most = height // 3
    room = width - 2
    if not notices or most < 1 or room < 8:
        return []
    picture: Picture = []
    for notice in reversed(notices):
        role = ROLES.get(notice.severity, "notice")
        sign = f"{signs.alert} " if notice.severity in ROLES else ""
        indent = " " * len(sign)
        words = wrapped(notice.text, room - len(sign))
        lines: Picture = [
            (((indent if number else sign) + "".join(text for text, _ in line), role),)
            for number, line in enumerate(words)
        ]
        if picture and len(lines) + len(picture) > most:
            break
        if len(lines) > most:
            rest = " ".join(text.strip() for line in lines[most - 1 :] for text, _ in line)
            rest = (indent if most > 1 else "") + rest
            lines = [*lines[: most - 1], ((shorten(rest, room, signs.ellipsis), role),)]
        picture = [fit(((" ", role), *line), width) for line in lines] + picture
    said = "".join(text for text, _ in picture[-1]).rstrip()
    if cell_len(said) + len(ALL_KEYS) + 3 <= width:  # what the key line always shows
        picture[-1] = spread(((said, picture[-1][0][1]),), ((f"{ALL_KEYS} ", ""),), width)
    return [tuple((text, line[0][1]) for text, _ in line) for line in picture]
