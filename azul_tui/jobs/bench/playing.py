"""Rules, tree, network and self-play: how many a second."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from azul_tui.config import TrainingConfig, create_training_config
from azul_tui.game.canonical import apply_canonical, refill_canonical
from azul_tui.game.constants import state_size
from azul_tui.game.dealing import clear_game
from azul_tui.game.kernel import Int8Array, Int32Array, Uint64Array, lean_kernel
from azul_tui.game.layout import AFTERSTATE, OVER, PHASE
from azul_tui.game.observation import write_observations
from azul_tui.game.playout import random_games
from azul_tui.network import NetworkEvaluator, create_azul_network
from azul_tui.network.compute import inference_calls, time_calls, time_inference
from azul_tui.network.presets import describe_network
from azul_tui.runs.machine import usable_cores
from azul_tui.search.evaluator import ConstantEvaluator
from azul_tui.search.lockstep import LockstepSearch
from azul_tui.search.settings import SearchSettings
from azul_tui.training.executors import SelfPlayTask
from azul_tui.training.workers import WorkerExecutor

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.jobs.context import JobContext

PLAYERS = 2
PLACES = 256
"""Games at once in the benchmark of the tree alone."""
BATCH = TrainingConfig().parallel_games
"""Games at once in self-play, hence rows of the bare network's batch."""
SIMULATIONS = 32
_BATCHES = (32, BATCH, 256)
_MEASURE_S = 0.2
"""Seconds that the candidates of one network and batch are measured for, a repetition."""
_MOVES = 40
_PLAYOUTS = 20_000
_EVALUATIONS = 400
_GAMES_A_PLACE = 12


def median_rate(repetitions: int, work: Callable[[], float]) -> float:
    """Median of `work`'s return value (how much was done) per second over the repetitions."""
    rates: list[float] = []
    for _ in range(repetitions):
        started = time.perf_counter()
        done = work()
        rates.append(done / (time.perf_counter() - started))
    return statistics.median(rates)


def measure_playouts(context: JobContext) -> dict[str, float]:
    """Random two-player games a second on one core."""
    state = np.zeros(state_size(PLAYERS), np.int8)

    def work() -> float:
        random_games(state, PLAYERS, _PLAYOUTS, np.uint64(1))
        return _PLAYOUTS

    work()
    return {"playouts_per_s": median_rate(context.integer("repetitions"), work)}


@lean_kernel
def _deal_all(states: Int8Array, seeds: Uint64Array, stream: Uint64Array) -> None:
    """Deal a game to each row of `(G, S)`."""
    for game in range(states.shape[0]):
        clear_game(states[game], PLAYERS)
        refill_canonical(states[game], seeds[game], stream)


@lean_kernel
def _move_all(
    states: Int8Array, actions: Int32Array, seeds: Uint64Array, stream: Uint64Array
) -> None:
    """Make one move in each row of `(G, S)`; finished games begin again."""
    for game in range(states.shape[0]):
        apply_canonical(states[game], actions[game])
        if states[game, PHASE] == OVER:
            clear_game(states[game], PLAYERS)
        if states[game, PHASE] == AFTERSTATE:
            refill_canonical(states[game], seeds[game], stream)


def measure_tree(context: JobContext) -> dict[str, float]:
    """Simulations a second of the tree alone, on every position of games that it plays."""
    search = LockstepSearch(PLACES, SIMULATIONS, SearchSettings(), PLAYERS)
    evaluator = ConstantEvaluator(PLACES, PLAYERS)
    seeds = np.arange(PLACES, dtype=np.uint64)
    stream = np.zeros(1, np.uint64)
    states = np.zeros((PLACES, state_size(PLAYERS)), np.int8)

    def one_game_each() -> float:
        _deal_all(states, seeds, stream)
        seconds = 0.0
        for move in range(_MOVES):
            started = time.perf_counter()
            result = search.run(states, evaluator, seeds=seeds + np.uint64(move), noise=1.0)
            seconds += time.perf_counter() - started
            _move_all(states, result.actions, seeds, stream)
        return PLACES * SIMULATIONS * _MOVES / seconds

    one_game_each()
    rates = [one_game_each() for _ in range(context.integer("repetitions"))]
    return {"tree_sims_per_s": statistics.median(rates)}


