"""Inference with Intel's matrix extension (AMX): the network as one kernel call, in tiles.

Measured on one core with AMX, batch 256: the small network takes 112 us and the medium one 270 us,
2.5 and 2.2 times less than through oneDNN, where most of the time is spent between the products.
Where there is no AMX, `has_tiles` says so and nothing else here may be called: LLVM cannot compile
the kernels and would end the process. Shapes: B positions, F features, A actions, V values, K
inputs and N outputs of a layer, H hidden units of the value head, R rows together. `features`
`(R, ...)` are a layer's inputs as bfloat16 bits, `stream` `(R, ...)` its float32 sums. Weights are
tiles of bfloat16 bits, `[N / 16, K / 32, 16, 16, 2]` for (block, block, pair of inputs, output,
input of the pair).

A tile holds 16 x 32 bfloat16 or 16 x 16 float32. `tile_dot(c, a, b)` adds to tile c the product
of tile a (16 rows of 32 numbers) and tile b (32 rows of 16, stored as 16 rows of 16 pairs), in
16 clock cycles: 1,024 operations each. Source: Intel 64 and IA-32 Architectures Software
Developer's Manual, volume 1, chapter 18.

A row's result depends on nothing but the row: not on the others, nor on their number.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import platform
import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import torch

from azul_tui.game.kernel import Float32Array, Int8Array, Int64Array, lean_kernel, vector_kernel
from azul_tui.network.model import tensor_of
from azul_tui.network.vectors import BLOCK, PackedInference, finish_rows, host_features

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.network.model import NetworkDescription

Int16Array = npt.NDArray[np.int16]
Uint8Array = npt.NDArray[np.uint8]

_EPSILON: Final = np.float32(1e-6)
_ZERO: Final = np.float32(0.0)
_HALF: Final = np.int32(0x8000)
_SHIFT: Final = np.int32(16)

TILE_ROWS: Final = 16

_ARCH_PRCTL: Final = 158
_REQUEST_PERMISSION: Final = 0x1023
_TILE_DATA: Final = 18
_NEEDED: Final = ("amx-tile", "amx-bf16", "avx512f")

# numba and llvmlite have no type hints.
_types: Any = importlib.import_module("numba.core.types")
_intrinsic: Any = importlib.import_module("numba.extending").intrinsic
_settings: Any = importlib.import_module("numba.core.config")
_ir: Any = importlib.import_module("llvmlite.ir")
_BYTE: Any = _ir.IntType(8)
_WORD: Any = _ir.IntType(64)


@functools.cache
def has_tiles() -> bool:
    """Whether kernels of this process may use tiles; asks the system for permission once.

    Linux grants them to a process that asks (Documentation/arch/x86/xstate.rst).
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    if _settings.CPU_NAME or _settings.CPU_FEATURES or _settings.DISABLE_JIT:
        return False  # somebody chose what kernels are compiled for
    features = host_features()
    if not all(features.get(name) for name in _NEEDED):
        return False
    try:
        system = ctypes.CDLL(None, use_errno=True)
        return system.syscall(_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA) == 0
    except (OSError, AttributeError):
        return False


def tile_configuration() -> npt.NDArray[np.uint8]:
    """`(64,)` for `configure_tiles`: all eight tiles at their full size."""
    configuration = np.zeros(64, np.uint8)
    configuration[0] = 1  # the palette
    configuration[16:32].view(np.uint16)[:8] = 64  # bytes of a row
    configuration[48:56] = TILE_ROWS
    return configuration


def _call(builder: Any, name: str, arguments: list[Any]) -> None:
    """A call of an LLVM intrinsic that returns nothing."""
    kind = _ir.FunctionType(_ir.VoidType(), [argument.type for argument in arguments])
    builder.call(builder.module.declare_intrinsic(name, (), kind), arguments)


def _address(context: Any, builder: Any, kind: Any, array: Any, offset: Any) -> Any:
    """Pointer to byte `offset` of an array."""
    start = context.make_array(kind)(context, builder, array).data
    return builder.gep(builder.bitcast(start, _BYTE.as_pointer()), [offset])


