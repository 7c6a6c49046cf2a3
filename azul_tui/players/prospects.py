"""What a position in the middle of a round is worth to each seat, in points: planner's leaves.

The board as if the round were resolved now, plus what its lines, runs and sets may still become.
The weights are those of a published hand-written planner; none of them was fitted here.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import (
    COLOR_BONUS,
    COLOR_COUNT,
    COLUMN_BONUS,
    LINE_COUNT,
    ROW_BONUS,
)
from azul_tui.game.kernel import Int8Array, Int64Array, kernel
from azul_tui.game.layout import (
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_MARKER,
    BOARD_SIZE,
    BOARD_WALL,
    BOARDS,
    PLAYERS,
    ROUND,
    score_of,
    sources_offset,
)
from azul_tui.game.scoring import FULL_ROW, floor_cost, run_points
from azul_tui.players.effects import integer

FloatArray = npt.NDArray[np.float64]

_USUAL_ROUNDS: Final = 5
_PLACED_EXTRA: Final = 0.7
_CHANCE: Final = 0.7
_LATER: Final = 0.45
_NEIGHBOUR: Final = 0.25
_NEIGHBOUR_FALL: Final = 0.3
_UNFINISHED: Final = 0.65
MARKER_WORTH: Final = 0.6

_COUNTS: Final = np.arange(6) / 5.0
ROW_POTENTIAL: Final = ROW_BONUS * _COUNTS**4
COLUMN_POTENTIAL: Final = COLUMN_BONUS * _COUNTS**3
COLOR_POTENTIAL: Final = COLOR_BONUS * _COUNTS**4
FILLED_POWER: Final = np.minimum(1.0, np.arange(6)[None, :] / np.arange(1, 6)[:, None]) ** 1.5
"""`(5, 6)`: (tiles / room) ** 1.5 for each line and number of tiles."""


def _bit_tables() -> tuple[Int64Array, Int64Array, Int64Array]:
    """For each row mask: tiles; filled cells beside empty ones; a byte a column, added up later."""
    tiles = np.zeros(32, np.int64)
    beside = np.zeros(32, np.int64)
    spread = np.zeros(32, np.int64)
    for mask in range(32):
        cells = [mask >> column & 1 for column in range(5)]
        tiles[mask] = sum(cells)
        spread[mask] = sum(cell << 8 * column for column, cell in enumerate(cells))
        beside[mask] = sum(cells[c] != cells[c + 1] for c in range(4))
    return tiles, beside, spread


TILES, BESIDE, SPREAD = _bit_tables()


@kernel
def resolve_wall(state: Int8Array, seat: int, rows: Int64Array) -> int:
    """Write the wall of `seat` with its full lines laid into `rows` `(5,)`; return the points."""
    board = BOARDS + BOARD_SIZE * seat
    points = 0
    for row in range(LINE_COUNT):
        rows[row] = state[board + BOARD_WALL + row]
    for row in range(LINE_COUNT):
        if state[board + BOARD_LINE_TILES + row] == row + 1:
            column = (integer(state[board + BOARD_LINE_COLOR + row]) - 1 + row) % 5
            rows[row] |= 1 << column
            points += run_points(integer(rows[row]), _column(rows, column), row, column)
    return points


@kernel
def _column(rows: Int64Array, column: int) -> int:
    """Mask, bit `row` set where `column` of a wall given by its rows holds a tile."""
    mask = 0
    for row in range(LINE_COUNT):
        mask |= (integer(rows[row]) >> column & 1) << row
    return mask


@kernel
def _sets(rows: Int64Array, finished: bool) -> float:
    """Bonuses of a finished wall; of an unfinished one what its rows, columns and sets promise."""
    columns = 0
    colors = 0
    total = 0.0
    for row in range(LINE_COUNT):
        mask = integer(rows[row])
        columns += integer(SPREAD[mask])
        colors += integer(SPREAD[(mask >> row | mask << (COLOR_COUNT - row)) & FULL_ROW])
        if finished:
            total += ROW_BONUS if mask == FULL_ROW else 0
        else:
            total += ROW_POTENTIAL[TILES[mask]]
    for index in range(COLOR_COUNT):
        column = columns >> 8 * index & 7
        color = colors >> 8 * index & 7
        if finished:
            total += COLUMN_BONUS if column == LINE_COUNT else 0
            total += COLOR_BONUS if color == LINE_COUNT else 0
        else:
            total += COLUMN_POTENTIAL[column]
            total += COLOR_POTENTIAL[color]
    return total


@kernel
def _neighbourhood(rows: Int64Array) -> float:
    """Filled neighbours of empty cells, worth less in lower rows, whose lines are longer."""
    total = 0.0
    for row in range(LINE_COUNT):
        mask = integer(rows[row])
        pairs = integer(BESIDE[mask])
        if row > 0:
            pairs += integer(TILES[rows[row - 1] & ~mask])
        if row + 1 < LINE_COUNT:
            pairs += integer(TILES[rows[row + 1] & ~mask])
        total += _NEIGHBOUR * pairs / (1.0 + _NEIGHBOUR_FALL * row)
    return total


@kernel
def _wanted(state: Int8Array, seat: int) -> int:
    """Mask of the colours of the begun and unfinished lines of `seat`."""
    board = BOARDS + BOARD_SIZE * seat
    mask = 0
    for row in range(LINE_COUNT):
        tiles = state[board + BOARD_LINE_TILES + row]
        if 0 < tiles <= row:
            mask |= 1 << (integer(state[board + BOARD_LINE_COLOR + row]) - 1)
    return mask


@kernel
def _lines(
    state: Int8Array, seat: int, rows: Int64Array, available: Int64Array, wanted: Int64Array
) -> float:
    """What the begun and unfinished lines of `seat` promise, less what they risk.

    Args:
        state: The position.
        seat: Whose lines.
        rows: `(5,)` wall after its full lines are laid.
        available: `(5,)` tiles of each colour on the table.
        wanted: `(P,)` colours that each seat wants, see `_wanted`.
    """
    board = BOARDS + BOARD_SIZE * seat
    rounds_remain = state[ROUND] < _USUAL_ROUNDS
    total = 0.0
    for row in range(LINE_COUNT):
        tiles = integer(state[board + BOARD_LINE_TILES + row])
        if tiles == 0 or tiles > row:
            continue
        color = integer(state[board + BOARD_LINE_COLOR + row]) - 1
        column = (color + row) % 5
        need = row + 1 - tiles
        power = FILLED_POWER[row, tiles]
        chance = 0.0
        if available[color] >= need:
            rivals = 0
            for other in range(wanted.shape[0]):
                if other != seat:
                    rivals += integer(wanted[other]) >> color & 1
            chance = _CHANCE * power * min(1.0, available[color] / (need * (1 + rivals)))
        laid = integer(rows[row]) | 1 << column
        placed = run_points(laid, _column(rows, column) | 1 << row, row, column)
        part = chance
        if rounds_remain:
            part += _LATER * power * (1.0 - chance)
        total += (placed + _PLACED_EXTRA) * part
        total -= _UNFINISHED * (1.0 - chance) * need / (row + 1)
    return total


@kernel
def seat_values(
    state: Int8Array, rows: Int64Array, available: Int64Array, wanted: Int64Array, out: FloatArray
) -> None:
    """Write what `state` is worth to each seat, in points, into `out` `(P,)`.

    Args:
        state: `(S,)`; the round is open, though the table may be empty.
        rows: `(P, 5)` scratch.
        available: `(5,)` scratch.
        wanted: `(P,)` scratch.
        out: `(P,)`.
    """
    players = integer(state[PLAYERS])
    finished = False
    for seat in range(players):
        points = resolve_wall(state, seat, rows[seat]) - floor_cost(state, seat)
        out[seat] = max(0, score_of(state, seat) + points)
        wanted[seat] = _wanted(state, seat)
        for row in range(LINE_COUNT):
            if rows[seat, row] == FULL_ROW:
                finished = True
    if finished:
        for seat in range(players):
            out[seat] += _sets(rows[seat], True)
        return
    at = sources_offset(state)
    available[:] = 0
    for source in range(2 * players + 2):
        for color in range(COLOR_COUNT):
            available[color] += state[at + COLOR_COUNT * source + color]
    for seat in range(players):
        out[seat] += _sets(rows[seat], False) + _neighbourhood(rows[seat])
        out[seat] += _lines(state, seat, rows[seat], available, wanted)
        if state[BOARDS + BOARD_SIZE * seat + BOARD_MARKER]:
            out[seat] += MARKER_WORTH


@kernel
def lead(values: FloatArray, seat: int) -> float:
    """Value of `seat` less the best other seat's."""
    best = -np.inf
    for other in range(values.shape[0]):
        if other != seat and values[other] > best:
            best = values[other]
    return values[seat] - best
