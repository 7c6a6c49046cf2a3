"""Which moves the planner looks at in a position, and in which order.

While a factory holds tiles: the twelve that look best at a glance, and every floor and
line-completing move (a game-ending move completes a line). Once only the centre is left: all.
"""

from __future__ import annotations

from typing import Final

from azul_tui.game.constants import COLOR_COUNT, FLOOR_ROW, FLOOR_SLOTS, ROW_COUNT
from azul_tui.game.kernel import Int8Array, Int32Array, Int64Array, integer, lean_kernel
from azul_tui.game.layout import (
    BOARD_LINE_TILES,
    BOARD_SIZE,
    BOARDS,
    MARKER_IN_CENTRE,
    PLAYERS,
    TO_MOVE,
    sources_offset,
)
from azul_tui.game.moves import accepting_rows_by_color
from azul_tui.game.scoring import FLOOR_COST, floor_slots, placement_points
from azul_tui.players.ordering import insert_ranked
from azul_tui.players.prospects import FILLED_POWER, MARKER_WORTH

_REPLIES: Final = 12
_FORCED: Final = 1 << 40
_MILLI: Final = 1000
_COMPLETED: Final = 700
_PROGRESS: Final = 500.0
_MARKER: Final = round(_MILLI * MARKER_WORTH)


@lean_kernel
def _glance_line(state: Int8Array, seat: int, color: int, row: int, tiles: int) -> int:
    """Rough worth, in thousandths of a point, of laying `tiles` on a line, the floor apart.

    `_FORCED` is added when they complete it.
    """
    held = integer(state[BOARDS + BOARD_SIZE * seat + BOARD_LINE_TILES + row])
    points = placement_points(state, seat, row, (color + row) % 5)
    if held + tiles > row:
        return _FORCED + _MILLI * points + _COMPLETED
    gained = FILLED_POWER[row, held + tiles] - FILLED_POWER[row, held]
    return integer((points + 0.7) * _PROGRESS * gained)


@lean_kernel
def _list_ranked(state: Int8Array, actions: Int32Array, ranks: Int64Array) -> int:
    """Write every distinct legal move and its rough worth; see `list_replies`."""
    at = sources_offset(state)
    seat = integer(state[TO_MOVE])
    centre = 2 * integer(state[PLAYERS]) + 1
    slots = floor_slots(state, seat)
    accepting = accepting_rows_by_color(state, seat)
    count = 0
    for source in range(centre + 1):
        here = at + COLOR_COUNT * source
        marker = 1 if source == centre and state[MARKER_IN_CENTRE] else 0
        if 0 < source < centre and _same_tiles(state, here, here - COLOR_COUNT):
            continue
        for color in range(COLOR_COUNT):
            tiles = integer(state[here + color])
            if tiles == 0:
                continue
            for row in range(ROW_COUNT):
                if not accepting >> (ROW_COUNT * color + row) & 1:
                    continue
                spilled = tiles
                worth = _FORCED
                if row != FLOOR_ROW:
                    held = integer(state[BOARDS + BOARD_SIZE * seat + BOARD_LINE_TILES + row])
                    laid = min(tiles, row + 1 - held)
                    spilled = tiles - laid
                    worth = _glance_line(state, seat, color, row, laid)
                cost = FLOOR_COST[min(FLOOR_SLOTS, slots + spilled + marker)] - FLOOR_COST[slots]
                actions[count] = (source * COLOR_COUNT + color) * ROW_COUNT + row
                ranks[count] = worth + marker * _MARKER - _MILLI * integer(cost)
                count += 1
    return count


@lean_kernel
def _same_tiles(state: Int8Array, first: int, second: int) -> bool:
    """Whether the sources at two bytes hold the same tiles."""
    different = 0
    for color in range(COLOR_COUNT):
        different |= integer(state[first + color]) ^ integer(state[second + color])
    return different == 0


@lean_kernel
def list_replies(state: Int8Array, actions: Int32Array, ranks: Int64Array, first: int) -> int:
    """Write the moves to look at, the most promising first, and return their number.

    Args:
        state: A canonical position with a move to make.
        actions: Room for every legal move.
        ranks: Scratch, as long as `actions`.
        first: An action to put in front whatever it looks like; -1 for none.
    """
    count = _list_ranked(state, actions, ranks)
    for index in range(count):
        action = integer(actions[index])
        rank = 2 * integer(ranks[index])
        if rank >= _FORCED:
            rank = rank - 2 * _FORCED | 1
        if action == first:
            rank = 2 * _FORCED + 1
        insert_ranked(actions, ranks, index, action, rank)
    if not _factory_holds_tiles(state):
        return count
    kept = min(count, _REPLIES)
    for index in range(kept, count):
        if ranks[index] & 1:
            actions[kept] = actions[index]
            kept += 1
    return kept


@lean_kernel
def _factory_holds_tiles(state: Int8Array) -> bool:
    """Whether any factory does; in canonical order the first one is the last to be empty."""
    at = sources_offset(state)
    tiles = 0
    for color in range(COLOR_COUNT):
        tiles += integer(state[at + color])
    return tiles > 0
