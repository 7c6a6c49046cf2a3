"""What a run computes with: `resolve_compute` for its settings, and whether a GPU is worth it.

A GPU is compared with the processor at what a run does most: real moves of self-play, its tree
search included. Small networks are often faster on the processor, of which every worker has a core
of its own while all of them share the GPU.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from azul_tui.network import create_azul_network, resolve_compute
from azul_tui.network.compute import choose_device, resolve_device, time_inference
from azul_tui.network.presets import describe_network
from azul_tui.runs.machine import usable_cores
from azul_tui.training.executors import InlineExecutor, SelfPlayTask, worker_count
from azul_tui.training.self_play import CALLS_BETWEEN_REPORTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.config import TrainingConfig
    from azul_tui.network import Compute, NetworkDescription

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
