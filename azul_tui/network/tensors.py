"""torch's doors that its type hints leave untyped, each opened in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy.typing as npt


def tensor_of(array: npt.NDArray[Any]) -> Tensor:
    """A tensor on the same memory as `array`."""
    return torch.from_numpy(array)  # pyright: ignore[reportUnknownMemberType]


def row_dot(left: Tensor, right: Tensor) -> Tensor:
    """`(B,)` dot products of the rows of two `(B, W)` tensors."""
    return cast("Tensor", torch.linalg.vecdot(left, right))  # pyright: ignore[reportUnknownMemberType]


def block_diagonal(*blocks: Tensor) -> Tensor:
    """The matrix with `blocks` along its diagonal and zeros elsewhere."""
    return cast("Tensor", torch.block_diag(*blocks)).contiguous()  # pyright: ignore[reportUnknownMemberType]
