"""A position as plain values: what a terminal draws, what a notation writes, what may be moved.

No arrays and no compiler, so that any program may look at a game. Seats, factories, lines and
colours count from 0 here; only people count from 1 (see `notation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, cast, get_args

from azul_tui.errors import NotationError
from azul_tui.game.constants import (
    BAG,
    BOARD_FLOOR,
    BOARD_LINE_COLOR,
    BOARD_LINE_TILES,
    BOARD_MARKER,
    BOARD_SCORE,
    BOARD_SIZE,
    BOARD_WALL,
    BOARDS,
    COLOR_COUNT,
    COLOR_NAMES,
    END_REASON,
    FLOOR_PENALTIES,
    FLOOR_ROW,
    FLOOR_SLOTS,
    LID,
    LINE_COUNT,
    MARKER_IN_CENTRE,
    MAX_PLAYERS,
    MIN_PLAYERS,
    NEXT_FIRST,
    PHASE,
    PLAYERS,
    ROUND,
    TABLE_TILES,
    TO_MOVE,
    action_count,
    decode_action,
    factory_count,
    state_size,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Phase = Literal["moving", "afterstate", "over"]
"""In the order of the numbers `MOVING`, `AFTERSTATE`, `OVER`."""
EndReason = Literal["", "row complete", "round limit", "no tiles"]
"""Why a game ended, in the order of the numbers in `constants`; empty while it has not."""

PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
END_REASONS: Final[tuple[EndReason, ...]] = get_args(EndReason)
Counts = tuple[int, int, int, int, int]
"""Tiles of each colour."""


class LineView(NamedTuple):
    """A pattern line."""

    color: int | None
    tiles: int


@dataclass(frozen=True, slots=True)
class BoardView:
    """One player's board."""

    score: int
    lines: tuple[LineView, ...]
    """From the line of one tile to the line of five."""
    wall: tuple[tuple[bool, ...], ...]
    """5 rows of 5 cells; the cell at (row, column) is for colour (column - row) % 5."""
    floor: Counts
    """Tiles on the floor line; where they lie is not remembered, nor does it matter."""
    marker: bool
    """Whether the first-player marker lies on the floor line as well."""

    @property
    def floor_slots(self) -> int:
        """Filled floor slots, the marker's included, at most 7."""
        return min(sum(self.floor) + self.marker, FLOOR_SLOTS)

    @property
    def floor_cost(self) -> int:
        """Points that the floor line costs, 0 to 14."""
        return sum(FLOOR_PENALTIES[: self.floor_slots])


@dataclass(frozen=True, slots=True)
class PositionView:
    """A whole position."""

    to_move: int
    """Seat to move; between rounds the seat that will start the next one."""
    next_first: int
    """Seat that starts the next round as things stand."""
    marker_in_centre: bool
    round: int
    phase: Phase
    end_reason: EndReason
    factories: tuple[Counts, ...]
    centre: Counts
    bag: Counts
    lid: Counts
    boards: tuple[BoardView, ...]

    @property
    def players(self) -> int:
        """P: seats at the table."""
        return len(self.boards)

    @property
    def sources(self) -> tuple[Counts, ...]:
        """The factories, then the centre: what the source of an action counts."""
        return (*self.factories, self.centre)


def wall_color(row: int, column: int) -> int:
    """Colour whose tile belongs on the wall at `(row, column)`."""
    return (column - row) % COLOR_COUNT


def wall_column(row: int, color: int) -> int:
    """Column of `color` in wall row `row`."""
    return (color + row) % COLOR_COUNT


def signed_bytes(state: Iterable[int]) -> list[int]:
    """The bytes of a position (numpy int8 or `bytes`) as numbers from -128 to 127."""
    return [(int(byte) + 128) % 256 - 128 for byte in state]


def _chosen(name: str, values: Sequence[int], at: int, limit: int) -> int:
    """The byte at `at`, which only makes sense from 0 to `limit`."""
    if not 0 <= values[at] <= limit:
        raise NotationError(
            f"byte {at} of the position, {name}, is {values[at]}; it can be 0 to {limit}"
        )
    return values[at]


def _counts(values: Sequence[int], at: int) -> Counts:
    return cast("Counts", tuple(values[at : at + COLOR_COUNT]))


def _view_board(values: Sequence[int], seat: int) -> BoardView:
    at = BOARDS + BOARD_SIZE * seat
    lines: list[LineView] = []
    wall: list[tuple[bool, ...]] = []
    for row in range(LINE_COUNT):
        color = _chosen("a line's colour", values, at + BOARD_LINE_COLOR + row, COLOR_COUNT)
        tiles = values[at + BOARD_LINE_TILES + row]
        lines.append(LineView(color - 1 if color else None, tiles))
        mask = _chosen("a wall row", values, at + BOARD_WALL + row, 31)
        wall.append(tuple(bool(mask >> column & 1) for column in range(COLOR_COUNT)))
    return BoardView(
        score=values[at + BOARD_SCORE] + 100 * values[at + BOARD_SCORE + 1],
        lines=tuple(lines),
        wall=tuple(wall),
        floor=_counts(values, at + BOARD_FLOOR),
        marker=bool(_chosen("a marker", values, at + BOARD_MARKER, 1)),
    )


