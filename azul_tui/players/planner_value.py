"""What the planner thinks of a position in the middle of a round, and which moves it looks at.

The value is each seat's board as if the round were resolved now, plus what its lines, runs and sets
may still become, in points. What changes seldom in a search is carried from ply to ply: walls with
the full lines laid, what their rows, columns and colours promise, what a begun line would earn.
Shapes: D plies, P seats.

Moves: while a factory holds tiles, the twelve that look best at a glance, and every floor and
line-completing move (a game-ending move completes a line). Once only the centre is left: all.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from azul_tui.game.constants import (
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_MARKER,
    BOARD_SIZE,
    BOARD_WALL,
    BOARDS,
    COLOR_BONUS,
    COLOR_COUNT,
    COLUMN_BONUS,
    FLOOR_ROW,
    FLOOR_SLOTS,
    LINE_COUNT,
    MARKER_IN_CENTRE,
    PLAYERS,
    ROUND,
    ROW_BONUS,
    ROW_COUNT,
    TO_MOVE,
)
from azul_tui.game.kernel import Int8Array, Int32Array, Int64Array, integer, lean_kernel
from azul_tui.game.rules import (
    FLOOR_COST,
    FULL_ROW,
    accepting_rows_by_color,
    floor_cost,
    floor_slots,
    placement_points,
    read_five,
    run_points,
    score_of,
    sources_offset,
)
from azul_tui.players.scripted import insert_ranked

FloatArray = npt.NDArray[np.float64]

_NEIGHBOUR: Final = 0.25
_NEIGHBOUR_FALL: Final = 0.3

_COUNTS: Final = np.arange(6) / 5.0
ROW_POTENTIAL: Final = ROW_BONUS * _COUNTS**4
COLUMN_POTENTIAL: Final = COLUMN_BONUS * _COUNTS**3
COLOR_POTENTIAL: Final = COLOR_BONUS * _COUNTS**4


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

# Fields of `boards` `(D, P, BOARD_FIELDS)`: what is known of a seat's board at a ply.
ROWS: Final = 0
"""Five fields: wall with the full lines laid."""
POINTS: Final = 5
"""Points for laying them."""
FINISHED: Final = 6
"""1 when a row of that wall is complete: the game ends with the round."""
FLOOR: Final = 7
"""Points that the floor line costs."""
WANTED: Final = 8
"""Mask of the colours of the begun and unfinished lines."""
BOARD_FIELDS: Final = 9

# Fields of `worth` `(D, P, WORTH_FIELDS)`, in points.
OPEN_SETS: Final = 0
"""What the wall promises while the game goes on: rows, columns, colours, neighbours."""
FINAL_SETS: Final = 1
"""Its bonuses when the game ends."""
PLACED: Final = 2
"""Five fields: placement points of each begun and unfinished line."""
WORTH_FIELDS: Final = 7


@lean_kernel
def _column(boards: Int64Array, ply: int, seat: int, column: int) -> int:
    """Mask, bit `row` set where `column` of the laid wall holds a tile."""
    mask = 0
    for row in range(LINE_COUNT):
        mask |= (integer(boards[ply, seat, ROWS + row]) >> column & 1) << row
    return mask


@lean_kernel
def _describe_sets(boards: Int64Array, worth: FloatArray, ply: int, seat: int) -> None:
    """Write `OPEN_SETS`, `FINAL_SETS` and `FINISHED` of a wall whose `ROWS` are known."""
    columns = 0
    colors = 0
    opened = 0.0
    final = 0.0
    above = 0
    finished = 0
    for row in range(LINE_COUNT):
        mask = integer(boards[ply, seat, ROWS + row])
        below = integer(boards[ply, seat, ROWS + row + 1]) if row + 1 < LINE_COUNT else 0
        columns += integer(SPREAD[mask])
        colors += integer(SPREAD[(mask >> row | mask << (COLOR_COUNT - row)) & FULL_ROW])
        if mask == FULL_ROW:
            final += ROW_BONUS
            finished = 1
        near = integer(BESIDE[mask]) + integer(TILES[above & ~mask]) + integer(TILES[below & ~mask])
        opened += ROW_POTENTIAL[TILES[mask]] + _NEIGHBOUR * near / (1.0 + _NEIGHBOUR_FALL * row)
        above = mask
    for index in range(COLOR_COUNT):
        column = columns >> 8 * index & 7
        color = colors >> 8 * index & 7
        opened += COLUMN_POTENTIAL[column] + COLOR_POTENTIAL[color]
        final += COLUMN_BONUS if column == LINE_COUNT else 0
        final += COLOR_BONUS if color == LINE_COUNT else 0
    worth[ply, seat, OPEN_SETS] = opened
    worth[ply, seat, FINAL_SETS] = final
    boards[ply, seat, FINISHED] = finished


@lean_kernel
def _describe_line(
    state: Int8Array, boards: Int64Array, worth: FloatArray, ply: int, seat: int, row: int
) -> None:
    """Write `PLACED` of a begun and unfinished line: its points if it were laid now."""
    board = BOARDS + BOARD_SIZE * seat
    if 0 < state[board + BOARD_LINE_TILES + row] <= row:
        column = (integer(state[board + BOARD_LINE_COLOR + row]) - 1 + row) % 5
        across = integer(boards[ply, seat, ROWS + row]) | 1 << column
        down = _column(boards, ply, seat, column) | 1 << row
        worth[ply, seat, PLACED + row] = run_points(across, down, row, column)


@lean_kernel
def _describe_floor(state: Int8Array, boards: Int64Array, ply: int, seat: int) -> None:
    """Write `FLOOR` and `WANTED`."""
    board = BOARDS + BOARD_SIZE * seat
    mask = 0
    for row in range(LINE_COUNT):
        if 0 < state[board + BOARD_LINE_TILES + row] <= row:
            mask |= 1 << (integer(state[board + BOARD_LINE_COLOR + row]) - 1)
    boards[ply, seat, WANTED] = mask
    boards[ply, seat, FLOOR] = floor_cost(state, seat)


@lean_kernel
def describe_board(
    state: Int8Array, boards: Int64Array, worth: FloatArray, ply: int, seat: int
) -> None:
    """Write all that is kept of the board of `seat` in `state` at `ply`."""
    board = BOARDS + BOARD_SIZE * seat
    points = 0
    for row in range(LINE_COUNT):
        boards[ply, seat, ROWS + row] = state[board + BOARD_WALL + row]
    for row in range(LINE_COUNT):
        if state[board + BOARD_LINE_TILES + row] == row + 1:
            column = (integer(state[board + BOARD_LINE_COLOR + row]) - 1 + row) % 5
            boards[ply, seat, ROWS + row] |= 1 << column
            across = integer(boards[ply, seat, ROWS + row])
            points += run_points(across, _column(boards, ply, seat, column), row, column)
    boards[ply, seat, POINTS] = points
    _describe_sets(boards, worth, ply, seat)
    _describe_floor(state, boards, ply, seat)
    for row in range(LINE_COUNT):
        _describe_line(state, boards, worth, ply, seat, row)


@lean_kernel
def carry_boards(
    state: Int8Array, boards: Int64Array, worth: FloatArray, ply: int, seat: int, row: int
) -> None:
    """Write what is kept of all boards at `ply + 1`: `state`, in which `seat` moved to `row`."""
    for other in range(boards.shape[1]):
        for field in range(BOARD_FIELDS):
            boards[ply + 1, other, field] = boards[ply, other, field]
        for field in range(WORTH_FIELDS):
            worth[ply + 1, other, field] = worth[ply, other, field]
    full = BOARDS + BOARD_SIZE * seat + BOARD_LINE_TILES + row
    if row < LINE_COUNT and state[full] == row + 1:
        describe_board(state, boards, worth, ply + 1, seat)
        return
    _describe_floor(state, boards, ply + 1, seat)
    if row < LINE_COUNT:
        _describe_line(state, boards, worth, ply + 1, seat, row)


# -- what a position is worth

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
    """Write what `state`, whose boards are known at `ply`, is worth to each seat into `out` `(P,)`.

    In points. The round is open, though the table may be empty; `available` `(5,)` is scratch, for
    the tiles of each colour on the table.
    """
    at = sources_offset(state)
    available[:] = 0
    for source in range(2 * boards.shape[1] + 2):
        for color in range(COLOR_COUNT):
            available[color] += state[at + COLOR_COUNT * source + color]
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
def lead(values: FloatArray, seat: int) -> float:
    """Value of `seat` less the best other seat's."""
    best = -np.inf
    for other in range(values.shape[0]):
        if other != seat and values[other] > best:
            best = values[other]
    return values[seat] - best


