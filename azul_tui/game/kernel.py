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
import os
import sys
from collections.abc import Callable
from pathlib import Path
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

_ROOMS = {"game": (), "search": ("game",), "players": ("game", "search")}
"""Which packages the kernels of a package may call; others may call all of these."""


def kernel(function: Function) -> Function:
    """Compile `function` on first call for the types it gets, or load it from the disk cache."""
    numba.config.CACHE_DIR = str(_cache_folder(_room_of(function)))
    return cast("Function", numba.njit(cache=True, nogil=True)(function))


def lean_kernel(function: Function) -> Function:
    """`kernel` without reference counting, for what runs millions of times a second.

    Counting costs two atomic operations an array and a call: more than many a kernel's own work.
    In exchange such a kernel must not allocate: scratch memory is handed in.
    """
    numba.config.CACHE_DIR = str(_cache_folder(_room_of(function)))
    return cast("Function", numba.njit(cache=True, nogil=True, _nrt=False)(function))


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
    folder = _cache_folder(room)
    return folder.is_dir() and any(folder.iterdir())


def _room_of(function: Callable[..., object]) -> str:
    """The package, below azul_tui, that `function` is defined in."""
    parts = function.__module__.split(".")
    return parts[1] if parts[0] == "azul_tui" and len(parts) > 1 else ""


@functools.cache
def _cache_folder(room: str) -> Path:
    """Where the kernels of `room` are kept, by a digest of what they are compiled from."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256(f"{sys.version} {numba.__version__} {np.__version__}".encode())
    rooms = {*_ROOMS[room], room} if room in _ROOMS else {*_ROOMS, *([room] if room else [])}
    for name in sorted(rooms):
        for source in sorted((package / name).glob("*.py")):
            digest.update(source.name.encode())
            digest.update(source.read_bytes())
    return cache_root() / f"kernels-{room or 'other'}-{digest.hexdigest()[:16]}"
