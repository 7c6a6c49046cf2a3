"""Reading an event log that another process is writing.

Every read is bounded by bytes and by milliseconds, so that a reader on an event loop never
blocks it. A line without its newline is still being written: it waits. What is no record
(garbage, NaN, other encodings, huge lines) is skipped and counted, never an error.
"""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard, cast

from azul_tui.runs.events import MAX_RECORD_BYTES, Record
from azul_tui.runs.files import open_own

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READ_BYTES = 1 << 18
_ANCHOR_BYTES = 64
_STEP_PREFIX = b'{"event":"step"'


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
    """Follows one event log from its beginning, or from `offset`."""

    def __init__(self, path: Path, *, offset: int = 0) -> None:
        """Remember where to read; the file may not exist yet."""
        self.path = path
        self.offset = offset
        """Bytes consumed: always the beginning of a line."""
        self.skipped = 0
        """Lines skipped since the file began."""
        self.steps_seen = 0
        """Step records consumed since the file began, decoded or passed over."""
        self._file_id: tuple[int, int] | None = None
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
            step_stride: Decode only every so-manieth step record, to catch up with a long
                log for a chart that has far fewer columns than the log has steps.
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
            consumed = 0
            while True:
                taken = self._read_lines(
                    handle, batch, min(READ_BYTES, max_bytes - consumed), step_stride
                )
                consumed += taken
                if taken == 0:
                    break
                if consumed >= max_bytes or clock() >= deadline:
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
        self.offset, self.skipped, self.steps_seen = 0, 0, 0
        self._anchor, self._inside_huge_line = b"", False
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
        if self._inside_huge_line:
            self._inside_huge_line = False
            decoded = complete[complete.find(b"\n") + 1 :]
        else:
            decoded = complete
        records, skipped, steps = decode_lines(
            decoded, step_stride=stride, steps_seen=self.steps_seen
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
    """The records in complete lines. Empty lines are nothing.

    Args:
        data: Lines as they stand in the file.
        step_stride: Decode only every so-manieth step record; the others are passed over.
        steps_seen: Step records that came before, so that the stride goes on evenly.

    Returns:
        Records, number of lines that were none, number of step records among the lines.
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
    if len(line) > MAX_RECORD_BYTES:
        return None
    try:
        value: object = _DECODER.decode(line.decode("utf-8"))
        return value if _is_record(value) and _is_finite(value) else None
    except (ValueError, RecursionError):
        return None


def _is_record(value: object) -> TypeGuard[Record]:
    return isinstance(value, dict) and isinstance(cast("Record", value).get("event"), str)


def _is_finite(value: Record | list[Any]) -> bool:
    """Whether no number in it is infinite: JSON can write 1e999, which is read as that."""
    values = value.values() if isinstance(value, dict) else value
    if math.inf in values or -math.inf in values:
        return False
    return all(
        _is_finite(cast("Record | list[Any]", item))
        for item in values
        if isinstance(item, _CONTAINERS)
    )


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


_CONTAINERS = (dict, list)
_DECODER = json.JSONDecoder(parse_constant=_refuse)


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
