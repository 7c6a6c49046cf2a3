"""Every command of the engine; `docs/protocol.md` tells them to those who write programs."""

from __future__ import annotations

import re
import time
from functools import cached_property
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

    from azul_tui.jobs.engine.conversation import Request
    from azul_tui.jobs.engine.search import OpenedPlayers

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
    wrong, hint = game.violations(), ""
    if not wrong and not by_hand:
        wrong, hint = unreachable(game.view()), "; setup=1 takes it all the same"
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise GameError(f"the position cannot arise: {wrong[0]}{more}{hint}")
    if game.phase == "afterstate":
        game.refill()
    return game


# -- what each command does

PROTOCOL: Final = 1
MOST_SIMULATIONS: Final = 100_000
_SEED: Final = (0, 0, 2**63 - 1)


class Commands:
    """The commands, and what they have in common: the game before them and the open players.

    What is heavy is imported by the first command that needs it, so that `hello` answers at once.
    """

    def __init__(self, root: Path) -> None:
        """Runs live in `root`; the game is a new one of two at first."""
        self._root = root
        self.table = Table(GameState.new())
        self.known: dict[str, Callable[[Request], None]] = {
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

    def obey(self, request: Request) -> None:
        """Do what was asked, and answer it.

        Raises:
            AzulError: In one sentence what was wrong with it.
        """
        command = self.known.get(request.verb)
        if command is None:
            names = ", ".join([*self.known, "stop", "quit"])
            raise JobError(f"there is no command {shown(request.verb)}; commands are {names}")
        command(request)

    @cached_property
    def players(self) -> OpenedPlayers:
        """The players that were asked for."""
        from azul_tui.jobs.engine.search import OpenedPlayers

        return OpenedPlayers(self._root)

    def _hello(self, request: Request) -> None:
        request.arguments()
        shipped = [
            name for seats, name in SHIPPED_NAMES.items() if pretrained_directory(seats).is_dir()
        ]
        players = [*SCRIPTED_PLAYERS, *shipped]
        request.end("hello", version=__version__, protocol=PROTOCOL, players=players)

    def _position(self, request: Request) -> None:
        asked = request.arguments(words=True, players=(2, 2, 4), seed=_SEED, setup=(0, 0, 1))
        self.table = Table.laid(
            request.words, asked["players"], asked["seed"], by_hand=bool(asked["setup"])
        )
        request.end("position", **self.table.record())

    def _play(self, request: Request) -> None:
        request.arguments(words=True)
        if not request.words:
            raise JobError("play needs a move after it, as in play R 2>3")
        self.table.play(request.words)
        request.end("position", **self.table.record())

    def _undo(self, request: Request) -> None:
        request.arguments()
        self.table.undo()
        request.end("position", **self.table.record())

    def _legal(self, request: Request) -> None:
        request.arguments()
        request.end("position", **self.table.record())

    def _load(self, request: Request) -> None:
        from azul_tui.jobs.engine.search import OpenedNetwork

        name = request.arguments(player=None)["player"]
        began = time.monotonic()
        player = self.players.open(request, name, self.table.game.players)
        request.end(
            "ready",
            player=name,
            network=isinstance(player, OpenedNetwork),
            seconds=round(time.monotonic() - began, 3),
        )

    def _choose(self, request: Request) -> None:
        from azul_tui.jobs.engine.search import choose

        asked = request.arguments(
            player=None, seconds=600.0, simulations=(None, 0, MOST_SIMULATIONS), seed=_SEED
        )
        game = self._unfinished()
        opened = self.players.open(request, asked["player"], game.players)
        if asked["simulations"] is None:
            asked["simulations"] = 100 if asked["seconds"] is None else MOST_SIMULATIONS
        choose(request, opened, game, **asked)

    def _analyse(self, request: Request) -> None:
        from azul_tui.jobs.engine.search import analyse

        asked = request.arguments(
            player=None,
            simulations=(400, 1, MOST_SIMULATIONS),
            first=(25, 1, MOST_SIMULATIONS),
            margins=(32, 0, 10_000),
            seed=_SEED,
        )
        game = self._unfinished()
        network = self.players.open_network(request, asked["player"], game.players)
        analyse(request, network, game, **asked)

    def _unfinished(self) -> GameState:
        if self.table.game.is_over:
            raise JobError("the game is over, and there is no move to choose")
        return self.table.game

    # -- recorded games

    def _games(self, request: Request) -> None:
        from azul_tui.jobs.recorded_games import list_games

        request.arguments(words=True)
        request.end("games", **list_games(request.words, request.stopped))

    def _game(self, request: Request) -> None:
        from azul_tui.jobs.recorded_games import replayed_game

        request.arguments(words=True)
        request.end("game", **replayed_game(request.words, "game").record())

    def _review(self, request: Request) -> None:
        from azul_tui.jobs.engine.search import review
        from azul_tui.jobs.recorded_games import replayed_game

        asked = request.arguments(
            words=True, player=None, simulations=(100, 1, MOST_SIMULATIONS), seed=_SEED
        )
        game = replayed_game(request.words, "review")
        network = self.players.open_network(request, asked["player"], game.final.players)
        review(request, network, game, asked["simulations"], asked["seed"])
