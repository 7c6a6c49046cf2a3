"""Moves and positions as text: what people type, files keep and other programs send."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast

from azul_tui.errors import NotationError
from azul_tui.game.constants import (
    COLOR_COUNT,
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
    wall_color,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# -- how tiles, pattern lines and wall rows are spelled: the words that both notations share
#
# | word | spelled |
# |---|---|
# | tiles | `BBYK` or `B2Y1K1`; `-` for none; a `*` at the end is the first-player marker |
# | pattern line | `-` when empty, `Y2` for two yellow tiles, or drawn: `..YY` |
# | wall row | five letters or dots: `B..K.` |
# | whole number | `-12` to `127` and the like, in plain digits |
#
# Every function here raises NotationError with the offending word in it.

MARKER: Final = "*"
_EMPTY: Final = "-"
_SHOWN: Final = 40
_TILES = re.compile(rf"([{COLOR_LETTERS}])(-?[0-9]{{1,3}})?")
_LINE_COUNTED = re.compile(rf"([{COLOR_LETTERS}?])(-?[0-9]{{1,3}})")
_LINE_DRAWN = re.compile(rf"\.*(?:([{COLOR_LETTERS}])\1*)?")
_NUMBER = re.compile(r"-?[0-9]{1,5}")


def quoted(text: str) -> str:
    """`text` fit for an error message: shortened, control characters spelled out."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def parse_number(text: str) -> int:
    """A whole number of at most five digits."""
    if not _NUMBER.fullmatch(text):
        raise NotationError(f"{quoted(text)} is not a whole number")
    return int(text)


def format_tiles(counts: Counts, marker: bool = False, *, spelled_out: bool = False) -> str:
    """Tiles as counts, `B2K1`, or spelled out, `BBK`, when none of the counts is negative."""
    if spelled_out and min(counts) >= 0:
        tiles = "".join(letter * n for letter, n in zip(COLOR_LETTERS, counts, strict=True))
    else:
        tiles = "".join(
            f"{letter}{n}" for letter, n in zip(COLOR_LETTERS, counts, strict=True) if n
        )
    return tiles + MARKER if marker else tiles or _EMPTY


def parse_tiles(text: str) -> tuple[Counts, bool]:
    """Tiles of each colour, and whether the marker lies with them."""
    marker = text.endswith(MARKER)
    tiles = text.removesuffix(MARKER)
    counts = [0] * COLOR_COUNT
    if tiles == _EMPTY or (marker and not tiles):
        return cast("Counts", tuple(counts)), marker
    at = 0
    while at < len(tiles) or not tiles:
        word = _TILES.match(tiles, at)
        if word is None:
            raise NotationError(
                f"{quoted(text)} is not a set of tiles; "
                f"write letters of {COLOR_LETTERS}, with or without counts, or - for none"
            )
        counts[COLOR_LETTERS.index(word[1])] += 1 if word[2] is None else int(word[2])
        at = word.end()
    return cast("Counts", tuple(counts)), marker


def parse_unmarked_tiles(text: str) -> Counts:
    """Tiles of each colour in a place where the marker cannot be."""
    counts, marker = parse_tiles(text)
    if marker:
        raise NotationError(
            f"{quoted(text)} has the marker, which lies in the centre or on a floor"
        )
    return counts


def format_line(line: LineView) -> str:
    """A pattern line, counted: `-`, `Y2`; `?2` for tiles of no colour."""
    if line == LineView(None, 0):
        return _EMPTY
    return f"{'?' if line.color is None else COLOR_LETTERS[line.color]}{line.tiles}"


def draw_line(line: LineView, row: int) -> str:
    """A pattern line as it lies on the table, `..YY`; counted if it could not lie there."""
    drawable = (line.color is None) == (line.tiles == 0) and 0 <= line.tiles <= row + 1
    if not drawable:
        return format_line(line)
    letter = "" if line.color is None else COLOR_LETTERS[line.color]
    return (letter * line.tiles).rjust(row + 1, ".")


