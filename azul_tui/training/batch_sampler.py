"""BatchSampler: batches from a replay buffer, on the device that trains.

Shapes: B positions, F features, A actions, V values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from azul_tui.config.setting import check_instance, check_int
from azul_tui.network.compute import resolve_device
from azul_tui.network.tensors import tensor_of
from azul_tui.training.replay_buffer import ReplayBuffer, ReplaySample

if TYPE_CHECKING:
    from collections.abc import Mapping


Int64Array = npt.NDArray[np.int64]

POSITIONS_AT_ONCE: Final = 512
"""Positions gathered together when batches are smaller.

A gather between two training steps finds no cache that remembers the buffer or the code: 64
positions took 110 us one batch at a time and 35 us eight batches at a time.
"""


class Batch(NamedTuple):
    """Three tensors on one device."""

    state: Tensor
    """`(B, F)` int8, raw observations: the network scales them itself."""
    policy: Tensor
    """`(B, A)` float32."""
    outcome: Tensor
    """`(B, V)` float32."""


class _Slot:
    """Memory of some batches: where the processor writes them and where the device reads them."""

    def __init__(
        self, buffer: ReplayBuffer, batches: int, batch_size: int, device: torch.device
    ) -> None:
        pinned = device.type == "cuda"
        drawn = [tensor_of(array) for array in buffer.empty_sample(batches * batch_size)]
        host = [tensor.pin_memory() for tensor in drawn] if pinned else drawn
        observation, policy, outcome = (tensor.numpy() for tensor in host)
        self.sample = ReplaySample(observation, policy, outcome)
        self.host = _split(host, batch_size)
        self.on_device = (
            self.host
            if device.type == "cpu"
            else _split([tensor.to(device) for tensor in host], batch_size)
        )
        self.uploaded = torch.cuda.Event() if pinned else None

    def upload(self, number: int) -> Batch:
        """A batch on the device; on CUDA the copy is only queued."""
        batch = self.on_device[number]
        if batch is not self.host[number]:
            for source, target in zip(self.host[number], batch, strict=True):
                target.copy_(source, non_blocking=self.uploaded is not None)
        if self.uploaded is not None:
            self.uploaded.record()
        return batch


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
        """Allocate the batches.

        Args:
            replay_buffer: Where positions come from.
            batch_size: B.
            device: Where batches are placed.
            seed: Start of the random stream.
            min_size: Positions that the buffer must hold first; never fewer than B.

        Raises:
            ConfigError: `batch_size` is below 1, or the machine has no such device.
        """
        batch_size = check_int("batch_size", batch_size, 1)
        self.replay_buffer: ReplayBuffer = check_instance(
            "replay_buffer", replay_buffer, ReplayBuffer
        )
        self.batch_size: int = batch_size
        self.min_size: int = max(
            batch_size, 0 if min_size is None else check_int("min_size", min_size, 0)
        )
        self.device: torch.device = resolve_device(device) if isinstance(device, str) else device
        self._generator: np.random.Generator = np.random.default_rng(check_int("seed", seed, 0))
        self._group: int = max(1, POSITIONS_AT_ONCE // batch_size)
        # Two on CUDA: one is filled while the other is still being copied.
        slots = 2 if self.device.type == "cuda" else 1
        self._slots: list[_Slot] = [
            _Slot(replay_buffer, self._group, batch_size, self.device) for _ in range(slots)
        ]
        self._rows: Int64Array = np.zeros(0, np.int64)
        """Rows of the batches that were drawn and not yet handed out."""
        self._drawn_from: int = -1
        """The buffer's `added` at that draw."""
        self._gathered: int = 0
        """How many of them, counted from the end, lie in the current slot."""

    def sample_batch(self) -> Batch | None:
        """`(state (B, F), policy (B, A), outcome (B, V))`, or None while the buffer is too small.

        The tensors are written over by a later call: clone what is to be kept.
        """
        buffer = self.replay_buffer
        if len(buffer) < self.min_size:
            return None
        if len(self._rows) < self.batch_size or buffer.added != self._drawn_from:
            count = self._group * self.batch_size
            self._rows = buffer.draw_rows(count, self._generator)
            self._drawn_from = buffer.added
            self._gathered = 0
        if not self._gathered:
            self._slots.append(self._slots.pop(0))
            if (event := self._slots[0].uploaded) is not None:
                event.synchronize()
            buffer.gather_into(self._slots[0].sample, self._rows)
            self._gathered = len(self._rows)
        number = (self._gathered - len(self._rows)) // self.batch_size
        self._rows = self._rows[self.batch_size :]
        if not len(self._rows):
            self._gathered = 0
        return self._slots[0].upload(number)

    def state_dict(self) -> dict[str, Any]:
        """The random stream's state and the rows that wait, in plain types and tensors."""
        return {
            "generator": dict(self._generator.bit_generator.state),
            "rows": tensor_of(self._rows.copy()),
            "added": self._drawn_from,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue the stream that `state_dict` saved.

        The buffer may be filled later: it must then hold what it held.

        Raises:
            ValueError, TypeError, KeyError: `state` is not such a state.
        """
        rows = cast("Tensor", state["rows"]).numpy()
        most = self._group * self.batch_size
        whole = rows.dtype == np.int64 and rows.ndim == 1 and len(rows) % self.batch_size == 0
        if not whole or len(rows) > most or not _within(rows, self.replay_buffer.capacity):
            rows = np.zeros(0, np.int64)  # of another batch size or capacity
        self._generator.bit_generator.state = state["generator"]
        self._rows = rows.copy()
        self._drawn_from = int(state["added"])
        self._gathered = 0


def _split(tensors: list[Tensor], batch_size: int) -> list[Batch]:
    """Views of one batch each."""
    starts = range(0, len(tensors[0]), batch_size)
    return [Batch(*(tensor[at : at + batch_size] for tensor in tensors)) for at in starts]


def _within(rows: Int64Array, capacity: int) -> bool:
    """Whether all rows exist; a damaged state must not reach beyond the arrays."""
    return bool(np.all((rows >= 0) & (rows < capacity)))
