"""Putting moves into the order in which a search looks at them: the most promising first."""

from __future__ import annotations

from azul_tui.game.kernel import Int32Array, Int64Array, inlined_kernel


@inlined_kernel
def insert_ranked(
    actions: Int32Array, ranks: Int64Array, index: int, action: int, rank: int
) -> None:
    """Put `action` into its place among the first `index`, which are sorted by falling rank.

    Behind its equals. Position `index` of both arrays is written over.
    """
    place = index
    while place > 0 and ranks[place - 1] < rank:
        ranks[place] = ranks[place - 1]
        actions[place] = actions[place - 1]
        place -= 1
    ranks[place] = rank
    actions[place] = action
