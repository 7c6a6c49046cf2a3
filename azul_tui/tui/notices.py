"""Short messages that go by themselves, laid over the lower right of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.tui.picture import Picture, fit, laid_at, line_width, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.signs import Signs

WIDEST = 60
MOST = 3
ROLES = {"warning": "notice.warning", "error": "notice.error"}


@dataclass(frozen=True, slots=True)
class Notice:
    """One message.

    Args:
        text: What is said.
        severity: `information`, `warning` or `error`.
    """

    text: str
    severity: str = "information"


def with_notices(picture: Picture, notices: Sequence[Notice], signs: Signs) -> Picture:
    """`picture` with the newest notices above its last line, at the right."""
    if not notices or len(picture) < 3:
        return picture
    width = line_width(picture[0])
    room = min(WIDEST, width - 4)
    if room < 8:
        return picture
    lines: Picture = []
    for notice in notices[-MOST:]:
        role = ROLES.get(notice.severity, "notice")
        sign = f"{signs.alert} " if notice.severity in ROLES else ""
        lines.extend(wrapped(f"{sign}{notice.text}", room, role))
    lines = lines[-(len(picture) - 2) :]
    size = max(line_width(line) for line in lines) + 2
    box: Picture = []
    for line in lines:
        role = line[0][1] if line else "notice"
        padded = fit(((" ", role), *line), size)
        box.append(tuple((text, role) for text, _ in padded))
    return laid_at(picture, box, len(picture) - 1 - len(box), width - size - 1)
