"""BatchSampler: batches from a replay buffer, on the device that trains.

Shapes: B positions, F features, A actions, V values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from azul_tui.errors import ConfigError
from azul_tui.network.devices import resolve_device
from azul_tui.network.tensors import tensor_of
from azul_tui.training.replay_buffer import ReplayBuffer, ReplaySample

if TYPE_CHECKING:
    from collections.abc import Mapping


class Batch(NamedTuple):
    """Three tensors on one device."""

    state: Tensor
    """`(B, F)` int8, raw observations: the network scales them itself."""
    policy: Tensor
    """`(B, A)` float32."""
    outcome: Tensor
    """`(B, V)` float32."""


class _Slot:
    """One batch's memory: where the processor writes it and where the device reads it."""

    def __init__(self, buffer: ReplayBuffer, batch_size: int, device: torch.device) -> None:
        pinned = device.type == "cuda"
        drawn = [tensor_of(array) for array in buffer.empty_sample(batch_size)]
        host = [tensor.pin_memory() for tensor in drawn] if pinned else drawn
        observation, policy, outcome = (tensor.numpy() for tensor in host)
        self.sample = ReplaySample(observation, policy, outcome)
        self.host = Batch(*host)
        self.on_device = (
            self.host if device.type == "cpu" else Batch(*(tensor.to(device) for tensor in host))
        )
        self.uploaded = torch.cuda.Event() if pinned else None

    def upload(self) -> Batch:
        """The batch on the device; on CUDA the copy is only queued."""
        if self.on_device is not self.host:
            for source, target in zip(self.host, self.on_device, strict=True):
                target.copy_(source, non_blocking=self.uploaded is not None)
        if self.uploaded is not None:
            self.uploaded.record()
        return self.on_device


class BatchSampler:
    """Uniform batches with a random stream of their own."""

    def __init__(
        self,
        replay_buffer: ReplayBuffer,
        batch_size: int,
        device: str | torch.device = "cpu",
        seed: int = 0,
        min_size: int | None = None,
    ) -> None:
        """Allocate the batch.

        Args:
            replay_buffer: Where positions come from.
            batch_size: B.
            device: Where batches are placed.
            seed: Start of the random stream.
            min_size: Positions that the buffer must hold first; never fewer than B.

        Raises:
            ConfigError: `batch_size` is below 1, or the machine has no such device.
        """
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, got {batch_size}")
        self.replay_buffer: ReplayBuffer = replay_buffer
        self.batch_size: int = batch_size
        self.min_size: int = max(batch_size, min_size or 0)
        self.device: torch.device = resolve_device(device) if isinstance(device, str) else device
        self.window: int | None = None
        """Draw from the newest so many positions only; None: from all."""
        self._generator: np.random.Generator = np.random.default_rng(seed)
        # Two on CUDA: one is filled while the other is still being copied.
        slots = 2 if self.device.type == "cuda" else 1
        self._slots: list[_Slot] = [
            _Slot(replay_buffer, batch_size, self.device) for _ in range(slots)
        ]
        self._drawn: int = 0

    def sample_batch(self) -> Batch | None:
        """`(state (B, F), policy (B, A), outcome (B, V))`, or None while the buffer is too small.

        The tensors are written over by a later call: clone what is to be kept.
        """
        if len(self.replay_buffer) < self.min_size:
            return None
        slot = self._slots[self._drawn % len(self._slots)]
        self._drawn += 1
        if slot.uploaded is not None:
            slot.uploaded.synchronize()
        self.replay_buffer.sample_into(slot.sample, self._generator, self.window)
        return slot.upload()

    def state_dict(self) -> dict[str, Any]:
        """The random stream's state, in plain types."""
        return {"generator": dict(self._generator.bit_generator.state)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue the stream that `state_dict` saved.

        Raises:
            ValueError, TypeError, KeyError: `state` is not such a state.
        """
        self._generator.bit_generator.state = state["generator"]
