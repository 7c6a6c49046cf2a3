"""exp for arguments <= 0 in single precision, cheap enough to call for every legal move."""

from __future__ import annotations

from typing import Final

import numpy as np

from azul_tui.game.kernel import lean_kernel

_LOWEST: Final = np.float32(-80.0)
_LOG2_E: Final = np.float32(1.4426950408889634)
_C0: Final = np.float32(1.0)
_C1: Final = np.float32(0.6931472)
_C2: Final = np.float32(0.24022651)
_C3: Final = np.float32(0.05550411)
_C4: Final = np.float32(0.009618129)
_C5: Final = np.float32(0.0013333558)


@lean_kernel
def exp_negative(x: np.float32) -> np.float32:
    """e^x for x <= 0, clamped at e^-80; relative error below 3e-6.

    2^t with t split into its floor, which becomes the exponent bits, and a remainder in [0, 1),
    whose Taylor polynomial in ln 2 has degree 5.
    """
    t = max(x, _LOWEST) * _LOG2_E
    whole = np.floor(t)
    f = np.float32(t - whole)
    power = _C0 + f * (_C1 + f * (_C2 + f * (_C3 + f * (_C4 + f * _C5))))
    return np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32) * power
