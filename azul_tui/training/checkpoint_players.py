"""Players by any name that a person gives: scripted, a run, a checkpoint file, the shipped one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from azul_tui.config import PLAYED_WITH, stored_config
from azul_tui.errors import AzulError, CheckpointError, PlayerError
from azul_tui.network import NetworkEvaluator
from azul_tui.players.names import parse_player_name, plays_elsewhere
from azul_tui.players.network import NetworkPlayer
from azul_tui.players.registry import create_player
from azul_tui.runs.checkpoint_manifest import BEST_NAME, best_record, read_manifest
from azul_tui.runs.listing import newest_run
from azul_tui.runs.paths import SHIPPED_NAMES, pretrained_directory, run_paths
from azul_tui.runs.text import plain_text, warn
from azul_tui.training.checkpoint import load_network, newest_valid
from azul_tui.training.self_play import playing_search

if TYPE_CHECKING:
    from azul_tui.network import AzulNetwork
    from azul_tui.players.registry import Player
    from azul_tui.search.select import SearchSettings

PRETRAINED: Final = "pretrained"
_BATCH: Final = 256

Warn = Callable[[str], None]
"""Tells a person something in one line."""


def find_checkpoint(name: str, root: Path, players: int = 2) -> Path:
    """The checkpoint file that a person means.

    Args:
        name: A file, from here or from the folder of runs; a run's folder or name, for its best
            weights (those of `get_best_checkpoint`) or else, where none have a score, its newest
            that verify; `pretrained`; empty for the newest run, else the shipped player.
        root: The folder of runs.
        players: Seats at the table, for which `pretrained` stands for the player made for them.

    Raises:
        CheckpointError: There is none.
    """
    if not name:
        try:
            return _of_run(newest_run(root, 0.0).directory)
        except AzulError:
            name = PRETRAINED
    if name == PRETRAINED:
        name = SHIPPED_NAMES[players]
    for seats, shipped in SHIPPED_NAMES.items():
        if name == shipped:
            return _of_run(pretrained_directory(seats))
    path = Path(name)
    for file in (path, root / path):
        if file.is_file():
            return file
    if path.is_dir():
        return _of_run(path)
    shown = plain_text(name, 80)
    try:
        folder = run_paths(root, name).directory
    except AzulError:
        raise CheckpointError(f"{shown}: there is no such checkpoint file or run") from None
    if not folder.is_dir():
        missing = f"there is no such checkpoint file, and no such run in {root}"
        raise CheckpointError(f"{shown}: {missing}")
    return _of_run(folder)


def _of_run(folder: Path) -> Path:
    """A run's best weights, else its newest checkpoint that verifies."""
    best = best_record(read_manifest(folder))
    for name in (BEST_NAME, best.file if best else ""):
        if (folder / name).is_file():
            return folder / name
    return newest_valid(folder).path


@dataclass(frozen=True)
class SavedNetwork:
    """The network of a checkpoint, and how its run searched with it."""

    network: AzulNetwork
    search: SearchSettings
    name: str
    """`run/checkpoint`, to show."""
    notes: tuple[str, ...] = ()
    """What this version made of settings that it does not know or take, a line each."""

    @property
    def players(self) -> int:
        """P: seats of the games that it plays."""
        return self.network.description.players


def read_saved_network(path: Path, players: int | None = None) -> SavedNetwork:
    """What a checkpoint plays with.

    Raises:
        CheckpointError: The file cannot be used, or its network plays another number of players
            than the `players` wanted.
        ConfigError: It was searched with in a way that this version does not know.
    """
    network, settings = load_network(path)
    plays = network.description.players
    if players is not None and plays != players:
        raise CheckpointError(f"{path.name} is for {plays} players, not {players}")
    place = plain_text(str(path))
    config, notes = stored_config(settings, place=place, needed=PLAYED_WITH)
    name = f"{path.parent.name}/{path.stem}"
    return SavedNetwork(network, playing_search(config), name, notes)


def open_checkpoint_player(
    path: Path,
    simulations: int,
    *,
    warn: Warn = warn,
    players: int | None = None,
    device: str = "auto",
) -> NetworkPlayer:
    """The network of a checkpoint, with as many simulations a move (0: its bare policy).

    `warn` is told what this version made of settings that it does not know.

    Raises:
        CheckpointError, ConfigError: See `read_saved_network`.
    """
    saved = read_saved_network(path, players)
    for note in saved.notes:
        warn(note)
    evaluator = NetworkEvaluator(saved.network, _BATCH, device)
    return NetworkPlayer(evaluator, simulations, saved.search, saved.players, name=saved.name)


def find_player(name: str, root: Path, *, players: int = 2) -> Path | None:
    """What a player's name means: the file of a checkpoint, or None for a scripted player.

    Raises:
        PlayerError: It is neither.
        CheckpointError: There is no such checkpoint.
    """
    try:
        parse_player_name(name, players)
    except PlayerError as error:
        try:
            return find_checkpoint(name, root, players)
        except CheckpointError:
            if "/" in name or name.endswith(".pt") or name in SHIPPED_NAMES.values():
                raise
            nor = "" if plays_elsewhere(name) else "; nor is it a checkpoint file or a run"
            raise PlayerError(f"{error}{nor}") from None
    return None


def open_player(
    name: str,
    simulations: int,
    root: Path,
    *,
    warn: Warn = warn,
    players: int = 2,
    device: str = "auto",
) -> Player:
    """A scripted player or a checkpoint, by name; see `open_checkpoint_player`.

    Raises:
        PlayerError: It is neither.
        CheckpointError: The checkpoint cannot be used.
    """
    path = find_player(name, root, players=players)
    if path is not None:
        return open_checkpoint_player(path, simulations, warn=warn, players=players, device=device)
    return create_player(name, players)
