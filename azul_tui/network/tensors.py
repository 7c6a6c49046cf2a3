"""torch's doors that its type hints leave untyped, each opened in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

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


def total_norm(tensors: list[Tensor]) -> Tensor:
    """Euclidean length of all numbers of all tensors together, a scalar on their device."""
    if tensors[0].device.type == "cuda":
        return get_total_norm(tensors)
    # The same with less around it, which counts between the small products of a processor.
    norms = [cast("Tensor", torch.linalg.vector_norm(tensor)) for tensor in tensors]  # pyright: ignore[reportUnknownMemberType]
    return cast("Tensor", torch.linalg.vector_norm(torch.stack(norms)))  # pyright: ignore[reportUnknownMemberType]
