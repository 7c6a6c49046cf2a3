"""The game that the engine has before it: a position, and the moves played since."""

from __future__ import annotations

import re
from typing import Any, Final, Self

from azul_tui.errors import GameError, JobError
from azul_tui.game.constants import COLOR_LETTERS
from azul_tui.game.notation import format_move
from azul_tui.game.reachability import unreachable
from azul_tui.game.state import GameState

_MOVES: Final = re.compile(r"(?:^|\s)moves(?:\s|$)")


class Table:
    """One game; moves are played and taken back, and the refills follow from the seed."""

    def __init__(self, game: GameState) -> None:
        """Begin from `game`, which is taken over."""
        self.game = game
        self._before: list[GameState] = []
        self._moves: list[str] = []

    @classmethod
    def laid(cls, words: str, players: int, seed: int, *, by_hand: bool = False) -> Self:
        """The table after `new` or a notation, with the moves that follow `moves` played.

        Args:
            words: What stands behind `position`.
            players: P, of a new game.
            seed: Decides the refills.
            by_hand: Whether to take a position that no game comes to, if the rules can play on.

        Raises:
            GameError: It is no position that can arise, or a move is not legal.
        """
        position, *rest = _MOVES.split(words, maxsplit=1)
        table = cls(_parse(position.strip(), players, seed, by_hand=by_hand))
        for move in rest[0].split(",") if rest else ():
            if move.strip():
                table.play(move)
        return table

    def play(self, move: str) -> None:
        """Play a move given in notation.

        Raises:
            GameError: It is none, or not legal here.
        """
        action = self.game.parse_move(move)
        before = self.game.copy()
        self.game.apply(action)
        self._before.append(before)
        self._moves.append(format_move(action, self.game.players))

    def undo(self) -> None:
        """Take the last move back.

        Raises:
            JobError: No move was played.
        """
        if not self._before:
            raise JobError("there is no move to take back")
        self.game = self._before.pop()
        self._moves.pop()

    def record(self) -> dict[str, Any]:
        """The fields of a `position` record."""
        game, view = self.game, self.game.view()
        ended = self._before and (self._before[-1].round != game.round or game.is_over)
        return {
            "notation": game.notation(),
            "players": game.players,
            "round": game.round,
            "to_move": game.to_move,
            "first": game.next_first,
            "scores": list(game.scores),
            "over": game.is_over,
            "winners": list(game.winners),
            "legal": [format_move(action, game.players) for action in game.legal_actions()],
            "bag": dict(zip(COLOR_LETTERS, view.bag, strict=True)),
            "lid": dict(zip(COLOR_LETTERS, view.lid, strict=True)),
            "moves": list(self._moves),
            "round_ended": bool(ended),
            "last_move": self._moves[-1] if self._moves else None,
        }


def _parse(position: str, players: int, seed: int, *, by_hand: bool) -> GameState:
    """The position to begin from, refilled if it waits for that."""
    if not position:
        raise JobError("position needs new or a position in notation after it")
    if position == "new":
        return GameState.new(players, seed)
    game = GameState.parse(position, seed)
    if wrong := game.violations():
        raise GameError(f"the position cannot arise: {_first(wrong)}")
    if not by_hand and (wrong := unreachable(game.view())):
        raise GameError(
            f"the position cannot arise: {_first(wrong)}; setup=1 takes it all the same"
        )
    if game.phase == "afterstate":
        game.refill()
    return game


def _first(wrong: list[str]) -> str:
    """What is wrong, and how much more there is."""
    return wrong[0] + (f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else "")
