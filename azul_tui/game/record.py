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
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, cast

import msgspec
import numpy as np
from msgspec import Meta

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


_KINDS: Final = {
    "object": "an object",
    "array": "a list",
    "str": "a text",
    "int": "a whole number",
    "float": "a decimal number",
    "null": "nothing",
    "bool": "true or false",
}
"""What a JSON value is, in words."""
_Counts = Annotated[list[int], Meta(min_length=COLOR_COUNT, max_length=COLOR_COUNT)]
_Move = Annotated[list[int], Meta(min_length=3, max_length=3)]


@dataclass(frozen=True, slots=True)
class RecordedRound:
    """A round's refill, and what it left in bag and lid."""

    factories: list[_Counts]
    bag: _Counts
    lid: _Counts


@dataclass(frozen=True, slots=True)
class RecordedGame:
    """One record, its types and shapes checked."""

    players: int
    first_player: int
    rounds: Annotated[list[RecordedRound], Meta(min_length=1)]
    moves: list[_Move]
    n_legal: list[int]
    scores_after_round: list[list[int]]
    final_scores: list[int]
    winners: list[int]


def parse_recorded(value: object) -> RecordedGame:
    """The game in `value`, decoded JSON; GameError names the field that is not as it should be."""
    try:
        game = msgspec.convert(value, RecordedGame)
    except msgspec.ValidationError as error:
        words, _, place = str(error).partition(" - at `$.")
        for kind, word in _KINDS.items():
            words = words.replace(f"`{kind}`", word)
        words = words.replace("Object missing required", "it has no").replace("Exp", "exp")
        raise GameError(f"{place[:-1] or 'the game'}: {words}".replace("`", "")) from None
    players = check_players(game.players)
    if not 0 <= game.first_player < players:
        raise GameError(
            f"first_player must be a seat from 0 to {players - 1}, got {game.first_player}"
        )
    sizes = [
        *((f"rounds[{at}].factories", deal.factories) for at, deal in enumerate(game.rounds)),
        *((f"scores_after_round[{at}]", row) for at, row in enumerate(game.scores_after_round)),
        ("final_scores", game.final_scores),
    ]
    for place, entries in sizes:
        wanted = factory_count(players) if place.endswith("factories") else players
        if len(entries) != wanted:
            raise GameError(f"{place}: {wanted} are expected, got {len(entries)}")
    return game


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
