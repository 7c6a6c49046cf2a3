"""How games are paired: seeds of a bag, who sits where, what one pair says.

A pair is two games on the same deal with the seats swapped; at a table of three or four it is
the group of games in which player 0 sat once on every seat of one bag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from azul_tui.game.kernel import Int64Array, Uint64Array, kernel
from azul_tui.game.random import GAME, PLAYER, derive

if TYPE_CHECKING:
    from azul_tui.arena.games import GameResults
    from azul_tui.arena.statistics import FloatArray

_SEED_BITS: Final = 0xFFFF_FFFF_FFFF_FFFF


@kernel
def _derive_bag_seeds(seed: np.uint64, first: int, seats: int, seeds: Uint64Array) -> None:
    """Write deal seed and decision seed of the games on bags `first`, ... into `seeds` `(G, 2)`.

    The `seats` games of a bag share their deal; their decisions have streams of their own.
    """
    for game in range(seeds.shape[0]):
        deal = derive(seed, GAME, first + game // seats)
        seeds[game, 0] = deal
        seeds[game, 1] = derive(deal, PLAYER, game % seats)


def bag_seeds(
    seed: int, first: int, bags: int, games_per_bag: int
) -> tuple[Uint64Array, Uint64Array]:
    """Deal seeds and decision seeds, each `(bags * games_per_bag,)`, of bags `first`, ..."""
    seeds = np.empty((bags * games_per_bag, 2), np.uint64)
    _derive_bag_seeds(np.uint64(seed & _SEED_BITS), first, games_per_bag, seeds)
    return seeds[:, 0].copy(), seeds[:, 1].copy()


def match_seating(bags: int, seats: int) -> Int64Array:
    """`(bags * seats, seats)`: player 0 on seat k of the k-th game of each bag, 1 elsewhere."""
    return np.tile(1 - np.eye(seats, dtype=np.int64), (bags, 1))


def seat_of(results: GameResults, player: int) -> Int64Array:
    """`(G,)`: the first seat of `player` in each game."""
    return np.argmax(results.seating == player, axis=1).astype(np.int64)


def unit_means(results: GameResults, games_per_bag: int) -> tuple[FloatArray, FloatArray]:
    """Mean win share and mean margin of player 0 in each finished group of games.

    Returns:
        Two `(N,)` arrays; a group with an unfinished game is left out.
    """
    rows = np.arange(len(results.deals))
    seat = seat_of(results, 0)
    share = results.shares[rows, seat]
    margin = margins(results)
    whole = results.finished.reshape(-1, games_per_bag).all(axis=1)
    return (
        share.reshape(-1, games_per_bag)[whole].mean(axis=1),
        margin.reshape(-1, games_per_bag)[whole].mean(axis=1),
    )


def margins(results: GameResults) -> FloatArray:
    """`(G,)`: points of player 0 less those of the best other seat."""
    rows = np.arange(len(results.deals))
    seat = seat_of(results, 0)
    others = results.scores.astype(np.float64)
    own = others[rows, seat].copy()
    others[rows, seat] = -np.inf
    return own - others.max(axis=1)
