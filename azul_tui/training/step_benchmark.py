"""How long a training step takes, next to the least it could take.

The least is a *bare* step: forward, losses, backward and the fused optimizer on one batch that
never changes, with nothing drawn, clipped, summed or averaged. All run in turns in one process,
so that a busy machine slows them alike. Letters: N positions, S bytes, A actions, V values.
"""

from __future__ import annotations

import statistics
from functools import partial
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import torch

from azul_tui.game.constants import action_count, value_count
from azul_tui.game.state import GameState
from azul_tui.network.compute import bare_training_step, resolve_device, work_clock
from azul_tui.network.model import create_azul_network
from azul_tui.training.replay import ReplayBuffer
from azul_tui.training.training_step import BatchSampler, TrainingStep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

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


def measure_training_steps(
    preset: str,
    batch_size: int,
    repetitions: int,
    precisions: Sequence[str],
    *,
    players: int = 2,
    device: str = "cpu",
) -> dict[str, StepTiming]:
    """Time `TrainingStep` and the bare step in each number format, all in turns.

    Args:
        preset: Size of the network.
        batch_size: Positions in a step.
        repetitions: Blocks of steps timed of each kind.
        precisions: Number formats.
        players: 2, 3 or 4.
        device: Where to train.

    Raises:
        ConfigError: No such preset, device or precision.
    """
    buffer = ReplayBuffer(max(_POSITIONS, batch_size), players)
    samples = random_samples(players, _POSITIONS, seed=1)
    while len(buffer) < buffer.capacity:
        buffer.add(*samples)
    place = resolve_device(device)
    clock = work_clock(torch.get_num_threads(), place)
    steps = max(1, _POSITIONS_A_BLOCK // batch_size)

    def milliseconds(run: Callable[[], object]) -> float:
        """A step's share of one run of a block."""
        started = clock()
        run()
        return 1000.0 * (clock() - started) / steps

    def blocks(precision: str) -> tuple[Callable[[], object], Callable[[], object]]:
        """A block of steps, and one of bare steps."""
        sampler = BatchSampler(buffer, batch_size, place)
        training = TrainingStep(create_azul_network(preset, players), sampler, precision=precision)
        bare_step = bare_training_step(training.model, batch_size, place, precision)

        def bare_block() -> None:
            for _ in range(steps):
                bare_step()

        return partial(training.train_for_steps, steps), bare_block

    made = {precision: blocks(precision) for precision in precisions}
    for block, bare_block in made.values():
        block()
        bare_block()
    pairs: dict[str, list[tuple[float, float]]] = {precision: [] for precision in precisions}
    for _ in range(repetitions):
        for precision, (block, bare_block) in made.items():
            pairs[precision].append((milliseconds(block), milliseconds(bare_block)))
    return {
        precision: StepTiming(
            step_ms=statistics.median(step for step, _ in timed),
            bare_ms=statistics.median(bare for _, bare in timed),
            ratio=statistics.median(step / bare for step, bare in timed),
        )
        for precision, timed in pairs.items()
    }
