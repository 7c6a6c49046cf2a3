"""A position drawn on many lines, for people; it parses back.

    azul, 2 players, round 3: player 1 to move, player 2 starts the next round
    factories  1 BBYK  2 RRWW  3 -  4 YKKK  5 -
    centre     BYRR*
    bag        B12 Y13 R14 K15 W16
    lid        -

    player 1   24 points
      1      .  B . . . .
      2     YY  . B . . .
      3    KKK  . . . . .
      4   ....  . . . . .
      5  ....W  . . . . .
      floor  KK  (-2)

Blank lines, indentation and anything in parentheses mean nothing to the parser.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from azul_tui.errors import NotationError
from azul_tui.game.constants import (
    COLOR_LETTERS,
    LINE_COUNT,
    MAX_PLAYERS,
    MIN_PLAYERS,
    factory_count,
)
from azul_tui.game.tokens import (
    draw_line,
    format_tiles,
    format_wall_row,
    parse_line,
    parse_number,
    parse_tiles,
    parse_unmarked_tiles,
    parse_wall_row,
    quoted,
)
from azul_tui.game.view import (
    END_REASONS,
    PHASES,
    BoardView,
    Counts,
    EndReason,
    LineView,
    Phase,
    PositionView,
    position_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Parsed = TypeVar("Parsed")

_PHASE_WORDS: Final = ("", " scored", " over")
_COMMENT = re.compile(r"\([^()]*\)")
_HEADER = re.compile(
    r"azul, ([0-9]) players, round (-?[0-9]{1,3})( scored| over)?"
    r"(?:, (row complete|round limit|no tiles))?:"
    r"(?: player (-?[0-9]{1,3}) to move,)? player (-?[0-9]{1,3}) starts the next round"
)
_PLAYER = re.compile(r"player ([1-4])\s+(-?[0-9]{1,5}) points?")


def draw_position(view: PositionView) -> str:
    """The position as in the module's picture, without a line break at its end."""
    factories = [format_tiles(factory, spelled_out=True) for factory in view.factories]
    rows = [
        _draw_header(view),
        "factories  " + "  ".join(f"{n} {tiles}" for n, tiles in enumerate(factories, start=1)),
        f"centre     {format_tiles(view.centre, view.marker_in_centre, spelled_out=True)}",
        f"bag        {_spaced(view.bag)}",
        f"lid        {_spaced(view.lid)}",
    ]
    for seat, board in enumerate(view.boards):
        rows += ["", f"player {seat + 1}   {board.score} point{'' if board.score == 1 else 's'}"]
        for row, (line, cells) in enumerate(zip(board.lines, board.wall, strict=True)):
            wall = " ".join(format_wall_row(cells, row))
            rows.append(f"  {row + 1}  {draw_line(line, row):>5}  {wall}")
        cost = f"  (-{board.floor_cost})" if board.floor_cost else ""
        rows.append(f"  floor  {format_tiles(board.floor, board.marker, spelled_out=True)}{cost}")
    return "\n".join(rows)


def parse_diagram(text: str) -> PositionView:
    """The position that was drawn; raises NotationError naming the line that is wrong."""
    reader = _Lines(text)
    players, round_number, phase, reason, to_move, next_first = reader.take(
        "the first line", _parse_header
    )
    factories = reader.take("the factories", lambda line: _parse_factories(line, players))
    centre, marker = reader.take("the centre", lambda line: parse_tiles(_joined("centre", line)))
    bag = reader.take("the bag", lambda line: parse_unmarked_tiles(_joined("bag", line)))
    lid = reader.take("the lid", lambda line: parse_unmarked_tiles(_joined("lid", line)))
    boards = [_take_board(reader, seat) for seat in range(players)]
    reader.finish()
    view = PositionView(
        to_move=to_move,
        next_first=next_first,
        marker_in_centre=marker,
        round=round_number,
        phase=phase,
        end_reason=reason,
        factories=factories,
        centre=centre,
        bag=bag,
        lid=lid,
        boards=tuple(boards),
    )
    position_bytes(view)  # refuses numbers that no position holds
    return view


