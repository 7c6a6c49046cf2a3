"""Job bench: how fast everything is on this machine, medians of several repetitions."""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from azul_tui.child_process import python_command, python_environment
from azul_tui.config import TrainingConfig, create_training_config, find_preset, load_config
from azul_tui.errors import JobError, JobFailedError
from azul_tui.game.constants import AFTERSTATE, OVER, PHASE, state_size
from azul_tui.game.kernel import Int8Array, Int32Array, Uint64Array, lean_kernel
from azul_tui.game.observation import write_observations
from azul_tui.game.playout import random_games
from azul_tui.game.rules import apply_canonical, clear_game, refill_canonical
from azul_tui.jobs.demos import compile_with_progress
from azul_tui.network import NetworkEvaluator, create_azul_network
from azul_tui.network.compute import (
    inference_calls,
    precisions_to_try,
    time_calls,
    time_inference,
    time_training,
)
from azul_tui.network.model import describe_network
from azul_tui.runs.machine import usable_cores
from azul_tui.runs.text import plain_text
from azul_tui.search.search import LANES, ConstantEvaluator, LockstepSearch
from azul_tui.search.select import SearchSettings
from azul_tui.training.self_play import SelfPlayTask
from azul_tui.training.trainer import AzulTrainer
from azul_tui.training.training_step import measure_training_steps
from azul_tui.training.workers import WorkerExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from azul_tui.jobs.start import JobContext


# -- how long the first start on a machine compiles


