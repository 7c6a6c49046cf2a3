"""A position from what somebody pasted or typed: either notation, with what clings to it.

Knows nothing of the terminal; the rules are asked in their pure form, so nothing compiles.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from azul_tui.errors import NotationError
from azul_tui.game.legality import why_illegal
from azul_tui.game.notation import format_move, parse_move, parse_position
from azul_tui.game.violations import position_violations

if TYPE_CHECKING:
    from azul_tui.game.view import PositionView

MAX_TEXT: Final = 20_000
"""Characters of a paste that are looked at; a drawn position of four players has 1,400."""
_ONE_LINE: Final = re.compile(r"azul[0-9]+\s")
_DRAWN: Final = re.compile(r"azul,\s")
_MOVES: Final = re.compile(r"\bmoves\b(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class GivenPosition:
    """A position as somebody gave it."""

    view: PositionView
    moves: tuple[str, ...] = ()
    """Moves played from it, after the word `moves`, as the engine's protocol writes them."""
    faults: tuple[str, ...] = ()
    """What the rules hold against it, one sentence each."""


def read_position(text: str) -> GivenPosition:
    """The position in `text`: one line (broken or not), or drawn on many.

    Quotation marks of mails (`>`), code fences and words before the position are passed over.
    Raises NotationError with one sentence that names what is wrong.
    """
    if not text.strip():
        raise NotationError("there is no text in it; copy a position first")
    if len(text) > MAX_TEXT:
        raise NotationError(
            f"that text has {len(text):,} characters; a position has fewer than {MAX_TEXT:,}"
        )
    lines = [_bare(line) for line in text.splitlines()]
    whole = "\n".join(line for line in lines if line is not None)
    drawn, one_line = _DRAWN.search(whole), _ONE_LINE.search(whole)
    if drawn is not None and (one_line is None or drawn.start() < one_line.start()):
        view, words = parse_position(whole[drawn.start() :]), ""
    elif one_line is not None:
        rest = whole[one_line.start() :]
        found = _MOVES.search(rest)
        words = found[1] if found is not None else ""
        rest = rest[: found.start()] if found is not None else rest
        view = parse_position(" ".join(rest.split()))
    else:
        raise NotationError(
            "that is no position; one begins with azul2, azul3 or azul4 on one line, "
            "or with 'azul, 2 players' when it is drawn"
        )
    moves = tuple(
        format_move(parse_move(word, view.players), view.players)
        for word in re.split(r"[,;]", words)
        if word.strip()
    )
    return GivenPosition(view, moves, tuple(position_violations(view)))


def _bare(line: str) -> str | None:
    """A line without the quotation marks of a mail; None for a code fence."""
    bare = line.strip()
    if bare.startswith("```"):
        return None
    return bare.lstrip("> ") if bare.startswith(">") else bare


def refusal(faults: tuple[str, ...]) -> str:
    """What is wrong with a position, in one sentence."""
    more = len(faults) - 1
    others = f" (and {more} more)" if more else ""
    return f"{faults[0]}{others}"


def why_no_moves(view: PositionView) -> str:
    """Why nobody can move in `view`; empty when somebody can."""
    if view.phase == "moving":
        return ""
    if view.phase == "over":
        best = max(board.score for board in view.boards)
        leading = [seat + 1 for seat, board in enumerate(view.boards) if board.score == best]
        scores = " : ".join(str(board.score) for board in view.boards)
        if len(leading) == 1:
            return f"the game is over, player {leading[0]} has the most points, {scores}"
        return f"the game is over, {scores}"
    return why_illegal(view, 0) or ""
