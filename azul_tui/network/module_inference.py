"""Inference by the network's own operations, for networks that no faster path is made for.

A copy of the network in the number format of the evaluator; nothing is folded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import torch

from azul_tui.network.building import build_network
from azul_tui.network.tensors import tensor_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from azul_tui.network.presets import NetworkDescription

Int8Array = npt.NDArray[np.int8]
Float32Array = npt.NDArray[np.float32]

_BLOCK: Final = 32
"""Rows come in whole blocks: libraries round the rows of a broken one differently."""


class ModuleInference:
    """Logits and values of one batch size, into host arrays that every call reuses."""

    def __init__(
        self,
        description: NetworkDescription,
        batch_size: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        """Build the copy without drawing random numbers; `load` brings weights."""
        with torch.device("meta"):
            network = build_network(description)
        self._network = network.to_empty(device=device).to(dtype).eval()
        self._logits: Float32Array = np.zeros((batch_size, description.action_count), np.float32)
        self._values: Float32Array = np.zeros((batch_size, description.value_count), np.float32)
        blocks = -(-batch_size // _BLOCK)
        self._inputs = torch.zeros(
            (blocks * _BLOCK, description.observation_size), dtype=torch.int8, device=device
        )

    @torch.inference_mode()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take the weights of a state_dict; outputs that only training reads may be missing."""
        for name, mine in self._network.state_dict().items():
            if name in state:
                mine.copy_(state[name])

    @torch.inference_mode()
    def __call__(self, observations: Int8Array) -> tuple[Float32Array, Float32Array]:
        """`(logits (B, A), values (B, V))`, valid until the next call; illegal logits too."""
        rows = len(observations)
        self._inputs[:rows] = tensor_of(observations)
        logits, values = self._network.unmasked_logits(self._inputs)
        tensor_of(self._logits).copy_(logits[:rows])
        tensor_of(self._values).copy_(values[:rows])
        return self._logits, self._values
