"""exp and log, cheap enough to call for every legal move and the same on every machine."""

from __future__ import annotations

from typing import Final

import numpy as np

from azul_tui.game.kernel import lean_kernel

_LOWEST: Final = np.float32(-80.0)
_LOG2_E: Final = np.float32(1.4426950408889634)
_C0: Final = np.float32(1.0)
_C1: Final = np.float32(0.6931517388)
_C2: Final = np.float32(0.2401592714)
_C3: Final = np.float32(0.0558186760)
_C4: Final = np.float32(0.0089909951)
_C5: Final = np.float32(0.0018793187)


@lean_kernel
def exp_negative(x: np.float32) -> np.float32:
    """e^x for x <= 0, clamped at e^-80; relative error below 4e-6, near 0 below 4e-7.

    2^t with t split into its floor, which becomes the exponent bits, and a remainder f in [0, 1).
    2^f is the polynomial of degree 5 whose largest relative error there, 1.8e-7, is least among
    those that are 1 at 0 and 2 at 1, so that the pieces join.
    """
    t = max(x, _LOWEST) * _LOG2_E
    whole = np.floor(t)
    f = np.float32(t - whole)
    power = _C0 + f * (_C1 + f * (_C2 + f * (_C3 + f * (_C4 + f * _C5))))
    return np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32) * power


_MANTISSA: Final = np.int32((1 << 23) - 1)
_EXPONENT_OF_ONE: Final = np.int32(127 << 23)
_SQRT_2: Final = np.float32(1.4142135)
_LN_2: Final = np.float32(0.6931472)
_ONE: Final = np.float32(1.0)
_A1: Final = np.float32(2.0)
_A3: Final = np.float32(2.0 / 3.0)
_A5: Final = np.float32(2.0 / 5.0)
_A7: Final = np.float32(2.0 / 7.0)
_A9: Final = np.float32(2.0 / 9.0)


@lean_kernel
def log_positive(x: np.float32) -> np.float32:
    """Logarithm of a normal x > 0; error below 2e-7 of the result or of 1, whichever is larger.

    x = 2^k m with m in [sqrt(1/2), sqrt(2)), and ln m = 2 artanh((m - 1) / (m + 1)) as a series.
    Without branches: a loop over it becomes vector code.
    """
    bits = np.int32(np.float32(x).view(np.int32))
    high = np.int32((bits & _MANTISSA) | _EXPONENT_OF_ONE).view(np.float32) >= _SQRT_2
    up = np.int32(1) if high else np.int32(0)
    exponent = np.int32((bits >> np.int32(23)) - np.int32(127) + up)
    m = np.int32(((bits & _MANTISSA) | _EXPONENT_OF_ONE) - (up << np.int32(23))).view(np.float32)
    s = np.float32((m - _ONE) / (m + _ONE))
    s2 = np.float32(s * s)
    series = _A1 + s2 * (_A3 + s2 * (_A5 + s2 * (_A7 + s2 * _A9)))
    return np.float32(exponent) * _LN_2 + s * series
