"""Games recorded as data: the format, read with every type and shape checked, and replayed.

A record is a mapping of plain lists, one JSON object a line in a file:

| key | meaning |
|---|---|
| `players`, `first_player` | 2 to 4; the seat that moves first in round 1 |
| `rounds` | for each round `factories` (F lists of 5 counts), `bag` and `lid` after the refill |
| `moves` | `[source, colour, row]` of all rounds: source F is the centre, row 5 the floor |
| `n_legal` | legal moves before each move |
| `scores_after_round` | for each round and seat, before the bonuses at the end of the game |
| `final_scores`, `winners` | with the bonuses; the seats that share victory |

Other keys are ignored. Everything counts from 0, as in the rest of `game`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np

from azul_tui.errors import GameError
from azul_tui.game.constants import (
    BAG,
    COLOR_COUNT,
    COLOR_NAMES,
    LID,
    MOVING,
    NEXT_FIRST,
    OVER,
    PHASE,
    PLAYERS,
    ROW_COUNT,
    TABLE_TILES,
    TILES_PER_FACTORY,
    check_players,
    encode_action,
    factory_count,
    source_count,
    state_size,
)
from azul_tui.game.kernel import Int8Array, Int32Array, lean_kernel
from azul_tui.game.notation import format_move
from azul_tui.game.rules import (
    apply_move,
    begin_round,
    clear_game,
    end_bonus,
    is_legal,
    legal_count,
    score_of,
    sources_offset,
    winner_mask,
)
from azul_tui.game.view import view_position, why_illegal

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    game = cast("dict[str, object]", value)
    players = check_players(_numbers(game, "players"))
    first = _numbers(game, "first_player")
    if not 0 <= first < players:
        raise GameError(f"first_player must be a seat from 0 to {players - 1}, got {first}")
    deals = _field(game, "rounds", "the game")
    if not isinstance(deals, list):
        raise GameError(f"rounds must be a list, got {_kind(deals)}")
    if not deals:
        raise GameError("rounds must hold at least one round")
    rounds: list[RecordedRound] = []
    for number, deal in enumerate(cast("list[object]", deals), start=1):
        place = f"round {number}"
        if not isinstance(deal, dict):
            raise GameError(f"{place} must be an object with its fields, got {_kind(deal)}")
        fields = cast("dict[str, object]", deal)
        factories = _numbers(fields, "factories", factory_count(players), COLOR_COUNT, place=place)
        bag = _numbers(fields, "bag", COLOR_COUNT, place=place)
        lid = _numbers(fields, "lid", COLOR_COUNT, place=place)
        rounds.append(RecordedRound(factories, bag, lid))
    return RecordedGame(
        players=players,
        first_player=first,
        rounds=rounds,
        moves=_numbers(game, "moves", None, 3),
        n_legal=_numbers(game, "n_legal", None),
        scores_after_round=_numbers(game, "scores_after_round", None, players),
        final_scores=_numbers(game, "final_scores", players),
        winners=_numbers(game, "winners", None),
    )


def _field(record: dict[str, object], key: str, place: str) -> object:
    if key not in record:
        raise GameError(f"{place} has no field {key}")
    return record[key]


def _numbers(record: dict[str, object], key: str, *lengths: int | None, place: str = "") -> Any:
    """A whole number, or lists of them in each other with these lengths; None is any."""
    name = f"{key} of {place}" if place else key
    return _shaped(name, _field(record, key, place or "the game"), lengths)


def _shaped(name: str, value: object, lengths: tuple[int | None, ...]) -> Any:
    if not lengths:
        if type(value) is not int:
            raise GameError(f"{name} must be a whole number, got {_kind(value)}")
        return value
    if not isinstance(value, list):
        raise GameError(f"{name} must be a list, got {_kind(value)}")
    values = cast("list[object]", value)
    if lengths[0] not in (None, len(values)):
        what = "rows" if lengths[1:] else "whole numbers"
        raise GameError(f"{name} must be {lengths[0]} {what}, got {len(values)}")
    if lengths[1:]:
        rows = enumerate(values, start=1)
        return [_shaped(f"row {at} of {name}", row, lengths[1:]) for at, row in rows]
    for number in values:
        if type(number) is not int:
            raise GameError(f"{name} must be whole numbers, one is {_kind(number)}")
    return values


def _kind(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    kinds = {"dict": "an object", "list": "a list", "str": "a text", "float": "a decimal number"}
    return kinds.get(type(value).__name__, "a whole number")


# -- replaying a recorded game: does the engine agree with every number in it?

NO_ACTION: Final = -1


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One number in a record that the rules do not confirm."""

    field: str
    """Key of the record."""
    round: int | None
    """Round it belongs to, from 0; None for the game as a whole."""
    move: int | None
    """Move it belongs to, from 0."""
    recorded: object
    ours: object
    """What the rules say instead, or the reason in words."""


class Replay(NamedTuple):
    """What came of replaying one record."""

    moves: int
    """Moves that were played."""
    disagreements: list[Disagreement]


