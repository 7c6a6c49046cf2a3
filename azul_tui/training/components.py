"""The parts of training put together by hand, for a loop of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azul_tui.config.setting import check_instance
from azul_tui.errors import ConfigError
from azul_tui.network.losses import LossFunctions
from azul_tui.network.model import AzulNetwork
from azul_tui.training.checkpoint_manager import ModelCheckpointManager
from azul_tui.training.replay import ReplayBuffer
from azul_tui.training.training_step import BatchSampler, LearningRateSchedule, TrainingStep

if TYPE_CHECKING:
    from pathlib import Path


def create_training_components(
    model: AzulNetwork,
    replay_buffer: ReplayBuffer,
    batch_size: int = 512,
    learning_rate: float = 1e-3,
    *,
    save_dir: str | Path = "checkpoints/components",
    device: str = "auto",
    seed: int = 0,
    min_buffer_size: int | None = None,
    weight_decay: float = 1e-4,
    gradient_clip_norm: float = 1.0,
    policy_loss_weight: float = 1.0,
    value_loss_weight: float = 1.0,
    loss_temperature: float = 1.0,
    precision: str = "auto",
    save_frequency: int = 10,
    keep_latest: int = 5,
    save_best: bool = True,
) -> tuple[TrainingStep, ModelCheckpointManager]:
    """A training step over `replay_buffer` and a checkpoint manager in `save_dir`.

    Args:
        model: Trained in place, on the device.
        replay_buffer: Of games for as many players as the model's.
        batch_size: Positions in a step.
        learning_rate: Of AdamW, constant.
        save_dir: Folder of the checkpoints; made if need be.
        device: "auto", "cpu", "cuda" or "mps".
        seed: Of the sampler's random stream.
        min_buffer_size: Positions to wait for; at least one batch.
        weight_decay: Decoupled.
        gradient_clip_norm: Longest gradient; 0 does not clip.
        policy_loss_weight: In the total loss.
        value_loss_weight: In the total loss.
        loss_temperature: Of the policy loss.
        precision: "auto", "float32" or "bfloat16".
        save_frequency: Iterations between checkpoints.
        keep_latest: Checkpoints that clean-up leaves.
        save_best: Keep `best_model.pt`.

    Raises:
        ConfigError: A setting is out of range, this machine has no such device, or model and
            buffer are for different numbers of players.
        OSError: The folder cannot be made.
    """
    check_instance("model", model, AzulNetwork)
    check_instance("replay_buffer", replay_buffer, ReplayBuffer)
    if model.description.players != replay_buffer.players:
        numbers = f"{model.description.players} and {replay_buffer.players}"
        raise ConfigError(f"model and replay buffer are for {numbers} players")
    sampler = BatchSampler(replay_buffer, batch_size, device, seed, min_buffer_size)
    training_step = TrainingStep(
        model,
        sampler,
        losses=LossFunctions(policy_loss_weight, value_loss_weight, loss_temperature),
        schedule=LearningRateSchedule(peak=learning_rate),
        weight_decay=weight_decay,
        gradient_clip_norm=gradient_clip_norm,
        precision=precision,
    )
    return training_step, ModelCheckpointManager(save_dir, save_frequency, keep_latest, save_best)
