"""What a position in the middle of a round is worth to each seat, in points: planner's leaves.

The board as if the round were resolved now (`laid_boards`), plus what its lines, runs and sets may
still become. Shapes: D plies, P seats.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from azul_tui.game.constants import COLOR_COUNT, LINE_COUNT
from azul_tui.game.kernel import Int8Array, Int64Array, integer, lean_kernel
from azul_tui.game.layout import (
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_MARKER,
    BOARD_SIZE,
    BOARDS,
    PLAYERS,
    ROUND,
    score_of,
    sources_offset,
)
from azul_tui.players.laid_boards import (
    FINAL_SETS,
    FINISHED,
    FLOOR,
    OPEN_SETS,
    PLACED,
    POINTS,
    WANTED,
    FloatArray,
)

_USUAL_ROUNDS: Final = 5
_PLACED_EXTRA: Final = 0.7
_CHANCE: Final = 0.7
_LATER: Final = 0.45
_UNFINISHED: Final = 0.65
MARKER_WORTH: Final = 0.6
FILLED_POWER: Final = np.minimum(1.0, np.arange(6)[None, :] / np.arange(1, 6)[:, None]) ** 1.5
"""`(5, 6)`: (tiles / room) ** 1.5 for each line and number of tiles."""


@lean_kernel
def _lines(
    state: Int8Array,
    boards: Int64Array,
    worth: FloatArray,
    ply: int,
    seat: int,
    available: Int64Array,
) -> float:
    """What the begun and unfinished lines of `seat` promise, less what they risk."""
    at = BOARDS + BOARD_SIZE * seat
    rounds_remain = state[ROUND] < _USUAL_ROUNDS
    total = 0.0
    for row in range(1, LINE_COUNT):
        tiles = integer(state[at + BOARD_LINE_TILES + row])
        if tiles == 0 or tiles > row:
            continue
        color = integer(state[at + BOARD_LINE_COLOR + row]) - 1
        need = row + 1 - tiles
        power = FILLED_POWER[row, tiles]
        chance = 0.0
        if available[color] >= need:
            rivals = 0
            for other in range(boards.shape[1]):
                if other != seat:
                    rivals += integer(boards[ply, other, WANTED]) >> color & 1
            chance = _CHANCE * power * min(1.0, available[color] / (need * (1 + rivals)))
        part = chance
        if rounds_remain:
            part += _LATER * power * (1.0 - chance)
        total += (worth[ply, seat, PLACED + row] + _PLACED_EXTRA) * part
        total -= _UNFINISHED * (1.0 - chance) * need / (row + 1)
    return total


@lean_kernel
def seat_values(
    state: Int8Array,
    boards: Int64Array,
    worth: FloatArray,
    ply: int,
    available: Int64Array,
    out: FloatArray,
) -> None:
    """Write what `state` is worth to each seat, in points, into `out` `(P,)`.

    Args:
        state: `(S,)`; the round is open, though the table may be empty.
        boards: Known at `ply`.
        worth: Known at `ply`.
        ply: Where `state` stands in the search.
        available: `(5,)` tiles of each colour on the table.
        out: `(P,)`.
    """
    players = boards.shape[1]
    finished = 0
    for seat in range(players):
        gained = integer(boards[ply, seat, POINTS]) - integer(boards[ply, seat, FLOOR])
        out[seat] = max(0, score_of(state, seat) + gained)
        finished |= integer(boards[ply, seat, FINISHED])
    for seat in range(players):
        if finished:
            out[seat] += worth[ply, seat, FINAL_SETS]
            continue
        out[seat] += worth[ply, seat, OPEN_SETS]
        out[seat] += _lines(state, boards, worth, ply, seat, available)
        if state[BOARDS + BOARD_SIZE * seat + BOARD_MARKER]:
            out[seat] += MARKER_WORTH


@lean_kernel
def count_table(state: Int8Array, available: Int64Array) -> None:
    """Write the tiles of each colour on factories and in the centre into `available` `(5,)`."""
    at = sources_offset(state)
    available[:] = 0
    for source in range(2 * integer(state[PLAYERS]) + 2):
        for color in range(COLOR_COUNT):
            available[color] += state[at + COLOR_COUNT * source + color]


@lean_kernel
def lead(values: FloatArray, seat: int) -> float:
    """Value of `seat` less the best other seat's."""
    best = -np.inf
    for other in range(values.shape[0]):
        if other != seat and values[other] > best:
            best = values[other]
    return values[seat] - best
