"""Job 3: one training step, then many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azul_tui.jobs.demonstration import play_games
from azul_tui.training.training_step import BatchSampler, StepReport, TrainingStep

if TYPE_CHECKING:
    from azul_tui.jobs.start import JobContext

_GAMES = 16


def run(context: JobContext) -> dict[str, Any]:
    """Parameters, buffer, one step's losses, then averages over the steps that follow."""
    say = context.reporter.say
    size, steps = context.integer("batch_size"), context.integer("steps")
    demo = play_games(context, max(_GAMES, -(-size // 50)))
    say(f"network {demo.network.description.preset}: {demo.network.parameter_count:,} parameters")
    say(f"replay buffer: {len(demo.buffer):,} positions")
    sampler = BatchSampler(demo.buffer, size, context.text("device"), seed=context.integer("seed"))
    step = TrainingStep(demo.network, sampler)
    first = step.single_training_step()
    if first is None:
        say(f"no batch yet: {size} positions are wanted, the buffer has {len(demo.buffer)}")
        return {"ok": False, "buffer_size": len(demo.buffer)}
    say(
        f"one step: total {first['total_loss']:.4f}, policy {first['policy_loss']:.4f}, "
        f"value {first['value_loss']:.4f}"
    )
    context.reporter.record(
        "single_step",
        parameters=demo.network.parameter_count,
        buffer_size=len(demo.buffer),
        **first,
    )

    def on_step(seen: StepReport) -> None:
        context.reporter.record(
            "step",
            iteration=1,
            step=seen.step,
            total_loss=seen.total_loss,
            policy_loss=seen.policy_loss,
            value_loss=seen.value_loss,
            learning_rate=seen.learning_rate,
            gradient_norm=seen.gradient_norm,
        )

    result = step.train_for_steps(steps, on_step=on_step)
    say(
        f"{result['successful_steps']} of {steps} steps in {result['training_time']:.2f} s, on "
        f"average: total {result['total_loss']:.4f}, policy {result['policy_loss']:.4f}, "
        f"value {result['value_loss']:.4f}"
    )
    return {
        "parameters": demo.network.parameter_count,
        "buffer_size": len(demo.buffer),
        "first_step": first,
        **result,
    }
