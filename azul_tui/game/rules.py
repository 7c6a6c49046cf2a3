"""The rules of Azul as kernels over one position, an int8 vector (see `layout`).

`apply_move` changes a position in place and, with the last tile of a round, tiles the walls and
scores. The position is then an *afterstate* (scored, factories not refilled) or over; the refill
of `dealing` starts the next round. Nothing is checked here: `moves` says what may be applied.
Rules: Azul rulebook (Plan B Games, 2017); what it leaves open is told where it is decided.
"""

from __future__ import annotations

from azul_tui.game.constants import (
    COLOR_COUNT,
    FLOOR_ROW,
    FLOOR_SLOTS,
    LINE_COUNT,
    MAX_ROUNDS,
    ROW_COUNT,
)
from azul_tui.game.kernel import Int8Array, lean_kernel, small
from azul_tui.game.layout import (
    AFTERSTATE,
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
    NEXT_FIRST,
    NOT_ENDED,
    OVER,
    PHASE,
    PLAYERS,
    ROUND,
    ROUND_LIMIT,
    ROW_COMPLETE,
    TABLE_TILES,
    TO_MOVE,
    board_offset,
    score_of,
    set_score,
)
from azul_tui.game.scoring import complete_rows, end_bonus, floor_cost, placement_points


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
