"""Job 7: buffer, training step and checkpoint manager put together by hand."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from azul_tui.jobs.demonstration import new_network, play_games
from azul_tui.training.components import create_training_components

if TYPE_CHECKING:
    from azul_tui.jobs.start import JobContext

_GAMES = 48
_LINE_EVERY = 5


def run(context: JobContext) -> dict[str, Any]:
    """Train in iterations, a line every five, and load the best model again."""
    reporter = context.reporter
    iterations, steps = context.integer("iterations"), context.integer("steps")
    size = context.integer("batch_size")
    demo = play_games(context, max(_GAMES, -(-size // 50)))
    reporter.say(f"replay buffer: {len(demo.buffer):,} positions; batch {size}")
    with tempfile.TemporaryDirectory(prefix="azul-tui-") as folder:
        step, manager = create_training_components(
            model=demo.network,
            replay_buffer=demo.buffer,
            batch_size=size,
            save_dir=folder,
            save_frequency=_LINE_EVERY,
            device=context.text("device"),
        )
        first: float | None = None
        stats: dict[str, float] = {}
        for iteration in range(1, iterations + 1):
            stats = step.train_for_steps(steps)
            first = stats["total_loss"] if first is None else first
            reporter.record(
                "iteration",
                iteration=iteration,
                total_loss=stats["total_loss"],
                policy_loss=stats["policy_loss"],
                value_loss=stats["value_loss"],
                successful_steps=stats["successful_steps"],
                training_time=stats["training_time"],
            ) if iteration % _LINE_EVERY == 0 else reporter.progress(
                iteration, iterations, "iterations"
            )
            if manager.should_save_checkpoint(iteration):
                manager.save_checkpoint(
                    step.model, step.optimizer, iteration, stats, -stats["total_loss"]
                )
            if context.stop.is_set():
                break
        best = manager.get_best_checkpoint()
        restored: int | None = None
        if best is not None:
            restored = manager.load_checkpoint(best, new_network(context))["iteration"]
            reporter.say(f"{best.name} loaded again: iteration {restored}")
    reporter.say(f"total loss from {first or 0.0:.4f} to {stats.get('total_loss', 0.0):.4f}")
    return {
        "iterations": iterations,
        "first_loss": first,
        "last_loss": stats.get("total_loss"),
        "policy_loss": stats.get("policy_loss"),
        "value_loss": stats.get("value_loss"),
        "restored_iteration": restored,
    }
