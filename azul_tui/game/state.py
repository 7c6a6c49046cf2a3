"""One game of Azul, for people and for tests: the kernels of `rules` behind checked methods.

    state = GameState.new(players=2, seed=7)
    while not state.is_over:
        state.apply(state.legal_actions()[0])
    print(state.scores, state.winners)

Search and self-play work on the bare arrays. Seats, sources, lines and colours count from 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from azul_tui.config.setting import as_int, check_instance, check_int, shown
from azul_tui.errors import GameError
from azul_tui.game.constants import (
    AFTERSTATE,
    END_REASON,
    NEXT_FIRST,
    OVER,
    PHASE,
    PLAYERS,
    ROUND,
    TO_MOVE,
    action_count,
    check_players,
    observation_size,
    source_count,
    state_size,
)
from azul_tui.game.notation import (
    draw_position,
    format_move,
    format_position,
    parse_move,
    parse_position,
)
from azul_tui.game.observation import write_observation
from azul_tui.game.rules import (
    apply_move,
    clear_game,
    is_legal,
    list_legal,
    refill,
    sort_factories,
    winner_mask,
)
from azul_tui.game.view import END_REASONS, PHASES, position_bytes, view_position, why_illegal
from azul_tui.game.violations import violations

if TYPE_CHECKING:
    from azul_tui.game.kernel import Int8Array, Int32Array, Int64Array
    from azul_tui.game.view import EndReason, Phase, PositionView

_SEEDS = 1 << 64


class GameState:
    """A position and the seed of its refills; moves change it in place.

    Two games are equal when their positions are: the seed, which is the future, does not count.
    """

    __slots__ = ("_array", "_seed")
    __hash__ = None  # pyright: ignore[reportAssignmentType] - a game changes, so it is no key

    def __init__(self, array: Int8Array, seed: int = 0) -> None:
        """Take a copy of `array` `(S,)` int8 (see `constants`).

        GameError if it is no position, or one that no kernel may touch: a number below 0, or a
        seat that is not at the table. Whatever else may be wrong `violations` names.
        """
        check_instance("array", array, np.ndarray)
        if array.dtype != np.int8 or array.ndim != 1:
            raise GameError(
                f"a position is one row of int8, got {array.ndim} dimensions of {array.dtype}"
            )
        view = view_position(array.tolist())
        for seat in (view.to_move, view.next_first):
            if not 0 <= seat < view.players:
                raise GameError(
                    f"the position names player {seat + 1}, and there are {view.players}"
                )
        _refuse_negative(array)
        self._array = array.copy()
        self._seed = np.uint64(check_int("seed", seed, 0, _SEEDS - 1))

    @classmethod
    def new(cls, players: int = 2, seed: int = 0) -> Self:
        """A new game, dealt; the same seed gives the same refills after the same moves."""
        players = check_players(players)
        array = np.zeros(state_size(players), dtype=np.int8)
        clear_game(array, players)
        state = cls(array, seed)
        state.refill()
        return state

    @classmethod
    def parse(cls, text: str, seed: int = 0) -> Self:
        """The position of a line of `notation`; NotationError, or GameError as the constructor."""
        return cls.from_view(parse_position(text), seed)

    @classmethod
    def from_view(cls, view: PositionView, seed: int = 0) -> Self:
        """The position that a view shows."""
        return cls(np.frombuffer(position_bytes(view), dtype=np.int8), seed)

    @property
    def array(self) -> Int8Array:
        """The position itself, `(S,)` int8 as laid out in `constants`, not a copy."""
        return self._array

    @property
    def seed(self) -> int:
        """Seed of the refills, in [0, 2^64)."""
        return int(self._seed)

    @property
    def players(self) -> int:
        """P: seats at the table."""
        return int(self._array[PLAYERS])

    @property
    def to_move(self) -> int:
        """Seat to move; between rounds the seat that will start the next one."""
        return int(self._array[TO_MOVE])

    @property
    def next_first(self) -> int:
        """Seat that starts the next round as things stand."""
        return int(self._array[NEXT_FIRST])

    @property
    def round(self) -> int:
        """Rounds dealt so far: 1 in the first."""
        return int(self._array[ROUND])

    @property
    def phase(self) -> Phase:
        """`"moving"`, `"afterstate"` (scored, factories not refilled) or `"over"`."""
        return PHASES[int(self._array[PHASE])]

    @property
    def is_over(self) -> bool:
        """Whether the game has ended."""
        return int(self._array[PHASE]) == OVER

    @property
    def end_reason(self) -> EndReason:
        """Why it ended: `"row complete"`, `"round limit"`, `"no tiles"`; empty before."""
        return END_REASONS[int(self._array[END_REASON])]

    @property
    def scores(self) -> tuple[int, ...]:
        """Points of each seat; the bonuses are in them once the game is over."""
        return tuple(board.score for board in self.view().boards)

    @property
    def winners(self) -> tuple[int, ...]:
        """Seats that have won, several when victory is shared; none before the end."""
        if not self.is_over:
            return ()
        mask = winner_mask(self._array)
        return tuple(seat for seat in range(self.players) if mask >> seat & 1)

    def view(self) -> PositionView:
        """The position as plain values."""
        return view_position(self._array.tolist())

    def violations(self) -> list[str]:
        """What is wrong with the position, one sentence each; empty for any that can arise."""
        return violations(self._array.tolist())

    def legal_actions(self, *, distinct: bool = False) -> Int32Array:
        """`(n,)` legal actions, ascending; `distinct` leaves out repeats from equal factories.

        Equal factories must stand side by side for that, as in a canonical position.
        """
        actions = np.empty(action_count(self.players), dtype=np.int32)
        return actions[: list_legal(self._array, actions, distinct)].copy()

    def apply(self, action: int, *, refill: bool = True) -> None:
        """Play `action`; after a round's last tile score the round and refill the factories.

        An illegal action raises GameError with the reason and changes nothing. With
        `refill=False` the game stops at the afterstate, for `refill` to go on from.
        """
        number = as_int(action)
        if number is None:
            raise GameError(
                f"an action is a whole number, got {shown(action)}; parse_move reads a text"
            )
        known = 0 <= number < action_count(self.players)
        if not known or not is_legal(self._array, number):
            name = format_move(number, self.players) if known else f"action {number}"
            raise GameError(f"{name} is not legal: {why_illegal(self.view(), number)}")
        apply_move(self._array, number)
        if refill and int(self._array[PHASE]) == AFTERSTATE:
            self.refill()

    def refill(self) -> None:
        """Start the next round; GameError unless the position is an afterstate."""
        if int(self._array[PHASE]) != AFTERSTATE:
            raise GameError(f"only a scored round is refilled, and this position is {self.phase}")
        _refuse_negative(self._array)
        refill(self._array, self._seed, np.zeros(1, dtype=np.uint64))

    def copy(self) -> Self:
        """An independent game with the same position and the same future."""
        return type(self)(self._array, self.seed)

    def canonical(self) -> tuple[Self, Int64Array]:
        """The same game with its factories in canonical order, and where each came from.

        The second value, `order` `(F + 1,)`, has in place i the source that stands at i now.
        """
        state = self.copy()
        order = np.empty(source_count(self.players), dtype=np.int64)
        sort_factories(state.array, order)
        return state, order

    def observation(self) -> Int8Array:
        """`(F,)` int8: what the seat to move sees of the canonical position (`observation`)."""
        out = np.empty(observation_size(self.players), dtype=np.int8)
        write_observation(self.canonical()[0].array, out)
        return out

    def parse_move(self, text: str) -> int:
        """The action that `text` names, `R 2>3` or `R from 2 to line 3`; legal or not."""
        return parse_move(text, self.players)

    def notation(self) -> str:
        """The position on one line; `GameState.parse` gives it back."""
        return format_position(self.view())

    def __str__(self) -> str:
        return draw_position(self.view())

    def __repr__(self) -> str:
        return f"GameState.parse({self.notation()!r}, seed={self.seed})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GameState):
            return NotImplemented
        return self._array.tobytes() == other.array.tobytes()


def _refuse_negative(array: Int8Array) -> None:
    if array.min() < 0:
        raise GameError(f"byte {array.argmin()} of the position is {array.min()}, less than 0")
