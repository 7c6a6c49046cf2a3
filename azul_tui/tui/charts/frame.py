"""A thin titled frame around a picture."""

from __future__ import annotations

from azul_tui.tui.picture import Line, Picture, crop, fit, line_width
from azul_tui.tui.signs import UNICODE, Signs


def panel(
    body: Picture,
    title: Line,
    footer: Line,
    width: int,
    height: int,
    signs: Signs = UNICODE,
    role: str = "frame",
) -> Picture:
    """`body` in a thin frame, its title above and its footer at the lower right.

    Args:
        body: What is framed; cropped or padded to what the frame leaves.
        title: Words in the upper rule.
        footer: Words in the lower rule.
        width: Of the frame, in cells.
        height: Of the frame, in lines.
        signs: The characters to draw with.
        role: Of the frame itself.
    """
    if width < 4 or height < 3:
        return crop(body, width, height)
    h, corners = signs.horizontal, signs.corners
    side = (signs.vertical, role)
    inner = width - 2
    head = _in_rule(title, inner, h, role, right=False)
    foot = _in_rule(footer, inner, h, role, right=True)
    lines: Picture = [((corners[0], role), *head, (corners[1], role))]
    lines.extend((side, *line, side) for line in crop(body, inner, height - 2))
    lines.append(((corners[2], role), *foot, (corners[3], role)))
    return lines


def _in_rule(words: Line, width: int, rule: str, role: str, *, right: bool) -> Line:
    """`words` set into a rule of exactly `width` cells."""
    if not words or width < 6:
        return ((rule * width, role),)
    size = min(line_width(words), width - 4)
    inner = fit(words, size)
    rest = width - size - 3
    if right:
        return ((rule * rest + " ", role), *inner, (" " + rule, role))
    return ((rule + " ", role), *inner, (" " + rule * rest, role))
