"""Moves and positions as text: what people type, files keep and other programs send.

People count from 1: factories 1 to F and the centre C, lines 1 to 5 and the floor F, players 1
to P; the colours are B blue, Y yellow, R red, K black, W white. A move is `R 2>3` (red from
factory 2 to line 3) or, at length, `R from 2 to line 3`. A position is one line of fields:

    azul2 r3 move:1 next:2 BBYK/RRWW/-/KKKY/- B1R2* bag:B9K8 lid:- 24,-/Y2/-/-/W1,B....,-  ...

the players; the round; the phase (`move`, `tiled` after the scoring of a round, `over`, with
`-row`, `-rounds` or `-empty` for the reason) with the player to move; who starts the next round
as things stand; the factories; the centre; bag; lid; and for each player score, pattern lines,
wall and floor line. Their words are

| word | spelled |
|---|---|
| tiles | `BBYK` or `B2Y1K1`; `-` for none; a `*` at the end is the first-player marker |
| pattern line | `-` when empty, `Y2` for two yellow tiles, or drawn: `..YY` |
| wall row | five letters or dots: `B..K.` |
"""

from __future__ import annotations

import re
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
    from collections.abc import Callable

Parsed = TypeVar("Parsed")

_PHASE_WORDS: Final = ("move", "tiled", "over")
_REASON_WORDS: Final = ("", "-row", "-rounds", "-empty")
_PHASE = re.compile(r"(move|tiled|over)(|-row|-rounds|-empty):(-?[0-9]{1,3})")
_NUMBER = re.compile(r"-?[0-9]{1,5}")
_TILES = re.compile(rf"([{COLOR_LETTERS}])(-?[0-9]{{1,3}})?")
_COUNTED_LINE = re.compile(rf"([{COLOR_LETTERS}?])(-?[0-9]{{1,3}})")
_DRAWN_LINE = re.compile(rf"\.*(?:([{COLOR_LETTERS}])\1*)?")
_MOVE = re.compile(
    r"\s*(?P<color>[byrkw]|blue|yellow|red|black|white)"
    r"(?:\s+from)?\s*(?:(?:the|factory)\s+)?(?P<source>c|centre|center|[0-9]{1,2})"
    r"\s*(?:>|\bto\b)\s*(?:the\s+)?(?:line\s*)?(?P<row>f|floor|[1-5])\s*",
    re.IGNORECASE,
)


# -- moves


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


