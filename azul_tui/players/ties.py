"""Picking the best of several values, ties broken by the lowest index or by a seeded stream."""

from __future__ import annotations

from azul_tui.game.kernel import Int32Array, Int64Array, Uint64Array, lean_kernel
from azul_tui.game.random import next_below


@lean_kernel
def pick_best(values: Int64Array, count: int, deterministic: bool, stream: Uint64Array) -> int:
    """Index of a largest among the first `count` of `values`.

    Args:
        values: One for each legal action, actions ascending.
        count: At least 1.
        deterministic: Take the first of equals; otherwise each of them is equally likely.
        stream: One uint64; advanced only where a tie is broken.
    """
    best = 0
    equals = 1
    for index in range(1, count):
        if values[index] > values[best]:
            best = index
            equals = 1
        elif values[index] == values[best]:
            equals += 1
    if deterministic or equals == 1:
        return best
    skip = next_below(stream, equals)
    index = best
    while skip > 0:
        index += 1
        if values[index] == values[best]:
            skip -= 1
    return index


@lean_kernel
def pick_action(
    actions: Int32Array, values: Int64Array, count: int, deterministic: bool, stream: Uint64Array
) -> int:
    """`pick_best` where the actions stand in any order: the lowest of equals, or any of them.

    Args:
        actions: Legal actions.
        values: One for each action.
        count: At least 1.
        deterministic: Take the lowest action among equals.
        stream: One uint64.
    """
    best = pick_best(values, count, True, stream)
    if not deterministic:
        return int(actions[pick_best(values, count, False, stream)])
    lowest = actions[best]
    for index in range(count):
        if values[index] == values[best]:
            lowest = min(lowest, actions[index])
    return int(lowest)
