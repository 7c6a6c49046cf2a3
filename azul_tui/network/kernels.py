"""The elementwise parts of inference on a processor, one pass over memory each.

torch needs three passes for a relu and an RMSNorm, and as long for them as for the matrix
product before; these take a fifth of that. bfloat16 arrives as its bits in int16, since numba
knows no such type: a float32 is those bits shifted left by 16. Shapes: B rows, W columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from azul_tui.game.kernel import lean_kernel

Function = TypeVar("Function", bound=Callable[..., object])
Int16Array = npt.NDArray[np.int16]
Float32Array = npt.NDArray[np.float32]

_EPSILON: Final = np.float32(1e-6)
_ZERO: Final = np.float32(0.0)
_ZERO_BITS: Final = np.int16(0)
_HALF: Final = np.int32(0x8000)
_SHIFT: Final = np.int32(16)


_njit: Any = numba.njit  # pyright: ignore[reportUnknownMemberType] - untyped in numba


def vector_loops(function: Function) -> Function:
    """Compile `function` into the kernels that call it, free to reorder its sums.

    A vector of partial sums adds in another order than the loop says, which a compiler may do
    only when told so. The order is still the same in every run. It is not cached by itself:
    the `lean_kernel` that calls it is.
    """
    relaxed = {"reassoc", "contract", "nsz"}
    return cast("Function", _njit(nogil=True, _nrt=False, fastmath=relaxed)(function))


@vector_loops
def _normalise_bfloat16(hidden: Int16Array, out: Int16Array) -> None:
    """`out = relu(hidden) / rms(relu(hidden))` in each row; both `(B, W)` bfloat16 bits.

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


@vector_loops
def _normalise_float32(hidden: Float32Array, out: Float32Array) -> None:
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


@vector_loops
def _finish_bfloat16(
    heads: Int16Array,
    value_weight: Float32Array,
    value_bias: Float32Array,
    logits: Float32Array,
    values: Float32Array,
) -> None:
    """Logits as float32 and the value's last layer.

    Args:
        heads: `(B, A + H)` bfloat16 bits: logits, then the value's hidden layer before its relu.
        value_weight: `(V, H)`.
        value_bias: `(V,)`.
        logits: `(B, A)`, written.
        values: `(B, V)`, written: in [-1, 1].
    """
    rows, actions = logits.shape
    count, hidden = value_weight.shape
    for row in range(rows):
        for action in range(actions):
            bits = np.int32(np.int32(heads[row, action]) << _SHIFT)
            logits[row, action] = bits.view(np.float32)
        for seat in range(count):
            total = value_bias[seat]
            for unit in range(hidden):
                active = max(heads[row, actions + unit], _ZERO_BITS)
                bits = np.int32(np.int32(active) << _SHIFT)
                total += bits.view(np.float32) * value_weight[seat, unit]
            values[row, seat] = math.tanh(total)


@vector_loops
def _finish_float32(
    heads: Float32Array,
    value_weight: Float32Array,
    value_bias: Float32Array,
    logits: Float32Array,
    values: Float32Array,
) -> None:
    """`finish_bfloat16` for heads in float32."""
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


@lean_kernel
def normalise_bfloat16(hidden: Int16Array, out: Int16Array) -> None:
    """`out = relu(hidden) / rms(relu(hidden))` in each row; both `(B, W)` bfloat16 bits."""
    _normalise_bfloat16(hidden, out)


@lean_kernel
def normalise_float32(hidden: Float32Array, out: Float32Array) -> None:
    """`out = relu(hidden) / rms(relu(hidden))` in each row; both `(B, W)`."""
    _normalise_float32(hidden, out)


@lean_kernel
def finish_bfloat16(
    heads: Int16Array,
    value_weight: Float32Array,
    value_bias: Float32Array,
    logits: Float32Array,
    values: Float32Array,
) -> None:
    """Logits as float32 and the value's last layer.

    Args:
        heads: `(B, A + H)` bfloat16 bits: logits, then the value's hidden layer before its relu.
        value_weight: `(V, H)`.
        value_bias: `(V,)`.
        logits: `(B, A)`, written.
        values: `(B, V)`, written: in [-1, 1].
    """
    _finish_bfloat16(heads, value_weight, value_bias, logits, values)


@lean_kernel
def finish_float32(
    heads: Float32Array,
    value_weight: Float32Array,
    value_bias: Float32Array,
    logits: Float32Array,
    values: Float32Array,
) -> None:
    """`finish_bfloat16` for heads in float32."""
    _finish_float32(heads, value_weight, value_bias, logits, values)