# -- which moves are looked at

_REPLIES: Final = 12
_FORCED: Final = 1 << 40
_MILLI: Final = 1000
_COMPLETED: Final = 700
_PROGRESS: Final = 500.0
_MARKER: Final = round(_MILLI * MARKER_WORTH)


@lean_kernel
def _glance(
    state: Int8Array, seat: int, slots: int, color: int, row: int, tiles: int, extra: int
) -> int:
    """Rough worth, in thousandths of a point, of taking `tiles` to a row, `extra` to the floor.

    `slots` of the floor line are filled. `_FORCED` is added for the floor and a completed line.
    """
    spilled = tiles
    worth = _FORCED
    if row != FLOOR_ROW:
        held = integer(state[BOARDS + BOARD_SIZE * seat + BOARD_LINE_TILES + row])
        laid = min(tiles, row + 1 - held)
        spilled = tiles - laid
        points = placement_points(state, seat, row, (color + row) % 5)
        if held + laid > row:
            worth = _FORCED + _MILLI * points + _COMPLETED
        else:
            gained = FILLED_POWER[row, held + laid] - FILLED_POWER[row, held]
            worth = integer((points + 0.7) * _PROGRESS * gained)
    cost = FLOOR_COST[min(FLOOR_SLOTS, slots + spilled + extra)] - FLOOR_COST[slots]
    return worth - _MILLI * integer(cost)