def replay_recorded(game: RecordedGame) -> Replay:
    """Play the record; every number in it that the rules do not confirm is a disagreement.

    The rules go on with their own numbers after one of them. Only a deal or a move that is
    impossible ends the replay of the game, with itself as the last disagreement.
    """
    state = np.zeros(state_size(game.players), dtype=np.int8)
    clear_game(state, game.players)
    state[NEXT_FIRST] = game.first_player
    actions = np.array([_encode(move, game.players) for move in game.moves], dtype=np.int32)
    legal = np.zeros(len(game.moves), dtype=np.int32)
    moves, rounds, played = len(game.moves), len(game.rounds), 0
    found: list[Disagreement] = []

    def expect(
        field: str,
        recorded: object,
        ours: object,
        round_: int | None = None,
        move: int | None = None,
    ) -> None:
        if recorded != ours:
            found.append(Disagreement(field, round_, move, recorded, ours))

    for number, record in enumerate(game.rounds):
        if state[PHASE] == OVER:
            expect("rounds", rounds, number)
            break
        problem, bag, lid = _deal(state, record)
        if problem:
            expect("factories", record.factories, problem, number)
            return Replay(played, found)
        expect("bag", record.bag, bag, number)
        expect("lid", record.lid, lid, number)
        start, played = played, play_actions(state, actions, played, legal)
        moving = bool(state[PHASE] == MOVING)
        # The legal moves were counted before the move that ended the replay as well.
        for move in range(start, min(played + moving, moves)):
            expect("n_legal", _at(game.n_legal, move), int(legal[move]), number, move)
        if moving and played == moves:
            expect("moves", None, "the round goes on, but the moves end here", number, played)
        elif moving:
            reason = _why_illegal(state, int(actions[played]))
            expect("moves", game.moves[played], reason, number, played)
        if moving:
            return Replay(played, found)
        table = game.scores_after_round
        expect("scores_after_round", _at(table, number), _scores(state, bonus=False), number)
    if played < moves:
        expect("moves", moves, played, move=played)
    expect("n_legal", max(len(game.n_legal), moves), moves)
    expect("scores_after_round", max(len(game.scores_after_round), rounds), rounds)
    if state[PHASE] != OVER:
        expect("rounds", rounds, "the game goes on after these")
    else:
        mask = winner_mask(state)
        winners = [seat for seat in range(game.players) if mask >> seat & 1]
        expect("final_scores", game.final_scores, _scores(state, bonus=True))
        expect("winners", sorted(game.winners), winners)
    return Replay(played, found)


def _deal(state: Int8Array, record: RecordedRound) -> tuple[str, list[int], list[int]]:
    """Begin a round as recorded; why that is impossible ("" if it is not), bag and lid then."""
    bag = cast("list[int]", state[BAG : BAG + COLOR_COUNT].tolist())
    lid = cast("list[int]", state[LID : LID + COLOR_COUNT].tolist())
    if problem := _deal_problem(record.factories, bag, lid):
        return problem, bag, lid
    dealt = [sum(column) for column in zip(*record.factories, strict=True)]
    if sum(dealt) > sum(bag):
        bag, lid = [have + more for have, more in zip(bag, lid, strict=True)], [0] * 5
    bag = [have - gone for have, gone in zip(bag, dealt, strict=True)]
    begin_round(state)
    state[BAG : BAG + COLOR_COUNT] = bag
    state[LID : LID + COLOR_COUNT] = lid
    state[TABLE_TILES] = sum(dealt)
    tiles = np.array(record.factories, np.int8).ravel()
    at = sources_offset(state)
    state[at : at + len(tiles)] = tiles
    return "", bag, lid


def _deal_problem(factories: list[list[int]], bag: list[int], lid: list[int]) -> str:
    """What makes a deal impossible with these tiles in bag and lid; "" when it is possible."""
    if any(count < 0 for factory in factories for count in factory):
        return "a negative number of tiles lies on a factory"
    there = min(TILES_PER_FACTORY * len(factories), sum(bag) + sum(lid))
    sizes = [min(TILES_PER_FACTORY, max(0, there - 4 * at)) for at in range(len(factories))]
    if [sum(factory) for factory in factories] != sizes:
        return f"the factories must hold {sizes} tiles, {there} in all"
    poured = there > sum(bag)
    for color, name in enumerate(COLOR_NAMES):
        dealt = sum(factory[color] for factory in factories)
        if dealt > bag[color] + (lid[color] if poured else 0):
            return f"{dealt} {name} tiles are dealt, more than could be drawn"
        if poured and dealt < bag[color]:
            return f"{dealt} {name} tiles are dealt, but all {bag[color]} in the bag come first"
    return ""


def _scores(state: Int8Array, *, bonus: bool) -> list[int]:
    """Points of each seat, with the bonuses of a finished game or without."""
    without = state[PHASE] == OVER and not bonus
    return [
        int(score_of(state, seat)) - (int(end_bonus(state, seat)) if without else 0)
        for seat in range(int(state[PLAYERS]))
    ]


def _at(values: Sequence[object], index: int) -> object:
    """The value there; None when the record ends before."""
    return values[index] if index < len(values) else None


@lean_kernel
def play_actions(state: Int8Array, actions: Int32Array, start: int, legal: Int32Array) -> int:
    """Play `actions` `(N,)` from number `start` until a round ends, N, or an illegal one.

    Returns the number of the first action not played. `legal` `(N,)` gets the number of legal
    moves before each, the illegal one included.
    """
    number = start
    while number < len(actions) and state[PHASE] == MOVING:
        legal[number] = legal_count(state)
        action = int(np.int64(actions[number]))
        if not is_legal(state, action):
            break
        apply_move(state, action)
        number += 1
    return number


def _encode(move: Sequence[int], players: int) -> int:
    """The action of a recorded move; NO_ACTION when a number is out of range."""
    source, color, row = move
    known = (
        0 <= source < source_count(players) and 0 <= color < COLOR_COUNT and 0 <= row < ROW_COUNT
    )
    return encode_action(source, color, row) if known else NO_ACTION


def _why_illegal(state: Int8Array, action: int) -> str:
    if action == NO_ACTION:
        return "there is no such source, colour or line"
    view = view_position(state.tolist())
    return f"{format_move(action, view.players)} is not legal: {why_illegal(view, action)}"
