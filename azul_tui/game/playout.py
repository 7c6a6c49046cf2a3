"""Random games, the plainest use of the rules: for the benchmark and for search by playouts."""

from __future__ import annotations

import numpy as np

from azul_tui.game.constants import COLOR_COUNT, MOVING, OVER, PHASE, PLAYERS, ROW_COUNT, TO_MOVE
from azul_tui.game.kernel import Int8Array, Uint64Array, kernel, lean_kernel, small
from azul_tui.game.random import GAME, PLAYOUT, derive, next_below
from azul_tui.game.rules import (
    ALL_ROWS,
    accepting_rows_by_color,
    apply_move,
    clear_game,
    present,
    read_five,
    refill,
    row_count,
    sources_offset,
    sum_of_five,
)


@lean_kernel
def _source_targets(state: Int8Array, tiles: int, targets: int) -> int:
    """Moves from the source at byte `tiles`, given the moves of each colour."""
    return sum_of_five(present(read_five(state, tiles)) * 15 & targets)


@lean_kernel
def random_action(state: Int8Array, stream: Uint64Array) -> int:
    """A legal action, each equally likely, without listing them."""
    at = sources_offset(state)
    sources = 2 * small(state[PLAYERS]) + 2
    rows = accepting_rows_by_color(state, small(state[TO_MOVE]))
    targets = 0
    for color in range(COLOR_COUNT):
        targets |= row_count(rows >> (ROW_COUNT * color) & ALL_ROWS) << (8 * color)
    count = 0
    for source in range(sources):
        count += _source_targets(state, at + COLOR_COUNT * source, targets)
    chosen = next_below(stream, count)
    source = 0
    while True:
        here = _source_targets(state, at + COLOR_COUNT * source, targets)
        if chosen < here:
            break
        chosen -= here
        source += 1
    color = 0
    while True:
        if state[at + COLOR_COUNT * source + color] > 0:
            here = targets >> (8 * color) & 15
            if chosen < here:
                break
            chosen -= here
        color += 1
    mask = rows >> (ROW_COUNT * color) & ALL_ROWS
    row = 0
    while True:
        if mask >> row & 1:
            if chosen == 0:
                break
            chosen -= 1
        row += 1
    return (COLOR_COUNT * source + color) * ROW_COUNT + row


@lean_kernel
def play_out(state: Int8Array, seed: np.uint64, stream: Uint64Array, scratch: Uint64Array) -> int:
    """Play `state` to its end with random moves; return the number of moves.

    `seed` decides the refills, `stream` the moves; `scratch` is one uint64.
    """
    moves = 0
    while state[PHASE] != OVER:
        if state[PHASE] == MOVING:
            apply_move(state, random_action(state, stream))
            moves += 1
        else:
            refill(state, seed, scratch)
    return moves


@kernel
def random_games(state: Int8Array, players: int, games: int, seed: np.uint64) -> int:
    """Play `games` random games in `state`; return the number of moves made."""
    stream = np.zeros(1, np.uint64)
    scratch = np.zeros(1, np.uint64)
    moves = 0
    for game in range(games):
        game_seed = derive(seed, GAME, game)
        clear_game(state, players)
        stream[0] = derive(game_seed, PLAYOUT, 0)
        moves += play_out(state, game_seed, stream, scratch)
    return moves
