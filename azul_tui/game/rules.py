"""The rules of Azul as kernels over one position, an int8 vector: legal moves, moving, dealing.

Rules: Azul rulebook (Plan B Games, 2017). What each byte means is told in `offsets`, what is
scored in `scoring`; `view` says the same of legal moves in words, for people.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from azul_tui.game.constants import (
    COLOR_COUNT,
    FLOOR_ROW,
    FLOOR_SLOTS,
    LINE_COUNT,
    MAX_ROUNDS,
    ROW_COUNT,
    TILES_PER_COLOR,
    TILES_PER_FACTORY,
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
from azul_tui.game.layout import board_offset, score_of, set_score, sources_offset
from azul_tui.game.offsets import (
    AFTERSTATE,
    BAG,
    BOARD_FLOOR,
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_MARKER,
    BOARD_SIZE,
    BOARD_WALL,
    BOARDS,
    END_REASON,
    LID,
    MARKER_IN_CENTRE,
    MOVING,
    NEXT_FIRST,
    NO_TILES,
    NOT_ENDED,
    OVER,
    PHASE,
    PLAYERS,
    ROUND,
    ROUND_LIMIT,
    ROW_COMPLETE,
    TABLE_TILES,
    TO_MOVE,
)
from azul_tui.game.random import REFILL, derive, next_below
from azul_tui.game.scoring import FULL_ROW, complete_rows, end_bonus, floor_cost, placement_points

ONES: Final = 0x0101010101
"""One in each of the five."""
_HIGHEST: Final = 0x7F7F7F7F7F


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
    return (five + _HIGHEST) >> 7 & ONES


@lean_kernel
def sum_of_five(five: int) -> int:
    """The sum of the five, if it is below 256."""
    return (five * ONES) >> 32 & 255


# -- which moves a position allows, as kernels over one position, an int8 vector (see `layout`)
#
# `legality` says the same in words, for people.

ALL_ROWS = (1 << ROW_COUNT) - 1
"""Mask of the five pattern lines and the floor."""
_FLOOR_OF_EVERY_COLOR = sum(1 << (ROW_COUNT * color + FLOOR_ROW) for color in range(COLOR_COUNT))
_EVERY_SIXTH = np.array(
    [sum((mask >> color & 1) << (ROW_COUNT * color) for color in range(5)) for mask in range(32)]
)


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
def accepting_rows(state: Int8Array, seat: int, color: int) -> int:
    """Mask of the lines of `seat` that take `color`; bit 5, the floor, is always set."""
    mask = 1 << FLOOR_ROW
    for row in range(LINE_COUNT):
        mask |= (accepting_colors(state, seat, row) >> color & 1) << row
    return mask


@lean_kernel
def accepting_rows_by_color(state: Int8Array, seat: int) -> int:
    """`accepting_rows` of all five colours in one number, six bits a colour, colour 0 lowest."""
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
    return accepting_rows(state, small(state[TO_MOVE]), color) >> row & 1 == 1


# -- the rules of Azul as kernels over one position, an int8 vector (see `layout`)
#
# `apply_move` changes a position in place and, with the last tile of a round, tiles the walls and
# scores. The position is then an *afterstate* (scored, factories not refilled) or over; the refill
# of `dealing` starts the next round. Nothing is checked here: `moves` says what may be applied.
# Rules: Azul rulebook (Plan B Games, 2017); what it leaves open is told where it is decided.


@lean_kernel
def _take_marker(state: Int8Array, board: int) -> None:
    """Give the first-player marker to the mover, whose floor line it costs a slot if one is free.

    A full floor line keeps its seven tiles: `floor_slots` caps the count.
    """
    state[MARKER_IN_CENTRE] = 0
    state[board + BOARD_MARKER] = 1
    state[NEXT_FIRST] = state[TO_MOVE]


@lean_kernel
def _drop_on_floor(state: Int8Array, board: int, color: int, tiles: int) -> None:
    """Lay `tiles` on the floor line; those past the seventh slot go to the lid."""
    taken = small(state[board + BOARD_MARKER])
    for other in range(COLOR_COUNT):
        taken += small(state[board + BOARD_FLOOR + other])
    fits = min(tiles, max(0, FLOOR_SLOTS - taken))
    state[board + BOARD_FLOOR + color] += fits
    state[LID + color] += tiles - fits


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
def _clear_floor(state: Int8Array, seat: int) -> None:
    """Move the floor tiles of `seat` to the lid; the marker is not a tile."""
    board = board_offset(seat)
    for color in range(COLOR_COUNT):
        state[LID + color] += state[board + BOARD_FLOOR + color]
        state[board + BOARD_FLOOR + color] = 0
    state[board + BOARD_MARKER] = 0


@lean_kernel
def end_round(state: Int8Array) -> None:
    """Tile the walls, score, clear the floors; leaves an afterstate or a finished game.

    A round's points and its floor penalty are added together and then clamped at 0. The game
    ends when a row is complete, or after MAX_ROUNDS; bonuses are added then.
    """
    ended = NOT_ENDED
    for seat in range(small(state[PLAYERS])):
        points = _tile_wall(state, seat) - floor_cost(state, seat)
        set_score(state, seat, max(0, score_of(state, seat) + points))
        _clear_floor(state, seat)
        if complete_rows(state, seat) > 0:
            ended = ROW_COMPLETE
    if ended == NOT_ENDED and state[ROUND] >= MAX_ROUNDS:
        ended = ROUND_LIMIT
    state[TO_MOVE] = state[NEXT_FIRST]
    state[MARKER_IN_CENTRE] = 0
    state[PHASE] = AFTERSTATE
    if ended != NOT_ENDED:
        state[PHASE] = OVER
        state[END_REASON] = ended
        for seat in range(small(state[PLAYERS])):
            set_score(state, seat, score_of(state, seat) + end_bonus(state, seat))


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
        _take_marker(state, board)
    if row == FLOOR_ROW:
        _drop_on_floor(state, board, color, taken)
    else:
        line = board + BOARD_LINE_TILES + row
        put = min(taken, row + 1 - small(state[line]))
        state[line] += put
        state[board + BOARD_LINE_COLOR + row] = color + 1
        if taken > put:
            _drop_on_floor(state, board, color, taken - put)
    if state[TABLE_TILES] == 0:
        end_round(state)
    else:
        state[TO_MOVE] = seat + 1 if seat + 1 < players else 0


# -- the deals of Azul as kernels: a game before its first round, and the refill before each round
#
# What is drawn depends on the game's seed, the round and the counts in bag and lid alone.
# Rules: Azul rulebook (Plan B Games, 2017), "Setup", "Preparing the next round".


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


# -- factories in canonical order: the one symmetry of Azul that a search can use
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