@lean_kernel
def list_replies(
    state: Int8Array, actions: Int32Array, ranks: Int64Array, first: int, every: bool
) -> int:
    """Write the moves to look at, the most promising first, and return their number.

    Args:
        state: A canonical position with a move to make.
        actions: Room for every legal move.
        ranks: Scratch, as long as `actions`.
        first: An action to put in front whatever it looks like; -1 for none.
        every: Leave none out.
    """
    at = sources_offset(state)
    seat = integer(state[TO_MOVE])
    centre = 2 * integer(state[PLAYERS]) + 1
    slots = floor_slots(state, seat)
    accepting = accepting_rows_by_color(state, seat)
    count = 0
    before = -1
    for source in range(centre + 1):
        tiles = read_five(state, at + COLOR_COUNT * source)
        if tiles == before and source < centre:
            continue
        before = tiles
        marker = 1 if source == centre and state[MARKER_IN_CENTRE] else 0
        for color in range(COLOR_COUNT):
            taken = tiles >> (8 * color) & 127
            if taken == 0:
                continue
            for row in range(ROW_COUNT):
                if not accepting >> (ROW_COUNT * color + row) & 1:
                    continue
                rank = _glance(state, seat, slots, color, row, taken, marker)
                rank = 2 * (rank + marker * _MARKER)
                action = (source * COLOR_COUNT + color) * ROW_COUNT + row
                if rank >= _FORCED:
                    rank = rank - 2 * _FORCED | 1  # even ones are those that may be left out
                if action == first:
                    rank = 2 * _FORCED + 1
                insert_ranked(actions, ranks, count, action, rank)
                count += 1
    # In canonical order the first factory is the last to be empty.
    if every or read_five(state, at) == 0:
        return count
    kept = min(count, _REPLIES)
    for index in range(kept, count):
        if ranks[index] & 1:
            actions[kept] = actions[index]
            kept += 1
    return kept
