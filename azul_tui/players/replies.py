"""Which moves the planner looks at in a position, and in which order.

While a factory holds tiles: the twelve that look best at a glance, and every floor and
line-completing move (a game-ending move completes a line). Once only the centre is left: all.
"""

from __future__ import annotations

from typing import Final

from azul_tui.game.constants import COLOR_COUNT, FLOOR_ROW, FLOOR_SLOTS, ROW_COUNT
from azul_tui.game.kernel import Int8Array, Int32Array, Int64Array, kernel
from azul_tui.game.layout import MARKER_IN_CENTRE, PLAYERS, TO_MOVE, sources_offset
from azul_tui.game.rules import list_legal
from azul_tui.game.scoring import FLOOR_COST, floor_slots, placement_points
from azul_tui.players.effects import integer, line_tiles, tiles_taken
from azul_tui.players.prospects import FILLED_POWER, MARKER_WORTH

_REPLIES: Final = 12
_FORCED: Final = 1 << 40
_GLANCE_PROGRESS: Final = 500.0
_MILLI: Final = 1000


@kernel
def _glance(state: Int8Array, action: int, seat: int, slots: int) -> int:
    """Rough worth of `action` in thousandths of a point; `_FORCED` is added to what must stay."""
    row = action % ROW_COUNT
    spilled = tiles_taken(state, action)
    worth = 0
    forced = row == FLOOR_ROW
    if not forced:
        held = line_tiles(state, action)
        filled = min(row + 1, held + spilled)
        spilled = held + spilled - filled
        column = (action // ROW_COUNT % COLOR_COUNT + row) % 5
        points = placement_points(state, seat, row, column)
        forced = filled == row + 1
        if forced:
            worth = _MILLI * points + 700
        else:
            gained = FILLED_POWER[row, filled] - FILLED_POWER[row, held]
            worth = integer((points + 0.7) * _GLANCE_PROGRESS * gained)
    if state[MARKER_IN_CENTRE] and action // 30 == 2 * integer(state[PLAYERS]) + 1:
        spilled += 1
        worth += integer(_MILLI * MARKER_WORTH)
    cost = integer(FLOOR_COST[min(FLOOR_SLOTS, slots + spilled)]) - integer(FLOOR_COST[slots])
    worth -= _MILLI * cost
    return worth + _FORCED if forced else worth


@kernel
def list_replies(state: Int8Array, actions: Int32Array, ranks: Int64Array, first: int) -> int:
    """Write the moves to look at, the most promising first, and return their number.

    Args:
        state: A canonical position with a move to make.
        actions: Room for every legal move.
        ranks: Scratch, as long as `actions`.
        first: An action to put in front whatever it looks like; -1 for none.
    """
    count = list_legal(state, actions, True)
    seat = integer(state[TO_MOVE])
    slots = floor_slots(state, seat)
    for index in range(count):
        action = integer(actions[index])
        rank = 2 * _glance(state, action, seat, slots)
        forced = rank >= _FORCED
        if forced:
            rank -= 2 * _FORCED
        if action == first:
            rank = 2 * _FORCED
        rank |= 1 if forced else 0
        place = index
        while place > 0 and ranks[place - 1] < rank:
            ranks[place] = ranks[place - 1]
            actions[place] = actions[place - 1]
            place -= 1
        ranks[place] = rank
        actions[place] = action
    if not _factory_holds_tiles(state):
        return count
    kept = min(count, _REPLIES)
    for index in range(kept, count):
        if ranks[index] & 1:
            actions[kept] = actions[index]
            kept += 1
    return kept


@kernel
def _factory_holds_tiles(state: Int8Array) -> bool:
    """Whether any factory does; in canonical order the first one is the last to be empty."""
    at = sources_offset(state)
    tiles = 0
    for color in range(COLOR_COUNT):
        tiles += integer(state[at + color])
    return tiles > 0
