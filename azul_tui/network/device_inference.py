"""Inference on a GPU: weights and buffers that stay where they are, one graph to replay.

On CUDA a call copies observations into pinned memory, queues the upload, the captured graph and
the download of the results on one stream, and waits once. Elsewhere (MPS) it runs eagerly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from azul_tui.network.folding import FoldedWeights, evaluate_folded, fold_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azul_tui.network.presets import NetworkDescription

Int8Array = npt.NDArray[np.int8]
Float32Array = npt.NDArray[np.float32]

_WARM_UP_RUNS = 3
"""Runs before a capture, in which libraries choose algorithms and take their workspaces."""


class DeviceInference:
    """Logits and values of one batch size, into host arrays that every call reuses."""

    def __init__(
        self,
        description: NetworkDescription,
        batch_size: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        """Allocate buffers on both sides; `load` brings weights."""
        self.description: NetworkDescription = description
        self.dtype: torch.dtype = dtype
        self.device: torch.device = device
        pinned = device.type == "cuda"
        shape = (batch_size, description.observation_size)
        self._host_inputs = torch.zeros(shape, dtype=torch.int8, pin_memory=pinned)
        self._host_logits = torch.zeros(batch_size, description.action_count, pin_memory=pinned)
        self._host_values = torch.zeros(batch_size, description.value_count, pin_memory=pinned)
        self._inputs = torch.zeros(shape, dtype=torch.int8, device=device)
        self._input_array: Int8Array = self._host_inputs.numpy()
        self._results: tuple[Float32Array, Float32Array] = (
            self._host_logits.numpy(),
            self._host_values.numpy(),
        )
        self._weights: FoldedWeights | None = None
        self._outputs: tuple[Tensor, Tensor] | None = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._stream: torch.cuda.Stream | None = torch.cuda.Stream(device) if pinned else None

    @torch.inference_mode()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take the weights of a state_dict, into the memory that a captured graph reads."""
        on_device = {name: tensor.detach().to(self.device) for name, tensor in state.items()}
        weights = fold_weights(on_device, self.description, self.dtype)
        if self._weights is None:
            self._weights = FoldedWeights(
                tuple(
                    layer._replace(weight=layer.weight.clone(), bias=layer.bias.clone())
                    for layer in weights.trunk
                ),
                weights.heads_hidden,
                weights.heads_output,
                weights.value_weight.clone(),
                weights.value_bias.clone(),
            )
        else:
            for mine, new in zip(self._weights.tensors(), weights.tensors(), strict=True):
                mine.copy_(new)
        if self._stream is not None:
            torch.cuda.synchronize(self.device)
            if self._graph is None:
                self._capture(self._stream)

    @torch.inference_mode()
    def __call__(self, observations: Int8Array) -> tuple[Float32Array, Float32Array]:
        """`(logits (B, A), values (B, V))`, valid until the next call; illegal logits too."""
        assert self._weights is not None, "weights are loaded before the first call"
        self._input_array[:] = observations
        if self._stream is None or self._graph is None:
            self._inputs.copy_(self._host_inputs)
            logits, values = evaluate_folded(self._weights, self._inputs)
            self._host_logits.copy_(logits)
            self._host_values.copy_(values)
            return self._results
        assert self._outputs is not None
        with torch.cuda.stream(self._stream):
            self._inputs.copy_(self._host_inputs, non_blocking=True)
            self._graph.replay()
            self._host_logits.copy_(self._outputs[0], non_blocking=True)
            self._host_values.copy_(self._outputs[1], non_blocking=True)
        self._stream.synchronize()
        return self._results

    def _capture(self, stream: torch.cuda.Stream) -> None:
        """Record the evaluation of `_inputs` once; replaying it launches everything at once."""
        assert self._weights is not None
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_RUNS):
                evaluate_folded(self._weights, self._inputs)
        stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            self._outputs = evaluate_folded(self._weights, self._inputs)
        self._graph = graph
