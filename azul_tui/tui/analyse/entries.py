"""The moves of a position and what one or two networks say of each: filtered and compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from azul_tui.game.constants import COLOR_NAMES, FLOOR_ROW, decode_action, factory_count
from azul_tui.game.legality import legal_moves
from azul_tui.game.notation import format_move, parse_move

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from azul_tui.game.view import PositionView
    from azul_tui.tui.analyse.session import AnalyseSession
    from azul_tui.tui.engine.records import AnalysedMove, AnalysisRecord

Found = TypeVar("Found")

PRIOR_DIFFERS: Final = 0.15
"""Two networks disagree on a move when their priors differ by so much,"""
VALUE_DIFFERS: Final = 0.15
"""or their values of it by so much, as far as a mistake in a game is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One legal move, and what one or two networks say of it."""

    move: str
    twins: tuple[str, ...]
    """The same move from every factory that holds the same tiles, this one first."""
    order: int
    """Its place among the legal moves."""
    a: AnalysedMove | None = None
    b: AnalysedMove | None = None
    margin_a: tuple[float, float | None] | None = None
    margin_b: tuple[float, float | None] | None = None
    best_a: bool = False
    best_b: bool = False

    @property
    def value_gap(self) -> float | None:
        """What the second network thinks more of the move than the first, in [-2, 2]."""
        a = self.a.completed_q if self.a is not None else None
        b = self.b.completed_q if self.b is not None else None
        return b - a if a is not None and b is not None else None

    @property
    def disagrees(self) -> bool:
        """Whether the two networks are far apart on this move."""
        if self.a is None or self.b is None:
            return False
        gap = self.value_gap
        if gap is not None and abs(gap) >= VALUE_DIFFERS:
            return True
        return abs(self.b.prior - self.a.prior) >= PRIOR_DIFFERS


def entries(session: AnalyseSession) -> list[Entry]:
    """Every legal move of the position that is looked at, in the order of the table."""
    players = session.players
    first = session.analysis(players[0])
    second = session.analysis(players[1]) if len(players) > 1 else None
    of_first, of_second = _by_move(first), _by_move(second)
    return [
        Entry(
            move=twins[0],
            twins=twins,
            order=order,
            a=_first_of(of_first, twins),
            b=_first_of(of_second, twins),
            margin_a=_first_of(session.margins_of(players[0]), twins),
            margin_b=_first_of(session.margins_of(players[1]), twins) if second else None,
            best_a=first is not None and best_move(first) in twins,
            best_b=second is not None and best_move(second) in twins,
        )
        for order, twins in enumerate(distinct_moves(session.here.view))
    ]


def distinct_moves(view: PositionView) -> list[tuple[str, ...]]:
    """The legal moves of `view`, one for all factories that hold the same tiles.

    A search looks at such moves once.
    """
    found: dict[tuple[object, ...], list[str]] = {}
    for action in legal_moves(view):
        source, color, row = decode_action(action)
        centre = source == factory_count(view.players)
        key = (centre, view.sources[source], color, row)
        found.setdefault(key, []).append(format_move(action, view.players))
    return [tuple(names) for names in found.values()]


def _first_of(known: Mapping[str, Found], names: Iterable[str]) -> Found | None:
    """What is known under the first of `names` that is known at all."""
    return next((known[name] for name in names if name in known), None)


def best_move(analysis: AnalysisRecord) -> str:
    """The move that the network would play; empty when the record holds none."""
    return analysis.moves[0].move if analysis.moves else ""


def _by_move(analysis: AnalysisRecord | None) -> dict[str, AnalysedMove]:
    return {found.move: found for found in analysis.moves} if analysis is not None else {}


def matches(entry: Entry, players: int, words: str) -> bool:
    """Whether the filter `words` asks for the move, or for one of its twins.

    A word is part of the notation (`r`, `2>`, `>3`) or begins a word of the move told at
    length: `red`, `centre`, `floor`.
    """
    return any(_matches(move, players, words) for move in entry.twins)


def _matches(move: str, players: int, words: str) -> bool:
    source, color, row = decode_action(parse_move(move, players))
    told = [COLOR_NAMES[color], "floor" if row == FLOOR_ROW else "line"]
    told.append("centre" if source == factory_count(players) else "factory")
    short = move.replace(" ", "").lower()
    return all(
        word in short or (len(word) > 1 and any(name.startswith(word) for name in told))
        for word in words.lower().split()
    )
