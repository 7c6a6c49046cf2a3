"""The fields of a position that is set up, as text: names, values to type, and what is accepted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from azul_tui.errors import NotationError
from azul_tui.game.constants import (
    COLOR_NAMES,
    MAX_PLAYERS,
    MAX_ROUNDS,
    MIN_PLAYERS,
    TILES_PER_COLOR,
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
from azul_tui.game.view import position_bytes
from azul_tui.tui.analyse.setup import (
    Field,
    marker_place,
    tiles_in_play,
    tiles_of,
    with_board,
    with_line,
    with_marker,
    with_players,
    with_tiles,
    with_wall_row,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.game.view import PositionView


def text_of(view: PositionView, field: Field) -> str:
    """The value of a field as it is typed."""
    counts = tiles_of(view, field)
    if counts is not None:
        return format_tiles(counts, spelled_out=field.kind == "factory")
    place = marker_place(view)
    words: dict[str, Callable[[], str]] = {
        "players": lambda: str(view.players),
        "round": lambda: str(view.round),
        "turn": lambda: str(view.to_move + 1),
        "next": lambda: str(view.next_first + 1),
        "marker": lambda: "C" if place < 0 else str(place + 1),
        "score": lambda: str(view.boards[field.seat].score),
        "line": lambda: format_line(view.boards[field.seat].lines[field.number]),
        "wall": lambda: format_wall_row(view.boards[field.seat].wall[field.number], field.number),
    }
    return words[field.kind]()


def with_text(view: PositionView, field: Field, text: str) -> PositionView:
    """The field as somebody typed it; raises NotationError with what is wrong with it."""
    text = text.strip()
    if tiles_of(view, field) is not None:
        changed = with_tiles(view, field, parse_unmarked_tiles(text.upper() or "-"))
    elif field.kind == "line":
        changed = with_line(view, field, parse_line(text.upper() or "-", field.number))
    elif field.kind == "wall":
        changed = with_wall_row(view, field, parse_wall_row(text.upper(), field.number))
    elif field.kind == "marker":
        in_centre = text.upper() in {"C", "CENTRE", "CENTER"}
        changed = with_marker(view, -1 if in_centre else _seat(view, text))
    else:
        changed = _with_number(view, field, text)
    position_bytes(changed)  # refuses numbers that no position holds
    return changed


def _with_number(view: PositionView, field: Field, text: str) -> PositionView:
    if field.kind == "turn":
        return replace(view, to_move=_seat(view, text))
    if field.kind == "next":
        return replace(view, next_first=_seat(view, text))
    value = parse_number(text)
    if field.kind == "players":
        if not MIN_PLAYERS <= value <= MAX_PLAYERS:
            raise NotationError(f"{value} players cannot play; 2, 3 or 4 can")
        return with_players(view, value)
    if field.kind == "round":
        if not 1 <= value <= MAX_ROUNDS:
            raise NotationError(f"the round is {value}; it can be 1 to {MAX_ROUNDS}")
        return replace(view, round=value)
    if not 0 <= value <= 999:
        raise NotationError(f"a score of {value} cannot be; it can be 0 to 999")
    return with_board(view, field.seat, lambda board: replace(board, score=value))


def _seat(view: PositionView, text: str) -> int:
    value = parse_number(text)
    if not 1 <= value <= view.players:
        raise NotationError(f"there is no player {value}; there are 1 to {view.players}")
    return value - 1


def accepted(field: Field) -> str:
    """What can be typed for a field, in words."""
    if field.kind == "line":
        return f"a colour and a count such as Y2, or its {field.number + 1} places, or - for none"
    if field.kind == "wall":
        full = format_wall_row((True,) * 5, field.number)
        return f"five letters with dots for gaps; the whole row is {full}"
    if field.kind in {"turn", "next"}:
        return "the number of a player"
    if field.kind == "marker":
        return "C for the centre, or the number of a player"
    if field.kind in {"players", "round", "score"}:
        return "a whole number"
    return "tiles as letters, BBYK or B2YK, or - for none"


def name_of(field: Field) -> str:
    """A field in words."""
    who = f"player {field.seat + 1}: " if field.seat >= 0 else ""
    names = {
        "players": "how many play",
        "turn": "who is to move",
        "next": "who starts the next round",
        "marker": "where the first-player marker lies",
        "factory": f"factory {field.number + 1}",
        "centre": "the centre",
        "bag": "the bag",
        "lid": "the box lid",
        "line": f"pattern line {field.number + 1}",
        "wall": f"wall row {field.number + 1}",
        "floor": "the floor line",
    }
    return who + names.get(field.kind, f"the {field.kind}")


def balance_words(view: PositionView) -> list[str]:
    """Which colours have too many or too few tiles: `yellow 2 too many`; none when all have 20."""
    words: list[str] = []
    for name, tiles in zip(COLOR_NAMES, tiles_in_play(view), strict=True):
        if tiles != TILES_PER_COLOR:
            off = abs(tiles - TILES_PER_COLOR)
            words.append(f"{name} {off} too {'many' if tiles > TILES_PER_COLOR else 'few'}")
    return words
