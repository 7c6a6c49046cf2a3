"""A thin titled frame around a picture."""

from __future__ import annotations

from azul_tui.tui.picture import Line, Picture, crop, fit, line_width
from azul_tui.tui.signs import UNICODE, Signs


def panel(
    body: Picture, title: Line, footer: Line, width: int, height: int, signs: Signs = UNICODE
) -> Picture:
    """`body` in a thin frame, its title above and its footer at the lower right."""
    if width < 4 or height < 3:
        return crop(body, width, height)
    h, v, corners = signs.horizontal, signs.vertical, signs.corners
    inner = width - 2
    head = _in_rule(title, inner, h, right=False)
    foot = _in_rule(footer, inner, h, right=True)
    lines: Picture = [((corners[0], "frame"), *head, (corners[1], "frame"))]
    lines.extend(
        ((v, "frame"), *fit(line, inner), (v, "frame")) for line in crop(body, inner, height - 2)
    )
    lines.append(((corners[2], "frame"), *foot, (corners[3], "frame")))
    return lines


def _in_rule(words: Line, width: int, rule: str, *, right: bool) -> Line:
    """`words` set into a rule of exactly `width` cells."""
    if not words or width < 6:
        return ((rule * width, "frame"),)
    size = min(line_width(words), width - 4)
    inner = fit(words, size)
    rest = width - size - 3
    if right:
        return ((rule * rest + " ", "frame"), *inner, (" " + rule, "frame"))
    return ((rule + " ", "frame"), *inner, (" " + rule * rest, "frame"))
