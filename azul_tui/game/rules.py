"""The rules of Azul as kernels over one position: scoring, legal moves, moving, dealing.

A position is an int8 vector (see `constants`); nothing is checked here. Seats, sources, lines and
colours count from 0; a wall is packed into one number, five bits a row.
Rules: Azul rulebook (Plan B Games, 2017); what it leaves open is noted where it is decided.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from azul_tui.game.constants import (
    AFTERSTATE,
    BAG,
    BOARD_FLOOR,
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_MARKER,
    BOARD_SCORE,
    BOARD_SIZE,
    BOARD_WALL,
    BOARDS,
    COLOR_BONUS,
    COLOR_COUNT,
    COLUMN_BONUS,
    END_REASON,
    FLOOR_PENALTIES,
    FLOOR_ROW,
    FLOOR_SLOTS,
    LID,
    LINE_COUNT,
    MARKER_IN_CENTRE,
    MAX_ROUNDS,
    MOVING,
    NEXT_FIRST,
    NO_TILES,
    OVER,
    PHASE,
    PLAYERS,
    ROUND,
    ROUND_LIMIT,
    ROW_BONUS,
    ROW_COMPLETE,
    ROW_COUNT,
    TABLE_TILES,
    TILES_PER_COLOR,
    TILES_PER_FACTORY,
    TO_MOVE,
)
from azul_tui.game.kernel import (
    Int8Array,
    Int32Array,
    Int64Array,
    Uint64Array,
    lean_kernel,
    small,
    unsigned,
)
from azul_tui.game.random import REFILL, derive, next_below

FULL_ROW: Final = 31


def _run_points() -> np.ndarray[tuple[int, int], np.dtype[np.int8]]:
    """`(32, 5)`: length of the run through `column` of a mask; 0 for a single tile."""
    table = np.zeros((32, 5), dtype=np.int8)
    for mask in range(32):
        for column in range(5):
            low = high = column
            while low > 0 and mask >> (low - 1) & 1:
                low -= 1
            while high < 4 and mask >> (high + 1) & 1:
                high += 1
            table[mask, column] = high - low + 1 if high > low else 0
    return table


RUN_POINTS: Final = _run_points()
"""`(32, 5)`: points of the run through `column` of a row's mask, that cell counted as filled."""
FLOOR_COST: Final = np.cumsum(np.array((0, *FLOOR_PENALTIES), dtype=np.int8), dtype=np.int8)
"""`(8,)`: points lost by that many filled floor slots."""
_FIRST_COLUMN: Final = sum(1 << (5 * row) for row in range(LINE_COUNT))
_COLOR_CELLS: Final = np.array(
    [sum(1 << (5 * row + (color + row) % 5) for row in range(LINE_COUNT)) for color in range(5)]
)
"""`(5,)`: the cells of each colour in a packed wall."""


# -- where things lie


@lean_kernel
def sources_offset(state: Int8Array) -> int:
    """Byte at which the first factory begins."""
    return BOARDS + BOARD_SIZE * small(state[PLAYERS])


@lean_kernel
def board_offset(seat: int) -> int:
    """Byte at which the board of `seat` begins."""
    return BOARDS + BOARD_SIZE * small(seat)


@lean_kernel
def score_of(state: Int8Array, seat: int) -> int:
    """Points of `seat`."""
    at = board_offset(seat) + BOARD_SCORE
    return small(state[at]) + 100 * small(state[at + 1])


@lean_kernel
def set_score(state: Int8Array, seat: int, points: int) -> None:
    """Write the points of `seat`."""
    at = board_offset(seat) + BOARD_SCORE
    state[at] = points % 100
    state[at + 1] = points // 100


@lean_kernel
def copy_state(source: Int8Array, target: Int8Array) -> None:
    """Copy one position `(S,)` over another; assigning a slice would allocate."""
    for byte in range(len(source)):
        target[byte] = source[byte]


@lean_kernel
def packed_wall(state: Int8Array, seat: int) -> int:
    """The wall of `seat`, five bits a row."""
    wall = 0
    for row in range(LINE_COUNT):
        wall |= small(state[board_offset(seat) + BOARD_WALL + row]) << (5 * row)
    return wall


@lean_kernel
def packed_column(wall: int, column: int) -> int:
    """Mask of the rows with a tile in `column` of a packed wall."""
    bits = wall >> column
    return bits & 1 | bits >> 4 & 2 | bits >> 8 & 4 | bits >> 12 & 8 | bits >> 16 & 16


# -- scoring: rulebook, "Wall-tiling", "End of the game"


