"""Implementations of a network's evaluation, on a processor and on a GPU.

Each takes the raw observations of one batch size, and its results lie in host arrays that every
call reuses. Shapes: B positions, F features, A actions, V values, W widths of the trunk.

What they promise about a row's bits, which a run that is resumed depends on: they follow from the
row, the weights, the implementation, its number format and B. Other rows and the place among them
do not matter. B does: libraries sum matrix products of another size in another order.

Weights are folded, so that there are fewer and larger matrix products: the observation's scales
go into the first matrix, both heads' first layers become one matrix, their second layers one
block-diagonal matrix whose zeros cost less than another call. The value's last layer stays apart
in float32: it is a dot product of 64 numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from azul_tui.network.kernels import (
    finish_bfloat16,
    finish_float32,
    normalise_bfloat16,
    normalise_float32,
)
from azul_tui.network.model import block_diagonal, normalised, tensor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from azul_tui.network.model import NetworkDescription

Int8Array = npt.NDArray[np.int8]
Float32Array = npt.NDArray[np.float32]
AnyArray = npt.NDArray[np.generic]

_BLOCK: Final = 32
"""Rows come in whole blocks: libraries round the rows of a broken one differently."""
_WARM_UP_RUNS: Final = 3
"""Runs before a capture, in which libraries choose algorithms and take their workspaces."""


class Inference(Protocol):
    """A network of one description at one batch size."""

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take the weights of a state_dict; it may change afterwards.

        Outputs that only training reads may be missing.
        """
        ...

    def __call__(self, observations: Int8Array, /) -> tuple[Float32Array, Float32Array]:
        """`(logits (B, A), values (B, V))`, valid until the next call; illegal logits too."""
        ...


class FoldedLayer(NamedTuple):
    """One matrix product: `x @ weight.T + bias`, added to its layer's input if `residual`."""

    weight: Tensor
    """`(out, in)`."""
    bias: Tensor
    """`(out,)`."""
    residual: bool = False


class FoldedWeights(NamedTuple):
    """All of a network, in the order of evaluation."""

    trunk: tuple[FoldedLayer, ...]
    heads_hidden: FoldedLayer
    """Policy and value side by side, `(P0 + V0, W)`; relu follows."""
    heads_output: FoldedLayer
    """`(A + V1, P0 + V0)` block-diagonal: logits, then the value's second hidden layer."""
    value_weight: Tensor
    """`(V, V1)` float32, on relu of the last V1 outputs; tanh follows."""
    value_bias: Tensor
    """`(V,)` float32."""

    def tensors(self) -> list[Tensor]:
        """Every tensor, in one fixed order."""
        layers = (*self.trunk, self.heads_hidden, self.heads_output)
        pairs = [tensor for layer in layers for tensor in (layer.weight, layer.bias)]
        return [*pairs, self.value_weight, self.value_bias]


def fold_weights(
    state: Mapping[str, Tensor], description: NetworkDescription, dtype: torch.dtype
) -> FoldedWeights:
    """Fold an `AzulNetwork`'s state_dict; matrices and biases in `dtype`, on the state's device."""

    def layer(name: str, *, residual: bool = False) -> FoldedLayer:
        weight, bias = state[f"{name}.weight"].detach(), state[f"{name}.bias"].detach()
        if name == "first_layer":
            weight = weight * state["observation_scales"]
        return FoldedLayer(weight.to(dtype).contiguous(), bias.to(dtype).contiguous(), residual)

    widths = description.widths
    trunk = [layer("first_layer")]
    for index in range(len(widths) - 1):
        same_width = widths[index] == widths[index + 1]
        trunk.append(layer(f"trunk_layers.{index}", residual=same_width))
    policy_hidden, value_hidden = layer("policy_hidden"), layer("value_hidden")
    hidden = FoldedLayer(
        torch.cat([policy_hidden.weight, value_hidden.weight]),
        torch.cat([policy_hidden.bias, value_hidden.bias]),
    )
    policy_output, value_hidden_2 = layer("policy_output"), layer("value_hidden_2")
    output = FoldedLayer(
        block_diagonal(policy_output.weight, value_hidden_2.weight),
        torch.cat([policy_output.bias, value_hidden_2.bias]),
    )
    return FoldedWeights(
        tuple(trunk),
        hidden,
        output,
        state["value_output.weight"].detach().float().contiguous(),
        state["value_output.bias"].detach().float().contiguous(),
    )


def evaluate_folded(weights: FoldedWeights, observations: Tensor) -> tuple[Tensor, Tensor]:
    """`(logits (B, A), values (B, V))` float32 on any device; illegal logits not masked."""
    first, *rest = weights.trunk
    hidden = F.linear(observations.to(first.weight.dtype), first.weight, first.bias)
    for layer in rest:
        branch = F.linear(normalised(hidden), layer.weight, layer.bias)
        hidden = hidden + branch if layer.residual else branch
    features = normalised(hidden)
    heads = weights.heads_hidden
    outputs = weights.heads_output
    both = F.linear(F.relu(F.linear(features, heads.weight, heads.bias)), outputs.weight)
    both = (both + outputs.bias).float()
    actions = both.shape[1] - weights.value_weight.shape[1]
    value = F.linear(F.relu(both[:, actions:]), weights.value_weight, weights.value_bias)
    return both[:, :actions].contiguous(), torch.tanh(value)


