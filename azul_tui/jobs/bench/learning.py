"""The training step, and the whole loop at the laptop preset."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import torch

from azul_tui.config import find_preset, load_config
from azul_tui.training.step_benchmark import measure_training_step
from azul_tui.training.trainer import AzulTrainer

if TYPE_CHECKING:
    from azul_tui.jobs.context import JobContext

_BATCHES = (64, 1024)
_ITERATIONS = 4
_S_AN_HOUR = 3600.0


def measure_steps(context: JobContext) -> dict[str, float]:
    """Milliseconds of a training step of the small network, and its ratio to a bare one."""
    torch.set_num_threads(1)
    figures: dict[str, float] = {}
    for batch in _BATCHES:
        timing = measure_training_step(2, "small", batch, 2 * context.integer("repetitions") + 1)
        figures[f"step_ms_{batch}"] = timing["step_ms"]
        figures[f"step_over_bare_{batch}"] = timing["ratio"]
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