def _on_tiles(name: str, kinds: list[Any]) -> Any:
    """Types and code of an LLVM intrinsic on tiles; instructions name them, as constants."""
    if not all(isinstance(kind, _types.IntegerLiteral) for kind in kinds):
        return None

    def generate(context: Any, builder: Any, signature: Any, _arguments: Any) -> Any:
        _call(builder, name, [_BYTE(kind.literal_value) for kind in signature.args])
        return context.get_dummy_value()

    return _types.void(*kinds), generate


def _release(_context: Any) -> Any:
    """See `release_tiles`."""
    return _on_tiles("llvm.x86.tilerelease", [])


def _zero(_context: Any, tile: Any) -> Any:
    """See `zero_tile`."""
    return _on_tiles("llvm.x86.tilezero", [tile])


def _dot(_context: Any, total: Any, left: Any, right: Any) -> Any:
    """See `tile_dot`."""
    return _on_tiles("llvm.x86.tdpbf16ps", [total, left, right])


def _on_memory(name: str) -> Any:
    """A load or a store of a tile: `(tile, array, byte offset, bytes from row to row)`."""

    def typed(_context: Any, tile: Any, array: Any, _offset: Any, _stride: Any) -> Any:
        if not isinstance(tile, _types.IntegerLiteral):
            return None

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _, memory, offset, stride = arguments
            start = _address(context, builder, signature.args[1], memory, offset)
            number = _BYTE(signature.args[0].literal_value)
            _call(builder, name, [number, start, stride])
            return context.get_dummy_value()

        return _types.void(tile, array, _types.int64, _types.int64), generate

    return _intrinsic(typed)


