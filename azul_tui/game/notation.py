"""Text for moves and positions: printed by every job, parsed back from any bug report.

People count from 1: factories 1 to F and the centre C, lines 1 to 5 and the floor F, players 1
to P; the colours are B blue, Y yellow, R red, K black, W white.

A move is `R 2>3` (red from factory 2 to line 3) or, told at length, `R from 2 to line 3`.

A position on one line has these fields, separated by blanks:

    azul2 r3 move:1 next:2 BBYK/RRWW/-/KKKY/- B1R2* bag:B9K8 lid:- 24,-/Y2/-/-/W1,B....,-  ...

the players; the round; the phase (`move`, `tiled` after the scoring of a round, `over`, with
`-row`, `-rounds` or `-empty` for the reason) with the player to move; who starts the next round
as things stand; the factories; the centre, a `*` for the first-player marker; bag; lid; and for
each player score, pattern lines, wall and floor line. `diagram` draws the same on many lines.
`tokens` says how tiles, lines and wall rows are spelled.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from azul_tui.errors import NotationError
from azul_tui.game.constants import (
    COLOR_LETTERS,
    COLOR_NAMES,
    FLOOR_ROW,
    LINE_COUNT,
    MAX_PLAYERS,
    MIN_PLAYERS,
    action_count,
    decode_action,
    encode_action,
    factory_count,
)
from azul_tui.game.diagram import draw_position, parse_diagram
from azul_tui.game.tokens import (
    format_line,
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
    EndReason,
    LineView,
    Phase,
    PositionView,
    position_bytes,
    view_position,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "BoardView",
    "LineView",
    "PositionView",
    "describe_move",
    "draw_position",
    "format_move",
    "format_position",
    "parse_move",
    "parse_position",
    "position_bytes",
    "view_position",
]

Parsed = TypeVar("Parsed")

_PHASE_WORDS: Final = ("move", "tiled", "over")
_REASON_WORDS: Final = ("", "-row", "-rounds", "-empty")
_PHASE_FIELD = re.compile(r"(move|tiled|over)(|-row|-rounds|-empty):(-?[0-9]{1,3})")
_MOVE = re.compile(
    r"\s*(?P<color>[byrkw]|blue|yellow|red|black|white)"
    r"(?:\s+from)?\s*(?:(?:the|factory)\s+)?(?P<source>c|centre|center|[0-9]{1,2})"
    r"\s*(?:>|\bto\b)\s*(?:the\s+)?(?:line\s*)?(?P<row>f|floor|[1-5])\s*",
    re.IGNORECASE,
)


def format_move(action: int, players: int) -> str:
    """A move as `R 2>3`; raises NotationError for a number that is no action."""
    source, color, row = _decode(action, players)
    place = "C" if source == factory_count(players) else str(source + 1)
    return f"{COLOR_LETTERS[color]} {place}>{'F' if row == FLOOR_ROW else row + 1}"


def describe_move(action: int, players: int) -> str:
    """A move at length: `R from 2 to line 3`; raises NotationError as `format_move` does."""
    source, color, row = _decode(action, players)
    place = "the centre" if source == factory_count(players) else str(source + 1)
    target = "the floor" if row == FLOOR_ROW else f"line {row + 1}"
    return f"{COLOR_LETTERS[color]} from {place} to {target}"


def parse_move(text: str, players: int) -> int:
    """The action that `text` names, in either form; whether it is legal is not asked here."""
    move = _MOVE.fullmatch(text)
    if move is None:
        raise NotationError(
            f"{quoted(text)} is not a move; write colour, source and line as in R 2>3, "
            "with C for the centre and F for the floor"
        )
    color, source, row = (move[part].lower() for part in ("color", "source", "row"))
    factories = factory_count(players)
    if not source.startswith("c") and not 1 <= int(source) <= factories:
        raise NotationError(
            f"{quoted(text)} takes from factory {source}; there are 1 to {factories} and C"
        )
    return encode_action(
        factories if source.startswith("c") else int(source) - 1,
        COLOR_NAMES.index(color) if len(color) > 1 else COLOR_LETTERS.index(color.upper()),
        FLOOR_ROW if row.startswith("f") else int(row) - 1,
    )


def format_position(view: PositionView) -> str:
    """A position on one line; `parse_position` gives an equal view back."""
    phase = _PHASE_WORDS[PHASES.index(view.phase)]
    reason = _REASON_WORDS[END_REASONS.index(view.end_reason)]
    fields = [
        f"azul{view.players}",
        f"r{view.round}",
        f"{phase}{reason}:{view.to_move + 1}",
        f"next:{view.next_first + 1}",
        "/".join(format_tiles(factory, spelled_out=True) for factory in view.factories),
        format_tiles(view.centre, view.marker_in_centre),
        f"bag:{format_tiles(view.bag)}",
        f"lid:{format_tiles(view.lid)}",
        *map(_format_board, view.boards),
    ]
    return " ".join(fields)


def parse_position(text: str) -> PositionView:
    """The position that `text` describes, on one line or drawn on many.

    Only the form is checked, not whether the position can arise: see `violations`. Raises
    NotationError naming the field (or the line of the drawing) and what it should be.
    """
    if len(text.strip().splitlines()) > 1:
        return parse_diagram(text)
    fields = _Fields(text.split())
    players = fields.take("the players, azul2 to azul4,", _parse_players)
    round_number = fields.take("the round", lambda word: parse_number(_after("r", word)))
    phase, reason, to_move = fields.take("the phase", _parse_phase)
    next_first = fields.take("who is next", lambda word: parse_number(_after("next:", word)) - 1)
    factories = fields.take("the factories", lambda word: _parse_factories(word, players))
    centre, marker = fields.take("the centre", parse_tiles)
    bag = fields.take("the bag", lambda word: parse_unmarked_tiles(_after("bag:", word)))
    lid = fields.take("the lid", lambda word: parse_unmarked_tiles(_after("lid:", word)))
    boards = [fields.take(f"player {seat + 1}", _parse_board) for seat in range(players)]
    fields.finish()
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


class _Fields:
    """The words of a one-line position, taken in order; a refusal says which one it was."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._taken = 0

    def take(self, what: str, parse: Callable[[str], Parsed]) -> Parsed:
        """Parse the next word, which holds `what`."""
        if self._taken == len(self._words):
            raise NotationError(f"the position ends before {what}, field {self._taken + 1}")
        word = self._words[self._taken]
        self._taken += 1
        try:
            return parse(word)
        except NotationError as error:
            raise NotationError(f"field {self._taken} of the position, {what}: {error}") from None

    def finish(self) -> None:
        """Refuse words that are left."""
        if self._taken < len(self._words):
            raise NotationError(
                f"the position goes on after its last board: {quoted(self._words[self._taken])}"
            )


