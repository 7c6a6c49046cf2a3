"""Setting a position up by hand: what can be changed, and each change as a new position.

Nothing is refused here but what cannot be written down; what breaks a rule is named by
`faults`, so that a position may be wrong on the way to being right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from azul_tui.game.constants import (
    COLOR_COUNT,
    MAX_PLAYERS,
    MAX_ROUNDS,
    MIN_PLAYERS,
    TILES_PER_COLOR,
    factory_count,
)
from azul_tui.game.view import (
    NO_COUNTS,
    BoardView,
    Counts,
    LineView,
    PositionView,
    wall_column,
)
from azul_tui.game.violations import position_violations

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_TILES: Final = 99
"""Of one colour in one place; more than 20 is named, more than this is no slip of a finger."""
EMPTY_BOARD: Final = BoardView(
    score=0,
    lines=(LineView(None, 0),) * 5,
    wall=((False,) * 5,) * 5,
    floor=NO_COUNTS,
    marker=False,
)


class Field(NamedTuple):
    """One thing that can be changed.

    `kind` is players, round, turn, next, factory, centre, marker, bag, lid, score, line, wall or
    floor; `number` is the factory, or the row of a line or of a wall.
    """

    kind: str
    seat: int = -1
    number: int = 0


def field_rows(players: int) -> list[list[Field]]:
    """The fields as the arrows walk over them: rows, each from left to right."""
    seats = range(players)
    rows = [
        [Field("players"), Field("round"), Field("turn"), Field("next")],
        [Field("factory", number=number) for number in range(factory_count(players))],
        [Field("centre"), Field("marker")],
        [Field("bag"), Field("lid")],
        [Field("score", seat) for seat in seats],
    ]
    rows.extend(
        [Field(kind, seat, row) for seat in seats for kind in ("line", "wall")] for row in range(5)
    )
    rows.append([Field("floor", seat) for seat in seats])
    return rows


def cleared(players: int) -> PositionView:
    """A table before the first deal: every tile in the bag, the marker in the centre."""
    return PositionView(
        to_move=0,
        next_first=0,
        marker_in_centre=True,
        round=1,
        phase="moving",
        end_reason="",
        factories=(NO_COUNTS,) * factory_count(players),
        centre=NO_COUNTS,
        bag=_counts([TILES_PER_COLOR] * 5),
        lid=NO_COUNTS,
        boards=(EMPTY_BOARD,) * players,
    )


def to_set_up(view: PositionView) -> PositionView:
    """`view` as a position in which somebody is to move, which is what can be looked at."""
    return replace(view, phase="moving", end_reason="")


def faults(view: PositionView) -> list[str]:
    """What the rules hold against `view`, one sentence each."""
    return position_violations(view)


def tiles_in_play(view: PositionView) -> Counts:
    """Tiles of each colour, wherever they lie; in a real game 20 each."""
    totals: list[int] = []
    for color in range(COLOR_COUNT):
        tiles = sum(counts[color] for counts in (*view.sources, view.bag, view.lid))
        for board in view.boards:
            tiles += board.floor[color]
            tiles += sum(line.tiles for line in board.lines if line.color == color)
            tiles += sum(cells[wall_column(row, color)] for row, cells in enumerate(board.wall))
        totals.append(tiles)
    return _counts(totals)


def with_bag_filled(view: PositionView) -> PositionView:
    """`view` with as many tiles in the bag as make 20 of each colour, where that is possible."""
    missing = [TILES_PER_COLOR - tiles for tiles in tiles_in_play(view)]
    return replace(
        view, bag=_counts([max(0, n + m) for n, m in zip(view.bag, missing, strict=True)])
    )


# -- tiles


def tiles_of(view: PositionView, field: Field) -> Counts | None:
    """The tiles that lie in a field; None where it holds none or they are not counted."""
    if field.kind == "factory":
        return view.factories[field.number]
    if field.kind in {"centre", "bag", "lid"}:
        return cast("Counts", getattr(view, field.kind))
    return view.boards[field.seat].floor if field.kind == "floor" else None


def with_tiles(view: PositionView, field: Field, counts: Counts) -> PositionView:
    """The field with these tiles in it; it must be one that counts tiles."""
    if field.kind == "factory":
        factories = list(view.factories)
        factories[field.number] = counts
        return replace(view, factories=tuple(factories))
    if field.kind == "centre":
        return replace(view, centre=counts)
    if field.kind == "bag":
        return replace(view, bag=counts)
    if field.kind == "lid":
        return replace(view, lid=counts)
    return with_board(view, field.seat, lambda board: replace(board, floor=counts))


def with_color(view: PositionView, field: Field, color: int, step: int) -> PositionView:
    """One tile of `color` more (`step` 1) or less (-1) in a field.

    On the wall a tile is laid, or taken off again.
    """
    counts = tiles_of(view, field)
    if counts is not None:
        changed = list(counts)
        changed[color] = min(max(0, changed[color] + step), MOST_TILES)
        return with_tiles(view, field, _counts(changed))
    if field.kind == "line":
        return _with_line_tile(view, field, color, step)
    if field.kind == "wall":
        column = wall_column(field.number, color)
        laid = view.boards[field.seat].wall[field.number][column]
        return _with_cell(view, field, column, laid=step > 0 and not laid)
    return view


def _with_line_tile(view: PositionView, field: Field, color: int, step: int) -> PositionView:
    line = view.boards[field.seat].lines[field.number]
    if step > 0 and line.color != color:
        changed = LineView(color, 1)
    elif line.color != color:
        return view
    else:
        tiles = min(max(0, line.tiles + step), field.number + 1)
        changed = LineView(color, tiles) if tiles else LineView(None, 0)
    return with_line(view, field, changed)


def with_line(view: PositionView, field: Field, line: LineView) -> PositionView:
    """The pattern line of the field as `line`."""

    def change(board: BoardView) -> BoardView:
        lines = list(board.lines)
        lines[field.number] = line
        return replace(board, lines=tuple(lines))

    return with_board(view, field.seat, change)


def _with_cell(view: PositionView, field: Field, column: int, *, laid: bool) -> PositionView:
    cells = list(view.boards[field.seat].wall[field.number])
    cells[column] = laid
    return with_wall_row(view, field, tuple(cells))


def with_wall_row(view: PositionView, field: Field, cells: tuple[bool, ...]) -> PositionView:
    """The wall row of the field with these cells."""

    def change(board: BoardView) -> BoardView:
        wall = list(board.wall)
        wall[field.number] = cells
        return replace(board, wall=tuple(wall))

    return with_board(view, field.seat, change)


def emptied(view: PositionView, field: Field) -> PositionView:
    """The field without anything in it."""
    if tiles_of(view, field) is not None:
        return with_tiles(view, field, NO_COUNTS)
    if field.kind == "line":
        return with_line(view, field, LineView(None, 0))
    if field.kind == "wall":
        return with_wall_row(view, field, (False,) * 5)
    if field.kind == "score":
        return with_board(view, field.seat, lambda board: replace(board, score=0))
    return view


# -- numbers and seats


def stepped(view: PositionView, field: Field, step: int) -> PositionView:
    """The next value of a field that is a number or a seat; one tile more or less in a line."""
    players = view.players
    if field.kind == "players":
        span = MAX_PLAYERS - MIN_PLAYERS + 1
        return with_players(view, MIN_PLAYERS + (players - MIN_PLAYERS + step) % span)
    if field.kind == "round":
        return replace(view, round=min(max(1, view.round + step), MAX_ROUNDS))
    if field.kind == "turn":
        return replace(view, to_move=(view.to_move + step) % players)
    if field.kind == "next":
        return replace(view, next_first=(view.next_first + step) % players)
    if field.kind == "marker":
        places = players + 1
        return with_marker(view, (marker_place(view) + 1 + step) % places - 1)
    if field.kind == "score":
        score = min(max(0, view.boards[field.seat].score + step), 999)
        return with_board(view, field.seat, lambda board: replace(board, score=score))
    if field.kind == "line":
        color = view.boards[field.seat].lines[field.number].color
        return view if color is None else _with_line_tile(view, field, color, 1 if step > 0 else -1)
    return view


def marker_place(view: PositionView) -> int:
    """The seat that holds the first-player marker, -1 while it lies in the centre."""
    return next((seat for seat, board in enumerate(view.boards) if board.marker), -1)


def with_marker(view: PositionView, place: int) -> PositionView:
    """The marker with a seat, which then starts the next round, or (-1) in the centre."""
    boards = tuple(replace(board, marker=seat == place) for seat, board in enumerate(view.boards))
    first = place if place >= 0 else view.next_first
    return replace(view, boards=boards, marker_in_centre=place < 0, next_first=first)


def with_players(view: PositionView, players: int) -> PositionView:
    """The table for another number of players; what new seats and factories need is empty."""
    factories = (*view.factories, *[NO_COUNTS] * factory_count(players))[: factory_count(players)]
    boards = (*view.boards, *[EMPTY_BOARD] * players)[:players]
    changed = replace(
        view,
        factories=tuple(factories),
        boards=tuple(boards),
        to_move=min(view.to_move, players - 1),
        next_first=min(view.next_first, players - 1),
    )
    return with_marker(changed, marker_place(changed))


def _counts(values: list[int]) -> Counts:
    return cast("Counts", tuple(values))


def with_board(
    view: PositionView, seat: int, change: Callable[[BoardView], BoardView]
) -> PositionView:
    """The position with the board of `seat` changed."""
    boards = list(view.boards)
    boards[seat] = change(boards[seat])
    return replace(view, boards=tuple(boards))