def parse_line(text: str, row: int) -> LineView:
    """A pattern line, counted or drawn; a drawn one has `row + 1` places."""
    if text == _EMPTY:
        return LineView(None, 0)
    if counted := _LINE_COUNTED.fullmatch(text):
        color = None if counted[1] == "?" else COLOR_LETTERS.index(counted[1])
        return LineView(color, int(counted[2]))
    drawn = _LINE_DRAWN.fullmatch(text)
    if drawn is None or len(text) != row + 1:
        raise NotationError(
            f"{quoted(text)} is not pattern line {row + 1}; "
            f"write - when it is empty, a colour and a count, or its {row + 1} places"
        )
    color = None if drawn[1] is None else COLOR_LETTERS.index(drawn[1])
    return LineView(color, len(text) - text.count("."))


def format_wall_row(cells: tuple[bool, ...], row: int) -> str:
    """A wall row: the letter of each tile that lies there, a dot for each that does not."""
    return "".join(
        COLOR_LETTERS[wall_color(row, column)] if cell else "." for column, cell in enumerate(cells)
    )


def parse_wall_row(text: str, row: int) -> tuple[bool, ...]:
    """The five cells of a wall row."""
    full = format_wall_row((True,) * COLOR_COUNT, row)
    if len(text) != COLOR_COUNT or any(
        letter not in (".", place) for letter, place in zip(text, full, strict=True)
    ):
        raise NotationError(f"{quoted(text)} is not wall row {row + 1}; that is {full} with gaps")
    return tuple(letter != "." for letter in text)


# -- A position drawn on many lines, for people; it parses back
#
#     azul, 2 players, round 3: player 1 to move, player 2 starts the next round
#     factories  1 BBYK  2 RRWW  3 -  4 YKKK  5 -
#     centre     BYRR*
#     bag        B12 Y13 R14 K15 W16
#     lid        -
#
#     player 1   24 points
#       1      .  B . . . .
#       2     YY  . B . . .
#       3    KKK  . . . . .
#       4   ....  . . . . .
#       5  ....W  . . . . .
#       floor  KK  (-2)
#
# Blank lines, indentation and anything in parentheses mean nothing to the parser.

Drawn = TypeVar("Drawn")

_DRAWN_PHASES: Final = ("", " scored", " over")
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
    factories = reader.take("the factories", lambda line: _parse_drawn_factories(line, players))
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

    def take(self, what: str, parse: Callable[[str], Drawn]) -> Drawn:
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
    phase = _DRAWN_PHASES[PHASES.index(view.phase)]
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
    phase = PHASES[_DRAWN_PHASES.index(parts[3] or "")]
    reason = END_REASONS[END_REASONS.index(parts[4] or "")]
    return players, int(parts[2]), phase, reason, int(parts[5] or parts[6]) - 1, int(parts[6]) - 1


def _joined(word: str, line: str) -> str:
    """What follows `word` on the line, its blanks removed."""
    first, *rest = line.split()
    if first != word:
        raise NotationError(f"{quoted(line)} should begin with {word}")
    return "".join(rest)


def _parse_drawn_factories(line: str, players: int) -> tuple[Counts, ...]:
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


# -- text for moves and positions: printed by every job, parsed back from any bug report
#
# People count from 1: factories 1 to F and the centre C, lines 1 to 5 and the floor F, players 1
# to P; the colours are B blue, Y yellow, R red, K black, W white.
#
# A move is `R 2>3` (red from factory 2 to line 3) or, told at length, `R from 2 to line 3`.
#
# A position on one line has these fields, separated by blanks:
#
#     azul2 r3 move:1 next:2 BBYK/RRWW/-/KKKY/- B1R2* bag:B9K8 lid:- 24,-/Y2/-/-/W1,B....,-  ...
#
# the players; the round; the phase (`move`, `tiled` after the scoring of a round, `over`, with
# `-row`, `-rounds` or `-empty` for the reason) with the player to move; who starts the next round
# as things stand; the factories; the centre, a `*` for the first-player marker; bag; lid; and for
# each player score, pattern lines, wall and floor line. `diagram` draws the same on many lines.
# `tokens` says how tiles, lines and wall rows are spelled.

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
