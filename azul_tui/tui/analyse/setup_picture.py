"""The editor of a position as a picture: the fields, the board that they make, what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from azul_tui.game.constants import COLOR_LETTERS, TILES_PER_COLOR
from azul_tui.game.tokens import draw_line
from azul_tui.game.view import wall_color
from azul_tui.tui.analyse.setup import (
    Field,
    faults,
    marker_place,
    tiles_in_play,
    tiles_of,
)
from azul_tui.tui.analyse.setup_text import accepted, name_of
from azul_tui.tui.board.scale import Brush
from azul_tui.tui.board.table import draw_table
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.picture import Line, Picture, beside, crop, line_width, text_line, wrapped

if TYPE_CHECKING:
    from azul_tui.game.view import Counts, PositionView
    from azul_tui.tui.palette import Depth
    from azul_tui.tui.signs import Signs

BOARD_CELLS: Final = 24
FORM_LINES: Final = 13
"""Four lines of the table, a gap, and a board of seven, and a gap."""
FORM_CELLS: Final = 58
PREVIEW: Final = 14
"""Lines from which on the board is drawn below the fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupState:
    """Everything that the picture depends on besides its size."""

    view: PositionView
    at: Field
    message: str
    depth: Depth
    signs: Signs


def setup_body(state: SetupState, width: int, height: int) -> Picture:
    """The body of the screen, exactly `height` lines of `width` cells."""
    wrong = faults(state.view)
    title: Line = (("position", "title"),)
    title = (*title, (f"  {name_of(state.at)}", "strong"))
    if width >= 100:
        left = min(max(FORM_CELLS, 4 + state.view.players * BOARD_CELLS), width - 40)
        top = min(height, FORM_LINES + 2)
        form = panel(_form(state, left - 4), title, (), left, top, state.signs)
        check = _check_panel(state, wrong, width - left, top)
        picture = beside(form, left, check)
    else:
        top = min(height, FORM_LINES + 1)
        form = panel(_form(state, width - 4), title, (), width, top, state.signs)
        picture = [*form, *_check_panel(state, wrong, width, height - top)]
    rest = height - len(picture)
    if rest >= PREVIEW:
        drawn = draw_table(
            state.view,
            width - 4,
            rest - 2,
            names=tuple(f"player {seat + 1}" for seat in range(state.view.players)),
            brush=Brush(state.signs, state.depth),
        )
        content: Picture = [((" ", ""), *line) for line in drawn.surface.picture()]
        picture.extend(
            panel(content, text_line("as it lies", "title"), (), width, rest, state.signs)
        )
    return crop(picture, width, height)


# -- the fields


def _form(state: SetupState, width: int) -> Picture:
    view = state.view
    players = _field(state, Field("players"), str(view.players))
    round_ = _field(state, Field("round"), str(view.round))
    turn = _field(state, Field("turn"), f"player {view.to_move + 1}")
    next_ = _field(state, Field("next"), f"player {view.next_first + 1}")
    label = "next round " if width >= 58 else "next "
    lines: list[Line] = [
        (
            ("players ", "quiet"),
            players,
            ("  round ", "quiet"),
            round_,
            ("  to move ", "quiet"),
            turn,
            (f"  {label}", "quiet"),
            next_,
        ),
        _factories(state),
    ]
    place = marker_place(view)
    held = "in the centre" if place < 0 else f"with player {place + 1}"
    lines.append(
        (
            ("centre ", "quiet"),
            *_tiles(state, Field("centre"), view.centre),
            ("   marker ", "quiet"),
            _field(state, Field("marker"), held),
        )
    )
    lines.append(
        (
            ("bag ", "quiet"),
            *_counted(state, Field("bag"), view.bag),
            ("   lid ", "quiet"),
            *_counted(state, Field("lid"), view.lid),
        )
    )
    picture: Picture = [((" ", ""), *line) for line in lines]
    picture.append(())
    picture.extend(((" ", ""), *line) for line in _boards(state, width))
    return picture


def _field(state: SetupState, field: Field, text: str, role: str = "") -> tuple[str, str]:
    return text, "chosen" if field == state.at else role


def _factories(state: SetupState) -> Line:
    parts: list[tuple[str, str]] = []
    for number, counts in enumerate(state.view.factories):
        parts.append((f"{number + 1} ", "quiet"))
        parts.extend(_tiles(state, Field("factory", number=number), counts))
        parts.append(("  ", ""))
    return tuple(parts)


def _tiles(state: SetupState, field: Field, counts: Counts) -> Line:
    """Tiles as letters; many of one colour as a count."""
    here = field == state.at
    parts: list[tuple[str, str]] = []
    for letter, count in zip(COLOR_LETTERS, counts, strict=True):
        text = letter * count if count <= 4 else f"{letter}{count}"
        if text:
            parts.append((text, f"tile.{letter}"))
    if not parts:
        return ((state.signs.empty_cell, "chosen" if here else "quiet"),)
    if here:
        return (("[", "chosen"), *parts, ("]", "chosen"))
    return tuple(parts)


def _counted(state: SetupState, field: Field, counts: Counts) -> Line:
    here = field == state.at
    if not any(counts):
        return ((state.signs.empty_cell, "chosen" if here else "quiet"),)
    words = " ".join(f"{a}{n}" for a, n in zip(COLOR_LETTERS, counts, strict=True) if n)
    return ((words, "chosen" if here else ""),)


