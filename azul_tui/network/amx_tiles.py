"""Intel's matrix extension (AMX) from numba: eight tiles of 16 rows of 64 bytes.

A tile holds 16 x 32 bfloat16 or 16 x 16 float32. `tile_dot(c, a, b)` adds to tile c the product
of tile a (16 rows of 32 numbers) and tile b (32 rows of 16, stored as 16 rows of 16 pairs), in
16 clock cycles: 1,024 operations each. Source: Intel 64 and IA-32 Architectures Software
Developer's Manual, volume 1, chapter 18.

These functions work inside kernels only, and only where `has_tiles()`: elsewhere LLVM cannot
compile them and ends the process.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import platform
import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

TILE_ROWS: Final = 16

_ARCH_PRCTL: Final = 158
_REQUEST_PERMISSION: Final = 0x1023
_TILE_DATA: Final = 18
_NEEDED: Final = ("amx-tile", "amx-bf16", "avx512f")

# numba and llvmlite have no type hints.
_types: Any = importlib.import_module("numba.core.types")
_intrinsic: Any = importlib.import_module("numba.extending").intrinsic
_settings: Any = importlib.import_module("numba.core.config")
_binding: Any = importlib.import_module("llvmlite.binding")
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
    features = _binding.get_host_cpu_features()
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
