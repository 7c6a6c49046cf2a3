"""The event log of a run: its records, appended, and read while they are being written.

A record is one JSON object on a line, `{"event": KIND, "t": unix seconds, ...}`. Numbers that are
not finite have no JSON form: they are written as null and their keys listed under `not_finite`.
"""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self, cast

from azul_tui.errors import RunError
from azul_tui.runs.files import decoded, open_own
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

Record = dict[str, Any]

MAX_RECORD_BYTES: Final = 1 << 20
_DURABLE: Final = frozenset({"run_started", "checkpoint", "setting", "control", "alert", "result"})
"""Kinds that are flushed to the disk at once; the others follow with the next of these."""


def encode(kind: str, t: float, fields: Mapping[str, object]) -> bytes:
    """One record as a line of ASCII JSON; raises ValueError beyond `MAX_RECORD_BYTES`."""
    line = encode_plain({"event": kind, "t": round(t, 3), **fields})
    if len(line) > MAX_RECORD_BYTES:
        raise ValueError(f"a {kind} record of {len(line)} bytes is larger than any reader takes")
    return line


def encode_plain(values: Mapping[str, object]) -> bytes:
    """A mapping as one line of ASCII JSON, newline included; see the top of the file."""
    missing: set[str] = set()
    plain = {key: _plain(value, key, missing) for key, value in values.items()}
    if missing:
        plain["not_finite"] = sorted(missing)
    line = json.dumps(plain, separators=(",", ":"), allow_nan=False)
    if "\\ud" in line:  # half a pair of surrogates, as in a file name that is not UTF-8
        text = json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace")
        line = json.dumps(json.loads(text), separators=(",", ":"))
    return line.encode("ascii") + b"\n"


def _plain(value: Any, key: str, missing: set[str]) -> object:
    """The value in types that JSON knows; keys of what is not finite go to `missing`."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        missing.add(key)
        return None
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()
        return {str(name): _plain(item, f"{key}.{name}", missing) for name, item in pairs}
    if isinstance(value, list | tuple):
        return [_plain(item, key, missing) for item in cast("Sequence[object]", value)]
    if hasattr(value, "tolist"):  # numpy numbers and arrays, without importing numpy
        return _plain(value.tolist(), key, missing)
    return str(value)


def number(record: Mapping[str, object], key: str) -> float | None:
    """A finite number of a record that somebody else wrote, None where there is none."""
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -1e308 < value < 1e308 else None


def text(record: Mapping[str, object], key: str, limit: int = 200) -> str:
    """A text of a record that somebody else wrote, harmless to show; "" where there is none."""
    value = record.get(key)
    return plain_text(value, limit) if isinstance(value, str) else ""


class EventLog:
    """Appends records; there must be one writer, which `RunLock` sees to."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Open the log at its end, made when absent; `clock` gives the time of a record.

        A last line without its newline was torn by a crash and is cut off.

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
        self.position = _after_last_newline(self._handle, size)
        """Bytes written so far."""
        if self.position != size:
            os.ftruncate(self._handle, self.position)

    def append(self, kind: str, **fields: object) -> Record:
        """Write one record and return it as a reader will see it.

        When it raises OSError (the disk is full or refuses), the log is as before the call.
        """
        line = encode(kind, self._clock(), fields)
        try:
            self._write(line)
        except OSError as error:
            os.ftruncate(self._handle, self.position)  # never leave half a record behind
            error.filename = str(self._path)
            raise
        if kind in _DURABLE:
            self.sync()
        record: Record = json.loads(line)
        return record

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._handle, view) :]
        self.position += len(data)

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


def _after_last_newline(handle: int, end: int) -> int:
    """The largest position up to `end` that begins a line."""
    while end > 0:
        start = max(0, end - 65_536)
        cut = os.pread(handle, end - start, start).rfind(b"\n")
        if cut >= 0:
            return start + cut + 1
        end = start
    return 0


# -- reading an event log that another process is writing
#
# Every read is bounded by bytes and by milliseconds, so that a reader on an event loop never
# blocks it. A line without its newline is still being written: it waits. What is no record
# (garbage, NaN, other encodings, huge lines) is skipped and counted, never an error.

READ_BYTES: Final = 1 << 18
_ANCHOR_BYTES: Final = 64
_STEP_PREFIX: Final = b'{"event":"step"'


@dataclass(slots=True)
class TailBatch:
    """What one read found."""

    records: list[Record] = field(default_factory=list[Record])
    skipped: int = 0
    """Lines that were no records."""
    restarted: bool = False
    """The file was cut or replaced: `records` begin anew, forget what came before."""
    caught_up: bool = True
    """Nothing complete is left to read for now."""