@lean_kernel
def run_points(row_mask: int, column_mask: int, row: int, column: int) -> int:
    """Points for a tile at `(row, column)` in runs given by its row's and its column's masks.

    Horizontal run plus vertical run, a run of one adding nothing, unless both are one: 1 point.
    """
    points = small(RUN_POINTS[row_mask, column]) + small(RUN_POINTS[column_mask, row])
    return points if points > 0 else 1


@lean_kernel
def placement_points(state: Int8Array, seat: int, row: int, column: int) -> int:
    """Points `seat` earns by a tile laid at `(row, column)` of its wall as it stands."""
    wall = packed_wall(state, seat)
    return run_points(wall >> (5 * row) & FULL_ROW, packed_column(wall, column), row, column)


@lean_kernel
def floor_slots(state: Int8Array, seat: int) -> int:
    """Filled floor slots of `seat`, the marker's included, at most 7."""
    board = board_offset(seat)
    filled = small(state[board + BOARD_MARKER])
    for color in range(COLOR_COUNT):
        filled += small(state[board + BOARD_FLOOR + color])
    return min(filled, FLOOR_SLOTS)


@lean_kernel
def floor_cost(state: Int8Array, seat: int) -> int:
    """Points that the floor line of `seat` costs, 0 to 14."""
    return small(FLOOR_COST[floor_slots(state, seat)])


@lean_kernel
def complete_rows(state: Int8Array, seat: int) -> int:
    """Complete horizontal wall rows of `seat`."""
    wall = board_offset(seat) + BOARD_WALL
    rows = 0
    for row in range(LINE_COUNT):
        if state[wall + row] == FULL_ROW:
            rows += 1
    return rows


@lean_kernel
def _packed_bonus(wall: int) -> int:
    points = 0
    for line in range(LINE_COUNT):
        if wall >> (5 * line) & FULL_ROW == FULL_ROW:
            points += ROW_BONUS
        if wall >> line & _FIRST_COLUMN == _FIRST_COLUMN:
            points += COLUMN_BONUS
        if wall & _COLOR_CELLS[line] == _COLOR_CELLS[line]:
            points += COLOR_BONUS
    return points


@lean_kernel
def end_bonus(state: Int8Array, seat: int) -> int:
    """Bonus points: 2 a complete row, 7 a complete column, 10 a colour with all five tiles."""
    return _packed_bonus(packed_wall(state, seat))


@lean_kernel
def earned_points(state: Int8Array, seat: int) -> int:
    """Points of `seat` if the round were tiled now: full lines, floor, secured bonuses.

    Not clamped at 0, so that a deeper floor always counts as worse.
    """
    board = board_offset(seat)
    points = score_of(state, seat) - floor_cost(state, seat)
    wall = packed_wall(state, seat)
    for row in range(LINE_COUNT):
        if state[board + BOARD_LINE_TILES + row] == row + 1:
            column = (small(state[board + BOARD_LINE_COLOR + row]) - 1 + row) % 5
            wall |= 1 << (5 * row + column)
            points += run_points(
                wall >> (5 * row) & FULL_ROW, packed_column(wall, column), row, column
            )
    return points + _packed_bonus(wall)


@lean_kernel
def winner_mask(state: Int8Array) -> int:
    """Mask of the seats that have won a finished game: score, then complete rows, then shared."""
    best = -1
    mask = 0
    for seat in range(small(state[PLAYERS])):
        rank = score_of(state, seat) * 8 + complete_rows(state, seat)
        if rank > best:
            best = rank
            mask = 0
        if rank == best:
            mask |= 1 << seat
    return mask


# -- legal moves
#
# The five counts of a source are read as the bytes of one number.

ALL_ROWS: Final = (1 << ROW_COUNT) - 1
"""Mask of the five pattern lines and the floor."""
_ONES: Final = 0x0101010101
_HIGHEST: Final = 0x7F7F7F7F7F
_FLOOR_OF_EVERY_COLOR: Final = sum(
    1 << (ROW_COUNT * color + FLOOR_ROW) for color in range(COLOR_COUNT)
)
_EVERY_SIXTH: Final = np.array(
    [sum((mask >> color & 1) << (ROW_COUNT * color) for color in range(5)) for mask in range(32)]
)


@lean_kernel
def read_five(values: Int8Array, at: int) -> int:
    """The five counts from byte `at` on."""
    five = 0
    for place in range(COLOR_COUNT):
        five |= small(values[unsigned(at + place)]) << (8 * place)
    return five


@lean_kernel
def present(five: int) -> int:
    """1 for each count that is not 0."""
    return (five + _HIGHEST) >> 7 & _ONES


