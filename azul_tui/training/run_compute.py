"""What a run computes with, chosen and compiled before it begins."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from azul_tui.game.constants import observation_size, state_size
from azul_tui.game.kernel import noticing_compilation
from azul_tui.game.playout import random_games
from azul_tui.game.rules import clear_game, refill_canonical
from azul_tui.network import NetworkEvaluator, create_azul_network, resolve_compute
from azul_tui.network.compute import choose_device, resolve_device, time_inference
from azul_tui.network.model import describe_network
from azul_tui.players.network import NetworkPlayer
from azul_tui.players.registry import create_player
from azul_tui.runs.machine import usable_cores
from azul_tui.search.search import ConstantEvaluator
from azul_tui.search.select import SearchSettings
from azul_tui.training.replay import ReplayBuffer
from azul_tui.training.self_play import CALLS_BETWEEN_REPORTS, PlaySettings, SelfPlay
from azul_tui.training.workers import InlineExecutor, SelfPlayTask, worker_count

if TYPE_CHECKING:
    from azul_tui.config import TrainingConfig
    from azul_tui.network import Compute, NetworkDescription


# -- what a run computes with: `resolve_compute` for its settings, and whether a GPU is worth it
#
# A GPU is compared with the processor at what a run does most: real moves of self-play, its tree
# search included. Small networks are often faster on the processor, of which every worker has a
# core
# of its own while all of them share the GPU.

_MOST_THREADS: Final = 8
_PROBE_S: Final = 0.3
"""Seconds of self-play by which a device is judged."""


def compute_of(
    config: TrainingConfig, threads: int = 0, remembered: Compute | None = None
) -> Compute:
    """What a run with these settings computes with here; see `resolve_compute`.

    Args:
        config: Settings of the run.
        threads: Of torch for the learner; 0 leaves a core to whoever watches.
        remembered: What the checkpoint of a resumed run names.

    Raises:
        ConfigError: This machine has no such device.
    """
    description = describe_network(
        config.network_config,
        config.num_players,
        config.dropout,
    )
    threads = threads or max(1, min(_MOST_THREADS, usable_cores() - 1))
    gpu = resolve_device(config.device)
    if config.device == "auto" and gpu.type != "cpu" and remembered is None:
        timing = choose_device(
            description,
            config.parallel_games,
            gpu,
            worker_count(config, str(gpu)),
            {
                "cpu": lambda: self_play_s(config, description, torch.device("cpu")),
                str(gpu): lambda: self_play_s(config, description, gpu),
            },
        )
        config = config.replace(device=torch.device(timing.chosen).type)
    return resolve_compute(config, description, threads=threads, remembered=remembered)


def self_play_s(
    config: TrainingConfig,
    description: NetworkDescription,
    device: torch.device,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds in which all workers together call the network once, playing on that device.

    One worker plays and is timed; the others are taken to be as fast, each on a core of its own. A
    GPU serves one at a time, so that there are never more calls than it can answer alone: a guess
    on the safe side, as calls of several processes overlap a little.
    """
    workers = worker_count(config, device.type)
    settings = config.replace(device=device.type)
    compute = resolve_compute(settings, description)
    asked: list[float] = []

    def enough() -> bool:
        asked.append(clock())
        return len(asked) > 2 and asked[-1] - asked[0] >= _PROBE_S

    games = np.arange(64 * config.parallel_games)
    weights = create_azul_network(config.network_config, config.num_players).state_dict()
    InlineExecutor().play(SelfPlayTask(0, games, settings, compute), weights, should_stop=enough)
    alone = (asked[-1] - asked[0]) / max(1, len(asked) - 1) / CALLS_BETWEEN_REPORTS
    if device.type == "cpu":
        return alone / workers
    found = time_inference(description, config.parallel_games, device, compute.inference_precision)
    return max(alone / workers, found.seconds[found.chosen])


# -- compiling every kernel that training needs, before anything is timed or forked
#
# The first start on a machine takes some seconds; later ones load the kernels from disk.

CompileReport = Callable[[int, int, str, float], None]
"""`(done, total, name, seconds)`: stages done, the one that comes next, seconds so far."""


def _compile_rules(players: int) -> None:
    random_games(np.zeros(state_size(players), np.int8), players, 1, np.uint64(0))


def _compile_self_play(players: int) -> None:
    rules = PlaySettings(np.uint64(0), 2, 1, 1.0, 1.0, 4, 0.0, 1.0)
    evaluator = ConstantEvaluator(2, players)
    batch = SelfPlay(evaluator, SearchSettings(), rules, players).play(np.arange(1))
    if batch is not None:
        buffer = ReplayBuffer(16, players)
        buffer.add(batch.states[:8], batch.policies[:8], batch.outcomes[:8])
        buffer.sample(2, np.random.default_rng(0))


def _compile_network(players: int) -> None:
    network = create_azul_network("small", players)
    NetworkEvaluator(network, 1, "cpu")(np.zeros((1, observation_size(players)), np.int8))


def _compile_players(players: int) -> None:
    states = np.zeros((1, state_size(players)), np.int8)
    clear_game(states[0], players)
    refill_canonical(states[0], np.uint64(0), np.zeros(1, np.uint64))
    seeds = np.zeros(1, np.uint64)
    evaluator = ConstantEvaluator(1, players)
    NetworkPlayer(evaluator, 2, SearchSettings(), players).choose(states, seeds, True)
    for name in ("random", "greedy"):
        create_player(name, players).choose(states, seeds, True)


STAGES: Final = (
    ("rules", _compile_rules),
    ("search and self-play", _compile_self_play),
    ("network", _compile_network),
    ("players", _compile_players),
)


def compile_kernels(
    players: int, report: CompileReport, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Compile or load everything; returns the seconds it took.

    `report` is called once something is compiled, and then after each stage; never when all of
    it can be loaded, however long that takes on a busy machine.
    """
    started = clock()
    done, told = 0, False

    def tell() -> None:
        nonlocal told
        told = True
        name = STAGES[done][0] if done < len(STAGES) else "done"
        report(done, len(STAGES), name, clock() - started)

    with noticing_compilation(tell):
        for _, compile_stage in STAGES:
            compile_stage(players)
            done += 1
            if told:
                tell()
    return clock() - started
