"""A whole network in one kernel, 64 positions at a time, with AMX tiles.

Their activations stay in the nearest caches while all layers pass over them. Shapes:
B positions, F features, A actions, V values, K inputs and N outputs of a layer, H hidden units
of the value head, R rows together. `features` `(R, ...)` are a layer's inputs as bfloat16 bits,
`stream` `(R, ...)` its float32 sums. Weights are tiles of bfloat16 bits,
`[N / 16, K / 32, 16, 16, 2]` for (block, block, pair of inputs, output, input of the pair).

A row's result depends on nothing but the row: not on the others, nor on their number.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from azul_tui.game.kernel import lean_kernel
from azul_tui.network.amx_tiles import (
    configure_tiles,
    load_tile,
    release_tiles,
    store_tile,
    tile_dot,
    zero_tile,
)
from azul_tui.network.vector_loops import vector_loops

Int8Array = npt.NDArray[np.int8]
Int16Array = npt.NDArray[np.int16]
Int64Array = npt.NDArray[np.int64]
Uint8Array = npt.NDArray[np.uint8]
Float32Array = npt.NDArray[np.float32]

ROWS: Final = 64
"""R: positions that pass through the network together, a multiple of 32.

More of them read the weights less often, fewer stay nearer: 32, 64 and 128 are about level, 256
takes 10% longer on the medium network.
"""
BLOCK: Final = 32
"""Inputs of a tile, and outputs of two."""
LAYER_FIELDS: Final = 5
"""K, N, where its weights and its biases begin, and whether its input stream is added."""

_EPSILON: Final = np.float32(1e-6)
_ZERO: Final = np.float32(0.0)
_HALF: Final = np.int32(0x8000)
_SHIFT: Final = np.int32(16)


@vector_loops
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


@vector_loops
def _observe(observations: Int8Array, features: Int16Array) -> None:
    """Features of at most R rows of observations `(rows, F)`: bfloat16 holds them exactly."""
    for row in range(observations.shape[0]):
        for index in range(observations.shape[1]):
            number = np.float32(np.int32(observations[row, index]))
            features[row, index] = np.int16(np.int32(number.view(np.int32)) >> _SHIFT)


@vector_loops
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


@vector_loops
def _finish(
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
def evaluate_with_tiles(
    observations: Int8Array,
    layers: Int64Array,
    weights: Int16Array,
    biases: Float32Array,
    value_weights: Float32Array,
    value_bias: Float32Array,
    configuration: Uint8Array,
    features: Int16Array,
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
        value_weights: `(V, H)`, H a multiple of 32.
        value_bias: `(V,)`.
        configuration: `tile_configuration()`.
        features: Scratch, `(R, more than any K)`. Rows of it, of `stream` and of `weights` begin
            at multiples of 64 bytes, else every load of a tile takes six times as long.
        stream: Scratch, `(R, more than any N)`.
        logits: `(B, A)`, written.
        values: `(B, V)`, written.
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
        _finish(stream, bias, value_weights, value_bias, logits[rows], values[rows])
    release_tiles()
