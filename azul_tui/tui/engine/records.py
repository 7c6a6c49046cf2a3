"""What the engine says, as types; a record that lacks something reads as if it were empty.

The engine is part of this program, so a wrong record is a fault; but a screen must not fall over.
Moves are in notation (`R 2>3`), factories as on the table, seats from 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class PositionRecord:
    """Answer to `position`, `play`, `undo` and `legal`."""

    notation: str
    players: int
    round: int
    to_move: int
    first: int
    """Seat that starts the next round as things stand."""
    scores: tuple[int, ...]
    over: bool
    winners: tuple[int, ...]
    legal: tuple[str, ...]
    bag: dict[str, int]
    """Tiles of each colour, by letter."""
    lid: dict[str, int]
    moves: tuple[str, ...]
    """All moves since `position`."""
    round_ended: bool
    """Whether the last move ended a round."""
    last_move: str | None


@dataclass(frozen=True, slots=True)
class ChoiceRecord:
    """Answer to `choose`."""

    move: str
    value: float | None
    """What the mover may expect, -1 to 1."""
    values: tuple[float, ...]
    """What each seat may expect, in seat order; empty when the player tells no value."""
    simulations: int | None
    seconds: float
    notation: str
    """The position that was chosen for."""
    stopped: bool


@dataclass(frozen=True, slots=True)
class AnalysedMove:
    """One move of an analysis; values are the mover's."""

    move: str
    prior: float
    visits: int
    value: float | None
    completed_q: float
    policy: float
    margin: float | None
    """Points ahead at the end, on average."""
    margin_error: float | None
    line: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnalysisRecord:
    """Answer to `analyse`; `last` once nothing more comes."""

    player: str
    notation: str
    simulations: int
    value: float
    seconds: float
    moves: tuple[AnalysedMove, ...]
    """Best first."""
    last: bool
    stopped: bool
    values: tuple[float, ...] = ()
    """What each seat may expect, in seat order."""


@dataclass(frozen=True, slots=True)
class ListedGame:
    """One recorded game in the answer to `games`."""

    file: str
    index: int
    label: str
    names: tuple[str, ...]
    """Who sat where; empty when nobody wrote it down."""
    players: int
    scores: tuple[int, ...]
    winners: tuple[int, ...]
    moves: int


@dataclass(frozen=True, slots=True)
class RecordedGameRecord:
    """Answer to `game`."""

    players: int
    positions: tuple[str, ...]
    """Before each move, and the final one."""
    moves: tuple[str, ...]
    movers: tuple[int, ...]
    scores: tuple[int, ...]
    winners: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReviewedMove:
    """One move in the answers to `review`; the last has no move, its value is the result."""

    number: int
    value: float
    """Seat 0's expected outcome before the move."""
    best: str | None
    best_value: float | None
    played_value: float | None
    swing: float | None
    """What the move cost its mover."""


def read_position(record: Mapping[str, Any]) -> PositionRecord:
    """A `position` record."""
    return PositionRecord(
        notation=_text(record, "notation"),
        players=_whole(record, "players"),
        round=_whole(record, "round"),
        to_move=_whole(record, "to_move"),
        first=_whole(record, "first"),
        scores=_wholes(record, "scores"),
        over=record.get("over") is True,
        winners=_wholes(record, "winners"),
        legal=_texts(record, "legal"),
        bag=_counts(record, "bag"),
        lid=_counts(record, "lid"),
        moves=_texts(record, "moves"),
        round_ended=record.get("round_ended") is True,
        last_move=_text(record, "last_move") or None,
    )


def read_choice(record: Mapping[str, Any]) -> ChoiceRecord:
    """A `choice` record."""
    simulations = record.get("simulations")
    return ChoiceRecord(
        move=_text(record, "move"),
        value=_real(record, "value"),
        values=_reals(record, "values"),
        simulations=simulations if isinstance(simulations, int) else None,
        seconds=_real(record, "seconds") or 0.0,
        notation=_text(record, "notation"),
        stopped=record.get("stopped") is True,
    )


def read_analysis(record: Mapping[str, Any]) -> AnalysisRecord:
    """An `analysis` record."""
    return AnalysisRecord(
        player=_text(record, "player"),
        notation=_text(record, "notation"),
        simulations=_whole(record, "simulations"),
        value=_real(record, "value") or 0.0,
        seconds=_real(record, "seconds") or 0.0,
        moves=tuple(
            AnalysedMove(
                move=_text(move, "move"),
                prior=_real(move, "prior") or 0.0,
                visits=_whole(move, "visits"),
                value=_real(move, "value"),
                completed_q=_real(move, "completed_q") or 0.0,
                policy=_real(move, "policy") or 0.0,
                margin=_real(move, "margin"),
                margin_error=_real(move, "margin_error"),
                line=_texts(move, "line"),
            )
            for move in _objects(record, "moves")
        ),
        last=record.get("last") is True,
        stopped=record.get("stopped") is True,
        values=_reals(record, "values"),
    )


def read_games(record: Mapping[str, Any]) -> tuple[ListedGame, ...]:
    """The games of a `games` record."""
    return tuple(
        ListedGame(
            file=_text(game, "file"),
            index=_whole(game, "index"),
            label=_text(game, "label"),
            names=_texts(game, "names"),
            players=_whole(game, "players"),
            scores=_wholes(game, "scores"),
            winners=_wholes(game, "winners"),
            moves=_whole(game, "moves"),
        )
        for game in _objects(record, "games")
    )


def read_game(record: Mapping[str, Any]) -> RecordedGameRecord:
    """A `game` record."""
    return RecordedGameRecord(
        players=_whole(record, "players"),
        positions=_texts(record, "positions"),
        moves=_texts(record, "moves"),
        movers=_wholes(record, "movers"),
        scores=_wholes(record, "scores"),
        winners=_wholes(record, "winners"),
    )


def read_review(record: Mapping[str, Any]) -> ReviewedMove:
    """A `review` record."""
    return ReviewedMove(
        number=_whole(record, "number"),
        value=_real(record, "value") or 0.0,
        best=_text(record, "best") or None,
        best_value=_real(record, "best_value"),
        played_value=_real(record, "played_value"),
        swing=_real(record, "swing"),
    )


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""


def _whole(record: Mapping[str, Any], key: str) -> int:
    value = record.get(key)
    return value if isinstance(value, int) else 0


def _real(record: Mapping[str, Any], key: str) -> float | None:
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _list(record: Mapping[str, Any], key: str) -> list[Any]:
    value = record.get(key)
    return cast("list[Any]", value) if isinstance(value, list) else []


def _texts(record: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(value for value in _list(record, key) if isinstance(value, str))


def _reals(record: Mapping[str, Any], key: str) -> tuple[float, ...]:
    return tuple(
        float(value)
        for value in _list(record, key)
        if isinstance(value, (int, float)) and math.isfinite(value)
    )


def _wholes(record: Mapping[str, Any], key: str) -> tuple[int, ...]:
    return tuple(value for value in _list(record, key) if isinstance(value, int))


def _objects(record: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    return [
        cast("dict[str, Any]", value) for value in _list(record, key) if isinstance(value, dict)
    ]


def _counts(record: Mapping[str, Any], key: str) -> dict[str, int]:
    value = record.get(key)
    counts = cast("dict[object, object]", value) if isinstance(value, dict) else {}
    return {
        letter: count
        for letter, count in counts.items()
        if isinstance(letter, str) and isinstance(count, int)
    }
