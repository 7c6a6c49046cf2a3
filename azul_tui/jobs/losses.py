"""Job 1: the losses of an untrained network on positions that it played itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from azul_tui.jobs.demonstration import play_games
from azul_tui.network.losses import LossFunctions, policy_cross_entropy_loss
from azul_tui.training.training_step import BatchSampler

if TYPE_CHECKING:
    from azul_tui.jobs.start import JobContext

TEMPERATURES = (0.1, 1.0, 2.0)


def run(context: JobContext) -> dict[str, Any]:
    """Policy, value and total loss of one batch, then the policy loss at three temperatures."""
    say = context.reporter.say
    size = context.integer("batch_size")
    demo = play_games(context, max(2, -(-size // 50)))
    batch = BatchSampler(demo.buffer, size, seed=context.integer("seed")).sample_batch()
    assert batch is not None
    demo.network.eval()
    with torch.inference_mode():
        logits, value = demo.network.forward_with_logits(batch.state)
        total, policy, error = LossFunctions().combined_loss(
            logits, value, batch.policy, batch.outcome
        )
        by_temperature = {
            temperature: policy_cross_entropy_loss(logits, batch.policy, temperature).item()
            for temperature in TEMPERATURES
        }
    counts = demo.network.legal_actions(batch.state).sum(dim=1).float()
    legal = counts.mean().item()
    blind = counts[batch.policy.sum(dim=1) > 0].log().mean().item()
    say(f"batch of {size} positions from self-play, {legal:.1f} legal moves each")
    say(f"  policy loss  {policy.item():.4f} nats (choosing blindly costs {blind:.2f})")
    say(f"  value loss   {error.item():.4f} (always saying 0 costs about 1)")
    say(f"  total loss   {total.item():.4f}")
    say("policy loss by temperature: below 1 sharpens the network's policy, above 1 flattens it")
    fields = {
        "total_loss": total.item(),
        "policy_loss": policy.item(),
        "value_loss": error.item(),
    }
    context.reporter.record(
        "losses", batch_size=size, legal_moves=legal, blind_loss=blind, **fields
    )
    for temperature, loss in by_temperature.items():
        say(f"  {temperature:>4}  {loss:8.4f} nats")
        context.reporter.record("temperature", temperature=temperature, policy_loss=loss)
    return {
        **fields,
        "batch_size": size,
        "temperatures": {str(key): loss for key, loss in by_temperature.items()},
    }