def quoted(text: str) -> str:
    """`text` fit for an error message: shortened, control characters spelled out."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _decode(action: int, players: int) -> tuple[int, int, int]:
    if not 0 <= action < action_count(players):
        raise NotationError(
            f"{action} is not an action; with {players} players "
            f"they are 0 to {action_count(players) - 1}"
        )
    return decode_action(action)


# -- positions, written


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
    ]
    for board in view.boards:
        lines = "/".join(map(_format_line, board.lines))
        wall = "/".join(format_wall_row(cells, row) for row, cells in enumerate(board.wall))
        floor = format_tiles(board.floor, board.marker)
        fields.append(f"{board.score},{lines},{wall},{floor}")
    return " ".join(fields)


def draw_position(view: PositionView) -> str:
    """A position on many lines, for people, without a line break at its end.

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
    """
    phase = ("", " scored", " over")[PHASES.index(view.phase)]
    reason = f", {view.end_reason}" if view.end_reason else ""
    named = view.phase == "moving" or view.to_move != view.next_first
    mover = f" player {view.to_move + 1} to move," if named else ""
    factories = [format_tiles(factory, spelled_out=True) for factory in view.factories]
    starts = f"player {view.next_first + 1} starts the next round"
    rows = [
        f"azul, {view.players} players, round {view.round}{phase}{reason}:{mover} {starts}",
        "factories  " + "  ".join(f"{n} {tiles}" for n, tiles in enumerate(factories, start=1)),
        f"centre     {format_tiles(view.centre, view.marker_in_centre, spelled_out=True)}",
        f"bag        {format_tiles(view.bag, between=' ')}",
        f"lid        {format_tiles(view.lid, between=' ')}",
    ]
    for seat, board in enumerate(view.boards):
        rows += ["", f"player {seat + 1}   {board.score} point{'' if board.score == 1 else 's'}"]
        for row, (line, cells) in enumerate(zip(board.lines, board.wall, strict=True)):
            wall = " ".join(format_wall_row(cells, row))
            rows.append(f"  {row + 1}  {_draw_line(line, row):>5}  {wall}")
        cost = f"  (-{board.floor_cost})" if board.floor_cost else ""
        rows.append(f"  floor  {format_tiles(board.floor, board.marker, spelled_out=True)}{cost}")
    return "\n".join(rows)


def format_tiles(
    counts: Counts, marker: bool = False, *, spelled_out: bool = False, between: str = ""
) -> str:
    """Tiles as counts, `B2K1`, or spelled out, `BBK`, when none of the counts is negative."""
    pairs = [(letter, n) for letter, n in zip(COLOR_LETTERS, counts, strict=True) if n]
    spelled_out = spelled_out and min(counts) >= 0
    words = (letter * n if spelled_out else f"{letter}{n}" for letter, n in pairs)
    return between.join(words) + "*" * marker or "-"


def _format_line(line: LineView) -> str:
    """A pattern line, counted: `-`, `Y2`; `?2` for tiles of no colour."""
    if line == LineView(None, 0):
        return "-"
    return f"{'?' if line.color is None else COLOR_LETTERS[line.color]}{line.tiles}"


def _draw_line(line: LineView, row: int) -> str:
    """A pattern line as it lies on the table, `..YY`; counted if it could not lie there."""
    if (line.color is None) != (line.tiles == 0) or not 0 <= line.tiles <= row + 1:
        return _format_line(line)
    letter = "" if line.color is None else COLOR_LETTERS[line.color]
    return (letter * line.tiles).rjust(row + 1, ".")


def format_wall_row(cells: tuple[bool, ...], row: int) -> str:
    """A wall row: the letter of each tile that lies there, a dot for each that does not."""
    return "".join(
        COLOR_LETTERS[wall_color(row, column)] if cell else "." for column, cell in enumerate(cells)
    )


# -- positions, read: every function raises NotationError with the offending word in it


def parse_position(text: str) -> PositionView:
    """The position that `text` describes.

    Only the form is checked, not whether the position can arise: see `violations`. Raises
    NotationError naming the field and what it should be.
    """
    words = enumerate(text.split(), start=1)

    def take(what: str, parse: Callable[[str], Parsed]) -> Parsed:
        number, word = next(words, (0, ""))
        if not number:
            raise NotationError(f"the position ends before {what}")
        try:
            return parse(word)
        except NotationError as error:
            raise NotationError(f"field {number} of the position, {what}: {error}") from None

    players = take("the players", _parse_players)
    round_number = take("the round", lambda word: _parse_number(word, "r"))
    phase, reason, to_move = take("the phase", _parse_phase)
    next_first = take("who is next", lambda word: _parse_number(word, "next:")) - 1
    factories = take("the factories", lambda word: _parse_factories(word, players))
    centre, marker = take("the centre", _parse_tiles)
    bag = take("the bag", lambda word: _parse_unmarked_tiles(word, "bag:"))
    lid = take("the lid", lambda word: _parse_unmarked_tiles(word, "lid:"))
    boards = tuple(take(f"player {seat + 1}", _parse_board) for seat in range(players))
    for _, word in words:
        raise NotationError(f"the position goes on after its last board: {quoted(word)}")
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
        boards=boards,
    )
    position_bytes(view)  # refuses numbers that no position holds
    return view


def _after(prefix: str, word: str) -> str:
    if not word.startswith(prefix):
        raise NotationError(f"{quoted(word)} should begin with {prefix}")
    return word.removeprefix(prefix)


def _split(word: str, separator: str, count: int, what: str) -> list[str]:
    parts = word.split(separator)
    if len(parts) != count:
        raise NotationError(f"{quoted(word)} has {len(parts)} {what} instead of {count}")
    return parts


def _parse_number(word: str, prefix: str = "") -> int:
    text = _after(prefix, word)
    if not _NUMBER.fullmatch(text):
        raise NotationError(f"{quoted(text)} is not a whole number")
    return int(text)


def _parse_players(word: str) -> int:
    players = _parse_number(word, "azul")
    if not MIN_PLAYERS <= players <= MAX_PLAYERS:
        raise NotationError(f"{players} players cannot play; 2, 3 or 4 can")
    return players


def _parse_phase(word: str) -> tuple[Phase, EndReason, int]:
    parts = _PHASE.fullmatch(word)
    if parts is None:
        raise NotationError(f"{quoted(word)} is not like move:1, tiled:1 or over-row:1")
    phase = PHASES[_PHASE_WORDS.index(parts[1])]
    return phase, END_REASONS[_REASON_WORDS.index(parts[2])], int(parts[3]) - 1


def _parse_tiles(text: str) -> tuple[Counts, bool]:
    """Tiles of each colour, and whether the marker lies with them."""
    marker = text.endswith("*")
    tiles = text.removesuffix("*")
    counts = [0] * COLOR_COUNT
    if tiles != "-" and not (marker and not tiles):
        if _TILES.sub("", tiles) or not tiles:
            raise NotationError(
                f"{quoted(text)} is not a set of tiles; "
                f"write letters of {COLOR_LETTERS}, with or without counts, or - for none"
            )
        for letter, count in cast("list[tuple[str, str]]", _TILES.findall(tiles)):
            counts[COLOR_LETTERS.index(letter)] += int(count or 1)
    return cast("Counts", tuple(counts)), marker


def _parse_unmarked_tiles(word: str, prefix: str = "") -> Counts:
    """Tiles of each colour in a place where the marker cannot be."""
    counts, marker = _parse_tiles(_after(prefix, word))
    if marker:
        raise NotationError(
            f"{quoted(word)} has the marker, which lies in the centre or on a floor"
        )
    return counts


def _parse_factories(word: str, players: int) -> tuple[Counts, ...]:
    parts = _split(word, "/", factory_count(players), "factories")
    return tuple(_parse_unmarked_tiles(part) for part in parts)


def _parse_line(text: str, row: int) -> LineView:
    """A pattern line, counted or drawn; a drawn one has `row + 1` places."""
    if text == "-":
        return LineView(None, 0)
    if counted := _COUNTED_LINE.fullmatch(text):
        color = None if counted[1] == "?" else COLOR_LETTERS.index(counted[1])
        return LineView(color, int(counted[2]))
    drawn = _DRAWN_LINE.fullmatch(text)
    if drawn is None or len(text) != row + 1:
        raise NotationError(
            f"{quoted(text)} is not pattern line {row + 1}; "
            f"write - when it is empty, a colour and a count, or its {row + 1} places"
        )
    color = None if drawn[1] is None else COLOR_LETTERS.index(drawn[1])
    return LineView(color, len(text) - text.count("."))


def _parse_wall_row(text: str, row: int) -> tuple[bool, ...]:
    full = format_wall_row((True,) * COLOR_COUNT, row)
    if len(text) != COLOR_COUNT or any(
        letter not in (".", place) for letter, place in zip(text, full, strict=True)
    ):
        raise NotationError(f"{quoted(text)} is not wall row {row + 1}; that is {full} with gaps")
    return tuple(letter != "." for letter in text)


def _parse_board(word: str) -> BoardView:
    score, lines, wall, floor = _split(word, ",", 4, "parts (score, lines, wall, floor)")
    line_words = _split(lines, "/", LINE_COUNT, "pattern lines")
    wall_words = _split(wall, "/", LINE_COUNT, "wall rows")
    tiles, marker = _parse_tiles(floor)
    return BoardView(
        score=_parse_number(score),
        lines=tuple(_parse_line(text, row) for row, text in enumerate(line_words)),
        wall=tuple(_parse_wall_row(text, row) for row, text in enumerate(wall_words)),
        floor=tiles,
        marker=marker,
    )
