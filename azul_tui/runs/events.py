"""The event log of a run: one JSON object a line, appended by one writer.

A record is `{"event": KIND, "t": unix seconds, ...}`. Numbers that are not finite have no
JSON form: they are written as null and their keys listed under `not_finite`.
"""

from __future__ import annotations

import json
import math
import os
import time
from typing import TYPE_CHECKING, Any, Self, cast

from azul_tui.errors import RunError
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

Record = dict[str, Any]

MAX_RECORD_BYTES = 1 << 20
DURABLE_EVENTS = frozenset({"run_started", "checkpoint", "setting", "control", "alert", "result"})
"""Kinds that are flushed to the disk at once; the others follow with the next of these."""


def encode(kind: str, t: float, fields: Mapping[str, object]) -> bytes:
    """One record as a line of ASCII JSON, newline included.

    Raises:
        ValueError: The record is larger than `MAX_RECORD_BYTES`.
    """
    line = encode_plain({"event": kind, "t": round(t, 3), **fields})
    if len(line) > MAX_RECORD_BYTES:
        raise ValueError(f"a {kind} record of {len(line)} bytes is larger than any reader takes")
    return line


def encode_plain(values: Mapping[str, object]) -> bytes:
    """A mapping as one line of ASCII JSON, newline included; see the top of the file."""
    missing: list[str] = []
    plain = {key: _plain(value, key, missing) for key, value in values.items()}
    if missing:
        plain["not_finite"] = sorted(set(missing))
    return json.dumps(plain, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


class EventLog:
    """Appends records; there must be one writer, which `RunLock` sees to."""

    def __init__(
        self,
        path: Path,
        *,
        keep: int | None = None,
        carried: bytes = b"",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the log at its end.

        A last line without its newline was torn by a crash and is cut off.

        Args:
            path: The file; made when absent.
            keep: Bytes to keep from an earlier process, for a resume that goes back to its
                checkpoint; None keeps every complete line.
            carried: Lines of what came behind those bytes that stay nevertheless.
            clock: Gives the time of a record.

        Raises:
            RunError: The file cannot be opened for writing.
        """
        self._clock = clock
        self._path = path
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._handle = os.open(path, flags, 0o644)
        except OSError as error:
            raise RunError(
                f"{plain_text(str(path))}: cannot be written ({error.strerror}); "
                "make it writable or choose another --dir"
            ) from None
        size = os.fstat(self._handle).st_size
        self._position = min(size, keep) if keep is not None else size
        self._position = _after_last_newline(self._handle, self._position)
        if self._position != size:
            os.ftruncate(self._handle, self._position)
        _write_all(self._handle, carried)
        self._position += len(carried)

    @property
    def position(self) -> int:
        """Bytes written so far; a checkpoint keeps it as the place to go back to."""
        return self._position

    def append(self, kind: str, **fields: object) -> Record:
        """Write one record and return it as a reader will see it.

        Raises:
            OSError: The disk is full or refuses; the log is then as before the call.
        """
        line = encode(kind, self._clock(), fields)
        try:
            _write_all(self._handle, line)
        except OSError as error:
            os.ftruncate(self._handle, self._position)  # never leave half a record behind
            error.filename = str(self._path)
            raise
        self._position += len(line)
        if kind in DURABLE_EVENTS:
            self.sync()
        record: Record = json.loads(line)
        return record

    def sync(self) -> None:
        """Flush what was appended to the disk."""
        os.fsync(self._handle)

    def close(self) -> None:
        """Flush and close; further calls do nothing."""
        if self._handle >= 0:
            try:
                self.sync()
            finally:
                os.close(self._handle)
                self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def number(record: Mapping[str, object], key: str) -> float | None:
    """A finite number of a record that somebody else wrote, None where there is none."""
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        value = float(value)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def text(record: Mapping[str, object], key: str, limit: int = 200) -> str:
    """A text of a record that somebody else wrote, harmless to show; "" where there is none."""
    value = record.get(key)
    return plain_text(value, limit) if isinstance(value, str) else ""


def _plain(value: Any, key: str, missing: list[str]) -> object:
    """The value in types that JSON knows; keys of what is not finite go to `missing`."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        missing.append(key)
        return None
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()
        return {str(name): _plain(item, f"{key}.{name}", missing) for name, item in pairs}
    if isinstance(value, list | tuple):
        return [_plain(item, key, missing) for item in cast("Sequence[object]", value)]
    if hasattr(value, "tolist"):  # numpy numbers and arrays, without importing numpy
        return _plain(value.tolist(), key, missing)
    return str(value)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _after_last_newline(handle: int, end: int) -> int:
    """The largest position up to `end` that begins a line."""
    while end > 0:
        start = max(0, end - 65_536)
        cut = os.pread(handle, end - start, start).rfind(b"\n")
        if cut >= 0:
            return start + cut + 1
        end = start
    return 0
