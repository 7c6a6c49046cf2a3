"""What the component demos share: an untrained network, and real games that it played."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from azul_tui.errors import JobFailedError
from azul_tui.network import create_azul_network
from azul_tui.training.replay import ReplayBuffer
from azul_tui.training.self_play import self_play_games
from azul_tui.training.workers import compile_kernels

if TYPE_CHECKING:
    from azul_tui.jobs.start import JobContext
    from azul_tui.network import AzulNetwork
    from azul_tui.training.game_records import GameBatch


@dataclass(frozen=True, slots=True)
class PlayedDemo:
    """A network and the games that it played against itself."""

    network: AzulNetwork
    batch: GameBatch
    buffer: ReplayBuffer


def new_network(context: JobContext, *, players: int = 2) -> AzulNetwork:
    """An untrained network, decided by the job's seed alone."""
    preset = str(context.settings.get("network_config", "small"))
    with torch.random.fork_rng():  # pyright: ignore[reportUnknownMemberType] - untyped in torch
        torch.manual_seed(context.integer("seed"))  # pyright: ignore[reportUnknownMemberType] - untyped in torch
        return create_azul_network(preset, players)


def compile_with_progress(context: JobContext, players: int = 2) -> None:
    """Compile the kernels, with a record a stage when they are not compiled yet."""

    def report(done: int, total: int, name: str, seconds: float) -> None:
        context.reporter.record(
            "compile", done=done, total=total, name=name, seconds=round(seconds, 2)
        )

    compile_kernels(players, report)


def play_games(
    context: JobContext, games: int, *, players: int = 2, simulations: int = 16
) -> PlayedDemo:
    """Let an untrained network play real games with real search.

    Raises:
        JobFailedError: Somebody asked to stop.
    """
    compile_with_progress(context, players)
    network = new_network(context, players=players)
    started = time.monotonic()
    batch = self_play_games(
        network,
        games,
        simulations=simulations,
        seed=context.integer("seed"),
        on_progress=lambda seen: context.reporter.progress(seen.games, games, "games"),
        should_stop=context.stop.is_set,
    )
    if batch is None:
        raise JobFailedError("stopped before the games were played")
    buffer = ReplayBuffer(max(1, len(batch.states)), players)
    buffer.add(batch.states, batch.policies, batch.outcomes)
    seconds = time.monotonic() - started
    context.reporter.record(
        "self_play",
        iteration=0,
        games=batch.tally.games,
        positions=len(batch.states),
        seconds=round(seconds, 3),
        sims_per_s=batch.tally.simulations / seconds,
        mean_moves=batch.tally.moves / max(1, batch.tally.games),
        simulations=batch.tally.simulations,
    )
    return PlayedDemo(network, batch, buffer)
