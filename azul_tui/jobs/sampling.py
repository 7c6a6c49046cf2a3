"""Job 2: batches drawn from a replay buffer that real games filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azul_tui.jobs.demonstration import play_games
from azul_tui.training.training_step import BatchSampler

if TYPE_CHECKING:
    from azul_tui.jobs.start import JobContext

BATCHES = 3
_BINS = ((-1.01, -0.6), (-0.6, -0.2), (-0.2, 0.2), (0.2, 0.6), (0.6, 1.01))


def run(context: JobContext) -> dict[str, Any]:
    """Shapes of (state, policy, outcome) for three batches, and how outcomes are spread."""
    say = context.reporter.say
    size = context.integer("batch_size")
    demo = play_games(context, context.integer("games"))
    say(f"replay buffer: {len(demo.buffer):,} positions from {demo.batch.tally.games} games")
    sampler = BatchSampler(demo.buffer, size, seed=context.integer("seed"))
    shapes: list[dict[str, list[int]]] = []
    for number in range(1, BATCHES + 1):
        batch = sampler.sample_batch()
        if batch is None:
            say(f"no batch yet: {size} positions are wanted, the buffer has {len(demo.buffer)}")
            break
        shape = {
            name: list(tensor.shape) for name, tensor in zip(batch._fields, batch, strict=True)
        }
        histogram = [
            int(((batch.outcome > low) & (batch.outcome <= high)).sum()) for low, high in _BINS
        ]
        shapes.append(shape)
        say(
            f"batch {number}: state {tuple(batch.state.shape)}, policy "
            f"{tuple(batch.policy.shape)}, outcome {tuple(batch.outcome.shape)}; "
            f"lost {histogram[0]}, level {sum(histogram[1:4])}, won {histogram[4]}"
        )
        context.reporter.record(
            "batch",
            number=number,
            buffer_size=len(demo.buffer),
            batch_size=size,
            **shape,
            outcome_bins=[list(bounds) for bounds in _BINS],
            outcome_histogram=histogram,
            with_policy=int((batch.policy.sum(dim=1) > 0).sum()),
        )
    return {"buffer_size": len(demo.buffer), "batch_size": size, "batches": shapes}
