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
import shutil
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from azul_tui.runs.files import write_bytes_atomically
from azul_tui.runs.machine import CACHE_VARIABLE, cache_folder, cache_place, tell_once

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

# numba is untyped.
_config: Any = importlib.import_module("numba.core.config")
_caching: Any = importlib.import_module("numba.core.caching")
_event: Any = importlib.import_module("numba.core.event")
_compiler_lock: Any = importlib.import_module("numba.core.compiler_lock").global_compiler_lock
_NumbaError: Any = importlib.import_module("numba.core.errors").NumbaError
_CPUDispatcher: Any = importlib.import_module("numba.core.registry").CPUDispatcher

_ROOMS: Final = {
    "game": {"game"},
    "search": {"game", "search"},
    "players": {"game", "search", "players"},
    "network": {"game", "network"},
}
"""The packages that the kernels of a package are compiled from; those elsewhere from all of these
and their own file."""
_SEAL: Final = "sha256"
"""Name of the file that holds the digest of the others in a kernel's folder."""

if _problem := cache_place().problem:
    tell_once(_problem)


def kernel(function: Function, **options: object) -> Function:
    """Compile `function` on first call for the types it gets, or load it from the disk cache."""
    if _config.DISABLE_JIT:
        return function
    settings = {"nopython": True, "nogil": True, "boundscheck": None, "error_model": "numpy"}
    dispatcher = Kernel(py_func=function, targetoptions={**settings, **options})
    if cache_folder() is not None:
        _keep(dispatcher, function)
    return cast("Function", dispatcher)


def lean_kernel(function: Function) -> Function:
    """`kernel` without reference counting, for what runs millions of times a second.

    Counting costs two atomic operations an array and a call: more than many a kernel's own work.
    In exchange such a kernel must not allocate: scratch memory is handed in.
    """
    return kernel(function, _nrt=False)


def vector_kernel(function: Function) -> Function:
    """A `lean_kernel` that is free to reorder its sums.

    A vector of partial sums adds in another order than the loop says, which a compiler may do
    only when allowed to. The order is still the same in every run.
    """
    return kernel(function, _nrt=False, fastmath={"reassoc", "contract", "nsz"})


def inlined_kernel(function: Function) -> Function:
    """A `lean_kernel` that becomes part of each of its callers.

    For functions that get the arrays of a whole search: every array is seven numbers, and passing
    them costs more than a short function's own work.
    """
    return kernel(function, _nrt=False, forceinline=True)


def is_compiled(room: str) -> bool:
    """Whether kernels of that package have been compiled here, from the source as it is."""
    return cache_folder() is not None and any(_room_folder(room).glob("*/*.nbi"))


@contextmanager
def noticing_compilation(tell: Callable[[], None]) -> Generator[None]:
    """Call `tell` once when numba begins to compile inside; loading from the disk is silent."""

    class Listener(_event.Listener):
        noticed = False

        def on_start(self, _started: object) -> None:
            if not self.noticed:
                self.noticed = True
                tell()

        def on_end(self, event: object) -> None:
            """Not waited for."""

    with _event.install_listener("numba:compile", Listener()):
        yield


class Kernel(_CPUDispatcher):
    """A compiled function, for which the disk cache may fail.

    numba lets every fault of its cache through to whoever calls a kernel, in the middle of
    compiling another one: a full disk when it writes, a damaged file when it reads, and damaged
    machine code would be run. So the files of a kernel, a folder of their own, have a digest
    beside them, and none are read that do not fit it.
    """

    checked = False
    """Whether the files are known to be as they were written."""

    def compile(self, sig: object) -> object:
        """Compile for one signature, or load that from the cache; see numba's `Dispatcher`."""
        if self.stats.cache_path is None:
            return self.compile_by_numba(sig)
        files = Path(self.stats.cache_path)
        with _compiler_lock:
            if not self.checked and not _is_whole(files):
                shutil.rmtree(files, ignore_errors=True)
            self.checked = True
            misses, known = self.stats.cache_misses.total(), len(self.overloads)
            try:
                made = self.compile_by_numba(sig)
            except _NumbaError:
                raise
            except Exception as error:  # noqa: BLE001 - a damaged pickle raises anything
                if isinstance(error, OSError):
                    tell_once(
                        f"compiled code cannot be kept in {files.parent} "
                        f"({error.strerror or error}) and is compiled anew at every start; make "
                        f"room, or let {CACHE_VARIABLE} name another folder"
                    )
                if len(self.overloads) == known:  # it was not read, and what is there is no use
                    shutil.rmtree(files, ignore_errors=True)
                made = self.compile_by_numba(sig)
            if self.stats.cache_misses.total() > misses:
                with suppress(OSError):  # without a seal it is compiled anew next time
                    write_bytes_atomically(files / _SEAL, _digest_of(files).encode(), durable=False)
        return made

    def compile_by_numba(self, sig: object) -> object:
        """What numba makes of it, with all that its cache may raise."""
        return super().compile(sig)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _is_whole(files: Path) -> bool:
    """Whether a kernel's files are as they were when it was compiled."""
    try:
        return not files.is_dir() or (files / _SEAL).read_text("ascii") == _digest_of(files)
    except (OSError, ValueError):
        return False


