"""What each command does. The words and options of all of them are in `docs/protocol.md`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from azul_tui import __version__
from azul_tui.errors import JobError
from azul_tui.jobs.engine.request import shown
from azul_tui.players.names import SCRIPTED_PLAYERS
from azul_tui.runs.paths import SHIPPED_NAMES, pretrained_directory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azul_tui.jobs.engine.conversation import Answer
    from azul_tui.jobs.engine.opened_players import OpenedPlayers
    from azul_tui.jobs.engine.table import Table

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
            from azul_tui.jobs.engine.table import Table

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
        from azul_tui.jobs.engine.table import Table

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
        from azul_tui.jobs.engine.analysis import MOST_SECONDS, choose, refuse_finished
        from azul_tui.jobs.engine.thinking import MOST_SIMULATIONS

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
        from azul_tui.jobs.engine.analysis import MOST_MARGINS, analyse, refuse_finished
        from azul_tui.jobs.engine.thinking import MOST_SIMULATIONS

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
        from azul_tui.jobs.engine.recorded_games import list_games

        answer.request.finish()
        answer.end("games", **list_games(answer.request.words, answer.stopped))

    def _game(self, answer: Answer) -> None:
        from azul_tui.jobs.engine.recorded_games import replayed_game, told_game

        answer.request.finish()
        answer.end("game", **told_game(replayed_game(answer.request.words, "game")))

    def _review(self, answer: Answer) -> None:
        from azul_tui.jobs.engine.recorded_games import replayed_game
        from azul_tui.jobs.engine.review import review
        from azul_tui.jobs.engine.thinking import MOST_SIMULATIONS

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