def _boards(state: SetupState, width: int) -> Picture:
    """The boards side by side; where they do not all fit, those around the chosen one."""
    room = max(1, (width + 2) // BOARD_CELLS)
    players = state.view.players
    first = min(max(0, state.at.seat - room + 1), max(0, players - room))
    shown = range(first, min(players, first + room))
    picture: Picture = []
    for order, seat in enumerate(shown):
        board = _board(state, seat)
        picture = board if order == 0 else beside(picture, order * BOARD_CELLS, board)
    if len(shown) < players and picture:
        hidden = [str(seat + 1) for seat in range(players) if seat not in shown]
        words = f"  and player {', '.join(hidden)}: go there with the arrows"
        picture[0] = (*picture[0], (words[: max(0, width - line_width(picture[0]))], "quiet"))
    return picture


def _board(state: SetupState, seat: int) -> Picture:
    view, board = state.view, state.view.boards[seat]
    here = seat == view.to_move
    picture: Picture = [
        (
            (f"{state.signs.pointer if here else ' '} ", "player.now"),
            (f"player {seat + 1}  ", "strong" if here else ""),
            _field(state, Field("score", seat), f"{board.score:>3}", "strong"),
            (" points", "quiet"),
        )
    ]
    for row in range(5):
        line = Field("line", seat, row)
        text = draw_line(board.lines[row], row).replace(".", state.signs.empty_cell)
        color = board.lines[row].color
        role = f"tile.{COLOR_LETTERS[color]}" if color is not None else "quiet"
        parts: list[tuple[str, str]] = [(f"{row + 1} {' ' * max(0, 5 - len(text))}", "quiet")]
        if line == state.at:
            parts.append((text, "chosen"))
        else:
            parts.extend((a, "quiet" if a == state.signs.empty_cell else role) for a in text)
        parts.append(("  ", ""))
        parts.extend(_wall_row(state, Field("wall", seat, row)))
        picture.append(tuple(parts))
    floor = _tiles(state, Field("floor", seat), board.floor)
    marker = ((" 1", "tile.1"),) if board.marker else ()
    cost = ((f"  -{board.floor_cost}", "warning"),) if board.floor_cost else ()
    picture.append((("floor ", "quiet"), *floor, *marker, *cost))
    return picture


def _wall_row(state: SetupState, field: Field) -> Line:
    cells = state.view.boards[field.seat].wall[field.number]
    here = field == state.at
    parts: list[tuple[str, str]] = [("[" if here else " ", "chosen" if here else "")]
    for column, laid in enumerate(cells):
        letter = COLOR_LETTERS[wall_color(field.number, column)]
        parts.append((letter, f"tile.{letter}") if laid else (letter.lower(), f"wall.{letter}"))
        if column < 4:
            parts.append((" ", ""))
    parts.append(("]" if here else " ", "chosen" if here else ""))
    return tuple(parts)


# -- what is wrong


def _check_panel(state: SetupState, wrong: list[str], width: int, height: int) -> Picture:
    if height < 3:
        return []
    signs = state.signs
    inner = width - 4
    lines: Picture = [_balance(state)]
    if state.message:
        lines.extend(wrapped(state.message, inner, "warning"))
    lines.extend(_told(wrong, inner, height - 2 - len(lines) - 2, signs))
    keys = _keys_here(state)
    gap: Picture = [()] * max(0, height - 2 - len(lines) - len(wrapped(keys, inner)))
    lines.extend([*gap, *wrapped(keys, inner, "quiet")])
    title: Line = (
        ((f"{len(wrong)} wrong", "alert"),) if wrong else ((f"{signs.finished} it can be", "good"),)
    )
    content: Picture = [((" ", ""), *line) for line in lines]
    return panel(content, title, (), width, height, signs)


def _told(wrong: list[str], width: int, room: int, signs: Signs) -> Picture:
    """The faults, as many as there is room for, and how many more there are."""
    if not wrong:
        return [text_line("g looks at it", "strong")]
    lines: Picture = []
    for number, fault in enumerate(wrong):
        told = wrapped(f"{signs.alert} {fault}", width)
        left = len(wrong) - number
        if len(lines) + len(told) > room - (1 if left > 1 else 0):
            lines.append(text_line(f"and {left} more", "quiet"))
            break
        lines.extend(told)
    return lines


def _balance(state: SetupState) -> Line:
    """How many tiles of each colour there are, of 20."""
    parts: list[tuple[str, str]] = [("tiles ", "quiet")]
    for letter, tiles in zip(COLOR_LETTERS, tiles_in_play(state.view), strict=True):
        right = tiles == TILES_PER_COLOR
        parts.extend([(letter, f"tile.{letter}"), (f" {tiles}  ", "" if right else "changed")])
    return tuple(parts)


def _keys_here(state: SetupState) -> str:
    """What the keys do to the chosen field."""
    kind = state.at.kind
    if kind == "wall":
        return "b y r k w lay a tile or take it off, del clears the row, enter types it"
    if kind == "line":
        return "b y r k w add a tile, in capitals take one away, + and - too, del empties it"
    if tiles_of(state.view, state.at) is not None:
        return "b y r k w add a tile, in capitals take one away, del takes all, f fills the bag"
    return f"+ and - change it, enter types it: {accepted(state.at)}"