def _digest_of(files: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(files.iterdir()):
        if file.name != _SEAL:
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


class KernelLocator(_caching.InTreeCacheLocator):
    """Tells numba the folder of a kernel's code, and has nothing to say of other functions."""

    folder: str

    def get_cache_path(self) -> str:
        """The folder of this kernel, among those whose source it may be compiled from."""
        return self.folder

    @classmethod
    def from_function(cls, py_func: Callable[..., object], py_file: str) -> KernelLocator | None:
        """None for a function of somebody else's: numba then asks its own locators."""
        folder = _folders.get(py_func)
        if folder is None:
            return None
        locator = cls(py_func, py_file)
        locator.folder = str(folder)
        return locator


_folders: dict[Callable[..., object], Path] = {}
"""Where the code of each kernel is kept."""
_declaring = threading.Lock()
_LOCATORS: Final = (
    "UserProvidedCacheLocator",
    "InTreeCacheLocator",
    "UserWideCacheLocator",
    "IPythonCacheLocator",
    "ZipCacheLocator",
)
"""numba's own, in its order ("Cache Locators" in its documentation)."""


def _keep(dispatcher: Kernel, function: Callable[..., object]) -> None:
    """Have numba keep a kernel's code in our folder.

    It has no setting of that for one function. NUMBA_CACHE_DIR would be everybody's; locators
    are too, but ours leaves other functions, declared by another thread in this moment, to
    numba's, and the setting is put back at once.
    """
    file, line = function.__code__.co_filename, function.__code__.co_firstlineno
    package, _, module = function.__module__.partition(".")
    room = module.partition(".")[0] if package == "azul_tui" else ""
    room = room if room in _ROOMS else ""
    name = f"{Path(file).stem}.{function.__qualname__}-{line}"
    _folders[function] = _room_folder(room, "" if room else file) / name
    with _declaring:
        before = _config.CACHE_LOCATOR_CLASSES
        others = before or ",".join(name for name in _LOCATORS if hasattr(_caching, name))
        _config.CACHE_LOCATOR_CLASSES = f"{__name__}.{KernelLocator.__name__},{others}"
        try:
            dispatcher.enable_caching()
        finally:
            _config.CACHE_LOCATOR_CLASSES = before


@functools.cache
def _room_folder(room: str, own_file: str = "") -> Path:
    """Where the kernels of `room`, or of a file outside, are kept: by a digest of their source."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256(f"{sys.version} {numba.__version__} {np.__version__}".encode())
    rooms = _ROOMS[room] if room else set(_ROOMS)
    sources = [path for name in sorted(rooms) for path in sorted((package / name).glob("*.py"))]
    for source in (*sources, *([Path(own_file)] if Path(own_file).is_file() else [])):
        digest.update(source.name.encode() + source.read_bytes())
    folder = cache_folder() or Path(os.devnull)
    return folder / f"kernels-{room or 'other'}-{digest.hexdigest()[:16]}"


@lean_kernel
def small(value: object) -> int:
    """`value`, known to lie in [0, 1023], in a way that tells the compiler so too.

    numba lets an index be negative, and then adds the length of the array. The check costs more
    than many a kernel's own work and forbids using vectors; it goes away where the index is made
    of such numbers. Another value would be read from the wrong place: `GameState` refuses
    positions that hold one.
    """
    return integer(value) & 1023
