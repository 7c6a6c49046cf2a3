"""Loops that a compiler may turn into vectors although they sum floats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])

_njit: Any = numba.njit  # pyright: ignore[reportUnknownMemberType] - untyped in numba


def vector_loops(function: Function) -> Function:
    """Compile `function` into the kernels that call it, free to reorder its sums.

    A vector of partial sums adds in another order than the loop says, which a compiler may do
    only when told so. The order is still the same in every run. It is not cached by itself:
    the `lean_kernel` that calls it is.
    """
    relaxed = {"reassoc", "contract", "nsz"}
    return cast("Function", _njit(nogil=True, _nrt=False, fastmath=relaxed)(function))
