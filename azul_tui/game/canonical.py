"""Factories in canonical order: the one symmetry of Azul that a search can use.

Permuting the factories changes nothing in a game, so search and self-play keep them sorted, the
empty ones last, and moves from equal factories are listed once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.game.constants import COLOR_COUNT
from azul_tui.game.dealing import refill
from azul_tui.game.kernel import Int8Array, Int64Array, Uint64Array, lean_kernel, small
from azul_tui.game.layout import PLAYERS, sources_offset
from azul_tui.game.rules import apply_move

if TYPE_CHECKING:
    import numpy as np


@lean_kernel
def _factory_key(state: Int8Array, tiles: int) -> int:
    """Number that orders factories; 0 for an empty one."""
    key = 0
    for color in range(COLOR_COUNT):
        key = 5 * key + small(state[tiles + color])
    return key


@lean_kernel
def _largest_factory(state: Int8Array, first: int) -> int:
    """The factory with the largest key from `first` on."""
    at = sources_offset(state)
    best = first
    largest = _factory_key(state, at + COLOR_COUNT * first)
    for factory in range(first + 1, 2 * small(state[PLAYERS]) + 1):
        key = _factory_key(state, at + COLOR_COUNT * factory)
        if key > largest:
            largest = key
            best = factory
    return best


@lean_kernel
def _swap_factories(state: Int8Array, one: int, other: int) -> None:
    """Exchange the tiles of two factories."""
    at = sources_offset(state)
    for color in range(COLOR_COUNT):
        first, second = at + COLOR_COUNT * one + color, at + COLOR_COUNT * other + color
        state[first], state[second] = state[second], state[first]


@lean_kernel
def sort_factories(state: Int8Array, order: Int64Array) -> None:
    """Bring the factories of `state` into canonical order, largest key first.

    `order`, `(F + 1,)`, gets at i the source that now stands at place i; the centre stays last.
    """
    factories = 2 * small(state[PLAYERS]) + 1
    for source in range(factories + 1):
        order[source] = source
    for place in range(factories):
        best = _largest_factory(state, place)
        _swap_factories(state, place, best)
        order[place], order[best] = order[best], order[place]


@lean_kernel
def apply_canonical(state: Int8Array, action: int) -> None:
    """Apply a legal `action` to a canonical position and leave it canonical.

    The emptied factory moves behind the others, which keep their order.
    """
    source = action // 30
    factories = 2 * small(state[PLAYERS]) + 1
    apply_move(state, action)
    if source < factories:
        at = sources_offset(state) + COLOR_COUNT * source
        end = sources_offset(state) + COLOR_COUNT * (factories - 1)
        for byte in range(at, end):
            state[byte] = state[byte + COLOR_COUNT]
        for byte in range(end, end + COLOR_COUNT):
            state[byte] = 0


@lean_kernel
def refill_canonical(state: Int8Array, seed: np.uint64, stream: Uint64Array) -> None:
    """`refill`, then canonical order."""
    refill(state, seed, stream)
    for place in range(2 * small(state[PLAYERS]) + 1):
        _swap_factories(state, place, _largest_factory(state, place))