@lean_kernel
def sum_of_five(five: int) -> int:
    """The sum of the five, if it is below 256."""
    return (five * _ONES) >> 32 & 255


@lean_kernel
def accepting_colors(state: Int8Array, seat: int, row: int) -> int:
    """Mask of the colours that pattern line `row` of `seat` takes: not full, wall cell free."""
    board = board_offset(seat)
    if state[board + BOARD_LINE_TILES + row] > row:
        return 0
    columns = ~small(state[board + BOARD_WALL + row]) & FULL_ROW
    colors = (columns >> row | columns << (COLOR_COUNT - row)) & FULL_ROW
    holds = small(state[board + BOARD_LINE_COLOR + row])
    return colors if holds == 0 else colors & (1 << (holds - 1))


@lean_kernel
def accepting_rows_by_color(state: Int8Array, seat: int) -> int:
    """Masks of the lines that take each colour, six bits a colour, the floor's always set."""
    rows = _FLOOR_OF_EVERY_COLOR
    for row in range(LINE_COUNT):
        rows |= _EVERY_SIXTH[accepting_colors(state, seat, row)] << row
    return rows


@lean_kernel
def row_count(rows: int) -> int:
    """Number of bits set in a mask of six rows."""
    pairs = (rows & 21) + (rows >> 1 & 21)
    return (pairs & 3) + (pairs >> 2 & 3) + (pairs >> 4 & 3)


@lean_kernel
def legal_count(state: Int8Array) -> int:
    """Number of legal moves; 0 unless the phase is MOVING."""
    if state[PHASE] != MOVING:
        return 0
    at = sources_offset(state)
    sources = 2 * small(state[PLAYERS]) + 2
    rows = accepting_rows_by_color(state, small(state[TO_MOVE]))
    offered = 0
    for source in range(sources):
        offered += present(read_five(state, at + COLOR_COUNT * source))
    count = 0
    for color in range(COLOR_COUNT):
        targets = row_count(rows >> (ROW_COUNT * color) & ALL_ROWS)
        count += targets * (offered >> (8 * color) & 127)
    return count


@lean_kernel
def list_legal(state: Int8Array, actions: Int32Array, distinct: bool) -> int:
    """Write the legal actions in ascending order into `actions` and return their number.

    `actions` is at least `action_count(P)` long. `distinct` leaves out moves from a factory equal
    to the one before it: in canonical order every set of equivalent moves is then listed once.
    """
    if state[PHASE] != MOVING:
        return 0
    at = sources_offset(state)
    seat = small(state[TO_MOVE])
    centre = 2 * small(state[PLAYERS]) + 1
    rows = accepting_rows_by_color(state, seat)
    count = 0
    before = -1
    for source in range(centre + 1):
        tiles = read_five(state, at + COLOR_COUNT * source)
        if distinct and tiles == before and source < centre:
            continue
        before = tiles
        for color in range(COLOR_COUNT):
            if tiles >> (8 * color) & 127 == 0:
                continue
            action = (source * COLOR_COUNT + color) * ROW_COUNT
            mask = rows >> (ROW_COUNT * color) & ALL_ROWS
            # Without a branch: a refused row is overwritten by the next, and the last is the
            # floor, which is never refused.
            for row in range(ROW_COUNT):
                actions[small(count)] = action + row
                count += mask >> row & 1
    return count


@lean_kernel
def is_legal(state: Int8Array, action: int) -> bool:
    """Whether `action` may be applied."""
    sources = 2 * small(state[PLAYERS]) + 2
    if state[PHASE] != MOVING or action < 0 or action >= sources * COLOR_COUNT * ROW_COUNT:
        return False
    source, color, row = action // 30, action // ROW_COUNT % COLOR_COUNT, action % ROW_COUNT
    if state[sources_offset(state) + COLOR_COUNT * source + color] == 0:
        return False
    seat = small(state[TO_MOVE])
    return row == FLOOR_ROW or accepting_colors(state, seat, row) >> color & 1 == 1


# -- moving: rulebook, "Factory offer", "Wall-tiling"


@lean_kernel
def _tile_wall(state: Int8Array, seat: int) -> int:
    """Lay a tile for each complete line, from the top down; return the points."""
    board = board_offset(seat)
    points = 0
    for row in range(LINE_COUNT):
        if state[board + BOARD_LINE_TILES + row] == row + 1:
            color = small(state[board + BOARD_LINE_COLOR + row]) - 1
            column = (color + row) % 5
            state[board + BOARD_WALL + row] |= 1 << column
            points += placement_points(state, seat, row, column)
            state[LID + color] += row
            state[board + BOARD_LINE_TILES + row] = 0
            state[board + BOARD_LINE_COLOR + row] = 0
    return points


