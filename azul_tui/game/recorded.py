"""Games recorded as data: the format, and reading it with every type and shape checked.

A record is a mapping of plain lists, one JSON object a line in a file:

| key | meaning |
|---|---|
| `players`, `first_player` | 2 to 4; the seat that moves first in round 1 |
| `rounds` | for each round `factories` (F lists of 5 counts), `bag` and `lid` after the refill |
| `moves` | `[source, colour, row]` of all rounds: source F is the centre, row 5 the floor |
| `n_legal` | legal moves before each move |
| `scores_after_round` | for each round and seat, before the bonuses at the end of the game |
| `final_scores`, `winners` | with the bonuses; the seats that share victory |

Other keys are ignored. Everything counts from 0, as in the rest of `game`. Whether the rules
agree with a record is asked in `replaying`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

from azul_tui.errors import GameError
from azul_tui.game.constants import COLOR_COUNT, check_players, factory_count

if TYPE_CHECKING:
    from collections.abc import Mapping


class RecordedRound(NamedTuple):
    """A round's refill, and what it left in bag and lid."""

    factories: list[list[int]]
    bag: list[int]
    lid: list[int]


@dataclass(frozen=True, slots=True)
class RecordedGame:
    """One record, its types and shapes checked."""

    players: int
    first_player: int
    rounds: list[RecordedRound]
    moves: list[list[int]]
    n_legal: list[int]
    scores_after_round: list[list[int]]
    final_scores: list[int]
    winners: list[int]


def parse_recorded(value: object) -> RecordedGame:
    """The game in `value`, decoded JSON; GameError names the field that is not as it should be."""
    if not isinstance(value, dict):
        raise GameError(f"a game is an object with its fields, got {_kind(value)}")
    record = cast("dict[str, object]", value)
    players = check_players(_integer(record, "players"))
    first = _integer(record, "first_player")
    if not 0 <= first < players:
        raise GameError(f"first_player must be a seat from 0 to {players - 1}, got {first}")
    rounds = _list("rounds", _field(record, "rounds"))
    if not rounds:
        raise GameError("rounds must hold at least one round")
    return RecordedGame(
        players=players,
        first_player=first,
        rounds=[_parse_round(at, entry, players) for at, entry in enumerate(rounds, start=1)],
        moves=_table("moves", _field(record, "moves"), 3),
        n_legal=_row("n_legal", _field(record, "n_legal")),
        scores_after_round=_table(
            "scores_after_round", _field(record, "scores_after_round"), players
        ),
        final_scores=_row("final_scores", _field(record, "final_scores"), players),
        winners=_row("winners", _field(record, "winners")),
    )


def _parse_round(number: int, value: object, players: int) -> RecordedRound:
    if not isinstance(value, dict):
        raise GameError(f"round {number} must be an object with its fields, got {_kind(value)}")
    record = cast("dict[str, object]", value)
    parts = {key: _field(record, key, f"round {number}") for key in ("factories", "bag", "lid")}
    factories = _table(f"factories of round {number}", parts["factories"], COLOR_COUNT)
    if len(factories) != factory_count(players):
        raise GameError(
            f"factories of round {number} must be {factory_count(players)} rows, "
            f"got {len(factories)}"
        )
    bag = _row(f"bag of round {number}", parts["bag"], COLOR_COUNT)
    return RecordedRound(factories, bag, _row(f"lid of round {number}", parts["lid"], COLOR_COUNT))


def _field(record: Mapping[str, object], key: str, place: str = "the game") -> object:
    if key not in record:
        raise GameError(f"{place} has no field {key}")
    return record[key]


def _integer(record: Mapping[str, object], key: str) -> int:
    value = _field(record, key)
    if type(value) is not int:
        raise GameError(f"{key} must be a whole number, got {_kind(value)}")
    return value


def _list(name: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise GameError(f"{name} must be a list, got {_kind(value)}")
    return cast("list[object]", value)


def _row(name: str, value: object, length: int | None = None) -> list[int]:
    """A list of whole numbers, `length` of them if that is given."""
    numbers = cast("list[int]", _list(name, value))
    for number in numbers:
        if type(number) is not int:
            raise GameError(f"{name} must be whole numbers, one is {_kind(number)}")
    if length is not None and len(numbers) != length:
        raise GameError(f"{name} must be {length} whole numbers, got {len(numbers)}")
    return numbers


def _table(name: str, value: object, width: int) -> list[list[int]]:
    """A list of rows of `width` whole numbers."""
    rows = enumerate(_list(name, value), start=1)
    return [_row(f"row {at} of {name}", row, width) for at, row in rows]


def _kind(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    if isinstance(value, int):
        return "a whole number"
    words = {"dict": "an object", "list": "a list", "str": "a text", "float": "a decimal number"}
    return words[type(value).__name__]
