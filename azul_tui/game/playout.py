"""Random games, the plainest use of the rules: for the benchmark and for search by playouts."""

from __future__ import annotations

import numpy as np

from azul_tui.game.constants import COLOR_COUNT, MAX_PLAYERS, ROW_COUNT
from azul_tui.game.kernel import Int8Array, Uint64Array, kernel
from azul_tui.game.layout import OVER, PHASE, PLAYERS, TO_MOVE, sources_offset
from azul_tui.game.random import GAME, PLAYOUT, derive, next_below
from azul_tui.game.rules import accepting_rows_by_color, apply_move, new_game, refill


@kernel
def random_action(state: Int8Array, stream: Uint64Array) -> int:
    """A legal action, each equally likely, without listing them."""
    at = sources_offset(state)
    sources = 2 * np.int64(state[PLAYERS]) + 2
    rows = np.empty(COLOR_COUNT, np.int64)
    targets = np.empty(COLOR_COUNT, np.int64)
    upto = np.empty(2 * MAX_PLAYERS + 2, np.int64)
    accepting_rows_by_color(state, np.int64(state[TO_MOVE]), rows)
    for color in range(COLOR_COUNT):
        pairs = (rows[color] & 21) + (rows[color] >> 1 & 21)
        targets[color] = (pairs & 3) + (pairs >> 2 & 3) + (pairs >> 4 & 3)
    count = 0
    for source in range(sources):
        for color in range(COLOR_COUNT):
            here = state[at + COLOR_COUNT * source + color] > 0
            count += targets[color] if here else 0
        upto[source] = count
    chosen = next_below(stream, count)
    source = 0
    while chosen >= upto[source]:
        source += 1
    if source > 0:
        chosen -= upto[source - 1]
    color = 0
    while True:
        if state[at + COLOR_COUNT * source + color] > 0:
            if chosen < targets[color]:
                break
            chosen -= targets[color]
        color += 1
    row = 0
    while True:
        if rows[color] >> row & 1:
            if chosen == 0:
                break
            chosen -= 1
        row += 1
    return (COLOR_COUNT * source + color) * ROW_COUNT + row


@kernel
def play_out(state: Int8Array, seed: np.uint64, stream: Uint64Array, scratch: Uint64Array) -> int:
    """Play `state` to its end with random moves; return the number of moves.

    Args:
        seed: Decides the refills.
        stream: Decides the moves.
        scratch: One uint64.
    """
    moves = 0
    while state[PHASE] != OVER:
        if state[PHASE] != 0:
            refill(state, seed, scratch)
            continue
        apply_move(state, random_action(state, stream))
        moves += 1
    return moves


@kernel
def random_games(state: Int8Array, players: int, games: int, seed: np.uint64) -> int:
    """Play `games` random games in `state`; return the number of moves made."""
    stream = np.zeros(1, np.uint64)
    scratch = np.zeros(1, np.uint64)
    moves = 0
    for game in range(games):
        game_seed = derive(seed, GAME, game)
        new_game(state, players, game_seed, scratch)
        stream[0] = derive(game_seed, PLAYOUT, 0)
        moves += play_out(state, game_seed, stream, scratch)
    return moves
