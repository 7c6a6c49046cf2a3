"""Iterative deepening of the planner: one move deeper each time, the best moves first.

Shapes: M moves.
"""

from __future__ import annotations

from azul_tui.game.kernel import Int64Array, integer, lean_kernel
from azul_tui.game.layout import TO_MOVE
from azul_tui.players.planner_alphabeta import search_two
from azul_tui.players.planner_maxn import search_many
from azul_tui.players.planner_memory import (
    BEST,
    BUDGET,
    INFINITE,
    NODES,
    SHORT,
    Workspace,
    make_child,
    thousandths,
)
from azul_tui.players.prospects import lead
from azul_tui.players.replies import list_replies


@lean_kernel
def _rank_root(work: Workspace, values: Int64Array, count: int) -> None:
    """Sort the root's actions by the values of the last iteration, equals as they stand."""
    actions = work.actions[0]
    for index in range(1, count):
        action = actions[index]
        value = values[index]
        place = index
        while place > 0 and values[place - 1] < value:
            values[place] = values[place - 1]
            actions[place] = actions[place - 1]
            place -= 1
        values[place] = value
        actions[place] = action


@lean_kernel
def plan(work: Workspace, budget: int, values: Int64Array, fresh: Int64Array) -> int:
    """Search `work.line[0]` until the round is resolved or the budget spent.

    Args:
        work: Its table must be empty or belong to this position.
        budget: Positions to value at most.
        values: `(M,)`; the value of the action at the same place of `work.actions[0]`, the
            best first. Exact for every move among the best, else below the best.
        fresh: `(M,)` scratch.

    Returns:
        The number of root actions.
    """
    work.effort[NODES] = 0
    work.effort[BUDGET] = budget
    actions = work.actions[0]
    count = list_replies(work.line[0], actions, work.ranks[0], -1)
    mover = integer(work.line[0, TO_MOVE])
    two = work.boards.shape[1] == 2
    values[:count] = 0
    for depth in range(work.line.shape[0] - 1):
        best = -INFINITE
        short = 0
        done = 0
        for index in range(count):
            make_child(work, 0, integer(actions[index]))
            if two:
                answered = search_two(work, depth, -INFINITE, INFINITE if index == 0 else 1 - best)
            else:
                answered = search_many(work, depth)
            if not answered:
                break
            fresh[index] = (
                -work.frames[1, BEST] if two else thousandths(lead(work.results[1], mover))
            )
            short |= integer(work.frames[1, SHORT])
            best = max(best, integer(fresh[index]))
            done += 1
        if done > 0:
            for index in range(count):
                values[index] = fresh[index] if index < done else -INFINITE
            _rank_root(work, values, count)
        if done < count or short == 0:
            break
    return count