class EventTail:
    """Follows one event log from its beginning."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file_id: tuple[int, int] | None = None
        self._begin()

    def _begin(self) -> None:
        self.offset = 0
        """Bytes consumed: always the beginning of a line, or inside of one that is too long."""
        self.skipped = 0
        """Lines skipped since the file began."""
        self.steps_seen = 0
        """Step records consumed since the file began, decoded or passed over."""
        self._anchor = b""  # the bytes just before `offset`; others there mean another file
        self._inside_huge_line = False

    def read(
        self,
        *,
        max_bytes: int = 4 << 20,
        max_ms: float = 20.0,
        step_stride: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> TailBatch:
        """Records completed since the last call.

        An absent file reads as empty; the dashboard may open first.

        Args:
            max_bytes: Read about this much and no more.
            max_ms: Stop after this long; at least one chunk is read.
            step_stride: Decode only every n-th step record, to catch up with a long log for a
                chart that has far fewer columns than the log has steps.
            clock: Gives seconds.

        Raises:
            OSError: The file is there and cannot be read.
        """
        batch = TailBatch()
        deadline = clock() + max_ms / 1000.0
        try:
            file = open_own(self.path)
        except FileNotFoundError:
            return batch
        with file:
            handle = file.fileno()
            batch.restarted = self._notice_another_file(handle)
            left = max_bytes
            while taken := self._read_lines(handle, batch, min(READ_BYTES, left), step_stride):
                left -= taken
                if left <= 0 or clock() >= deadline:
                    batch.caught_up = self.offset >= os.fstat(handle).st_size
                    break
        self.skipped += batch.skipped
        return batch

    def _notice_another_file(self, handle: int) -> bool:
        """Start over when the file is not the one that was read before, or was cut."""
        facts = os.fstat(handle)
        file_id = (facts.st_dev, facts.st_ino)
        before = os.pread(handle, len(self._anchor), self.offset - len(self._anchor))
        same = self._file_id in {None, file_id} and facts.st_size >= self.offset
        self._file_id = file_id
        if same and before == self._anchor:
            return False
        self._begin()
        return True

    def _read_lines(self, handle: int, batch: TailBatch, most: int, stride: int) -> int:
        """Consume whole lines from one chunk; returns the bytes consumed."""
        chunk = os.pread(handle, most, self.offset)
        end = chunk.rfind(b"\n") + 1
        if end == 0 and len(chunk) == most:
            # No newline in a full chunk: look for it as far as a record may reach.
            chunk = os.pread(handle, MAX_RECORD_BYTES + 1, self.offset)
            end = chunk.find(b"\n") + 1
            if end == 0 and len(chunk) > MAX_RECORD_BYTES:
                batch.skipped += not self._inside_huge_line
                self._inside_huge_line = True
                self._advance(chunk)
                return len(chunk)
        if end == 0:
            return 0
        complete = chunk[:end]
        lines = complete.partition(b"\n")[2] if self._inside_huge_line else complete
        self._inside_huge_line = False
        records, skipped, steps = decode_lines(
            lines, step_stride=stride, steps_seen=self.steps_seen
        )
        batch.records += records
        batch.skipped += skipped
        self.steps_seen += steps
        self._advance(complete)
        return end

    def _advance(self, consumed: bytes) -> None:
        self.offset += len(consumed)
        self._anchor = (self._anchor + consumed[-_ANCHOR_BYTES:])[-_ANCHOR_BYTES:]


def decode_lines(
    data: bytes, *, step_stride: int = 1, steps_seen: int = 0
) -> tuple[list[Record], int, int]:
    """The records in complete lines, the number of lines that were none, and of step records.

    Empty lines are nothing. Only every n-th step record is decoded, evenly after those seen before.
    """
    steps = 0
    kept: list[bytes] = []
    for line in data.split(b"\n"):
        if line.startswith(_STEP_PREFIX):
            steps += 1
            if (steps_seen + steps) % step_stride:
                continue
        if line and not line.isspace():
            kept.append(line)
    records = [record for line in kept if (record := decode_line(line)) is not None]
    return records, len(kept) - len(records), steps


def decode_line(line: bytes) -> Record | None:
    """The record that a line holds, None when it holds none."""
    record = decoded(line, Record) if len(line) <= MAX_RECORD_BYTES else None
    return record if record is not None and isinstance(record.get("event"), str) else None


def last_records(path: Path, *, max_bytes: int = 65_536) -> list[Record]:
    """The records in the last `max_bytes` of a log, oldest first; none when unreadable."""
    try:
        with open_own(path) as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - max_bytes)
            file.seek(start)
            data = file.read(max_bytes)
    except OSError:  # absent, forbidden or a link: there is nothing to show
        return []
    begin = 0 if start == 0 else data.find(b"\n") + 1
    return decode_lines(data[begin : data.rfind(b"\n") + 1])[0]
