"""Who is ahead by the newest thought of a network, as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from azul_tui.tui.bars import progress_bar
from azul_tui.tui.picture import Line, shorten, text_line
from azul_tui.tui.play.settings import is_scripted
from azul_tui.tui.play.words import seat_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azul_tui.tui.play.game import PlayGame
    from azul_tui.tui.play.session import PlaySession
    from azul_tui.tui.signs import Signs

WIDEST = 100
"""Cells of the bar between two players at most."""
LEAST = 4
"""Cells of a bar that still tells something."""


def value_line(
    session: PlaySession, game: PlayGame, width: int, *, show_value: bool, signs: Signs
) -> Line:
    """The value of the position, or in words why there is none: one line of at most `width`.

    Two players share one bar; of three and four each has its own.
    """
    if session.phase == "broken":
        return text_line(shorten(session.problem, width, signs.ellipsis), "warning")
    if not show_value:
        return text_line("the value is hidden, v shows it", "quiet")
    names = seat_names(session.settings, game.now.view.players)
    values = [value for seat in range(len(names)) if (value := game.expected(seat)) is not None]
    if len(values) < len(names):
        words = "no value yet: it comes with the first move of a network"
        if all(is_scripted(name) for name in session.settings.engine_players()):
            words = "scripted players tell no value"
        return text_line(words, "quiet")
    own = session.settings.seat or 0
    if len(names) == 2:
        return _between(names[own], names[1 - own], values[own], width, signs)
    seats = [(own + turn) % len(names) for turn in range(len(names))]
    room = (width + 2) // len(names) - 2
    if max(map(cell_len, names)) + len(" 100% ") + LEAST > room:  # the boards carry the numbers
        names = [
            "you" if seat == session.settings.seat else str(seat + 1) for seat in range(len(names))
        ]
    return _shares([(names[seat], values[seat]) for seat in seats], room, signs)


def _between(own: str, other: str, value: float, width: int, signs: Signs) -> Line:
    """One bar from one player to the other."""
    share = (value + 1) / 2
    left, right = f"{own} {share:.0%} ", f" {1 - share:.0%} {other}"
    told = f"   value {value:+.2f}"
    room = max(8, min(WIDEST, width - len(left) - len(right) - len(told) - 1))
    bar = progress_bar(share, room, signs)
    return ((left, "strong"), *bar, (right, ""), (told, "quiet"))


def _shares(told: Sequence[tuple[str, float]], room: int, signs: Signs) -> Line:
    """For each player the share of the victory that it may expect, as a bar, in `room` cells."""
    longest = max(cell_len(name) for name, _ in told)
    size = min(WIDEST // 2, room - longest - len(" 100% "))
    line: list[tuple[str, str]] = []
    for place, (name, value) in enumerate(told):
        share = min(max((value + 1) / 2, 0.0), 1.0)
        bar = progress_bar(share, size, signs) if size >= LEAST else ()
        line.append((f"{name:<{longest}}", "" if place else "strong"))
        line.extend([(f" {share:>4.0%}", "quiet"), (" " * bool(bar), ""), *bar, ("  ", "")])
    return tuple(line[:-1])
