"""The folder in which a machine keeps what it compiled and measured, for the next start.

`AZUL_TUI_CACHE` names it, else it lies in the user's cache folder. Compiled code is loaded from
it and run, so it is a folder of this user that nobody else can write. Where it cannot be used
(no home, a full disk, a file in its place) a private temporary folder stands in, and without one
nothing is kept: slower starts, never an end.
"""

from __future__ import annotations

import errno
import functools
import os
import stat
import sys
import tempfile
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VARIABLE: Final = "AZUL_TUI_CACHE"
OFF: Final = "off"
"""What `AZUL_TUI_CACHE` is when nothing shall be kept."""
ROOM_BYTES: Final = 32 * 10**6
"""What all compiled kernels take, twice over."""
_TOLD: Final = "AZUL_TUI_CACHE_TOLD"
"""Set once the problem has been told, for the processes that are started."""
_PRIVATE: Final = 0o700
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


class _UnusableError(Exception):
    """Says in words why a folder cannot be the cache."""


@dataclass(frozen=True, slots=True)
class CachePlace:
    """Where things are kept."""

    folder: Path | None
    """A folder that exists, belongs to this user and is written by nobody else; None: nowhere."""
    problem: str = ""
    """Why it is not the folder that was wished for, in a sentence that says what would help."""
    named: bool = False
    """Whether somebody had named one, so that a problem is theirs to know of."""


def cache_folder() -> Path | None:
    """The cache folder of this process and of those it starts; None when nothing can be kept."""
    return cache_place().folder


@functools.cache
def cache_place() -> CachePlace:
    """The cache folder, looked for once; `AZUL_TUI_CACHE` then names it to child processes."""
    place = find_cache(os.environ)
    if place.problem or place.named:
        os.environ[VARIABLE] = str(place.folder or OFF)
    return place


def tell_once(sentence: str) -> None:
    """Tell a person what is wrong with the cache, unless this process or its parent has."""
    if not os.environ.get(_TOLD):
        os.environ[_TOLD] = "1"
        _voice[-1](sentence)


def speak_with(say: Callable[[str], None]) -> None:
    """Have `tell_once` speak so from now on, instead of by a warning of Python's."""
    _voice.append(say)


def _warn(sentence: str) -> None:
    # Whoever imports this is many frames away: no line of code explains it.
    warnings.warn_explicit(sentence, RuntimeWarning, "azul_tui", 1)


_voice: list[Callable[[str], None]] = [_warn]


def find_cache(environment: Mapping[str, str]) -> CachePlace:
    """Make sure of a cache folder: the one wished for, a temporary one, or none."""
    wish = environment.get(VARIABLE, "").strip()
    if wish == OFF:
        return CachePlace(None, named=True)
    wished = None
    try:
        wished = _named(wish) if wish else _of_user(environment)
        return CachePlace(_usable(wished, named=bool(wish)), named=bool(wish))
    except _UnusableError as error:
        reason = str(error)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
    except RuntimeError:  # `~` or `~somebody` that leads nowhere
        reason = "no home folder is known for it"
    which = f"the folder {wish} that {VARIABLE} names" if wish else f"the cache folder {wished}"
    if not wish and wished is None:
        which = "a cache folder"
    temporary = _temporary(environment)
    if temporary is None:
        kept = "nothing compiled is kept, and every start takes a minute or two"
    else:
        kept = f"compiled code is kept in {temporary} for now"
    return CachePlace(
        temporary,
        f"{which} cannot be used: {reason}; {kept}; let {VARIABLE} name a folder of yours with "
        f"{ROOM_BYTES // 10**6} MB of room",
        named=bool(wish),
    )


def _named(text: str) -> Path:
    """The folder that somebody wrote down; `~` is the home folder."""
    return Path(text).expanduser().absolute()


def _of_user(environment: Mapping[str, str]) -> Path:
    """The program's place in the cache folder of this user."""
    shared = environment.get("XDG_CACHE_HOME", "")
    if sys.platform != "darwin" and shared.startswith("/"):  # others are to be ignored (XDG 0.8)
        return Path(shared) / "azul-tui"
    home = environment.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - of this environment
    if not home.startswith("/"):
        raise _UnusableError("no home folder is known for it")
    return Path(home, *_CACHES, "azul-tui")


_CACHES: Final = ("Library", "Caches") if sys.platform == "darwin" else (".cache",)


def _usable(folder: Path, *, named: bool) -> Path:
    """`folder`, made if need be; a part of it for this user where others can write there, too.

    Raises:
        OSError: It cannot be made or written, or has no room.
        _UnusableError: It is no folder, or another user's home as root would find it.
    """
    if os.geteuid() == 0 and not named and (owner := _existing(folder).stat().st_uid) != 0:
        raise _UnusableError(f"it belongs to another user (number {owner}), and this is root")
    _make(folder)
    if not _is_private(folder):
        folder = folder / f"user-{os.geteuid()}"
        _make(folder)
        if not _is_private(folder):
            raise _UnusableError(f"others can write into {folder}")
    _try_room(folder)
    return folder


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _UnusableError("a file is in its place") from None


def _is_private(folder: Path) -> bool:
    """Whether the folder is this user's and nobody else can put anything into it."""
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_WRITE


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _try_room(folder: Path) -> None:
    """Reserve what kernels will take and give it back: quotas are met only by asking for room.

    Raises:
        OSError: The folder cannot be written, or has no room.
    """
    held = sum(file.stat().st_size for file in folder.glob("*/*/*.nbc"))
    if held >= ROOM_BYTES // 4:
        return  # full of kernels already: it serves even where nothing can be added
    size = ROOM_BYTES - held
    with tempfile.TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                    raise
            else:
                return
        found = os.fstatvfs(file.fileno())
        if found.f_bavail * found.f_frsize < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


_TEMPORARY: Final = ("/tmp", "/var/tmp")  # noqa: S108 - what is found there is checked


def _temporary(environment: Mapping[str, str]) -> Path | None:
    """A folder for temporary files that is this user's alone, made if need be."""
    for place in (environment.get("TMPDIR", ""), *_TEMPORARY):
        folder = Path(place, f"azul-tui-{os.geteuid()}")
        if not folder.is_absolute():
            continue
        with suppress(OSError, _UnusableError):
            _make(folder)
            # Whoever made the name before us may have linked it to anywhere.
            if folder.is_symlink() or not _is_private(folder):
                continue
            _try_room(folder)
            return folder
    return None
