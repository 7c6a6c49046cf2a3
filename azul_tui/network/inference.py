"""Implementations of a network's evaluation, on a processor and on a GPU.

Each takes the raw observations of one batch size, and its results lie in host arrays that every
call reuses. Shapes: B positions, F features, A actions, V values, W columns of a layer.

What they promise about a row's bits, which a run that is resumed depends on: they follow from the
row, the weights, the implementation, its number format and B. Other rows and the place among them
do not matter. B does: libraries sum matrix products of another size in another order.

Weights are folded, so that there are fewer and larger matrix products: the observation's scales
go into the first matrix, both heads' first layers become one matrix, their second layers one
block-diagonal matrix whose zeros cost less than another call. The value's last layer stays apart
in float32: it is a dot product of 64 numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from azul_tui.game.kernel import Float32Array, Int8Array, vector_kernel
from azul_tui.network.model import normalised, tensor_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azul_tui.network.model import NetworkDescription

Int16Array = npt.NDArray[np.int16]

_BLOCK: Final = 32
"""Rows come in whole blocks: libraries round the rows of a broken one differently."""
_WARM_UP_RUNS: Final = 3
"""Runs before a capture, in which libraries choose algorithms and take their workspaces."""
_EPSILON: Final = np.float32(1e-6)
_ZERO: Final = np.float32(0.0)
_ZERO_BITS: Final = np.int16(0)
_HALF: Final = np.int32(0x8000)
_SHIFT: Final = np.int32(16)


class Inference(Protocol):
    """A network of one description at one batch size."""

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take the weights of a state_dict; it may change afterwards."""
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
    """All of a network, in the order of evaluation, in memory of its own."""

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
        return FoldedLayer(
            weight.to(dtype, copy=True).contiguous(), bias.to(dtype, copy=True), residual
        )

    widths = description.widths
    trunk = [layer("first_layer")]
    for index in range(len(widths) - 1):
        same_width = widths[index] == widths[index + 1]
        trunk.append(layer(f"trunk_layers.{index}", residual=same_width))
    policy, value = layer("policy_hidden"), layer("value_hidden")
    hidden = FoldedLayer(
        torch.cat([policy.weight, value.weight]), torch.cat([policy.bias, value.bias])
    )
    policy, value = layer("policy_output"), layer("value_hidden_2")
    blocks = cast("Tensor", torch.block_diag(policy.weight, value.weight)).contiguous()  # pyright: ignore[reportUnknownMemberType]
    return FoldedWeights(
        tuple(trunk),
        hidden,
        FoldedLayer(blocks, torch.cat([policy.bias, value.bias])),
        state["value_output.weight"].detach().to(torch.float32, copy=True).contiguous(),
        state["value_output.bias"].detach().to(torch.float32, copy=True),
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


# -- on a processor: torch's products, and one kernel instead of its many between them
#
# relu and RMSNorm are one pass over memory: 11 us for 256 x 256 where torch's operations take 49,
# as long as the product before them. bfloat16 arrives as its bits in int16, since numba knows no
# such type: a float32 is those bits shifted left by 16.


@vector_kernel
def normalise_float32(hidden: Float32Array, out: Float32Array) -> None:
    """`out = relu(hidden) / rms(relu(hidden))` in each row; both `(B, W)`."""
    rows, columns = hidden.shape
    count = np.float32(columns)
    for row in range(rows):
        squares = _ZERO
        for column in range(columns):
            active = max(hidden[row, column], _ZERO)
            squares += active * active
        scale = np.float32(np.sqrt(count / (squares + count * _EPSILON)))
        for column in range(columns):
            out[row, column] = max(hidden[row, column], _ZERO) * scale


@vector_kernel
def normalise_bfloat16(hidden: Int16Array, out: Int16Array) -> None:
    """`normalise_float32` for bfloat16 bits.

    A negative bfloat16 is a negative int16, so the relu is a maximum of integers. The scale is a
    square root of a quotient, not a quotient: the compiler would divide in the inner loop.
    Rounds half away from zero, which differs from torch in ties only.
    """
    rows, columns = hidden.shape
    count = np.float32(columns)
    for row in range(rows):
        squares = _ZERO
        for column in range(columns):
            bits = np.int32(np.int32(max(hidden[row, column], _ZERO_BITS)) << _SHIFT)
            active = bits.view(np.float32)
            squares += active * active
        scale = np.float32(np.sqrt(count / (squares + count * _EPSILON)))
        for column in range(columns):
            bits = np.int32(np.int32(max(hidden[row, column], _ZERO_BITS)) << _SHIFT)
            scaled = np.float32(bits.view(np.float32) * scale)
            out[row, column] = np.int16((scaled.view(np.int32) + _HALF) >> _SHIFT)


@vector_kernel
def finish_heads(
    heads: Float32Array,
    value_weight: Float32Array,
    value_bias: Float32Array,
    logits: Float32Array,
    values: Float32Array,
) -> None:
    """Logits `(B, A)` apart, and the value's last layer `(V, H)`: values `(B, V)` in [-1, 1].

    `heads` `(B, A + H)` are logits, then the value's hidden layer before its relu.
    """
    rows, actions = logits.shape
    count, hidden = value_weight.shape
    for row in range(rows):
        for action in range(actions):
            logits[row, action] = heads[row, action]
        for seat in range(count):
            total = value_bias[seat]
            for unit in range(hidden):
                total += max(heads[row, actions + unit], _ZERO) * value_weight[seat, unit]
            values[row, seat] = math.tanh(total)


class FoldedInference:
    """Any network on a processor, in float32 or bfloat16."""

    def __init__(
        self, description: NetworkDescription, dtype: torch.dtype, batch_size: int
    ) -> None:
        """Allocate buffers; `load` brings weights."""
        # A single row has no others to differ from.
        rows = 1 if batch_size == 1 else -(-batch_size // _BLOCK) * _BLOCK
        self._description, self._dtype, self._batch_size = description, dtype, batch_size
        self._inputs = torch.zeros(rows, description.observation_size, dtype=dtype)
        self._features = [torch.empty(rows, width, dtype=dtype) for width in description.widths]
        self._logits: Float32Array = np.zeros((batch_size, description.action_count), np.float32)
        self._values: Float32Array = np.zeros((batch_size, description.value_count), np.float32)

    @torch.inference_mode()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """See `Inference`."""
        on_cpu = {name: tensor.detach().cpu() for name, tensor in state.items()}
        self._weights: FoldedWeights = fold_weights(on_cpu, self._description, self._dtype)

    @torch.inference_mode()
    def __call__(self, observations: Int8Array, /) -> tuple[Float32Array, Float32Array]:
        """See `Inference`."""
        weights, features = self._weights, self._inputs
        features[: self._batch_size] = tensor_of(observations)
        stream = features
        for layer, normal in zip(weights.trunk, self._features, strict=True):
            product = F.linear(features, layer.weight, layer.bias)
            if layer.residual:
                product += stream
            stream, features = product, normal
            if self._dtype == torch.bfloat16:
                bits = stream.view(torch.int16).numpy(), features.view(torch.int16).numpy()
                normalise_bfloat16(*bits)
            else:
                normalise_float32(stream.numpy(), features.numpy())
        hidden, output = weights.heads_hidden, weights.heads_output
        active = F.linear(features, hidden.weight, hidden.bias).relu_()
        heads = F.linear(active, output.weight, output.bias).float()
        value = weights.value_weight.numpy(), weights.value_bias.numpy()
        finish_heads(heads.numpy(), *value, self._logits, self._values)
        return self._logits, self._values


class DeviceInference:
    """On a GPU: weights and buffers that stay where they are, and one graph to replay.

    On CUDA a call copies observations into pinned memory, queues the upload, the captured graph
    and the download of the results on one stream, and waits once. Elsewhere (MPS) it runs eagerly.
    """

    def __init__(
        self,
        description: NetworkDescription,
        device: torch.device,
        dtype: torch.dtype,
        batch_size: int,
    ) -> None:
        """Allocate buffers on both sides; `load` brings weights."""
        self._description, self._dtype, self._device = description, dtype, device
        pinned = device.type == "cuda"
        shape = (batch_size, description.observation_size)
        self._host_inputs = torch.zeros(shape, dtype=torch.int8, pin_memory=pinned)
        self._host_logits = torch.zeros(batch_size, description.action_count, pin_memory=pinned)
        self._host_values = torch.zeros(batch_size, description.value_count, pin_memory=pinned)
        self._inputs = torch.zeros(shape, dtype=torch.int8, device=device)
        self._arrays: tuple[npt.NDArray[Any], ...] = tuple(
            host.numpy() for host in (self._host_inputs, self._host_logits, self._host_values)
        )
        self._weights: FoldedWeights | None = None
        self._outputs: tuple[Tensor, Tensor] | None = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._stream: torch.cuda.Stream | None = torch.cuda.Stream(device) if pinned else None

    @torch.inference_mode()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """See `Inference`; into the memory that a captured graph reads."""
        on_device = {name: tensor.detach().to(self._device) for name, tensor in state.items()}
        weights = fold_weights(on_device, self._description, self._dtype)
        if self._weights is None:
            self._weights = weights
        else:
            for mine, new in zip(self._weights.tensors(), weights.tensors(), strict=True):
                mine.copy_(new)
        if self._stream is not None:
            torch.cuda.synchronize(self._device)
            if self._graph is None:
                self._capture(self._stream, self._weights)

    @torch.inference_mode()
    def __call__(self, observations: Int8Array, /) -> tuple[Float32Array, Float32Array]:
        """See `Inference`."""
        assert self._weights is not None, "weights are loaded before the first call"
        inputs, logits, values = self._arrays
        inputs[:] = observations
        if self._stream is None or self._graph is None or self._outputs is None:
            self._inputs.copy_(self._host_inputs)
            outputs = evaluate_folded(self._weights, self._inputs)
            self._host_logits.copy_(outputs[0])
            self._host_values.copy_(outputs[1])
            return logits, values
        with torch.cuda.stream(self._stream):
            self._inputs.copy_(self._host_inputs, non_blocking=True)
            self._graph.replay()
            self._host_logits.copy_(self._outputs[0], non_blocking=True)
            self._host_values.copy_(self._outputs[1], non_blocking=True)
        self._stream.synchronize()
        return logits, values

    def _capture(self, stream: torch.cuda.Stream, weights: FoldedWeights) -> None:
        """Record the evaluation of `_inputs` once; replaying it launches everything at once."""
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_RUNS):
                evaluate_folded(weights, self._inputs)
        stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            self._outputs = evaluate_folded(weights, self._inputs)
        self._graph = graph