def measure_compile(context: JobContext) -> dict[str, float]:
    """Seconds until every kernel is compiled with an empty cache, then with a full one."""
    del context
    seconds: list[float] = []
    with tempfile.TemporaryDirectory(prefix="azul-tui-bench-") as folder:
        for _ in ("cold", "warm"):  # each in a fresh process
            done = subprocess.run(
                python_command("azul_tui.jobs.bench"),
                env={**python_environment(), "AZUL_TUI_CACHE": folder},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise JobFailedError(f"the kernels did not compile: {done.stderr.strip()[-300:]}")
            seconds.append(float(done.stdout.split()[-1]))
    return {"cold_compile_s": seconds[0], "warm_compile_s": seconds[1]}


if __name__ == "__main__":
    from azul_tui.training.workers import compile_kernels

    def print_nothing(done: int, total: int, name: str, seconds: float) -> None:
        """The one figure is the output."""

    sys.stdout.write(f"{compile_kernels(2, print_nothing)}\n")


# -- the training step in each number format, and the whole loop at the laptop preset


def measure_steps(context: JobContext, batches: Sequence[int] = (64, 1024)) -> dict[str, float]:
    """Milliseconds of a training step of the small network, by format, and what "auto" makes of it.

    `step_over_bare` is the ratio of a step to the least that it could do, and `auto_over_best` the
    speed of the format that timing chose just before over that of the fastest one.
    """
    torch.set_num_threads(1)
    figures: dict[str, float] = {}
    processor = torch.device("cpu")
    for batch in batches:
        chosen = time_training(describe_network("small"), batch, processor, 1).chosen
        repetitions = 2 * context.integer("repetitions") + 1
        formats = precisions_to_try("auto", processor)
        timings = measure_training_steps("small", batch, repetitions, formats)
        for precision, timing in timings.items():
            figures[f"step_ms_{batch}_{precision}"] = timing["step_ms"]
        figures[f"step_over_bare_{batch}"] = timings[chosen]["ratio"]
        best = min(timing["step_ms"] for timing in timings.values())
        figures[f"auto_over_best_step_{batch}"] = best / timings[chosen]["step_ms"]
    return figures


def measure_games(context: JobContext) -> dict[str, float]:
    """Games an hour of the whole loop at the laptop preset, evaluations left out.

    The first iteration, in which workers start, does not count.
    """
    config = load_config(find_preset("laptop")).replace(
        max_iterations=4, eval_frequency=0, max_minutes=0.0
    )
    with tempfile.TemporaryDirectory(prefix="azul-tui-bench-") as folder:
        results = AzulTrainer(
            config, f"{folder}/bench", job="bench", should_stop=context.stop.is_set
        ).train()
    counted = results["history"][1:]
    seconds = sum(entry["self_play_time"] + entry["training_time"] for entry in counted)
    games = config.self_play_games_per_iteration * len(counted)
    return {"games_per_hour": 3600.0 * games / seconds} if counted else {}


# -- rules, tree, network and self-play: how many a second

PLAYERS = 2
PLACES = 256
"""Games at once in the benchmark of the tree alone."""
BATCH = TrainingConfig().parallel_games
"""Games at once in self-play, hence rows of the bare network's batch."""
SIMULATIONS = 32


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
        random_games(state, PLAYERS, 20_000, np.uint64(1))
        return 20_000

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
        for move in range(40):
            started = time.perf_counter()
            result = search.run(states, evaluator, seeds=seeds + np.uint64(move), noise=1.0)
            seconds += time.perf_counter() - started
            _move_all(states, result.actions, seeds, stream)
        return PLACES * SIMULATIONS * 40 / seconds

    one_game_each()
    rates = [one_game_each() for _ in range(context.integer("repetitions"))]
    return {"tree_sims_per_s": statistics.median(rates)}


def measure_single(context: JobContext) -> dict[str, float]:
    """Simulations a second of one position at a time, as a person plays and analyses."""
    search = LockstepSearch(1, 800, SearchSettings(), PLAYERS, LANES)
    evaluator = NetworkEvaluator(create_azul_network("small", PLAYERS), LANES, "cpu")
    states = np.zeros((20, state_size(PLAYERS)), np.int8)
    _deal_all(states, np.arange(20, dtype=np.uint64), np.zeros(1, np.uint64))

    def work() -> float:
        started = time.perf_counter()
        for number in range(20):
            search.run(states[number : number + 1], evaluator)
        return 20 * 800 / (time.perf_counter() - started)

    work()
    rates = [work() for _ in range(context.integer("repetitions"))]
    return {"single_sims_per_s": statistics.median(rates)}


def measure_inference(
    context: JobContext, presets: Sequence[str] = ("small", "medium")
) -> dict[str, float]:
    """Evaluations a second of every candidate on one thread, in turns, by network and batch.

    `auto_over_best` is the speed of the candidate that timing chose just before, at the batch of
    self-play, over that of the fastest one.
    """
    figures: dict[str, float] = {}
    processor = torch.device("cpu")
    for preset in presets:
        description = describe_network(preset, PLAYERS)
        chosen = time_inference(description, BATCH, processor).chosen
        for batch in (32, BATCH, 256):
            calls = inference_calls(description, batch, processor)
            seconds = 0.2 * context.integer("repetitions")
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
    states = np.zeros((BATCH, state_size(PLAYERS)), np.int8)
    _deal_all(states, np.arange(BATCH, dtype=np.uint64), np.zeros(1, np.uint64))
    observations = LockstepSearch(BATCH, 1, SearchSettings(), PLAYERS).observations
    write_observations(states, observations)
    executors = {count: WorkerExecutor(count) for count in (1, min(2, usable_cores()))}
    bare: list[float] = []
    played: dict[int, list[float]] = {count: [] for count in executors}

    def evaluate() -> float:
        for _ in range(400):
            evaluator(observations)
        return 400 * BATCH

    try:
        evaluate()
        for executor in executors.values():
            executor.play(SelfPlayTask(np.arange(BATCH), config), weights)
        for repetition in range(context.integer("repetitions")):
            bare.append(median_rate(3, evaluate))
            for count, executor in executors.items():
                games = 12 * count * BATCH
                numbers = np.arange(repetition * games, (repetition + 1) * games)
                started = time.perf_counter()
                batch = executor.play(SelfPlayTask(numbers, config), weights)
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


# -- job `bench`: what belongs together is measured in turns, so that a machine that other people
# use shows in the spread and not in a ratio

PARTS: dict[str, Callable[[JobContext], dict[str, float]]] = {
    "playouts": measure_playouts,
    "tree": measure_tree,
    "single": measure_single,
    "small": partial(measure_self_play, preset="small"),
    "medium": partial(measure_self_play, preset="medium"),
    "inference": measure_inference,
    "step": measure_steps,
    "games": measure_games,
    "compile": measure_compile,
}


def bench(context: JobContext) -> dict[str, Any]:
    """Measure the parts asked for; print each figure, and append all to `bench.jsonl`.

    Raises:
        JobError: A part is unknown.
    """
    wanted = cast("tuple[str, ...]", context.settings["only"]) or tuple(PARTS)
    for name in wanted:
        if name not in PARTS:
            raise JobError(
                f"only names the part {plain_text(name, 20)!r}; parts are {', '.join(PARTS)}"
            )
    compile_with_progress(context)
    figures: dict[str, float] = {}
    for index, name in enumerate(wanted):
        context.reporter.progress(index, len(wanted), "parts")
        for figure, value in PARTS[name](context).items():
            figures[figure] = round(value, 4)
            shown = f"{value:,.0f}" if value >= 1000 else f"{value:.3f}"
            context.reporter.say(f"  {figure:<32} {shown:>14}")
            context.reporter.record("figure", name=figure, value=figures[figure])
        if context.stop.is_set():
            break
    machine = f"{platform.machine()} {platform.system()}"
    entry = {"t": round(time.time(), 3), "machine": machine, "figures": figures}
    context.runs_root.mkdir(parents=True, exist_ok=True)
    with (context.runs_root / "bench.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
    context.reporter.say("added to bench.jsonl in the runs folder")
    return {"figures": figures, "machine": machine}
