"""How long a training step takes, next to the least it could take.

The least is a *bare* step: forward, losses, backward and the fused optimizer on one batch that
never changes, with nothing drawn, clipped, summed or averaged. Both run in turns in one process,
so that a busy machine slows both. Letters: N positions, S bytes, A actions, V values.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import torch

from azul_tui.game.constants import action_count, value_count
from azul_tui.game.state import GameState
from azul_tui.network.building import create_azul_network
from azul_tui.training.batch_sampler import BatchSampler
from azul_tui.training.replay_buffer import ReplayBuffer
from azul_tui.training.training_step import TrainingStep

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from azul_tui.network.azul_network import AzulNetwork

_POSITIONS = 2048
_POSITIONS_A_BLOCK = 2048
"""Positions trained on between two looks at the clock."""


class StepTiming(TypedDict):
    """Medians over the repetitions, in milliseconds a step, and the median of their ratios."""

    step_ms: float
    bare_ms: float
    ratio: float


def random_samples(
    players: int, count: int, seed: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16], npt.NDArray[np.float32]]:
    """`(states (N, S), policies (N, A), outcomes (N, V))` from random games.

    Positions are real and in canonical factory order; policies are random over their legal
    moves and outcomes are random, which costs a step as much time as true ones.
    """
    generator = np.random.default_rng(seed)
    states: list[npt.NDArray[np.int8]] = []
    policies = np.zeros((count, action_count(players)), np.float16)
    game, games = GameState.new(players, seed), 0
    while len(states) < count:
        if game.is_over:
            games += 1
            game = GameState.new(players, seed + games)
        position, _ = game.canonical()
        legal = position.legal_actions(distinct=True)
        policies[len(states), legal] = generator.dirichlet(np.full(len(legal), 0.3))
        states.append(position.array.copy())
        game.apply(int(generator.choice(game.legal_actions())))
    outcomes = generator.uniform(-1.0, 1.0, (count, value_count(players)))
    return np.stack(states), policies, outcomes.astype(np.float32)


def measure_training_step(
    players: int = 2,
    preset: str = "medium",
    batch_size: int = 1024,
    repetitions: int = 15,
    device: str = "cpu",
    precision: str = "auto",
) -> StepTiming:
    """Time `TrainingStep` and the bare step, in turns.

    Args:
        players: 2, 3 or 4.
        preset: Size of the network.
        batch_size: Positions in a step.
        repetitions: Blocks of steps timed of each kind.
        device: Where to train.
        precision: Of both.

    Raises:
        ConfigError: No such preset, device or precision.
    """
    buffer = ReplayBuffer(max(_POSITIONS, batch_size), players)
    samples = random_samples(players, _POSITIONS, seed=1)
    while len(buffer) < buffer.capacity:
        buffer.add(*samples)
    sampler = BatchSampler(buffer, batch_size, device)
    training = TrainingStep(create_azul_network(preset, players), sampler, precision=precision)
    bare_step = _bare_step(training, create_azul_network(preset, players))
    steps = max(1, _POSITIONS_A_BLOCK // batch_size)

    def milliseconds(run: Callable[[], object]) -> float:
        """A step's share of one run of a block."""
        started = time.perf_counter()
        run()
        if sampler.device.type == "cuda":
            torch.cuda.synchronize(sampler.device)
        return 1000.0 * (time.perf_counter() - started) / steps

    def bare_block() -> None:
        for _ in range(steps):
            bare_step()

    def block() -> None:
        training.train_for_steps(steps)

    block()
    bare_block()
    pairs = [(milliseconds(block), milliseconds(bare_block)) for _ in range(repetitions)]
    return StepTiming(
        step_ms=statistics.median(step for step, _ in pairs),
        bare_ms=statistics.median(bare for _, bare in pairs),
        ratio=statistics.median(step / bare for step, bare in pairs),
    )


def _bare_step(training: TrainingStep, model: AzulNetwork) -> Callable[[], None]:
    """The least a step could do, at the precision and on the device of `training`."""
    sampled = training.sampler.sample_batch()
    assert sampled is not None, "the buffer holds a batch"
    states, policy, outcome = (tensor.clone() for tensor in sampled)
    network = model.to(states.device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    half = training.dtype == torch.bfloat16

    def step() -> None:
        context = (
            torch.autocast(states.device.type, training.dtype) if half else contextlib.nullcontext()
        )
        with context:
            logits, value = network.forward_with_logits(states)
        total = training.losses.combined_loss(logits, value, policy, outcome)[0]
        total.backward()  # pyright: ignore[reportUnknownMemberType] - untyped in torch
        optimizer.step()  # pyright: ignore[reportUnknownMemberType]
        optimizer.zero_grad(set_to_none=True)

    return step
