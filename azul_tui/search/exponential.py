"""exp for arguments <= 0 in single precision, cheap enough to call for every legal move."""

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
