"""Everything that is wrong with a position, in words.

A position that the rules can reach has no violations; one that has none can be played on from.
Whether a game could ever have come to it is asked in `reachability`. Plain Python over the bytes
laid out in `offsets`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.errors import NotationError
from azul_tui.game.constants import (
    COLOR_COUNT,
    COLOR_NAMES,
    FLOOR_SLOTS,
    MAX_ROUNDS,
    TILES_PER_COLOR,
    TILES_PER_FACTORY,
    state_size,
)
from azul_tui.game.offsets import BOARD_SCORE, BOARD_SIZE, BOARDS, TABLE_TILES
from azul_tui.game.view import signed_bytes, view_position, wall_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from azul_tui.game.view import BoardView, PositionView


def violations(state: Iterable[int]) -> list[str]:
    """What is wrong with the position in `state` (int8 array or bytes), one sentence each."""
    values = signed_bytes(state)
    try:
        view = view_position(values)
    except NotationError as error:
        return [str(error)]
    return [*_byte_violations(values, view), *position_violations(view)]


def position_violations(view: PositionView) -> list[str]:
    """What is wrong with a position as it is shown, one sentence each."""
    found = [*_table_violations(view), *_tile_violations(view)]
    for seat, board in enumerate(view.boards):
        found += [f"player {seat + 1}: {what}" for what in _board_violations(view, board)]
    return [*found, *_turn_violations(view), *_phase_violations(view)]


def _byte_violations(values: list[int], view: PositionView) -> Iterator[str]:
    """What the bytes say twice, or should not say at all."""
    on_table = sum(map(sum, view.sources))
    if values[TABLE_TILES] != on_table:
        yield f"the count of tiles on the table is {values[TABLE_TILES]}, but {on_table} lie there"
    for seat in range(view.players):
        at = BOARDS + BOARD_SIZE * seat + BOARD_SCORE
        if not 0 <= values[at] < 100 or values[at + 1] < 0:
            yield f"player {seat + 1}: the score is written as {values[at]} and {values[at + 1]}"
    used = BOARDS + BOARD_SIZE * view.players + COLOR_COUNT * len(view.sources)
    if any(values[used : state_size(view.players)]):
        yield f"the bytes from {used} on mean nothing and must be 0"


def _table_violations(view: PositionView) -> Iterator[str]:
    for number, factory in enumerate(view.factories, start=1):
        if sum(factory) > TILES_PER_FACTORY:
            yield f"factory {number} holds {sum(factory)} tiles, more than {TILES_PER_FACTORY}"
        if min(factory) < 0:
            yield f"factory {number} holds a negative number of tiles"
    for name, counts in (("centre", view.centre), ("bag", view.bag), ("lid", view.lid)):
        if min(counts) < 0:
            yield f"the {name} holds a negative number of tiles"


def tiles_in_play(view: PositionView) -> list[int]:
    """Tiles of each colour, wherever they lie; in a game 20 each."""
    totals: list[int] = []
    for color in range(COLOR_COUNT):
        tiles = sum(counts[color] for counts in (*view.sources, view.bag, view.lid))
        for board in view.boards:
            tiles += board.floor[color]
            tiles += sum(line.tiles for line in board.lines if line.color == color)
            tiles += sum(cells[wall_column(row, color)] for row, cells in enumerate(board.wall))
        totals.append(tiles)
    return totals


def _tile_violations(view: PositionView) -> Iterator[str]:
    """Tiles made or lost."""
    for name, tiles in zip(COLOR_NAMES, tiles_in_play(view), strict=True):
        if tiles != TILES_PER_COLOR:
            yield f"there are {tiles} {name} tiles instead of {TILES_PER_COLOR}"


def _board_violations(view: PositionView, board: BoardView) -> Iterator[str]:
    if board.score < 0:
        yield f"the score is {board.score}, and scores never fall below 0"
    for row, line in enumerate(board.lines):
        if line.tiles < 0:
            yield f"line {row + 1} holds {line.tiles} tiles"
        if line.tiles > row + 1:
            yield f"line {row + 1} holds {line.tiles} tiles, more than its {row + 1} places"
        if line.color is None:
            if line.tiles:
                yield f"line {row + 1} holds tiles of no colour"
            continue
        if not line.tiles:
            yield f"line {row + 1} is empty and yet has the colour {COLOR_NAMES[line.color]}"
        if board.wall[row][wall_column(row, line.color)]:
            yield (
                f"line {row + 1} holds {COLOR_NAMES[line.color]}, "
                f"which wall row {row + 1} already has"
            )
        if view.phase != "moving" and line.tiles == row + 1:
            yield f"line {row + 1} is full after the round was scored"
    if min(board.floor) < 0:
        yield "the floor line holds a negative number of tiles"
    if sum(board.floor) > FLOOR_SLOTS:
        yield f"the floor line holds {sum(board.floor)} tiles, more than its {FLOOR_SLOTS} slots"
    if view.phase != "moving" and any(board.floor):
        yield "the floor line holds tiles after the round was scored"


def _turn_violations(view: PositionView) -> Iterator[str]:
    """Seats, and the first-player marker."""
    for what, seat in (("to move", view.to_move), ("to start the next round", view.next_first)):
        if not 0 <= seat < view.players:
            yield f"player {seat + 1} is {what}, but there are {view.players} players"
    holders = [seat for seat, board in enumerate(view.boards) if board.marker]
    places = [f"with player {seat + 1}" for seat in holders]
    if view.marker_in_centre:
        places.insert(0, "in the centre")
    if len(places) > 1:
        yield f"the first-player marker lies {' and '.join(places)} at once"
    if view.phase == "moving" and not places:
        yield "the first-player marker is nowhere"
    if view.phase != "moving" and holders:
        yield "the first-player marker lies on a floor line after the round was scored"
    if view.phase != "moving" and view.marker_in_centre and view.end_reason != "no tiles":
        yield "the first-player marker lies in the centre after the round was scored"
    if view.phase == "moving" and len(places) == len(holders) == 1 and holders != [view.next_first]:
        yield (
            f"player {holders[0] + 1} has the first-player marker, "
            f"but player {view.next_first + 1} is to start the next round"
        )
    if view.phase != "moving" and view.to_move != view.next_first:
        yield (
            f"player {view.to_move + 1} is to move between rounds, "
            f"but player {view.next_first + 1} is to start the next one"
        )


def _phase_violations(view: PositionView) -> Iterator[str]:
    """Phase, round and end, against what lies on the table."""
    on_table = any(map(any, view.sources))
    # Round 0 is the time before the first deal, and nothing follows the scoring of the last one.
    first, last = (0, MAX_ROUNDS - 1) if view.phase == "afterstate" else (1, MAX_ROUNDS)
    if not first <= view.round <= last:
        yield f"the round is {view.round}; here it can be {first} to {last}"
    if view.phase == "moving" and not on_table:
        yield "somebody is to move, but no tile lies on the table"
    if view.phase != "moving" and on_table:
        yield "the round was scored, but tiles lie on the table"
    if view.phase != "over" and view.end_reason:
        yield f"the game goes on, but its end has a reason: {view.end_reason}"
    complete = any(all(cells) for board in view.boards for cells in board.wall)
    if view.phase != "over":
        if complete:
            yield "a wall row is complete, but the game goes on"
        return
    if not view.end_reason:
        yield "the game is over for no reason"
    if view.end_reason == "row complete" and not complete:
        yield "the game is over for a complete wall row, but there is none"
    if view.end_reason == "round limit" and view.round != MAX_ROUNDS:
        yield f"the game is over for the limit of {MAX_ROUNDS} rounds in round {view.round}"
    if view.end_reason == "no tiles" and any(map(any, (view.bag, view.lid))):
        yield "the game is over for want of tiles, but bag or lid hold some"
