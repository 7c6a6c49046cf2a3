"""Setting a position up by hand: its fields, each change as a new position, fields as text.

Nothing is refused here but what cannot be written down; what breaks a rule is named by
`position_violations`, so that a position may be wrong on the way to being right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from azul_tui.errors import NotationError
from azul_tui.game.constants import (
    COLOR_COUNT,
    COLOR_LETTERS,
    MAX_PLAYERS,
    MAX_ROUNDS,
    MIN_PLAYERS,
    TILES_PER_COLOR,
    factory_count,
)
from azul_tui.game.tokens import (
    format_line,
    format_tiles,
    format_wall_row,
    parse_line,
    parse_number,
    parse_unmarked_tiles,
    parse_wall_row,
)
from azul_tui.game.view import (
    NO_COUNTS,
    BoardView,
    Counts,
    LineView,
    PositionView,
    position_bytes,
    wall_color,
    wall_column,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_TILES: Final = 99
"""Of one colour in one place; more than 20 is named, more than this is no slip of a finger."""
BOARD_CELLS: Final = 24
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
    return [
        [Field("players"), Field("round"), Field("turn"), Field("next")],
        [Field("factory", number=number) for number in range(factory_count(players))],
        [Field("centre"), Field("marker")],
        [Field("bag"), Field("lid")],
        [Field("score", seat) for seat in seats],
        *([Field(kind, seat, row) for seat in seats for kind in ("line", "wall")]
          for row in range(5)),
        [Field("floor", seat) for seat in seats],
    ]  # fmt: skip


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
        bag=_counts([TILES_PER_COLOR] * COLOR_COUNT),
        lid=NO_COUNTS,
        boards=(EMPTY_BOARD,) * players,
    )


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


# -- the contents of a field


def tiles_of(view: PositionView, at: Field) -> Counts | None:
    """The tiles that lie in a field; None where it holds none or they are not counted."""
    if at.kind == "factory":
        return view.factories[at.number]
    if at.kind in {"centre", "bag", "lid"}:
        return cast("Counts", getattr(view, at.kind))
    return view.boards[at.seat].floor if at.kind == "floor" else None


def with_tiles(view: PositionView, at: Field, counts: Counts) -> PositionView:
    """The field with these tiles in it; it must be one that counts tiles."""
    if at.kind == "factory":
        return replace(view, factories=_put(view.factories, at.number, counts))
    if at.kind == "floor":
        return _with_board(view, at.seat, floor=counts)
    return replace(view, **{at.kind: counts})


def with_color(view: PositionView, at: Field, color: int, step: int) -> PositionView:
    """One tile of `color` more (`step` 1) or less (-1) in a field.

    On the wall a tile is laid, or taken off again.
    """
    counts = tiles_of(view, at)
    if counts is not None:
        tiles = min(max(0, counts[color] + step), MOST_TILES)
        return with_tiles(view, at, _counts(_put(counts, color, tiles)))
    if at.kind == "line":
        line = view.boards[at.seat].lines[at.number]
        if line.color != color:
            return with_line(view, at, LineView(color, 1)) if step > 0 else view
        tiles = min(max(0, line.tiles + step), at.number + 1)
        return with_line(view, at, LineView(color if tiles else None, tiles))
    if at.kind == "wall":
        cells = view.boards[at.seat].wall[at.number]
        column = wall_column(at.number, color)
        return with_wall_row(view, at, _put(cells, column, step > 0 and not cells[column]))
    return view


def with_line(view: PositionView, at: Field, line: LineView) -> PositionView:
    """The pattern line of the field as `line`."""
    return _with_board(view, at.seat, lines=_put(view.boards[at.seat].lines, at.number, line))


def with_wall_row(view: PositionView, at: Field, cells: tuple[bool, ...]) -> PositionView:
    """The wall row of the field with these cells."""
    return _with_board(view, at.seat, wall=_put(view.boards[at.seat].wall, at.number, cells))


def emptied(view: PositionView, at: Field) -> PositionView:
    """The field without anything in it."""
    if tiles_of(view, at) is not None:
        return with_tiles(view, at, NO_COUNTS)
    if at.kind == "line":
        return with_line(view, at, LineView(None, 0))
    if at.kind == "wall":
        return with_wall_row(view, at, (False,) * 5)
    return _with_board(view, at.seat, score=0) if at.kind == "score" else view


def stepped(view: PositionView, at: Field, step: int) -> PositionView:
    """The next value of a field that is a number or a seat; one tile more or less in a line."""
    players = view.players
    if at.kind == "players":
        span = MAX_PLAYERS - MIN_PLAYERS + 1
        return with_players(view, MIN_PLAYERS + (players - MIN_PLAYERS + step) % span)
    if at.kind == "round":
        return replace(view, round=min(max(1, view.round + step), MAX_ROUNDS))
    if at.kind == "turn":
        return replace(view, to_move=(view.to_move + step) % players)
    if at.kind == "next":
        return replace(view, next_first=(view.next_first + step) % players)
    if at.kind == "marker":
        return with_marker(view, (marker_place(view) + 1 + step) % (players + 1) - 1)
    if at.kind == "score":
        score = min(max(0, view.boards[at.seat].score + step), 999)
        return _with_board(view, at.seat, score=score)
    if at.kind == "line":
        color = view.boards[at.seat].lines[at.number].color
        return view if color is None else with_color(view, at, color, 1 if step > 0 else -1)
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
    count = factory_count(players)
    changed = replace(
        view,
        factories=(*view.factories, *[NO_COUNTS] * count)[:count],
        boards=(*view.boards, *[EMPTY_BOARD] * players)[:players],
        to_move=min(view.to_move, players - 1),
        next_first=min(view.next_first, players - 1),
    )
    return with_marker(changed, marker_place(changed))


def _put(values: Sequence[Any], at: int, value: Any) -> tuple[Any, ...]:
    return (*values[:at], value, *values[at + 1 :])


def _counts(values: Sequence[int]) -> Counts:
    return cast("Counts", tuple(values))


def _with_board(view: PositionView, seat: int, **changes: Any) -> PositionView:
    board = replace(view.boards[seat], **changes)
    return replace(view, boards=_put(view.boards, seat, board))


# -- fields as text


def text_of(view: PositionView, at: Field) -> str:
    """The value of a field as it is typed."""
    counts = tiles_of(view, at)
    if counts is not None:
        return format_tiles(counts, spelled_out=at.kind == "factory")
    if at.kind == "line":
        return format_line(view.boards[at.seat].lines[at.number])
    if at.kind == "wall":
        return format_wall_row(view.boards[at.seat].wall[at.number], at.number)
    place = marker_place(view)
    told = {
        "players": view.players, "round": view.round, "turn": view.to_move + 1,
        "next": view.next_first + 1, "marker": "C" if place < 0 else place + 1,
    }  # fmt: skip
    return str(view.boards[at.seat].score if at.kind == "score" else told[at.kind])


def with_text(view: PositionView, at: Field, text: str) -> PositionView:
    """The field as somebody typed it.

    Raises:
        NotationError: What is wrong with it.
    """
    text = text.strip().upper()
    if tiles_of(view, at) is not None:
        changed = with_tiles(view, at, parse_unmarked_tiles(text or "-"))
    elif at.kind == "line":
        changed = with_line(view, at, parse_line(text or "-", at.number))
    elif at.kind == "wall":
        changed = with_wall_row(view, at, parse_wall_row(text, at.number))
    elif at.kind == "marker":
        changed = with_marker(view, -1 if text in {"C", "CENTRE", "CENTER"} else _seat(view, text))
    elif at.kind == "turn":
        changed = replace(view, to_move=_seat(view, text))
    elif at.kind == "next":
        changed = replace(view, next_first=_seat(view, text))
    else:
        changed = _with_number(view, at, parse_number(text))
    position_bytes(changed)  # refuses numbers that no position holds
    return changed


def _with_number(view: PositionView, at: Field, value: int) -> PositionView:
    if at.kind == "players":
        if not MIN_PLAYERS <= value <= MAX_PLAYERS:
            raise NotationError(f"{value} players cannot play; 2, 3 or 4 can")
        return with_players(view, value)
    if at.kind == "round":
        if not 1 <= value <= MAX_ROUNDS:
            raise NotationError(f"the round is {value}; it can be 1 to {MAX_ROUNDS}")
        return replace(view, round=value)
    if not 0 <= value <= 999:
        raise NotationError(f"a score of {value} cannot be; it can be 0 to 999")
    return _with_board(view, at.seat, score=value)


def _seat(view: PositionView, text: str) -> int:
    value = parse_number(text)
    if not 1 <= value <= view.players:
        raise NotationError(f"there is no player {value}; there are 1 to {view.players}")
    return value - 1


def accepted(at: Field) -> str:
    """What can be typed for a field, in words."""
    if at.kind == "line":
        return f"a colour and a count such as Y2, or its {at.number + 1} places, or - for none"
    if at.kind == "wall":
        full = format_wall_row((True,) * 5, at.number)
        return f"five letters with dots for gaps; the whole row is {full}"
    if at.kind in {"turn", "next"}:
        return "the number of a player"
    if at.kind == "marker":
        return "C for the centre, or the number of a player"
    if at.kind in {"players", "round", "score"}:
        return "a whole number"
    return "tiles as letters, BBYK or B2YK, or - for none"


def keys_words(at: Field) -> str:
    """What the keys do to a field."""
    if at.kind == "wall":
        return "b y r k w lay a tile or take it off, del clears the row, enter types it"
    if at.kind == "line":
        return "b y r k w add a tile, in capitals take one away, + and - too, del empties it"
    if at.kind in {"factory", "centre", "bag", "lid", "floor"}:
        return "b y r k w add a tile, in capitals take one away, del takes all, f fills the bag"
    return f"+ and - change it, enter types it: {accepted(at)}"


def name_of(at: Field) -> str:
    """A field in words."""
    who = f"player {at.seat + 1}: " if at.seat >= 0 else ""
    names = {
        "players": "how many play",
        "turn": "who is to move",
        "next": "who starts the next round",
        "marker": "where the first-player marker lies",
        "factory": f"factory {at.number + 1}",
        "lid": "the box lid",
        "line": f"pattern line {at.number + 1}",
        "wall": f"wall row {at.number + 1}",
        "floor": "the floor line",
    }
    return who + names.get(at.kind, f"the {at.kind}")


# -- the form

Piece = tuple[str, str, Field | None]
"""A text, its role (`tile.B` beside those of `words.Spans`), and the field that it belongs to."""


def form_rows(
    view: PositionView, chosen: Field, width: int, pointer: str, empty: str
) -> list[list[Piece]]:
    """The four lines of the table, a gap, and the boards side by side.

    Where not all boards find room in `width` cells, those around the chosen field are shown.
    """

    def label(text: str) -> Piece:
        return text, "quiet", None

    def value(at: Field, text: str) -> Piece:
        return text, "strong", at

    def tiles(at: Field) -> list[Piece]:
        counts = tiles_of(view, at) or NO_COUNTS
        told = zip(COLOR_LETTERS, counts, strict=True)
        return [
            (a * n if n <= 4 and at.kind not in {"bag", "lid"} else f" {a}{n} ", f"tile.{a}", at)
            for a, n in told
            if n
        ] or [(empty, "quiet", at)]

    place = marker_place(view)
    table = [label("factories ")]
    for number in range(len(view.factories)):
        table += [label(f"{number + 1} "), *tiles(Field("factory", number=number)), label("  ")]
    rows: list[list[Piece]] = [
        [
            label("players "), value(Field("players"), f"{view.players}"), label("   round "),
            value(Field("round"), f"{view.round}"), label("   to move player "),
            value(Field("turn"), f"{view.to_move + 1}"), label("   starts next round player "),
            value(Field("next"), f"{view.next_first + 1}"),
        ],
        table,
        [
            label("centre    "), *tiles(Field("centre")), label("   marker "),
            value(Field("marker"), "in the centre" if place < 0 else f"with player {place + 1}"),
        ],
        [label("bag "), *tiles(Field("bag")), label("   lid "), *tiles(Field("lid"))],
        [],
    ]  # fmt: skip
    room = min(view.players, max(1, width // BOARD_CELLS))
    first = min(max(0, chosen.seat - room + 1), view.players - room)
    hidden = [str(s + 1) for s in range(view.players) if not first <= s < first + room]
    if hidden:
        rows[-1] = [label(f"player {', '.join(hidden)}: go there with the arrows")]
    shown = range(first, first + room)
    boards = [_board_rows(view, seat, pointer, empty, tiles) for seat in shown]
    rows += [[piece for part in parts for piece in part] for parts in zip(*boards, strict=True)]
    return rows


def _board_rows(
    view: PositionView, seat: int, pointer: str, empty: str, tiles: Any
) -> list[list[Piece]]:
    """Seven lines of 24 cells."""
    board, here = view.boards[seat], seat == view.to_move
    rows: list[list[Piece]] = [
        [
            (f"{pointer if here else ' '} player {seat + 1} ", "strong" if here else "", None),
            (f"{board.score:>3}", "strong", Field("score", seat)), (" points   ", "quiet", None),
        ]
    ]  # fmt: skip
    for row, line in enumerate(board.lines):
        at, wall = Field("line", seat, row), Field("wall", seat, row)
        held = COLOR_LETTERS[line.color] if line.color is not None else ""
        pieces: list[Piece] = [(f"{row + 1} {' ' * (4 - row)}", "quiet", None)]
        pieces += [(empty * (row + 1 - line.tiles), "quiet", at)] if line.tiles <= row else []
        pieces += [(held * line.tiles, f"tile.{held}", at)] if held else []
        pieces.append(("  ", "", None))
        for column, laid in enumerate(board.wall[row]):
            letter = COLOR_LETTERS[wall_color(row, column)]
            role = f"tile.{letter}" if laid else "quiet"
            pieces.append((letter if laid else letter.lower(), role, wall))
            pieces.append((" " if column < 4 else "", "", wall))
        rows.append([*pieces, ("      ", "", None)])
    floor = [*tiles(Field("floor", seat))]
    floor += [(" 1", "tile.1", None)] if board.marker else []
    floor += [(f" -{board.floor_cost}", "warning", None)] if board.floor_cost else []
    used = sum(len(text) for text, _, _ in floor)
    rows.append([("floor ", "quiet", None), *floor, (" " * max(1, 18 - used), "", None)])
    return rows
