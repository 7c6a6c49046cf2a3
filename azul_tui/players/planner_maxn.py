"""The planner at a table of three or four: every seat makes the move that is best for itself.

Max-n (Luckhardt and Irani, 1986) inside the round. Without bounds to cut by and with a few
thousand positions a move, two or three moves ahead are seen and a table would hit next to
nothing, so there is none. Shapes: D plies, P seats.
"""

from __future__ import annotations

from azul_tui.game.kernel import integer, lean_kernel
from azul_tui.game.layout import TABLE_TILES, TO_MOVE
from azul_tui.players.planner_memory import (
    BEST,
    BUDGET,
    COUNT,
    DEPTH,
    INFINITE,
    NEXT,
    NODES,
    SHORT,
    Workspace,
    make_child,
    thousandths,
)
from azul_tui.players.prospects import count_table, lead, seat_values
from azul_tui.players.replies import list_replies


@lean_kernel
def _open_node(work: Workspace, ply: int) -> bool:
    """Begin the node at `ply`; True for a leaf, whose values stand in `work.results[ply]`."""
    work.effort[NODES] += 1
    state = work.line[ply]
    if state[TABLE_TILES] == 0 or work.frames[ply, DEPTH] == 0:
        count_table(state, work.available)
        seat_values(state, work.boards, work.worth, ply, work.available, work.results[ply])
        work.frames[ply, SHORT] = 1 if state[TABLE_TILES] > 0 else 0
        return True
    work.frames[ply, COUNT] = list_replies(state, work.actions[ply], work.ranks[ply], -1)
    work.frames[ply, NEXT] = 0
    work.frames[ply, BEST] = -INFINITE
    work.frames[ply, SHORT] = 0
    return False


@lean_kernel
def _take_values(work: Workspace, ply: int) -> None:
    """Count the values behind one move of the node at `ply`: keep them if its mover likes them."""
    work.frames[ply, SHORT] |= work.frames[ply + 1, SHORT]
    value = thousandths(lead(work.results[ply + 1], integer(work.line[ply, TO_MOVE])))
    if value > work.frames[ply, BEST]:
        work.frames[ply, BEST] = value
        for seat in range(work.results.shape[1]):
            work.results[ply, seat] = work.results[ply + 1, seat]


@lean_kernel
def search_many(work: Workspace, depth: int) -> bool:
    """Search the position at ply 1 that deep.

    The answer is `work.results[1]`, the value of every seat, and whether a line was cut short in
    its frame. False when the budget ran out before there was one.
    """
    frames = work.frames
    frames[1, DEPTH] = depth
    if _open_node(work, 1):
        return True
    ply = 1
    while True:
        if frames[ply, NEXT] == frames[ply, COUNT]:
            if ply == 1:
                return True
            ply -= 1
        else:
            if work.effort[NODES] >= work.effort[BUDGET]:
                return False
            make_child(work, ply, integer(work.actions[ply, frames[ply, NEXT]]))
            frames[ply, NEXT] += 1
            frames[ply + 1, DEPTH] = frames[ply, DEPTH] - 1
            if not _open_node(work, ply + 1):
                ply += 1
                continue
        _take_values(work, ply)
