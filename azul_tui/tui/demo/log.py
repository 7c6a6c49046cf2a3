"""What a demo says, scrolled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.text import plain_text
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.picture import Picture, hanging, shorten, text_line

if TYPE_CHECKING:
    from azul_tui.tui.demo.state import DemoState


def log_panel(state: DemoState, width: int, height: int) -> Picture:
    """The lines that are looked at, in a frame that says which."""
    inner = max(1, height - 2)
    room = max(8, width - 4)
    lines = [piece for line in state.log for piece in hanging(plain_text(line, 400), room)]
    last = max(0, len(lines) - inner)
    first = last if state.first_line is None else min(max(0, state.first_line), last)
    shown = lines[first : first + inner]
    content: Picture = [
        text_line(" " + shorten(line, max(1, width - 4), state.signs.ellipsis)) for line in shown
    ]
    if not content:
        ended = state.judgement is not None and state.judgement.state not in {"running", "paused"}
        words = "it said nothing" if ended else "starting; a first start compiles the rules"
        content = [text_line(f" {words}", "quiet")]
    above = f"lines {first + 1:,} to {first + len(shown):,} of {len(lines):,}"
    foot = text_line(above, "quiet") if len(lines) > inner else ()
    return panel(content, (("what it says", "title"),), foot, width, height, state.signs)
