"""Parts put together by hand, in the shape of the quick start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from azul_tui import ReplayBuffer, create_azul_network, create_training_components
from azul_tui.training.training_step import random_samples

if TYPE_CHECKING:
    from pathlib import Path


def test_a_loop_of_ones_own_trains_saves_and_loads(tmp_path: Path):
    torch.manual_seed(0)
    model = create_azul_network("small")
    buffer = ReplayBuffer(capacity=1000)
    training_step, checkpoint_manager = create_training_components(
        model=model,
        replay_buffer=buffer,
        batch_size=32,
        learning_rate=0.001,
        save_dir=tmp_path,
        save_frequency=2,
        device="cpu",
    )
    assert training_step.single_training_step() is None
    buffer.add(*random_samples(2, 200, seed=0))
    losses = []
    for iteration in range(1, 5):
        stats = training_step.train_for_steps(20)
        losses.append(stats["total_loss"])
        if checkpoint_manager.should_save_checkpoint(iteration):
            checkpoint_manager.save_checkpoint(model, training_step.optimizer, iteration, stats)
    assert losses[-1] < losses[0]
    newest = tmp_path / "checkpoint_iter_000004.pt"
    fresh = create_azul_network("small")
    content = checkpoint_manager.load_checkpoint(newest, fresh)
    assert content["stats"]["successful_steps"] == 20
    for mine, theirs in zip(model.parameters(), fresh.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_model_and_buffer_must_be_of_one_game(tmp_path: Path):
    with pytest.raises(ValueError, match="2 and 3 players"):
        create_training_components(
            create_azul_network("small"), ReplayBuffer(10, players=3), save_dir=tmp_path
        )
