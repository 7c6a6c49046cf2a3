"""Inference in float32 with vector instructions: the network as one kernel call.

Positions pass through all layers a few at a time, so that their activations stay in the nearest
caches, and weights lie in the order in which they are read. Against `F.linear` on one core of an
AMD EPYC with AVX-512, a product of 64 x 256 x 256 takes 34 us instead of 90; with MKL on Intel
processors there is less to gain. Vectors are LLVM's, so that every processor has them.

Shapes: B positions, F features, A actions, V values, K inputs and N outputs of a layer, H hidden
units of the value head, R rows together. `features` `(R, ...)` are a layer's inputs, `stream`
`(R, ...)` its sums. Weights are panels of `PANEL` outputs, `[N / PANEL, K, PANEL]`.

A row's result depends on nothing but the row: not on the others, nor on their number.
"""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from azul_tui.game.kernel import Float32Array, Int8Array, Int64Array, lean_kernel, vector_kernel
from azul_tui.network.inference import FoldedLayer, fold_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from azul_tui.network.model import NetworkDescription

AnyArray = npt.NDArray[Any]
Number = TypeVar("Number", bound=np.generic)

ROWS: Final = 64
"""R: positions that pass through the network together.

More of them read the weights less often, fewer stay nearer.
"""
BLOCK: Final = 32
"""Outputs of a layer are padded with zeros to a multiple of this."""
LAYER_FIELDS: Final = 5
"""K, N, where its weights and its biases begin, and whether its input stream is added."""

_LINE_BYTES: Final = 64
_EPSILON: Final = np.float32(1e-6)
_ZERO: Final = np.float32(0.0)

# numba and llvmlite have no type hints.
_types: Any = importlib.import_module("numba.core.types")
_intrinsic: Any = importlib.import_module("numba.extending").intrinsic
_settings: Any = importlib.import_module("numba.core.config")
_binding: Any = importlib.import_module("llvmlite.binding")
_ir: Any = importlib.import_module("llvmlite.ir")


def has_vectors() -> bool:
    """Whether kernels are compiled at all, without which there are no vectors."""
    return not _settings.DISABLE_JIT


def host_features() -> Mapping[str, bool]:
    """Instructions of this processor by LLVM's names; empty where LLVM does not know."""
    try:
        return _binding.get_host_cpu_features()
    except RuntimeError:
        return {}


# As many sums as there are registers for: 32 of 16 numbers with AVX-512, else 16 of 8.
_WIDE: Final = bool(host_features().get("avx512f"))
_LANES: Final = 16 if _WIDE else 8
_TOGETHER: Final = 8 if _WIDE else 4
"""Rows whose sums are in registers at a time."""
_VECTORS: Final = 2
PANEL: Final = _VECTORS * _LANES
_VECTOR: Any = _ir.VectorType(_ir.FloatType(), _LANES)


def _multiply_block(_context: Any, features: Any, weights: Any, stream: Any, _places: Any) -> Any:
    """See `multiply_block`."""
    places = _types.UniTuple(_types.int64, 7)
    return _types.void(features, weights, stream, places), _generate_block