def view_position(state: Iterable[int]) -> PositionView:
    """The position in `state`, an int8 array or bytes laid out as in `constants`.

    Wrong counts are shown as they are. Bytes that stand for nothing at all (a wall row of 77, a
    phase of 9) raise NotationError.
    """
    values = signed_bytes(state)
    players = values[PLAYERS] if values else 0
    if not MIN_PLAYERS <= players <= MAX_PLAYERS or len(values) != state_size(players):
        raise NotationError(
            f"{len(values)} bytes that begin with {players} are no position; "
            "one has 96, 128 or 160 bytes and begins with its number of players"
        )
    sources = BOARDS + BOARD_SIZE * players
    centre = sources + COLOR_COUNT * (2 * players + 1)
    return PositionView(
        to_move=values[TO_MOVE],
        next_first=values[NEXT_FIRST],
        marker_in_centre=bool(_chosen("the marker in the centre", values, MARKER_IN_CENTRE, 1)),
        round=values[ROUND],
        phase=PHASES[_chosen("the phase", values, PHASE, 2)],
        end_reason=END_REASONS[_chosen("the reason of the end", values, END_REASON, 3)],
        factories=tuple(_counts(values, at) for at in range(sources, centre, COLOR_COUNT)),
        centre=_counts(values, centre),
        bag=_counts(values, BAG),
        lid=_counts(values, LID),
        boards=tuple(_view_board(values, seat) for seat in range(players)),
    )


def position_bytes(view: PositionView) -> bytes:
    """The S bytes of a position; raises NotationError when a number does not fit its byte."""
    players = view.players
    values = [0] * state_size(players)
    values[PLAYERS : BAG + COLOR_COUNT] = [
        players,
        view.to_move,
        view.next_first,
        int(view.marker_in_centre),
        view.round,
        PHASES.index(view.phase),
        END_REASONS.index(view.end_reason),
        sum(map(sum, view.sources)),
        *view.bag,
    ]
    assert TABLE_TILES == BAG - 1
    values[LID : LID + COLOR_COUNT] = view.lid
    at = BOARDS
    for board in view.boards:
        walls = [sum(cell << column for column, cell in enumerate(row)) for row in board.wall]
        values[at : at + BOARD_SIZE] = [
            *(0 if line.color is None else line.color + 1 for line in board.lines),
            *(line.tiles for line in board.lines),
            *walls,
            *board.floor,
            int(board.marker),
            board.score % 100,
            board.score // 100,
        ]
        at += BOARD_SIZE
    for source in view.sources:
        values[at : at + COLOR_COUNT] = source
        at += COLOR_COUNT
    for value in values:
        if not -128 <= value <= 127:
            raise NotationError(f"{value} is too much for a position, whose bytes end at 127")
    return bytes(value % 256 for value in values)


# -- which moves a position allows, and in words why it does not allow the others: for people, who
# want the reason, and for programs that must not load the compiler


def legal_moves(view: PositionView) -> list[int]:
    """The legal actions of `view`, ascending; none unless somebody is to move."""
    actions = range(action_count(view.players))
    return [action for action in actions if why_illegal(view, action) is None]


def why_illegal(view: PositionView, action: int) -> str | None:
    """What the rules hold against `action`, or None if it is legal."""
    if view.phase == "over":
        return "the game is over" + (f" ({view.end_reason})" if view.end_reason else "")
    if view.phase == "afterstate":
        return f"round {view.round} is scored and the factories wait for their refill"
    if not 0 <= view.to_move < view.players:
        return f"player {view.to_move + 1} is to move, but there are {view.players} players"
    if not 0 <= action < action_count(view.players):
        return (
            f"with {view.players} players actions are numbers "
            f"from 0 to {action_count(view.players) - 1}"
        )
    source, color, row = decode_action(action)
    if not view.sources[source][color]:
        centre = source == factory_count(view.players)
        place = "the centre" if centre else f"factory {source + 1}"
        if not any(view.sources[source]):
            return f"{place} is empty"
        return f"{place} holds no {COLOR_NAMES[color]} tile"
    if row == FLOOR_ROW:
        return None
    board = view.boards[view.to_move]
    line = board.lines[row]
    if board.wall[row][wall_column(row, color)]:
        return f"wall row {row + 1} already has its {COLOR_NAMES[color]} tile"
    if line.tiles > row:
        return f"line {row + 1} is full"
    if line.color is not None and line.color != color:
        return f"line {row + 1} already holds {COLOR_NAMES[line.color]}"
    return None
