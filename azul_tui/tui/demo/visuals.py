"""Which pictures the records of a job allow, drawn when they are there.

- `temperature` with `policy_loss`: a bar for each temperature;
- `step` or `iteration` records: a falling line;
- `checkpoint` records: a growing table;
- `outcome_histogram` with `outcome_bins`: columns;
- `state`, `policy` and `outcome` as lists of sizes: a table of shapes;
- `position` in notation, with `move`: a board and the moves before it;
- `part` records with `state` (the job "all"): the state of each part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.runs.events import number
from azul_tui.tui.demo.checkpoints import checkpoints_block
from azul_tui.tui.demo.game import board_block
from azul_tui.tui.demo.histogram import histogram_block
from azul_tui.tui.demo.numbers import finite_numbers
from azul_tui.tui.demo.parts import parts_block
from azul_tui.tui.demo.shapes import shapes_block, shapes_of
from azul_tui.tui.demo.temperatures import temperatures_block

if TYPE_CHECKING:
    from azul_tui.tui.demo.state import Block, DemoState


def visuals(state: DemoState, width: int) -> list[Block]:
    """The pictures that the records allow."""
    del width
    records = list(state.data.others)
    blocks: list[Block] = []
    parts = [r for r in records if r.get("event") == "part"]
    if parts:
        blocks.append(parts_block(parts, state.signs))
    temperatures = [r for r in records if number(r, "temperature") is not None]
    if temperatures:
        blocks.append(temperatures_block(temperatures, state.signs))
    shapes = next((r for r in reversed(records) if shapes_of(r)), None)
    if shapes is not None:
        blocks.append(shapes_block(shapes))
    histogram = next(
        (r for r in reversed(records) if finite_numbers(r.get("outcome_histogram"))), None
    )
    if histogram is not None:
        blocks.append(histogram_block(histogram, state.signs))
    if state.data.checkpoints:
        blocks.append(checkpoints_block(state))
    if state.data.steps.records > 1 or state.data.iterations.records > 1:
        blocks.append(("loss", 16, state.chart))
    moves = [r for r in records if r.get("event") == "move"]
    board = next((r for r in reversed(records) if isinstance(r.get("position"), str)), None)
    if board is not None:
        blocks.append(board_block(moves[-1] if moves else board, moves, state.signs))
    return blocks
