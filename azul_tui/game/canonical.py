"""Factories in canonical order: the one symmetry of Azul that a search can use.

Permuting the factories changes nothing in a game, so search and self-play keep them sorted, the
empty ones last, and moves from equal factories are listed once.
"""

from __future__ import annotations

import numpy as np

from azul_tui.game.constants import COLOR_COUNT
from azul_tui.game.kernel import Int8Array, Int64Array, kernel
from azul_tui.game.layout import PLAYERS, sources_offset
from azul_tui.game.rules import apply_move, refill


@kernel
def _factory_key(state: Int8Array, tiles: int) -> int:
    """Number that orders factories; 0 for an empty one."""
    key = 0
    for color in range(COLOR_COUNT):
        key = 5 * key + np.int64(state[tiles + color])
    return key


@kernel
def sort_factories(state: Int8Array, order: Int64Array) -> None:
    """Bring the factories of `state` into canonical order, largest key first.

    Args:
        order: `(F + 1,)`; `order[i]` becomes the source that now stands at place i. The centre
            stays last.
    """
    at = sources_offset(state)
    factories = 2 * np.int64(state[PLAYERS]) + 1
    order[factories] = factories
    keys = np.empty(factories, np.int64)
    tiles = np.empty(COLOR_COUNT, np.int8)
    for factory in range(factories):
        here = at + COLOR_COUNT * factory
        key = _factory_key(state, here)
        for color in range(COLOR_COUNT):
            tiles[color] = state[here + color]
        place = factory
        while place > 0 and keys[place - 1] < key:
            keys[place] = keys[place - 1]
            order[place] = order[place - 1]
            for color in range(COLOR_COUNT):
                to = at + COLOR_COUNT * place + color
                state[to] = state[to - COLOR_COUNT]
            place -= 1
        keys[place] = key
        order[place] = factory
        for color in range(COLOR_COUNT):
            state[at + COLOR_COUNT * place + color] = tiles[color]


@kernel
def apply_canonical(state: Int8Array, action: int) -> None:
    """Apply a legal `action` to a canonical position and leave it canonical.

    The emptied factory moves behind the others, which keep their order.
    """
    source = action // 30
    factories = 2 * np.int64(state[PLAYERS]) + 1
    apply_move(state, action)
    if source < factories:
        at = sources_offset(state) + COLOR_COUNT * source
        end = sources_offset(state) + COLOR_COUNT * (factories - 1)
        for byte in range(at, end):
            state[byte] = state[byte + COLOR_COUNT]
        for byte in range(end, end + COLOR_COUNT):
            state[byte] = 0


@kernel
def refill_canonical(
    state: Int8Array, seed: np.uint64, stream: np.ndarray[tuple[int], np.dtype[np.uint64]]
) -> None:
    """`refill`, then canonical order."""
    refill(state, seed, stream)
    sort_factories(state, np.empty(2 * np.int64(state[PLAYERS]) + 2, np.int64))
