"""Every command of the engine; `docs/protocol.md` tells them to those who write programs."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final, Self

from azul_tui import __version__
from azul_tui.errors import GameError, JobError
from azul_tui.game.constants import COLOR_LETTERS
from azul_tui.game.notation import format_move
from azul_tui.game.state import GameState
from azul_tui.game.violations import unreachable
from azul_tui.jobs.engine.conversation import shown
from azul_tui.players.names import SCRIPTED_PLAYERS
from azul_tui.runs.paths import SHIPPED_NAMES, pretrained_directory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azul_tui.jobs.engine.conversation import Answer
    from azul_tui.jobs.engine.opened_players import OpenedPlayers


# -- the game that the engine has before it: a position, and the moves played since

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


# -- what each command does. The words and options of all of them are in `docs/protocol.md`

PROTOCOL: Final = 1
MOST_SEED: Final = 2**63 - 1


class Commands:
    """The commands, and what they have in common: the game before them and the open players.

    What is heavy is imported by the first command that needs it, so that `hello` answers at once.
    """

    def __init__(self, root: Path) -> None:
        """Runs live in `root`."""
        self._root = root
        self._table: Table | None = None
        self._players: OpenedPlayers | None = None
        self._known: dict[str, Callable[[Answer], None]] = {
            "hello": self._hello,
            "position": self._position,
            "play": self._play,
            "undo": self._undo,
            "legal": self._legal,
            "load": self._load,
            "choose": self._choose,
            "analyse": self._analyse,
            "games": self._games,
            "game": self._game,
            "review": self._review,
        }

    def obey(self, answer: Answer) -> None:
        """Do what was asked, and answer it.

        Raises:
            AzulError: In one sentence what was wrong with it.
        """
        verb = answer.request.verb
        if verb == "error":  # the line was no command, and the words say why
            raise JobError(answer.request.words)
        command = self._known.get(verb)
        if command is None:
            names = ", ".join([*self._known, "stop", "quit"])
            raise JobError(f"there is no command {shown(verb)}; commands are {names}")
        command(answer)

    @property
    def table(self) -> Table:
        """The game, a new one of two at first."""
        if self._table is None:
            from azul_tui.game.state import GameState
            from azul_tui.jobs.engine.commands import Table

            self._table = Table(GameState.new())
        return self._table

    @property
    def players(self) -> OpenedPlayers:
        """The players that were asked for."""
        if self._players is None:
            from azul_tui.jobs.engine.opened_players import OpenedPlayers

            self._players = OpenedPlayers(self._root)
        return self._players

    def _hello(self, answer: Answer) -> None:
        answer.request.no_words()
        answer.request.finish()
        shipped = [
            name for seats, name in SHIPPED_NAMES.items() if pretrained_directory(seats).is_dir()
        ]
        players = [*SCRIPTED_PLAYERS, *shipped]
        answer.end("hello", version=__version__, protocol=PROTOCOL, players=players)

    # -- the game

    def _position(self, answer: Answer) -> None:
        from azul_tui.jobs.engine.commands import Table

        request = answer.request
        players = request.integer("players", 2, 2, 4)
        seed = request.integer("seed", 0, 0, MOST_SEED)
        by_hand = bool(request.integer("setup", 0, 0, 1))
        request.finish()
        self._table = Table.laid(request.words, players, seed, by_hand=by_hand)
        answer.end("position", **self.table.record())

    def _play(self, answer: Answer) -> None:
        answer.request.finish()
        if not answer.request.words:
            raise JobError("play needs a move after it, as in play R 2>3")
        self.table.play(answer.request.words)
        answer.end("position", **self.table.record())

    def _undo(self, answer: Answer) -> None:
        answer.request.no_words()
        answer.request.finish()
        self.table.undo()
        answer.end("position", **self.table.record())

    def _legal(self, answer: Answer) -> None:
        answer.request.no_words()
        answer.request.finish()
        answer.end("position", **self.table.record())

    # -- players

    def _load(self, answer: Answer) -> None:
        request = answer.request
        request.no_words()
        name = request.text("player")
        request.finish()
        began = time.monotonic()
        opened = self.players.open(name, self.table.game.players, _progress(answer))
        answer.end(
            "ready",
            player=name,
            network=opened.network is not None,
            seconds=round(time.monotonic() - began, 3),
        )

    def _choose(self, answer: Answer) -> None:
        from azul_tui.jobs.engine.analysis import (
            MOST_SECONDS,
            MOST_SIMULATIONS,
            choose,
            refuse_finished,
        )

        request = answer.request
        request.no_words()
        name = request.text("player")
        seconds = request.seconds("seconds", MOST_SECONDS)
        simulations = request.integer(
            "simulations", 100 if seconds is None else MOST_SIMULATIONS, 0, MOST_SIMULATIONS
        )
        seed = request.integer("seed", 0, 0, MOST_SEED)
        request.finish()
        game = self.table.game
        refuse_finished(game)
        player = self.players.open(name, game.players, _progress(answer))
        choose(answer, player, game, simulations=simulations, seconds=seconds, seed=seed)

    def _analyse(self, answer: Answer) -> None:
        from azul_tui.jobs.engine.analysis import (
            MOST_MARGINS,
            MOST_SIMULATIONS,
            analyse,
            refuse_finished,
        )

        request = answer.request
        request.no_words()
        name = request.text("player")
        simulations = request.integer("simulations", 400, 1, MOST_SIMULATIONS)
        first = request.integer("first", 25, 1, MOST_SIMULATIONS)
        margins = request.integer("margins", 32, 0, MOST_MARGINS)
        seed = request.integer("seed", 0, 0, MOST_SEED)
        request.finish()
        game = self.table.game
        refuse_finished(game)
        network = self.players.open_network(name, game.players, _progress(answer))
        analyse(
            answer,
            name,
            network,
            game,
            simulations=simulations,
            first=first,
            margins=margins,
            seed=seed,
        )

    # -- recorded games

    def _games(self, answer: Answer) -> None:
        from azul_tui.jobs.engine.games import list_games

        answer.request.finish()
        answer.end("games", **list_games(answer.request.words, answer.stopped))

    def _game(self, answer: Answer) -> None:
        from azul_tui.jobs.engine.games import replayed_game, told_game

        answer.request.finish()
        answer.end("game", **told_game(replayed_game(answer.request.words, "game")))

    def _review(self, answer: Answer) -> None:
        from azul_tui.jobs.engine.analysis import MOST_SIMULATIONS
        from azul_tui.jobs.engine.games import replayed_game, review

        request = answer.request
        name = request.text("player")
        simulations = request.integer("simulations", 100, 1, MOST_SIMULATIONS)
        seed = request.integer("seed", 0, 0, MOST_SEED)
        request.finish()
        game = replayed_game(request.words, "review")
        network = self.players.open_network(name, game.final.players, _progress(answer))
        review(answer, network, game, simulations, seed)


def _progress(answer: Answer) -> Callable[[str, int, int], None]:
    """Tell how far the loading of a player is; nothing when it is open already."""
    return lambda text, done, total: answer.say("progress", text=text, done=done, total=total)
