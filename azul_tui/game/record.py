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
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import numpy as np

from azul_tui.errors import GameError
from azul_tui.game.constants import (
    BAG,
    BOARD_SIZE,
    BOARDS,
    COLOR_COUNT,
    COLOR_NAMES,
    LID,
    MOVING,
    NEXT_FIRST,
    OVER,
    PHASE,
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
    winner_mask,
)
from azul_tui.game.view import view_position, why_illegal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
    return _Replayer(game).replay()


class _Replayer:
    """The position of one game that is being replayed."""

    def __init__(self, game: RecordedGame) -> None:
        self._game = game
        self._state = np.zeros(state_size(game.players), dtype=np.int8)
        clear_game(self._state, game.players)
        self._state[NEXT_FIRST] = game.first_player
        self._actions = np.array(
            [_encode(move, game.players) for move in game.moves], dtype=np.int32
        )
        self._legal = np.zeros(len(game.moves), dtype=np.int32)
        self._played = 0
        self._found: list[Disagreement] = []

    def replay(self) -> Replay:
        """Play everything; see `replay_recorded`."""
        game = self._game
        for number, record in enumerate(game.rounds):
            if self._state[PHASE] == OVER:
                self._note("rounds", None, None, len(game.rounds), number)
                break
            if not self._deal(number, record) or not self._play_round(number):
                return Replay(self._played, self._found)
            self._compare_scores(number)
        self._compare_end()
        return Replay(self._played, self._found)

    def _note(
        self, field: str, round_: int | None, move: int | None, recorded: object, ours: object
    ) -> None:
        self._found.append(Disagreement(field, round_, move, recorded, ours))

    def _deal(self, number: int, record: RecordedRound) -> bool:
        """Begin a round as recorded; whether bag and lid could have given those factories."""
        state = self._state
        bag = cast("list[int]", state[BAG : BAG + COLOR_COUNT].tolist())
        lid = cast("list[int]", state[LID : LID + COLOR_COUNT].tolist())
        problem = _deal_problem(record.factories, bag, lid)
        if problem:
            self._note("factories", number, None, record.factories, problem)
            return False
        dealt = [sum(column) for column in zip(*record.factories, strict=True)]
        if sum(dealt) > sum(bag):
            bag, lid = [have + more for have, more in zip(bag, lid, strict=True)], [0] * 5
        bag = [have - gone for have, gone in zip(bag, dealt, strict=True)]
        for field, recorded, ours in (("bag", record.bag, bag), ("lid", record.lid, lid)):
            if recorded != ours:
                self._note(field, number, None, recorded, ours)
        begin_round(state)
        state[BAG : BAG + COLOR_COUNT] = bag
        state[LID : LID + COLOR_COUNT] = lid
        state[TABLE_TILES] = sum(dealt)
        at = BOARDS + BOARD_SIZE * self._game.players
        for factory in record.factories:
            state[at : at + COLOR_COUNT] = factory
            at += COLOR_COUNT
        return True

    def _play_round(self, number: int) -> bool:
        """Play the moves of a round; whether there were enough and all were legal."""
        game, start = self._game, self._played
        end = play_actions(self._state, self._actions, start, self._legal)
        self._played = end
        # The legal moves were counted before the move that ended the replay as well.
        counted = min(end + 1, len(game.moves)) if self._state[PHASE] == MOVING else end
        for move in range(start, counted):
            ours = int(self._legal[move])
            recorded = game.n_legal[move] if move < len(game.n_legal) else None
            if recorded != ours:
                self._note("n_legal", number, move, recorded, ours)
        if self._state[PHASE] != MOVING:
            return True
        if end == len(game.moves):
            self._note("moves", number, end, None, "the round goes on, but the moves end here")
        else:
            self._note("moves", number, end, game.moves[end], self._why_illegal(end))
        return False

    def _why_illegal(self, move: int) -> str:
        action = int(self._actions[move])
        if action == NO_ACTION:
            return "there is no such source, colour or line"
        reason = why_illegal(view_position(self._state.tolist()), action)
        return f"{format_move(action, self._game.players)} is not legal: {reason}"

    def _compare_scores(self, number: int) -> None:
        ours = self._scores()
        if self._state[PHASE] == OVER:
            ours = [score - end_bonus(self._state, seat) for seat, score in enumerate(ours)]
        table = self._game.scores_after_round
        recorded = table[number] if number < len(table) else None
        if recorded != ours:
            self._note("scores_after_round", number, None, recorded, ours)

    def _compare_end(self) -> None:
        game, state = self._game, self._state
        if self._played < len(game.moves):
            self._note("moves", None, self._played, len(game.moves), self._played)
        for field, recorded in (
            ("n_legal", game.n_legal),
            ("scores_after_round", game.scores_after_round),
        ):
            wanted = len(game.moves) if field == "n_legal" else len(game.rounds)
            if len(recorded) > wanted:
                self._note(field, None, None, len(recorded), wanted)
        if state[PHASE] != OVER:
            self._note("rounds", None, None, len(game.rounds), "the game goes on after these")
            return
        mask = winner_mask(state)
        winners = [seat for seat in range(game.players) if mask >> seat & 1]
        if game.final_scores != self._scores():
            self._note("final_scores", None, None, game.final_scores, self._scores())
        if sorted(game.winners) != winners:
            self._note("winners", None, None, game.winners, winners)

    def _scores(self) -> list[int]:
        return [int(score_of(self._state, seat)) for seat in range(self._game.players)]


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
