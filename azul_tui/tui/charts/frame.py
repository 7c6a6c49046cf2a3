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
    head = _in_rule(_marked(title, inner - 4, signs), inner, h, role, right=False)
    foot = _in_rule(_marked(footer, inner - 4, signs), inner, h, role, right=True)
    lines: Picture = [((corners[0], role), *head, (corners[1], role))]
    marked = [_marked(line, inner, signs) for line in body[: height - 2]]
    lines.extend((side, *line, side) for line in crop(marked, inner, height - 2))
    lines.append(((corners[2], role), *foot, (corners[3], role)))
    return lines


def _marked(line: Line, width: int, signs: Signs) -> Line:
    """`line`, with a sign at its end when more of it than blanks is cut."""
    words = "".join(text for text, _ in line).rstrip()
    if line_width(line) <= width or line_width(((words, ""),)) <= width:
        return line
    room = width - line_width(((signs.ellipsis, ""),))
    return (*fit(line, room), (signs.ellipsis, "quiet")) if room > 0 else line


def _in_rule(words: Line, width: int, rule: str, role: str, *, right: bool) -> Line:
    """`words` set into a rule of exactly `width` cells."""
    if not line_width(words) or width < 6:
        return ((rule * width, role),)
    size = min(line_width(words), width - 4)
    inner = fit(words, size)
    rest = width - size - 3
    if right:
        return ((rule * rest + " ", role), *inner, (" " + rule, role))
    return ((rule + " ", role), *inner, (" " + rule * rest, role))