def _decode(action: int, players: int) -> tuple[int, int, int]:
    if not 0 <= action < action_count(players):
        raise NotationError(
            f"{action} is not an action; with {players} players "
            f"they are 0 to {action_count(players) - 1}"
        )
    return decode_action(action)


def _after(prefix: str, word: str) -> str:
    if not word.startswith(prefix):
        raise NotationError(f"{quoted(word)} should begin with {prefix}")
    return word.removeprefix(prefix)


def _parse_players(word: str) -> int:
    players = parse_number(_after("azul", word))
    if not MIN_PLAYERS <= players <= MAX_PLAYERS:
        raise NotationError(f"{players} players cannot play; 2, 3 or 4 can")
    return players


def _parse_phase(word: str) -> tuple[Phase, EndReason, int]:
    parts = _PHASE_FIELD.fullmatch(word)
    if parts is None:
        raise NotationError(f"{quoted(word)} is not like move:1, tiled:1 or over-row:1")
    phase = PHASES[_PHASE_WORDS.index(parts[1])]
    return phase, END_REASONS[_REASON_WORDS.index(parts[2])], int(parts[3]) - 1


def _split(word: str, separator: str, count: int, what: str) -> list[str]:
    parts = word.split(separator)
    if len(parts) != count:
        raise NotationError(f"{quoted(word)} has {len(parts)} {what} instead of {count}")
    return parts


def _parse_factories(word: str, players: int) -> tuple[tuple[int, int, int, int, int], ...]:
    parts = _split(word, "/", factory_count(players), "factories")
    return tuple(parse_unmarked_tiles(part) for part in parts)


def _format_board(board: BoardView) -> str:
    lines = "/".join(map(format_line, board.lines))
    wall = "/".join(format_wall_row(cells, row) for row, cells in enumerate(board.wall))
    return f"{board.score},{lines},{wall},{format_tiles(board.floor, board.marker)}"


def _parse_board(word: str) -> BoardView:
    score, lines, wall, floor = _split(word, ",", 4, "parts (score, lines, wall, floor)")
    line_words = _split(lines, "/", LINE_COUNT, "pattern lines")
    wall_words = _split(wall, "/", LINE_COUNT, "wall rows")
    tiles, marker = parse_tiles(floor)
    return BoardView(
        score=parse_number(score),
        lines=tuple(parse_line(text, row) for row, text in enumerate(line_words)),
        wall=tuple(parse_wall_row(text, row) for row, text in enumerate(wall_words)),
        floor=tiles,
        marker=marker,
    )