def _configure(_context: Any, configuration: Any) -> Any:
    """See `configure_tiles`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = _address(context, builder, signature.args[0], arguments[0], _WORD(0))
        _call(builder, "llvm.x86.ldtilecfg", [start])
        return context.get_dummy_value()

    return _types.void(configuration), generate


configure_tiles: Callable[[npt.NDArray[np.uint8]], None] = _intrinsic(_configure)
"""Set the sizes of all tiles from `tile_configuration()`."""
release_tiles: Callable[[], None] = _intrinsic(_release)
"""Forget all tiles, so that the system need not save them."""
zero_tile: Callable[[int], None] = _intrinsic(_zero)
"""Set a tile to zeros."""
tile_dot: Callable[[int, int, int], None] = _intrinsic(_dot)
"""`total += left @ right`: bfloat16 factors, float32 sums."""
load_tile: Callable[[int, npt.NDArray[Any], int, int], None] = _on_memory("llvm.x86.tileloadd64")
"""`(tile, array, byte offset, bytes from row to row)`; rows begin at multiples of 64 bytes."""
store_tile: Callable[[int, npt.NDArray[Any], int, int], None] = _on_memory("llvm.x86.tilestored64")
"""The same, from the tile."""


@vector_kernel
def _multiply(
    features: Int16Array, weights: Int16Array, stream: Float32Array, layer: Int64Array
) -> None:
    """`stream = [stream +] features @ W` without the bias, for all rows (a multiple of 32)."""
    blocks = layer[0] // BLOCK
    feature_row = 2 * features.shape[1]
    stream_row = 4 * stream.shape[1]
    for out in range(layer[1] // BLOCK):
        left = 2 * layer[2] + out * blocks * 2048
        right = left + blocks * 1024
        for row in range(0, features.shape[0], 32):
            above = row * stream_row + out * 128
            below = above + 16 * stream_row
            if layer[4] == 0:
                zero_tile(0)
                zero_tile(1)
                zero_tile(2)
                zero_tile(3)
            else:
                load_tile(0, stream, above, stream_row)
                load_tile(1, stream, above + 64, stream_row)
                load_tile(2, stream, below, stream_row)
                load_tile(3, stream, below + 64, stream_row)
            upper = row * feature_row
            lower = upper + 16 * feature_row
            for block in range(blocks):
                inputs = block * 64
                tile = block * 1024
                load_tile(4, features, upper + inputs, feature_row)
                load_tile(6, weights, left + tile, 64)
                tile_dot(0, 4, 6)
                load_tile(5, features, lower + inputs, feature_row)
                tile_dot(2, 5, 6)
                load_tile(7, weights, right + tile, 64)
                tile_dot(1, 4, 7)
                tile_dot(3, 5, 7)
            store_tile(0, stream, above, stream_row)
            store_tile(1, stream, above + 64, stream_row)
            store_tile(2, stream, below, stream_row)
            store_tile(3, stream, below + 64, stream_row)


@vector_kernel
def _observe(observations: Int8Array, features: Int16Array) -> None:
    """Features of at most R rows of observations `(rows, F)`: bfloat16 holds them exactly."""
    for row in range(observations.shape[0]):
        for index in range(observations.shape[1]):
            number = np.float32(np.int32(observations[row, index]))
            features[row, index] = np.int16(np.int32(number.view(np.int32)) >> _SHIFT)


@vector_kernel
def _activate(
    stream: Float32Array, biases: Float32Array, features: Int16Array, normalise: bool
) -> None:
    """`features = relu(stream + bias)`, over its rms if asked, rounded to bfloat16."""
    outputs = len(biases)
    count = np.float32(outputs)
    scale = np.float32(1.0)
    for row in range(stream.shape[0]):
        if normalise:
            squares = _ZERO
            for index in range(outputs):
                total = stream[row, index] + biases[index]
                active = max(_ZERO, total)
                squares += active * active
            scale = np.float32(np.sqrt(count / (squares + count * _EPSILON)))
        for index in range(outputs):
            total = stream[row, index] + biases[index]
            number = np.float32((max(_ZERO, total)) * scale)
            bits = np.int32(number.view(np.int32) + _HALF)
            features[row, index] = np.int16(bits >> _SHIFT)


@lean_kernel
def evaluate_with_tiles(
    configuration: Uint8Array,
    observations: Int8Array,
    layers: Int64Array,
    weights: Int16Array,
    biases: Float32Array,
    value_weights: Float32Array,
    value_bias: Float32Array,
    features: Int16Array,
    stream: Float32Array,
    logits: Float32Array,
    values: Float32Array,
) -> None:
    """Logits and values of all positions.

    `configuration` is `tile_configuration()`, the others as `evaluate_with_vectors` has them. Rows
    of `features`, `stream` and `weights` begin at multiples of 64 bytes, else every load of a
    tile takes six times as long.
    """
    configure_tiles(configuration)
    last = len(layers) - 1
    together = features.shape[0]
    for first in range(0, observations.shape[0], together):
        rows = slice(first, first + together)
        _observe(observations[rows], features)
        for index in range(last):
            layer = layers[index]
            bias = biases[layer[3] : layer[3] + layer[1]]
            _multiply(features, weights, stream, layer)
            _activate(stream, bias, features, index < last - 1)
        _multiply(features, weights, stream, layers[last])
        bias = biases[layers[last, 3] :]
        finish_rows(stream, bias, value_weights, value_bias, logits[rows], values[rows])
    release_tiles()


def tiles_of(weight: Float32Array) -> npt.NDArray[np.int16]:
    """`(N, K)` weights as bfloat16 bits in tiles, zeros up to multiples of 32."""
    outputs, inputs = (-(-size // BLOCK) * BLOCK for size in weight.shape)
    padded = np.zeros((outputs, inputs), np.float32)
    padded[: weight.shape[0], : weight.shape[1]] = weight
    bits = tensor_of(padded).bfloat16().view(torch.int16).numpy()
    split = bits.reshape(outputs // 16, 16, inputs // BLOCK, 16, 2)
    return np.ascontiguousarray(split.transpose(0, 2, 3, 1, 4)).ravel()


def create_tile_inference(description: NetworkDescription, batch_size: int) -> PackedInference:
    """Evaluation in bfloat16 with tiles. Only where `has_tiles()`, and for whole blocks."""
    evaluate = functools.partial(evaluate_with_tiles, tile_configuration())
    return PackedInference(description, batch_size, evaluate, tiles_of, np.int16)
