"""What learns: the network, the replay buffer and the training step of one run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch

from azul_tui.config.setting import check_instance
from azul_tui.errors import ConfigError
from azul_tui.network import LossFunctions, create_azul_network
from azul_tui.network.model import AzulNetwork
from azul_tui.training.checkpoint import ModelCheckpointManager
from azul_tui.training.replay import ReplayBuffer
from azul_tui.training.training_step import (
    BatchSampler,
    LearningRateSchedule,
    StepReport,
    TrainingStep,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from torch import Tensor

    from azul_tui.config import TrainingConfig
    from azul_tui.network.compute import Compute


class Learner:
    """Everything that gradients touch, and the samples that they come from."""

    def __init__(self, config: TrainingConfig, compute: Compute) -> None:
        """A network with the weights that the seed gives, and an empty buffer.

        Args:
            config: Settings of the run.
            compute: Where it trains, in which format and with how many threads of torch in this
                process. The last bits of a training step depend on all of them, so a resumed run
                keeps what it began with.
        """
        torch.set_num_threads(compute.threads)
        device = torch.device(compute.device)
        with _forked_generator():
            torch.manual_seed(config.seed)  # pyright: ignore[reportUnknownMemberType] - untyped in torch
            self.model = create_azul_network(
                config.network_config, config.num_players, config.dropout
            )
            self._dropout_stream = torch.get_rng_state()
        if config.dropout and device.type == "cuda":
            torch.cuda.manual_seed(config.seed)
        self.buffer = ReplayBuffer(config.buffer_capacity, config.num_players)
        sampler = BatchSampler(
            self.buffer, config.batch_size, device, config.seed, config.min_buffer_size
        )
        self.step = TrainingStep(
            self.model,
            sampler,
            losses=LossFunctions(
                config.policy_loss_weight, config.value_loss_weight, config.loss_temperature
            ),
            schedule=_schedule(config),
            weight_decay=config.weight_decay,
            gradient_clip_norm=config.gradient_clip_norm,
            precision=compute.training_precision,
            ema_decay=config.ema_decay,
        )

    @property
    def learning_rate(self) -> float:
        """That of the last step."""
        return self.step.schedule.rate_at(max(0, self.step.step - 1))

    def train(
        self, steps: int, config: TrainingConfig, on_report: Callable[[StepReport], None]
    ) -> dict[str, float]:
        """Make `steps` steps with the settings in force; see `TrainingStep.train_for_steps`.

        Raises:
            DivergedError: A loss or the gradient is not finite.
        """
        self.step.schedule = _schedule(config)
        with self._own_dropout():
            return self.step.train_for_steps(steps, on_step=on_report, every=steps)

    def acting_weights(self) -> dict[str, Tensor]:
        """The weights that play, on the CPU: averaged ones when the run keeps an average."""
        return {name: tensor.cpu() for name, tensor in self.step.averaged_state().items()}

    def is_finite(self) -> bool:
        """Whether every weight is a number that training can go on from."""
        return all(bool(tensor.isfinite().all()) for tensor in self.model.parameters())

    def state_dict(self) -> dict[str, Any]:
        """What later steps depend on, the weights and the optimizer apart."""
        state = self.step.state_dict()
        del state["optimizer"]  # has a place of its own in a checkpoint
        if "torch_generator" in state:
            state["torch_generator"] = self._dropout_stream
        return state

    def load_state_dict(self, weights: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Continue where `state_dict` was taken; `state` brings the optimizer's, too.

        Raises:
            CheckpointError: The state is damaged or one of another network.
        """
        groups = self.step.optimizer.param_groups
        # Rates and decay are this run's settings, not what a file says.
        settings = [{key: group[key] for key in group if key != "params"} for group in groups]
        self.model.load_state_dict(weights)
        with _forked_generator():
            self.step.load_state_dict(state)
            if "torch_generator" in state:
                self._dropout_stream = torch.get_rng_state()
        for group, own in zip(self.step.optimizer.param_groups, settings, strict=True):
            group.update(own)
            if self.step.step:  # as the last step left it: a save may come before the next one
                group["lr"] = self.learning_rate

    @contextmanager
    def _own_dropout(self) -> Generator[None]:
        """Draw what is dropped from a stream of its own: building a network draws as well."""
        if not self.model.description.dropout:
            yield
            return
        with _forked_generator():
            torch.set_rng_state(self._dropout_stream)
            yield
            self._dropout_stream = torch.get_rng_state()


def _schedule(config: TrainingConfig) -> LearningRateSchedule:
    """The learning rate that `config` asks for."""
    cosine = config.learning_rate_schedule == "cosine"
    steps = config.max_iterations * config.training_steps_per_iteration
    return LearningRateSchedule(
        peak=config.learning_rate,
        warmup_steps=config.warmup_steps,
        total_steps=steps if cosine else None,
    )


def _forked_generator() -> AbstractContextManager[None]:
    """Draws on the processor inside leave no trace outside."""
    return cast("AbstractContextManager[None]", torch.random.fork_rng(devices=[]))  # pyright: ignore[reportUnknownMemberType] - untyped in torch


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
    """A training step over `replay_buffer` and a checkpoint manager, for a loop of one's own.

    The arguments are those of `BatchSampler`, `TrainingStep`, `LossFunctions` and
    `ModelCheckpointManager`; the learning rate, of AdamW, is constant, and the model is trained in
    place, on the device.

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