@lean_kernel
def _end_game(state: Int8Array, reason: int) -> None:
    """Add the bonuses; nothing moves any more."""
    state[PHASE] = OVER
    state[END_REASON] = reason
    for seat in range(small(state[PLAYERS])):
        set_score(state, seat, score_of(state, seat) + end_bonus(state, seat))


@lean_kernel
def end_round(state: Int8Array) -> None:
    """Tile the walls, score, clear the floors; leaves an afterstate or a finished game.

    A round's points and its floor penalty are added together and then clamped at 0. The game
    ends when a row is complete, or after MAX_ROUNDS; bonuses are added then.
    """
    complete = 0
    for seat in range(small(state[PLAYERS])):
        points = _tile_wall(state, seat) - floor_cost(state, seat)
        set_score(state, seat, max(0, score_of(state, seat) + points))
        complete += complete_rows(state, seat)
        board = board_offset(seat)
        for color in range(COLOR_COUNT):
            state[LID + color] += state[board + BOARD_FLOOR + color]
            state[board + BOARD_FLOOR + color] = 0
        state[board + BOARD_MARKER] = 0
    state[TO_MOVE] = state[NEXT_FIRST]
    state[MARKER_IN_CENTRE] = 0
    state[PHASE] = AFTERSTATE
    if complete > 0:
        _end_game(state, ROW_COMPLETE)
    elif state[ROUND] >= MAX_ROUNDS:
        _end_game(state, ROUND_LIMIT)


@lean_kernel
def apply_move(state: Int8Array, action: int) -> None:
    """Apply a legal `action`; with the round's last tile, `end_round` follows."""
    action = small(action)
    source, color, row = action // 30, action // ROW_COUNT % COLOR_COUNT, action % ROW_COUNT
    seat = small(state[TO_MOVE])
    players = small(state[PLAYERS])
    board = board_offset(seat)
    tiles_at = BOARDS + BOARD_SIZE * players + COLOR_COUNT * source
    centre = BOARDS + BOARD_SIZE * players + COLOR_COUNT * (2 * players + 1)
    taken = small(state[tiles_at + color])
    state[tiles_at + color] = 0
    state[TABLE_TILES] -= taken
    if tiles_at != centre:
        for other in range(COLOR_COUNT):
            state[centre + other] += state[tiles_at + other]
            state[tiles_at + other] = 0
    elif state[MARKER_IN_CENTRE]:
        # A full floor line keeps its seven tiles: `floor_slots` caps the count.
        state[MARKER_IN_CENTRE] = 0
        state[board + BOARD_MARKER] = 1
        state[NEXT_FIRST] = state[TO_MOVE]
    spilled = taken
    if row != FLOOR_ROW:
        line = board + BOARD_LINE_TILES + row
        put = min(taken, row + 1 - small(state[line]))
        state[line] += put
        state[board + BOARD_LINE_COLOR + row] = color + 1
        spilled = taken - put
    if spilled > 0:
        # Those past the seventh slot go to the lid.
        fits = min(spilled, FLOOR_SLOTS - floor_slots(state, seat))
        state[board + BOARD_FLOOR + color] += fits
        state[LID + color] += spilled - fits
    if state[TABLE_TILES] == 0:
        end_round(state)
    else:
        state[TO_MOVE] = seat + 1 if seat + 1 < players else 0


# -- dealing: rulebook, "Setup", "Preparing the next round"


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
def begin_round(state: Int8Array) -> None:
    """Turn an afterstate into the start of the next round, its factories still empty."""
    state[ROUND] += 1
    state[PHASE] = MOVING
    state[TO_MOVE] = state[NEXT_FIRST]
    state[MARKER_IN_CENTRE] = 1
    state[TABLE_TILES] = 0


@lean_kernel
def refill(state: Int8Array, seed: np.uint64, stream: Uint64Array) -> None:
    """Start the next round of an afterstate: four tiles a factory, drawn from the bag.

    The draw depends on `(seed, round)` and on the counts in bag and lid alone. The lid is
    poured into the bag only when the bag is empty; if both are, factories stay short, and a
    game without any tile is over. `stream` is one uint64 of scratch.
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
                for color in range(COLOR_COUNT):
                    in_bag += small(state[LID + color])
                    state[BAG + color] = state[LID + color]
                    state[LID + color] = 0
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
        _end_game(state, NO_TILES)


# -- canonical order, the one symmetry of Azul that a search can use
#
# Permuting the factories changes nothing in a game, so search and self-play keep them sorted, the
# empty ones last, and moves from equal factories are listed once.


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
