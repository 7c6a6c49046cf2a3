"""The one way in which this project compiles a function.

`kernel` is numba's `njit` with a disk cache and without the GIL, typed as the identity, so that
type checkers see the Python function. Module globals are frozen into compiled code: whatever
varies (the number of players above all) is data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Function = TypeVar("Function", bound=Callable[..., object])

Int8Array = npt.NDArray[np.int8]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
Uint64Array = npt.NDArray[np.uint64]
Float32Array = npt.NDArray[np.float32]


def kernel(function: Function) -> Function:
    """Compile `function` on first call for the types it gets, or load it from the disk cache."""
    return cast("Function", numba.njit(cache=True, nogil=True)(function))
