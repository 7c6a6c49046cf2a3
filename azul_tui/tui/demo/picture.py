"""What a demo job records, as pictures; what it says stands beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.text import plain_text
from azul_tui.tui.bars import progress_bar
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.demo.log import log_panel
from azul_tui.tui.demo.visuals import visuals
from azul_tui.tui.picture import Line, Picture, beside, crop, join

if TYPE_CHECKING:
    from azul_tui.tui.demo.state import Block, DemoState


def demo_body(state: DemoState, width: int, height: int) -> Picture:
    """The body of the screen, exactly `height` lines of `width` cells."""
    head: Picture = [state_line(state, width)]
    room = height - 1
    blocks = visuals(state, _visual_width(width))
    if not blocks:
        return crop([*head, *log_panel(state, width, room)], width, height)
    if width >= 96:
        right = _visual_width(width)
        return crop(
            [
                *head,
                *beside(
                    log_panel(state, width - right, room),
                    width - right,
                    _stack(blocks, right, room, state),
                ),
            ],
            width,
            height,
        )
    upper = min(max(room // 2, room - 6), sum(rows for _, rows, _ in blocks))
    return crop(
        [*head, *_stack(blocks, width, upper, state), *log_panel(state, width, room - upper)],
        width,
        height,
    )


def _visual_width(width: int) -> int:
    return width if width < 96 else max(48, width // 2)


def state_line(state: DemoState, width: int) -> Line:
    """Which demo, whether it goes on, and how far it is."""
    status, judgement = state.status, state.judgement
    words = {"running": "good", "finished": "good", "crashed": "alert", "stopped": "quiet"}
    name = judgement.state if judgement is not None else "starting"
    parts: list[Line] = [
        ((f" {state.title}", "strong"),),
        ((name, words.get(name, "quiet")),),
    ]
    if judgement is not None and judgement.reason:
        parts.append(((f"{judgement.reason}; g runs it again", "alert"),))
    if status is not None and status.total and name == "running":
        done = status.done or 0.0
        bar = progress_bar(done / status.total, min(24, width // 4), state.signs)
        parts.append(
            (*bar, (f" {done:,.0f}/{status.total:,.0f} {plain_text(status.unit, 20)}", ""))
        )
    return join(parts)


def _stack(blocks: list[Block], width: int, height: int, state: DemoState) -> Picture:
    """Blocks above each other; the last ones get what is left."""
    picture: Picture = []
    for index, (title, wanted, draw) in enumerate(blocks):
        left = height - len(picture)
        if left < 4:
            break
        rows = left if index == len(blocks) - 1 and wanted > 8 else min(wanted, left)
        content = [((" ", ""), *line) for line in draw(width - 4, rows - 2)]
        picture.extend(panel(content, ((title, "title"),), (), width, rows, state.signs))
    return picture
