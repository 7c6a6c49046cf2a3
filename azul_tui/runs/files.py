"""Files of a run: written so that nobody ever finds half of one, read with doubt."""

from __future__ import annotations

import dataclasses
import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import msgspec

from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedReader
    from pathlib import Path

    from _typeshed import DataclassInstance

Kind = TypeVar("Kind")
Fields = TypeVar("Fields", bound="DataclassInstance")


def write_atomically(path: Path, write: Callable[[Path], object], *, durable: bool = True) -> None:
    """Let `write` fill a temporary sibling, then move it over `path`.

    What is `durable` is flushed to the disk with its folder; what is rewritten every second and
    means nothing after a power cut goes without.

    Raises:
        OSError: The disk is full, read-only or refuses; `path` is then as it was and
            nothing is left beside it.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        if unfinished.is_symlink():  # made by a stranger: what is written would go elsewhere
            unfinished.unlink()
        write(unfinished)
        if durable:
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)  # a full disk names no file, and nobody knows this one
        raise
    if durable:  # the rename itself must survive a power cut
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            # Some network disks refuse to flush a folder; the rename is then theirs to keep.
            with suppress(OSError):
                os.fsync(folder)
        finally:
            os.close(folder)


def write_bytes_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace the content of `path`; see `write_atomically`."""
    write_atomically(path, lambda unfinished: unfinished.write_bytes(data), durable=durable)


def append_durably(path: Path, data: bytes) -> None:
    """Add `data` to the end of a file, made when absent, and flush it to the disk.

    Raises:
        OSError: The disk is full, read-only or refuses; part of `data` may have been added.
    """
    with path.open("ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def open_own(path: Path) -> BufferedReader:
    """Open a file of a run for reading, without following a link out of the run's folder.

    A run may come from a stranger. What claims to be one of its files must be one: not a link
    to something else of the reader's, nor a pipe or a device that never ends.

    Raises:
        OSError: It is absent or forbidden, or is no regular file.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    return os.fdopen(handle, "rb")


def read_bounded(path: Path, most: int) -> bytes | None:
    """The content of a file of at most `most` bytes; None when it is larger or unreadable."""
    try:
        with open_own(path) as file:
            data = file.read(most + 1)
    except (OSError, ValueError):  # absent, forbidden, a folder, a link, a name with a NUL
        return None
    return data if len(data) <= most else None


# -- JSON of a stranger, or of another version


def decoded(data: bytes | None, kind: type[Kind]) -> Kind | None:
    """What JSON says, in a type that msgspec knows; None when it is none or does not fit."""
    try:
        return msgspec.json.decode(data or b"", type=kind)
    except (msgspec.DecodeError, RecursionError):
        return None


def fitting(data: bytes | None, kind: type[Fields]) -> Fields | None:
    """A dataclass of the values in a JSON object that fit its fields; None when it is no object.

    The others keep their defaults. Texts are made harmless to show.
    """
    found = decoded(data, kind)
    if found is None:  # some do not fit
        values = decoded(data, dict[str, Any])
        if values is None:
            return None
        taken: dict[str, Any] = {}
        for name, hint in get_type_hints(kind, include_extras=True).items():
            with suppress(KeyError, msgspec.ValidationError):
                taken[name] = msgspec.convert(values[name], hint)
        found = kind(**taken)
    pairs = ((field.name, getattr(found, field.name)) for field in dataclasses.fields(found))
    texts = {name: plain_text(value) for name, value in pairs if isinstance(value, str)}
    return dataclasses.replace(found, **texts)
