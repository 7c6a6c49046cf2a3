"""The training step in each number format, and the whole loop at the laptop preset."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import torch

from azul_tui.config import find_preset, load_config
from azul_tui.network.compute import precisions_to_try, time_training
from azul_tui.network.presets import describe_network
from azul_tui.training.step_benchmark import measure_training_steps
from azul_tui.training.trainer import AzulTrainer

if TYPE_CHECKING:
    from azul_tui.jobs.context import JobContext

_BATCHES = (64, 1024)
_ITERATIONS = 4
_S_AN_HOUR = 3600.0


def measure_steps(context: JobContext) -> dict[str, float]:
    """Milliseconds of a training step of the small network, by format, and what "auto" makes of it.

    `step_over_bare` is the ratio of a step to the least that it could do, and `auto_over_best` the
    speed of the format that timing chose just before over that of the fastest one.
    """
    torch.set_num_threads(1)
    figures: dict[str, float] = {}
    processor = torch.device("cpu")
    for batch in _BATCHES:
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
        max_iterations=_ITERATIONS, eval_frequency=0, max_minutes=0.0
    )
    with tempfile.TemporaryDirectory(prefix="azul-tui-bench-") as folder:
        results = AzulTrainer(
            config, f"{folder}/bench", job="bench", should_stop=context.stop.is_set
        ).train()
    counted = results["history"][1:]
    seconds = sum(entry["self_play_time"] + entry["training_time"] for entry in counted)
    games = config.self_play_games_per_iteration * len(counted)
    return {"games_per_hour": games / seconds * _S_AN_HOUR} if counted else {}
