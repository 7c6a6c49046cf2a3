"""The Analyse place as a picture: the board, what is known in words, and the table of moves."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from azul_tui.errors import NotationError
from azul_tui.tui import phrases
from azul_tui.tui.analyse.table import draw_moves, no_moves
from azul_tui.tui.analyse.text import why_no_moves
from azul_tui.tui.analyse.words import side_panel, value_words
from azul_tui.tui.board.marks import Marks, Move
from azul_tui.tui.board.scale import Brush
from azul_tui.tui.board.table import DrawnTable, draw_table, draw_whole_boards
from azul_tui.tui.charts.frame import panel
from azul_tui.tui.picture import Line, Picture, beside, crop, text_line

if TYPE_CHECKING:
    from azul_tui.tui.analyse.state import AnalyseState

LEAST_ROWS: Final = 7
"""Lines of the table that the board leaves it: its frame, its header and four moves."""
SIDE: Final = 40
WIDE: Final = (170, 40)
"""From this size on the table stands beside the board instead of below it."""


@dataclass(frozen=True, slots=True)
class Split:
    """Where board, words and table stand: heights and widths in cells."""

    board: tuple[int, int]
    side: tuple[int, int]
    table: tuple[int, int]
    table_at: tuple[int, int]
    """Cell and line of the table's upper left corner within the body."""
    wide: bool


def split(state: AnalyseState, width: int, height: int) -> Split:
    """How the body is divided."""
    if width >= WIDE[0] and height >= WIDE[1]:
        left = min(84, width // 2)
        drawn = _drawn(state, left - 4, height - 16)
        board = min(height - 14, drawn.height + 2)
        return Split((left, board), (left, height - board), (width - left, height), (left, 0), True)
    side = SIDE if width >= 112 else max(0, width - 58)
    if side < 20:
        side = 0
    room = height - LEAST_ROWS
    if width < 40 or room < 9:
        return Split((0, 0), (0, 0), (width, height), (0, 0), False)
    inner = width - side - 2 * _margin(width - side)
    room = _board_room(state, inner, room)
    board = min(room, _drawn(state, inner, room - 2).height + 2)
    return Split((width - side, board), (side, board), (width, height - board), (0, board), False)


def _board_room(state: AnalyseState, width: int, most: int) -> int:
    """Lines for the board and its frame: two fifths of the body, more where that is too little.

    Three and four boards take no more than they need: the moves matter more than large tiles.
    """
    players = state.session.here.view.players

    def is_whole(room: int) -> bool:
        drawn = _drawn(state, width, room - 2)
        return drawn.complete and len(drawn.seats) == players

    fair = min(most, max(12, (most + LEAST_ROWS) * 2 // 5))
    if is_whole(fair):
        return fair
    if players == 2:
        return most
    return bisect_left(range(most), True, lo=fair, key=is_whole)


def _drawn(state: AnalyseState, width: int, height: int, marks: Marks | None = None) -> DrawnTable:
    """The table from the first seat; from the seat to move where not all boards find room."""
    view = state.session.here.view
    names = tuple(f"player {seat + 1}" for seat in range(view.players))
    brush = Brush(state.signs, state.depth)
    drawn = draw_table(view, width, height, names=names, marks=marks, brush=brush)
    if drawn.complete or view.players == 2:
        return drawn
    own = view.to_move
    return draw_whole_boards(
        view,
        width,
        height,
        names=names,
        own=own,
        wanted=(own + 1) % view.players if state.other is None else state.other,
        marks=marks,
        brush=brush,
    )


def _margin(width: int) -> int:
    """Cells between a panel's sides and the board, the frame included."""
    return 1 if width < 80 else 2


def analyse_body(state: AnalyseState, width: int, height: int) -> Picture:
    """The body of the screen, exactly `height` lines of `width` cells."""
    parts = split(state, width, height)
    table = _table_panel(state, *parts.table, alone=not parts.board[1])
    if not parts.board[1]:
        return crop(table, width, height)
    board = _board_panel(state, *parts.board)
    words = side_panel(state, *parts.side) if parts.side[0] else []
    if parts.wide:
        return crop(beside([*board, *words], parts.board[0], table), width, height)
    above = beside(board, parts.board[0], words) if words else board
    return crop([*above, *table], width, height)


def table_inside(parts: Split) -> tuple[int, int]:
    """Cells and lines inside the frame of the table."""
    return max(1, parts.table[0] - 2), max(0, parts.table[1] - 2)


# -- the board


def _board_panel(state: AnalyseState, width: int, height: int) -> Picture:
    here = state.session.here
    view = here.view
    margin = _margin(width)
    chosen, moves = state.chosen, state.session.moves
    marks = Marks(
        hint=_move(chosen.move, view.players) if chosen is not None else None,
        last=_move(moves[-1], view.players) if moves else None,
        last_seat=state.session.steps[-2].view.to_move if moves else -1,
    )
    drawn = _drawn(state, width - 2 * margin, height - 2, marks)
    content: Picture = [((" " * (margin - 1), ""), *line) for line in drawn.surface.picture()]
    foot = _bag(state, width)
    if len(drawn.seats) < view.players:
        foot = (
            (f"{len(drawn.seats)} of {view.players} boards, ", "quiet"),
            ("o", "key"),
            (" the others", "quiet"),
        )
    elif not drawn.complete:
        foot = text_line("the boards are cut: too little room", "warning")
    return panel(content, board_title(state), foot, width, height, state.signs)


def _move(text: str, players: int) -> Move | None:
    try:
        return Move.parse(text, players)
    except NotationError:
        return None  # the engine wrote something else than a move; the board does without


def board_title(state: AnalyseState) -> Line:
    """Which position this is."""
    session = state.session
    view = session.here.view
    where = f"move {len(session.moves)} of the line" if session.moves else ""
    if not session.moves and session.seeded:
        where = f"seed {session.seed}"
    turn = f"player {view.to_move + 1} to move" if view.phase == "moving" else "nobody to move"
    return (
        (f"round {view.round}  ", "title"),
        (turn, "strong"),
        (f"  {where}" if where else "", "quiet"),
    )


def _bag(state: AnalyseState, width: int) -> Line:
    view = state.session.here.view
    if width < 50:
        return ()
    return ((f"bag {sum(view.bag)}  lid {sum(view.lid)}", "quiet"),)


# -- the table


def _table_panel(state: AnalyseState, width: int, height: int, *, alone: bool) -> Picture:
    inner = width - 2
    view = state.session.here.view
    why = why_no_moves(view)
    if why:
        content = no_moves(why, inner, state.signs)
    elif not state.rows:
        words = f"no move fits the filter {state.filter!r}; esc shows all {state.total}"
        content = no_moves(words, inner, state.signs)
    else:
        content = draw_moves(state.rows, state.columns, inner, height - 2, state.look)
    title: Line = ((phrases.plural(state.total, "move"), "title"),)
    if state.filter:
        title = ((f"{len(state.rows)} of {state.total} moves  /{state.filter}", "title"),)
    by = state.look.sorted_by
    if not by.startswith("visits") or not state.look.descending:
        falling = "" if state.look.descending else ", smallest first"
        title = (*title, (f"  by {by}{'' if by == 'move' else falling}", "quiet"))
    if alone:
        title = (*title, ("  ", ""), *value_words(state))
    said: Line = ()
    if alone or width < 40:
        said = text_line(state.trouble or state.message or state.activity, "quiet")
    elif state.held:
        said = text_line("the order stands still while you move", "quiet")
    return panel(content, title, said, width, height, state.signs)