def _generate_block(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """The loop over inputs with all sums in registers."""
    features, weights, stream, places = arguments
    start, feature_row, panel, out, stream_row, inputs, add = (
        builder.extract_value(places, number) for number in range(7)
    )
    word, index = _ir.IntType(64), _ir.IntType(32)

    def data(place: int, array: Any) -> Any:
        return context.make_array(signature.args[place])(context, builder, array).data

    def at(pointer: Any, *terms: Any) -> Any:
        for term in terms:
            pointer = builder.gep(pointer, [term])
        return pointer

    def load(pointer: Any) -> Any:
        loaded = builder.load(pointer)
        loaded.align = 4
        return loaded

    name = f"llvm.fma.v{_LANES}f32"
    kind = _ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    fma = builder.module.globals.get(name) or _ir.Function(builder.module, kind, name)
    rows = [
        at(data(0, features), start, builder.mul(feature_row, word(row)))
        for row in range(_TOGETHER)
    ]
    outputs = [
        builder.bitcast(
            at(data(2, stream), out, builder.mul(stream_row, word(row))), _VECTOR.as_pointer()
        )
        for row in range(_TOGETHER)
    ]
    first = at(data(1, weights), panel)
    zeros = _ir.Constant(_VECTOR, [0.0] * _LANES)
    adds = builder.icmp_signed("!=", add, word(0))
    cells = [(row, vector) for row in range(_TOGETHER) for vector in range(_VECTORS)]
    begins = [
        builder.select(adds, load(at(outputs[row], word(vector))), zeros) for row, vector in cells
    ]
    before = builder.block
    loop, done = builder.append_basic_block("inputs"), builder.append_basic_block("done")
    builder.branch(loop)
    builder.position_at_end(loop)
    number = builder.phi(word)
    number.add_incoming(word(0), before)
    sums = [builder.phi(_VECTOR) for _ in cells]
    for total, begin in zip(sums, begins, strict=True):
        total.add_incoming(begin, before)
    here = builder.bitcast(at(first, builder.mul(number, word(PANEL))), _VECTOR.as_pointer())
    factors = [load(at(here, word(vector))) for vector in range(_VECTORS)]
    unknown = _ir.Constant(_VECTOR, _ir.Undefined)
    same = _ir.Constant(_ir.VectorType(index, _LANES), [0] * _LANES)
    everywhere = [
        builder.shuffle_vector(
            builder.insert_element(unknown, builder.load(at(row, number)), index(0)), unknown, same
        )
        for row in rows
    ]
    totals = [
        builder.call(fma, [everywhere[row], factors[vector], total])
        for (row, vector), total in zip(cells, sums, strict=True)
    ]
    following = builder.add(number, word(1))
    number.add_incoming(following, loop)
    for total, new in zip(sums, totals, strict=True):
        total.add_incoming(new, loop)
    builder.cbranch(builder.icmp_signed("<", following, inputs), loop, done)
    builder.position_at_end(done)
    for (row, vector), total in zip(cells, totals, strict=True):
        builder.store(total, at(outputs[row], word(vector))).align = 4
    return context.get_dummy_value()


multiply_block: Callable[..., None] = _intrinsic(_multiply_block)
"""Some rows of `stream = [stream +] features @ W` for one panel, without the bias.

`(features, weights, stream, places)`, these being where the features start, their numbers from row
to row, the start of the panel, where the stream starts, its numbers from row to row, K, and
whether to add.
"""


@vector_kernel
def _multiply(
    features: Float32Array,
    weights: Float32Array,
    stream: Float32Array,
    layer: Int64Array,
    rows: int,
) -> None:
    """`stream = [stream +] features @ W` for that many rows, up to whole blocks of them."""
    inputs, feature_row, stream_row = layer[0], features.shape[1], stream.shape[1]
    for panel in range(layer[1] // PANEL):
        begin = layer[2] + panel * PANEL * inputs
        for row in range(0, rows, _TOGETHER):
            start, out = row * feature_row, row * stream_row + panel * PANEL
            places = (start, feature_row, begin, out, stream_row, inputs, layer[4])
            multiply_block(features, weights, stream, places)


@vector_kernel
def _observe(observations: Int8Array, features: Float32Array) -> None:
    """Features of at most R rows of observations `(rows, F)`."""
    for row in range(observations.shape[0]):
        for index in range(observations.shape[1]):
            features[row, index] = np.float32(observations[row, index])


@vector_kernel
def _activate(
    stream: Float32Array, biases: Float32Array, features: Float32Array, rows: int, normalise: bool
) -> None:
    """`features = relu(stream + bias)`, over its rms if asked."""
    outputs = len(biases)
    count = np.float32(outputs)
    for row in range(rows):
        scale = np.float32(1.0)
        squares = _ZERO
        for index in range(outputs):
            active = max(_ZERO, stream[row, index] + biases[index])
            features[row, index] = active
            squares += active * active
        if normalise:
            scale = np.float32(np.sqrt(count / (squares + count * _EPSILON)))
            for index in range(outputs):
                features[row, index] *= scale


@vector_kernel
def finish_rows(
    stream: Float32Array,
    biases: Float32Array,
    value_weights: Float32Array,
    value_bias: Float32Array,
    logits: Float32Array,
    values: Float32Array,
) -> None:
    """Logits and values of at most R rows: the value head's H units come first, then A logits."""
    units = value_weights.shape[1]
    for row in range(logits.shape[0]):
        for seat in range(values.shape[1]):
            result = value_bias[seat]
            for unit in range(units):
                total = stream[row, unit] + biases[unit]
                result += (max(_ZERO, total)) * value_weights[seat, unit]
            values[row, seat] = math.tanh(result)
        head = stream[row, units:]
        bias = biases[units:]
        for action in range(logits.shape[1]):
            logits[row, action] = head[action] + bias[action]


@lean_kernel
def evaluate_with_vectors(
    observations: Int8Array,
    layers: Int64Array,
    weights: Float32Array,
    biases: Float32Array,
    value_weights: Float32Array,
    value_bias: Float32Array,
    features: Float32Array,
    stream: Float32Array,
    logits: Float32Array,
    values: Float32Array,
) -> None:
    """Logits and values of all positions.

    Args:
        observations: `(B, F)`.
        layers: `(L, LAYER_FIELDS)`: the trunk, then the hidden and the last layer of the heads.
        weights: All layers' weights.
        biases: All layers' biases; a residual layer's include those of the layer it adds to.
        value_weights: `(V, H)`.
        value_bias: `(V,)`.
        features: Scratch, `(R, more than any K)`.
        stream: Scratch, `(R, more than any N)`.
        logits: `(B, A)`, written.
        values: `(B, V)`, written.
    """
    last = len(layers) - 1
    together = features.shape[0]
    for first in range(0, observations.shape[0], together):
        some = slice(first, first + together)
        rows = min(together, observations.shape[0] - first)
        _observe(observations[some], features)
        for index in range(last):
            layer = layers[index]
            bias = biases[layer[3] : layer[3] + layer[1]]
            _multiply(features, weights, stream, layer, rows)
            _activate(stream, bias, features, rows, index < last - 1)
        _multiply(features, weights, stream, layers[last], rows)
        bias = biases[layers[last, 3] :]
        finish_rows(stream, bias, value_weights, value_bias, logits[some], values[some])


class PackedInference:
    """Logits and values of one batch size by one kernel call, into arrays that every call reuses.

    Args:
        description: The network; only for `whole_blocks`.
        batch_size: B.
        evaluate: `evaluate_with_vectors`, or what takes the same.
        pack: Turns `(N, K)` weights flat, in the order in which the kernel reads them.
        kind: Of the features and the packed weights.
    """

    def __init__(
        self,
        description: NetworkDescription,
        batch_size: int,
        evaluate: Callable[..., None],
        pack: Callable[[Float32Array], AnyArray],
        kind: type[np.generic],
    ) -> None:
        """Allocate results; `load` brings weights."""
        self._description, self._evaluate, self._pack = description, evaluate, pack
        self._kind: np.dtype[Any] = np.dtype(kind)
        self._logits: Float32Array = np.zeros((batch_size, description.action_count), np.float32)
        self._values: Float32Array = np.zeros((batch_size, description.value_count), np.float32)
        self._arguments: tuple[AnyArray, ...] = ()

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take the weights of a state_dict; it may change afterwards."""
        on_cpu = {name: tensor.detach().cpu() for name, tensor in state.items()}
        weights = fold_weights(on_cpu, self._description, torch.float32)
        weight, bias, _ = weights.heads_output
        actions = self._description.action_count
        # In the last product the value's units come before the logits.
        last = FoldedLayer(
            torch.cat([weight[actions:], weight[:actions]]),
            torch.cat([bias[actions:], bias[:actions]]),
        )
        layers = (*weights.trunk, weights.heads_hidden, last)
        fields = np.zeros((len(layers), LAYER_FIELDS), np.int64)
        packed: list[AnyArray] = []
        biases: list[Float32Array] = []
        for index, layer in enumerate(layers):
            padded = np.zeros(-(-len(layer.bias) // BLOCK) * BLOCK, np.float32)
            padded[: len(layer.bias)] = layer.bias.numpy()
            if layer.residual:
                # The stream that is added to was stored without its own bias.
                padded += biases[-1]
            offsets = sum(map(len, packed)), sum(map(len, biases))
            fields[index] = (layer.weight.shape[1], len(padded), *offsets, layer.residual)
            packed.append(self._pack(layer.weight.numpy()))
            biases.append(padded)
        self._arguments = (
            fields,
            _aligned(np.concatenate(packed)),
            np.concatenate(biases),
            weights.value_weight.numpy(),
            weights.value_bias.numpy(),
            _scratch(int(fields[:, 0].max()), self._kind),
            _scratch(int(fields[:, 1].max()), np.dtype(np.float32)),
            self._logits,
            self._values,
        )

    def __call__(self, observations: Int8Array, /) -> tuple[Float32Array, Float32Array]:
        """`(logits (B, A), values (B, V))`, valid until the next call; illegal logits too."""
        self._evaluate(observations, *self._arguments)
        return self._logits, self._values


def create_vector_inference(description: NetworkDescription, batch_size: int) -> PackedInference:
    """Evaluation in float32 with vectors. Only for `whole_blocks`."""
    return PackedInference(description, batch_size, evaluate_with_vectors, panels_of, np.float32)


def whole_blocks(description: NetworkDescription) -> bool:
    """Whether all layers are whole blocks wide, which those of every preset are."""
    widths = (*description.widths, description.policy_width, *description.value_widths)
    return all(width % BLOCK == 0 for width in widths)


def panels_of(weight: Float32Array) -> Float32Array:
    """`(N, K)` weights in panels, zeros up to a multiple of `BLOCK` outputs."""
    outputs, inputs = -(-weight.shape[0] // BLOCK) * BLOCK, weight.shape[1]
    padded = np.zeros((outputs, inputs), np.float32)
    padded[: weight.shape[0]] = weight
    return np.ascontiguousarray(
        padded.reshape(outputs // PANEL, PANEL, inputs).transpose(0, 2, 1)
    ).ravel()


def _aligned(array: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """A flat copy that begins at a multiple of 64 bytes."""
    memory = np.zeros(array.nbytes + _LINE_BYTES, np.uint8)
    start = -memory.ctypes.data % _LINE_BYTES
    copy = memory[start : start + array.nbytes].view(array.dtype)
    copy[:] = array.ravel()
    return copy


def _scratch(width: int, kind: np.dtype[Any]) -> AnyArray:
    """`ROWS` rows of at least `width` numbers.

    A row is one cache line longer than it needs to be: rows of a power of two compete for the
    same few places in the cache.
    """
    row = width + _LINE_BYTES // kind.itemsize
    return _aligned(np.zeros(ROWS * row, kind)).reshape(ROWS, row)
