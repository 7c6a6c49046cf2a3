"""The one way in which this project compiles a function.

`kernel` is numba's `njit` with a disk cache and without the GIL, typed as the identity, so that
type checkers see the Python function. Module globals are frozen into compiled code: whatever
varies (the number of players above all) is data.

numba notices a change in a kernel's own file, not in the files of the kernels that it calls, and
would go on running the old ones. So the cache lies in a folder named after a digest of all the
source that a kernel may be compiled from: its own package and the rules.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Function = TypeVar("Function", bound=Callable[..., object])

Int8Array = npt.NDArray[np.int8]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
Uint64Array = npt.NDArray[np.uint64]
Float32Array = npt.NDArray[np.float32]

integer: Final = cast("Callable[[object], int]", np.int64)
"""`np.int64`, to widen what was read from a narrower array; typed as the `int` that it is
inside a kernel."""
unsigned: Final = cast("Callable[[object], int]", np.uint64)
"""The same of `np.uint64`: an index that numba does not check for being negative."""

# Both are untyped in numba.
_njit: Any = numba.njit  # pyright: ignore[reportUnknownMemberType]
_numba_config: Any = importlib.import_module("numba.core.config")

_ROOMS = {"game": (), "search": ("game",), "players": ("game", "search"), "network": ("game",)}
"""Which packages the kernels of a package may call; kernels elsewhere may call
all of these and those of their own file."""


def kernel(function: Function) -> Function:
    """Compile `function` on first call for the types it gets, or load it from the disk cache."""
    return _compiled(function)


def lean_kernel(function: Function) -> Function:
    """`kernel` without reference counting, for what runs millions of times a second.

    Counting costs two atomic operations an array and a call: more than many a kernel's own work.
    In exchange such a kernel must not allocate: scratch memory is handed in.
    """
    return _compiled(function, _nrt=False)


def inlined_kernel(function: Function) -> Function:
    """A `lean_kernel` that becomes part of each of its callers.

    For functions that get the arrays of a whole search: every array is seven numbers, and passing
    them costs more than a short function's own work.
    """
    return _compiled(function, _nrt=False, forceinline=True)


def _compiled(function: Function, **options: bool) -> Function:
    _numba_config.CACHE_DIR = str(_cache_folder(_room_of(function), _own_file(function)))
    return cast("Function", _njit(cache=True, nogil=True, error_model="numpy", **options)(function))


def cache_root() -> Path:
    """Folder that holds the compiled kernels: AZUL_TUI_CACHE, else the user's cache folder."""
    chosen = os.environ.get("AZUL_TUI_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "azul-tui"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "azul-tui"


def is_compiled(room: str) -> bool:
    """Whether kernels of that package have been compiled here, from the source as it is."""
    # Folders alone mean nothing: numba makes them as soon as a kernel is defined.
    return any(_cache_folder(room).rglob("*.nbi"))


def _room_of(function: Callable[..., object]) -> str:
    """The package of kernels that `function` is defined in; "" for any other place."""
    parts = function.__module__.split(".")
    room = parts[1] if parts[0] == "azul_tui" and len(parts) > 1 else ""
    return room if room in _ROOMS else ""


def _own_file(function: Callable[..., object]) -> Path | None:
    """The file of a function outside the packages of kernels, which only calls those."""
    return None if _room_of(function) else Path(function.__code__.co_filename)


@functools.cache
def _cache_folder(room: str, own_file: Path | None = None) -> Path:
    """Where the kernels of `room`, or of a file outside, are kept: by a digest of their source."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256(f"{sys.version} {numba.__version__} {np.__version__}".encode())
    rooms = {*_ROOMS[room], room} if room else set(_ROOMS)
    for name in sorted(rooms):
        for source in sorted((package / name).glob("*.py")):
            digest.update(source.name.encode())
            digest.update(source.read_bytes())
    if own_file is not None and own_file.is_file():
        digest.update(own_file.read_bytes())
    return cache_root() / f"kernels-{room or 'other'}-{digest.hexdigest()[:16]}"


@lean_kernel
def small(value: object) -> int:
    """`value`, known to lie in [0, 1023], in a way that tells the compiler so too.

    numba lets an index be negative, and then adds the length of the array. The check costs more
    than many a kernel's own work and forbids using vectors; it goes away where the index is made
    of such numbers. Another value would be read from the wrong place: `GameState` refuses
    positions that hold one.
    """
    return integer(value) & 1023
