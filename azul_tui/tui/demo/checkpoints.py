"""The checkpoints that a demo saved, as a growing table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azul_tui.tui.demo.state import Block, DemoState
    from azul_tui.tui.picture import Picture


def checkpoints_block(state: DemoState) -> Block:
    """The checkpoints, the newest that fit."""
    saved = list(state.data.checkpoints)
    best = max((number for number, c in enumerate(saved) if c.best), default=-1)

    def draw(width: int, height: int) -> Picture:
        from azul_tui.tui.table import Column, Row, draw_table

        columns = (
            Column(title="iteration", align_right=True),
            Column(title="file", stretch=True, least=12),
            Column(title="score", align_right=True),
            Column(title=""),
        )
        rows = [
            Row(
                (
                    (f"{c.iteration:,}", "strong"),
                    (c.file, ""),
                    (f"{c.score:.3f}" if c.score is not None else "–", ""),
                    (f"{state.signs.best} best" if number == best else "", "warning"),
                )
            )
            for number, c in list(enumerate(saved))[-max(1, height - 1) :]
        ]
        return draw_table(columns, rows, width, height, signs=state.signs)

    return "checkpoints", min(12, len(saved) + 3), draw