class _Lines:
    """The lines of a drawing, taken in order; a refusal says which one it was."""

    def __init__(self, text: str) -> None:
        self._lines = self._meaningful(text)

    @staticmethod
    def _meaningful(text: str) -> Iterator[tuple[int, str]]:
        for number, line in enumerate(text.splitlines(), start=1):
            bare = _COMMENT.sub("", line).strip()
            if bare:
                yield number, bare

    def take(self, what: str, parse: Callable[[str], Parsed]) -> Parsed:
        """Parse the next line, which holds `what`."""
        number, line = next(self._lines, (0, ""))
        if not number:
            raise NotationError(f"the position ends before {what}")
        try:
            return parse(line)
        except NotationError as error:
            raise NotationError(f"line {number} of the position, {what}: {error}") from None

    def finish(self) -> None:
        """Refuse lines that are left."""
        number, line = next(self._lines, (0, ""))
        if number:
            raise NotationError(
                f"line {number} of the position, after its last board: {quoted(line)}"
            )


def _spaced(counts: Counts) -> str:
    words = [f"{letter}{n}" for letter, n in zip(COLOR_LETTERS, counts, strict=True) if n]
    return " ".join(words) or "-"


def _draw_header(view: PositionView) -> str:
    phase = _PHASE_WORDS[PHASES.index(view.phase)]
    reason = f", {view.end_reason}" if view.end_reason else ""
    told = view.phase == "moving" or view.to_move != view.next_first
    mover = f" player {view.to_move + 1} to move," if told else ""
    return (
        f"azul, {view.players} players, round {view.round}{phase}{reason}:{mover}"
        f" player {view.next_first + 1} starts the next round"
    )


def _parse_header(line: str) -> tuple[int, int, Phase, EndReason, int, int]:
    parts = _HEADER.fullmatch(line)
    if parts is None:
        raise NotationError(
            f"{quoted(line)} is not like 'azul, 2 players, round 1: "
            "player 1 to move, player 1 starts the next round'"
        )
    players = int(parts[1])
    if not MIN_PLAYERS <= players <= MAX_PLAYERS:
        raise NotationError(f"{players} players cannot play; 2, 3 or 4 can")
    phase = PHASES[_PHASE_WORDS.index(parts[3] or "")]
    reason = END_REASONS[END_REASONS.index(parts[4] or "")]
    return players, int(parts[2]), phase, reason, int(parts[5] or parts[6]) - 1, int(parts[6]) - 1


def _joined(word: str, line: str) -> str:
    """What follows `word` on the line, its blanks removed."""
    first, *rest = line.split()
    if first != word:
        raise NotationError(f"{quoted(line)} should begin with {word}")
    return "".join(rest)


def _parse_factories(line: str, players: int) -> tuple[Counts, ...]:
    first, *words = line.split()
    wanted = [str(number) for number in range(1, factory_count(players) + 1)]
    if first != "factories" or words[::2] != wanted or len(words) != 2 * len(wanted):
        raise NotationError(
            f"{quoted(line)} should be 'factories' and then 1 to {len(wanted)}, "
            "each followed by its tiles"
        )
    return tuple(parse_unmarked_tiles(word) for word in words[1::2])


def _parse_title(line: str, seat: int) -> int:
    """The score in the title of a board."""
    parts = _PLAYER.fullmatch(line)
    if parts is None or int(parts[1]) != seat + 1:
        raise NotationError(f"{quoted(line)} is not like 'player {seat + 1}   24 points'")
    return parse_number(parts[2])


def _parse_row(line: str, row: int) -> tuple[LineView, tuple[bool, ...]]:
    """A pattern line and the wall row beside it."""
    number, *words = line.split()
    if number != str(row + 1) or not words:
        raise NotationError(
            f"{quoted(line)} should be {row + 1}, then the pattern line, then the wall row"
        )
    return parse_line(words[0], row), parse_wall_row("".join(words[1:]), row)


def _take_board(reader: _Lines, seat: int) -> BoardView:
    name = f"player {seat + 1}"
    score = reader.take(name, partial(_parse_title, seat=seat))
    rows = [
        reader.take(f"row {row + 1} of {name}", partial(_parse_row, row=row))
        for row in range(LINE_COUNT)
    ]
    floor, marker = reader.take(
        f"the floor of {name}", lambda line: parse_tiles(_joined("floor", line))
    )
    return BoardView(
        score=score,
        lines=tuple(line for line, _ in rows),
        wall=tuple(cells for _, cells in rows),
        floor=floor,
        marker=marker,
    )
