"""Opening the players that the arena is given by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azul_tui.errors import PlayerError
from azul_tui.players.registry import create_player
from azul_tui.training.checkpoint_players import find_player, open_player, read_saved_network

if TYPE_CHECKING:
    from azul_tui.game.kernel import Int8Array, Int32Array, Uint64Array
    from azul_tui.jobs.context import JobContext
    from azul_tui.players.registry import Player

MOST_SIMULATIONS = 100_000


@dataclass(frozen=True)
class NamedPlayer:
    """A player under the name that tells its simulations too."""

    name: str
    player: Player

    def choose(
        self, states: Int8Array, seeds: Uint64Array, deterministic: bool = False
    ) -> Int32Array:
        """See `Player.choose`."""
        return self.player.choose(states, seeds, deterministic)


def split_contestant(name: str, simulations: int) -> tuple[str, int]:
    """Name and simulations of `NAME@N`, or `simulations` where no N is given.

    Raises:
        PlayerError: What stands behind the @ is no number of simulations.
    """
    before, at, after = name.rpartition("@")
    if not at:
        return name, simulations
    if not after.isascii() or not after.isdigit() or int(after[:9]) > MOST_SIMULATIONS:
        raise PlayerError(
            f"{name!r}: behind the @ stands a number of simulations from 0 to"
            f" {MOST_SIMULATIONS:,}, as in {before or 'NAME'}@100"
        )
    return before, int(after)


def shown_name(context: JobContext, name: str) -> str:
    """The name that the player called `name` goes by, once it is known that it can play.

    Raises:
        PlayerError: It is no player's name, or it cannot play with so many.
        CheckpointError: Its checkpoint cannot be used.
    """
    plain, simulations = split_contestant(name, context.integer("simulations"))
    seats = context.integer("num_players")
    path = find_player(plain, context.runs_root, players=seats)
    if path is None:
        return create_player(plain, seats).name
    return f"{read_saved_network(path, seats).name}@{simulations}"


def open_contestant(context: JobContext, name: str) -> Player:
    """The player called `name`; a network is shown as `run/checkpoint@simulations`.

    Raises:
        PlayerError: It is no player's name.
        CheckpointError: Its checkpoint cannot be used.
    """
    plain, simulations = split_contestant(name, context.integer("simulations"))
    player = open_player(
        plain,
        simulations,
        context.runs_root,
        warn=context.warn,
        players=context.integer("num_players"),
        device=context.text("device"),
    )
    if player.name == plain.strip().lower():
        return player
    return NamedPlayer(f"{player.name}@{simulations}", player)
