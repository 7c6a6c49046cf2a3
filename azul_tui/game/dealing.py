"""The deals of Azul as kernels: a game before its first round, and the refill before each round.

What is drawn depends on the game's seed, the round and the counts in bag and lid alone.
Rules: Azul rulebook (Plan B Games, 2017), "Setup", "Preparing the next round".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.game.constants import COLOR_COUNT, TILES_PER_COLOR, TILES_PER_FACTORY
from azul_tui.game.kernel import Int8Array, Uint64Array, lean_kernel, small
from azul_tui.game.layout import (
    AFTERSTATE,
    BAG,
    END_REASON,
    LID,
    MARKER_IN_CENTRE,
    MOVING,
    NEXT_FIRST,
    NO_TILES,
    OVER,
    PHASE,
    PLAYERS,
    ROUND,
    TABLE_TILES,
    TO_MOVE,
    score_of,
    set_score,
    sources_offset,
)
from azul_tui.game.random import REFILL, derive, next_below
from azul_tui.game.scoring import end_bonus

if TYPE_CHECKING:
    import numpy as np


@lean_kernel
def clear_game(state: Int8Array, players: int) -> None:
    """Make `state` a game before its first deal: all tiles in the bag, seat 0 to start."""
    for byte in range(len(state)):
        state[byte] = 0
    state[PLAYERS] = players
    state[PHASE] = AFTERSTATE
    for color in range(COLOR_COUNT):
        state[BAG + color] = TILES_PER_COLOR


@lean_kernel
def _pour_lid_into_bag(state: Int8Array) -> int:
    """Move the lid's tiles to the bag; return how many there were."""
    poured = 0
    for color in range(COLOR_COUNT):
        poured += small(state[LID + color])
        state[BAG + color] += state[LID + color]
        state[LID + color] = 0
    return poured


@lean_kernel
def begin_round(state: Int8Array) -> None:
    """Turn an afterstate into the start of the next round, its factories still empty."""
    state[ROUND] += 1
    state[PHASE] = MOVING
    state[TO_MOVE] = state[NEXT_FIRST]
    state[MARKER_IN_CENTRE] = 1
    state[TABLE_TILES] = 0


@lean_kernel
def _finish_empty_round(state: Int8Array) -> None:
    """End a game whose bag, lid and factories are all empty: nothing can ever move again."""
    state[PHASE] = OVER
    state[END_REASON] = NO_TILES
    for seat in range(small(state[PLAYERS])):
        set_score(state, seat, score_of(state, seat) + end_bonus(state, seat))


@lean_kernel
def refill(state: Int8Array, seed: np.uint64, stream: Uint64Array) -> None:
    """Start the next round of an afterstate: four tiles a factory, drawn from the bag.

    The draw depends on `(seed, round)` and on the counts in bag and lid alone. The lid is
    poured into the bag only when the bag is empty; if both are, factories stay short or empty.
    `stream` is one uint64 of scratch.
    """
    begin_round(state)
    stream[0] = derive(seed, REFILL, small(state[ROUND]))
    at = sources_offset(state)
    in_bag = 0
    for color in range(COLOR_COUNT):
        in_bag += small(state[BAG + color])
    for factory in range(2 * small(state[PLAYERS]) + 1):
        for _ in range(TILES_PER_FACTORY):
            if in_bag == 0:
                in_bag = _pour_lid_into_bag(state)
                if in_bag == 0:
                    break
            drawn = next_below(stream, in_bag)
            color = 0
            while drawn >= state[BAG + color]:
                drawn -= small(state[BAG + color])
                color += 1
            state[BAG + color] -= 1
            state[at + COLOR_COUNT * factory + color] += 1
            state[TABLE_TILES] += 1
            in_bag -= 1
    if state[TABLE_TILES] == 0:
        _finish_empty_round(state)


@lean_kernel
def new_game(state: Int8Array, players: int, seed: np.uint64, stream: Uint64Array) -> None:
    """Make `state` the first deal of a game; see `refill` for the arguments."""
    clear_game(state, players)
    refill(state, seed, stream)
