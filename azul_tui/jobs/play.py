"""Job `play`: a person against a player, line by line in notation.

Standard input is read line by line, so a script can play as well as a person: a move (`R 2>3`), or
one of the words that `help` lists.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from azul_tui.errors import GameError, JobError
from azul_tui.game.constants import FLOOR_ROW, decode_action, encode_action
from azul_tui.game.notation import describe_move, format_move
from azul_tui.game.random import PLAYER, derive
from azul_tui.game.state import GameState
from azul_tui.jobs.demos import compile_with_progress
from azul_tui.search.reading import FactoryOrder
from azul_tui.training.checkpoint_players import open_player

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azul_tui.jobs.start import JobContext
    from azul_tui.players.registry import Player

HELP: Final = (
    "a move     colour, source and line: R 2>3 takes red from factory 2 to line 3; C is the "
    "centre, F the floor\n"
    "moves      the legal moves\n"
    "hint       what your opponent would play here\n"
    "undo       take your last move back\n"
    "board      the board again\n"
    "position   the position on one line, for a bug report\n"
    "quit       leave"
)


def play(context: JobContext) -> dict[str, Any]:
    """Play one game with the person at the terminal.

    Raises:
        JobError: There is no such seat at the table.
    """
    players, seat = context.integer("num_players"), context.integer("seat") - 1
    if seat >= players:
        raise JobError(f"seat is {seat + 1}, and the table has {players}: take 1 to {players}")
    opponent = open_player(
        context.text("opponent"),
        context.integer("simulations"),
        context.runs_root,
        warn=context.warn,
        players=players,
    )
    compile_with_progress(context, players)
    context.reporter.say(f"you are player {seat + 1}; your opponent is {opponent.name}")
    context.reporter.say("type a move like R 2>3, or help")
    table = GameWithAPerson(
        context, opponent, GameState.new(players, context.integer("seed")), seat
    )
    try:
        return table.play(iter(sys.stdin.readline, ""))
    except KeyboardInterrupt:
        return table.leave("\n")


class GameWithAPerson:
    """One game between a person at `seat` and a player on every other seat."""

    def __init__(self, context: JobContext, opponent: Player, game: GameState, seat: int) -> None:
        """Begin at `game`."""
        self._context, self._opponent, self._seat = context, opponent, seat
        self._say = context.reporter.say
        self.game = game
        self._before: list[tuple[GameState, int]] = []
        """Before each of the person's moves: the game, and how many moves it had."""
        self._moves = 0

    def play(self, lines: Iterable[str]) -> dict[str, Any]:
        """Take turns until the game or the input ends; what came out."""
        source = iter(lines)
        self._say(str(self.game))
        while not self.game.is_over:
            if self.game.to_move != self._seat:
                self._answer()
                continue
            line = next(source, "quit").strip()
            if line.lower() in {"quit", "exit", "q"}:
                return self.leave()
            self._obey(line)
        winners = [seat + 1 for seat in self.game.winners]
        verdict = "you win" if self._seat in self.game.winners else "you lose"
        if self._seat in self.game.winners and len(winners) > 1:
            verdict = "you share the victory"
        self._say(f"{verdict}, {self._scores()}")
        return {
            "finished": True,
            "scores": list(self.game.scores),
            "winners": winners,
            "moves": self._moves,
        }

    def leave(self, before: str = "") -> dict[str, Any]:
        """The person gets up before the end; how far it came."""
        self._say(
            f"{before}left the game after {self._moves} move{'' if self._moves == 1 else 's'}"
        )
        return {"finished": False, "scores": list(self.game.scores), "moves": self._moves}

    def _scores(self) -> str:
        return " : ".join(str(score) for score in self.game.scores)

    def _obey(self, line: str) -> None:
        """One line of the person's."""
        match line.lower():
            case "":
                return
            case "help" | "?":
                self._say(HELP)
            case "moves" | "legal":
                self._say(legal_moves_text(self.game))
            case "hint":
                move = format_move(self._chosen(), self.game.players)
                self._say(f"{self._opponent.name} would play {move}")
            case "undo" if not self._before:
                self._say("there is no move of yours to take back")
            case "undo":
                self.game, self._moves = self._before.pop()
                self._say(str(self.game))
            case "board":
                self._say(str(self.game))
            case "position":
                self._say(self.game.notation())
            case _:
                before = self.game.copy(), self._moves
                try:
                    self._apply(self.game.parse_move(line))
                except GameError as error:
                    self._say(f"{error} (help lists what you can type)")
                else:
                    self._before.append(before)

    def _answer(self) -> None:
        """The opponent's move, and the board after it."""
        action, seat = self._chosen(), self.game.to_move
        self._apply(action)
        self._say(f"player {seat + 1} plays {describe_move(action, self.game.players)}")
        if self.game.to_move == self._seat and not self.game.is_over:
            self._say(str(self.game))

    def _apply(self, action: int) -> None:
        """Make a move of anybody's, and record it."""
        seat, before = self.game.to_move, self.game.round
        self.game.apply(action)
        self._moves += 1
        self._context.reporter.record(
            "move",
            number=self._moves,
            seat=seat,
            move=format_move(action, self.game.players),
            position=self.game.notation(),
        )
        if self.game.round != before and not self.game.is_over:
            self._say(f"round {before} is over, scores {self._scores()}")

    def _chosen(self) -> int:
        """The opponent's choice here; players see canonical factories, people see the table's."""
        canonical, order = self.game.canonical()
        seed = derive(np.uint64(self._context.integer("seed")), PLAYER, self._moves)
        choice = self._opponent.choose(
            canonical.array[None, :], np.asarray([seed], np.uint64), deterministic=True
        )
        return FactoryOrder(order).table_action(int(choice[0]))


def legal_moves_text(game: GameState) -> str:
    """The legal moves, a line for each colour and source."""
    rows: dict[str, list[str]] = {}
    for action in game.legal_actions().tolist():
        source, color, row = decode_action(action)
        start = format_move(encode_action(source, color, FLOOR_ROW), game.players)[:-1]
        rows.setdefault(start, []).append("F" if row == FLOOR_ROW else str(row + 1))
    return "\n".join(start + " ".join(targets) for start, targets in rows.items())
