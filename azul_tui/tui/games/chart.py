"""The value curve of a replayed game: what the first player could expect before every move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from azul_tui.tui.charts.curves import Curve, Level, Mark
from azul_tui.tui.charts.draw import Drawing, draw_chart
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.charts.view import View
from azul_tui.tui.picture import wrapped

if TYPE_CHECKING:
    from azul_tui.tui.games.session import Replay
    from azul_tui.tui.picture import Line, Picture
    from azul_tui.tui.signs import Signs


def value_chart(
    replay: Replay, width: int, height: int, signs: Signs, *, judge: str, busy: str
) -> tuple[Picture, Drawing]:
    """The curve in a frame, a cursor at the present move and marks at mistakes.

    Args:
        replay: The game.
        width: Of the frame, in cells.
        height: Of the frame, in lines.
        signs: Unicode or ASCII.
        judge: Whose opinion it is.
        busy: What is being done about it, empty when nothing is.
    """
    values = np.asarray([review.value for review in replay.reviews], np.float64)
    places = np.arange(len(values), dtype=np.float64)
    # The axis is that of the whole game from the start, so that the curve does not shrink.
    whole = np.asarray([0.0, float(replay.last)])
    curves = [
        Curve(name="", x=whole, y=np.full(2, np.nan), role="quiet"),
        Curve(name="value", x=places, y=values),
    ]
    drawing = draw_chart(
        curves,
        View(smoothing=0.0, show_band=False, cursor=float(replay.at)),
        width - 2,
        height - 2,
        levels=[Level(name="even", y=0.0)],
        marks=[
            Mark(x=float(number), sign=signs.alert, role="alert")
            for number in sorted(replay.mistakes)
        ],
        signs=signs,
        fixed_limits=(-1.0, 1.0),
    )
    body = wrapped(replay.trouble, width - 4, "warning") if replay.trouble else drawing.picture
    title = _title(replay, signs)
    footer: Line = ((busy or f"by {judge}", "quiet"),)
    return panel(body, title, footer, width, height, signs), drawing


def _title(replay: Replay, signs: Signs) -> Line:
    """Whose value it is, and what it is now."""
    name = replay.names()[0]
    parts: list[tuple[str, str]] = [(f"expected by {name}", "title")]
    here = replay.review(replay.at)
    if here is not None:
        parts += [("  ", ""), (f"{here.value:+.2f}", "strong")]
    if replay.is_reviewed:
        count = len(replay.mistakes)
        words = "no mistakes" if not count else f"{count} mistake{'s' if count > 1 else ''}"
        parts += [("   ", ""), (f"{signs.alert} " if count else "", "alert"), (words, "quiet")]
    return tuple(parts)