def _own_copy(weights: FoldedWeights) -> FoldedWeights:
    """The same in memory that nobody else writes to."""
    return FoldedWeights(
        tuple(
            layer._replace(weight=layer.weight.clone(), bias=layer.bias.clone())
            for layer in weights.trunk
        ),
        weights.heads_hidden,
        weights.heads_output,
        weights.value_weight.clone(),
        weights.value_bias.clone(),
    )


def _whole_blocks(batch_size: int) -> int:
    """Rows that are computed for a batch; a single one has no others to differ from."""
    return 1 if batch_size == 1 else -(-batch_size // _BLOCK) * _BLOCK


class FoldedInference:
    """On a processor: torch's products, and one kernel instead of its many between them.

    relu and RMSNorm are one pass over memory (`kernels`): 11 us for 256 x 256 where torch's
    operations take 49, as long as the product before them.
    """

    def __init__(
        self, description: NetworkDescription, batch_size: int, dtype: torch.dtype
    ) -> None:
        """Allocate buffers; `load` brings weights."""
        self.description: NetworkDescription = description
        self.dtype: torch.dtype = dtype
        self._batch_size = batch_size
        rows = _whole_blocks(batch_size)
        self._inputs = torch.zeros(rows, description.observation_size, dtype=dtype)
        self._features = [torch.empty(rows, width, dtype=dtype) for width in description.widths]
        self._feature_arrays = [self._array(tensor) for tensor in self._features]
        self._logits: Float32Array = np.zeros((batch_size, description.action_count), np.float32)
        self._values: Float32Array = np.zeros((batch_size, description.value_count), np.float32)
        self._weights: FoldedWeights | None = None
        self._value_weight: Float32Array = np.zeros((0, 0), np.float32)
        self._value_bias: Float32Array = np.zeros(0, np.float32)
        half = dtype == torch.bfloat16
        self._normalise = cast(
            "Callable[[AnyArray, AnyArray], None]",
            normalise_bfloat16 if half else normalise_float32,
        )
        self._finish = cast(
            "Callable[[AnyArray, Float32Array, Float32Array, Float32Array, Float32Array], None]",
            finish_bfloat16 if half else finish_float32,
        )

    @torch.inference_mode()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """See `Inference`."""
        on_cpu = {name: tensor.detach().cpu() for name, tensor in state.items()}
        self._weights = _own_copy(fold_weights(on_cpu, self.description, self.dtype))
        self._value_weight = self._weights.value_weight.numpy()
        self._value_bias = self._weights.value_bias.numpy()

    @torch.inference_mode()
    def __call__(self, observations: Int8Array, /) -> tuple[Float32Array, Float32Array]:
        """See `Inference`."""
        assert self._weights is not None, "weights are loaded before the first call"
        features = self._inputs
        features[: self._batch_size] = tensor_of(observations)
        stream: Tensor | None = None
        for index, layer in enumerate(self._weights.trunk):
            product = F.linear(features, layer.weight, layer.bias)
            if layer.residual and stream is not None:
                product += stream
            stream = product
            self._normalise(self._array(stream), self._feature_arrays[index])
            features = self._features[index]
        hidden, output = self._weights.heads_hidden, self._weights.heads_output
        active = F.linear(features, hidden.weight, hidden.bias).relu_()
        heads = F.linear(active, output.weight, output.bias)
        self._finish(
            self._array(heads), self._value_weight, self._value_bias, self._logits, self._values
        )
        return self._logits, self._values

    def _array(self, tensor: Tensor) -> AnyArray:
        """The same memory for numba: float32, or the bits of bfloat16."""
        return (tensor.view(torch.int16) if self.dtype == torch.bfloat16 else tensor).numpy()


class DeviceInference:
    """On a GPU: weights and buffers that stay where they are, and one graph to replay.

    On CUDA a call copies observations into pinned memory, queues the upload, the captured graph
    and the download of the results on one stream, and waits once. Elsewhere (MPS) it runs eagerly.
    """

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
        """See `Inference`; into the memory that a captured graph reads."""
        on_device = {name: tensor.detach().to(self.device) for name, tensor in state.items()}
        weights = fold_weights(on_device, self.description, self.dtype)
        if self._weights is None:
            self._weights = _own_copy(weights)
        else:
            for mine, new in zip(self._weights.tensors(), weights.tensors(), strict=True):
                mine.copy_(new)
        if self._stream is not None:
            torch.cuda.synchronize(self.device)
            if self._graph is None:
                self._capture(self._stream)

    @torch.inference_mode()
    def __call__(self, observations: Int8Array, /) -> tuple[Float32Array, Float32Array]:
        """See `Inference`."""
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