def measure_inference(context: JobContext) -> dict[str, float]:
    """Evaluations a second of every candidate on one thread, in turns, by network and batch.

    `auto_over_best` is the speed of the candidate that timing chose just before, at the batch of
    self-play, over that of the fastest one.
    """
    figures: dict[str, float] = {}
    processor = torch.device("cpu")
    for preset in ("small", "medium"):
        description = describe_network(preset, PLAYERS)
        chosen = time_inference(description, BATCH, processor).chosen
        for batch in _BATCHES:
            calls = inference_calls(description, batch, processor)
            seconds = _MEASURE_S * context.integer("repetitions")
            took = time_calls(calls, threads=1, device=processor, seconds=seconds).seconds
            for name, each in took.items():
                figures[f"evals_per_s_{preset}_{batch}_{name}"] = batch / each
            if batch == BATCH:
                figures[f"auto_over_best_inference_{preset}"] = min(took.values()) / took[chosen]
    return figures


def measure_self_play(context: JobContext, preset: str) -> dict[str, float]:
    """The bare network, and real self-play with one worker and with two.

    All are measured in turns. The ratio is the median of the ratios of neighbours: simulations
    a second of one worker over evaluations a second of the bare network at the same batch.
    """
    config = create_training_config(
        network_config=preset, parallel_games=BATCH, mcts_simulations=SIMULATIONS, device="cpu"
    )
    torch.set_num_threads(1)
    network = create_azul_network(preset, PLAYERS)
    evaluator = NetworkEvaluator(network, BATCH, "cpu", config.inference_precision)
    weights = network.state_dict()
    observations = _observations()
    executors = {count: WorkerExecutor(count) for count in (1, min(2, usable_cores()))}
    bare: list[float] = []
    played: dict[int, list[float]] = {count: [] for count in executors}

    def evaluate() -> float:
        for _ in range(_EVALUATIONS):
            evaluator(observations)
        return _EVALUATIONS * BATCH

    try:
        evaluate()
        for executor in executors.values():
            executor.play(SelfPlayTask(0, np.arange(BATCH), config), weights)
        for repetition in range(context.integer("repetitions")):
            bare.append(median_rate(3, evaluate))
            for count, executor in executors.items():
                games = count * BATCH * _GAMES_A_PLACE
                numbers = np.arange(repetition * games, (repetition + 1) * games)
                started = time.perf_counter()
                batch = executor.play(SelfPlayTask(0, numbers, config), weights)
                if batch is not None:
                    seconds = time.perf_counter() - started
                    played[count].append(batch.tally.simulations / seconds)
            if context.stop.is_set():
                break
    finally:
        for executor in executors.values():
            executor.close()
    figures = {f"bare_evals_per_s_{preset}": statistics.median(bare)}
    for count, rates in played.items():
        figures[f"selfplay_sims_per_s_{preset}_{count}"] = statistics.median(rates)
    figures[f"selfplay_over_bare_{preset}"] = statistics.median(
        rate / evaluations for rate, evaluations in zip(played[1], bare, strict=True)
    )
    return figures


def _observations() -> Int8Array:
    """`(B, F)` observations of dealt games."""
    states = np.zeros((BATCH, state_size(PLAYERS)), np.int8)
    _deal_all(states, np.arange(BATCH, dtype=np.uint64), np.zeros(1, np.uint64))
    search = LockstepSearch(BATCH, 1, SearchSettings(), PLAYERS)
    write_observations(states, search.observations)
    return search.observations
