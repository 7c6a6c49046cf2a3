"""Players that were asked for by name, kept ready for the next time."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from azul_tui.errors import CheckpointError, PlayerError
from azul_tui.jobs.names import check_player_name
from azul_tui.players.names import parse_player_name
from azul_tui.players.registry import StoppablePlayer
from azul_tui.runs.text import plain_text, warn

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.players.registry import Player
    from azul_tui.search.search import Evaluator
    from azul_tui.search.select import SearchSettings

Progress = Callable[[str, int, int], None]
"""Told what is done, and how many steps of how many."""

_MOST_KEPT: Final = 4
PLAYOUT_ROWS: Final = 512


@dataclass(frozen=True)
class OpenedNetwork:
    """A network ready to search one position, or many."""

    name: str
    players: int
    search: SearchSettings
    evaluator_of: Callable[[int], Evaluator]
    """An evaluator of so many rows; made once for each number."""


@dataclass(frozen=True)
class OpenedPlayer:
    """Either kind of player, under the name it was asked for by."""

    name: str
    scripted: Player | None
    network: OpenedNetwork | None


class OpenedPlayers:
    """Players by name; the last few stay open."""

    def __init__(self, root: Path) -> None:
        """Look for runs in `root`."""
        self._root = root
        self._kept: OrderedDict[tuple[str, int, int], OpenedPlayer] = OrderedDict()

    def open(self, name: str, players: int, progress: Progress) -> OpenedPlayer:
        """The player called `name`, for games of `players` if it is a scripted one.

        A checkpoint that has been written anew is read anew.

        Raises:
            PlayerError: It is no player's name.
            CheckpointError: The checkpoint cannot be used.
        """
        path = None if _is_scripted(name, players) else self._find(name, players, progress)
        try:
            stamp = path.stat().st_mtime_ns if path is not None else 0
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None
        key = (str(path or name.strip().lower()), 0 if path else players, stamp)
        opened = self._kept.get(key)
        if opened is None:
            opened = (
                OpenedPlayer(name, None, _open_network(path, progress))
                if path is not None
                else OpenedPlayer(name, _open_scripted(name, players, progress), None)
            )
            self._kept[key] = opened
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return OpenedPlayer(name, opened.scripted, opened.network)

    def _find(self, name: str, players: int, progress: Progress) -> Path | None:
        """The checkpoint that `name` means; see `find_player`."""
        check_player_name(name, self._root, players)
        if "torch" not in sys.modules:
            progress("loading the libraries", 0, 3)
        from azul_tui.training.checkpoint_players import find_player  # takes two seconds

        return find_player(name, self._root, players=players)

    def open_network(self, name: str, players: int, progress: Progress) -> OpenedNetwork:
        """The network called `name`, for games of `players`.

        Raises:
            PlayerError: It is a scripted player, or nobody.
            CheckpointError: The checkpoint cannot be used, or is for another number of players.
        """
        network = self.open(name, players, progress).network
        if network is None:
            shown = plain_text(name, 60)
            raise PlayerError(
                f"{shown} is a scripted player and has no opinion to show; name a run, a"
                " checkpoint or pretrained"
            )
        check_seats(network, players)
        return network


def _is_scripted(name: str, players: int) -> bool:
    try:
        parse_player_name(name, players)
    except PlayerError:
        return False
    return True


def check_seats(network: OpenedNetwork, players: int) -> None:
    """Raise CheckpointError when the network plays with another number of players."""
    if network.players != players:
        raise CheckpointError(
            f"{network.name} is for {network.players} players, and the game before it has {players}"
        )


def _open_network(path: Path, progress: Progress) -> OpenedNetwork:
    """Read, compile and try a network once."""
    import torch

    from azul_tui.network import NetworkEvaluator
    from azul_tui.training.checkpoint_players import read_saved_network

    torch.set_num_threads(1)  # more only wait for each other with batches of one row
    saved = read_saved_network(path)
    for note in saved.notes:
        warn(note)  # between the records nobody expects it
    made: dict[int, NetworkEvaluator] = {}

    def evaluator_of(rows: int) -> Evaluator:
        if rows not in made:
            made[rows] = NetworkEvaluator(saved.network, rows, "cpu" if rows == 1 else "auto")
        return made[rows]

    opened = OpenedNetwork(saved.name, saved.players, saved.search, evaluator_of)
    progress(_compiling("the search"), 1, 3)
    from azul_tui.game.state import GameState
    from azul_tui.search.search import LockstepSearch

    start = GameState.new(saved.players).canonical()[0].array[None, :]
    LockstepSearch(1, 2, saved.search, saved.players).run(start, evaluator_of(1))
    progress("ready", 3, 3)
    return opened


def _open_scripted(name: str, players: int, progress: Progress) -> Player:
    """Compile a scripted player by asking it once."""
    from azul_tui.game.state import GameState
    from azul_tui.players.registry import create_player

    player = create_player(name, players)
    progress(_compiling(player.name), 1, 3)
    start = GameState.new(players).canonical()[0].array
    if isinstance(player, StoppablePlayer):
        player.choose_until(start, 0, lambda: True)  # as it is asked later, and briefly
    else:
        player.choose(start[None, :], np.zeros(1, np.uint64), deterministic=True)
    progress("ready", 3, 3)
    return player


def _compiling(what: str) -> str:
    from azul_tui.game.kernel import is_compiled

    known = is_compiled("search") and is_compiled("players")
    return f"starting {what}" if known else f"compiling {what}, only the first time"
