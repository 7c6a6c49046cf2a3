"""The end of a log as it grows, and small JSON files.

Reading events is the business of `azul_tui.runs.tail`.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, cast

from azul_tui.runs.files import open_own, read_bounded

if TYPE_CHECKING:
    from pathlib import Path

Record = dict[str, Any]

LONGEST_LINE = 1 << 16


class LogTail:
    """The last lines of a text file, read as it grows."""

    def __init__(self, path: Path, keep: int = 400) -> None:
        self.path = path
        self.keep = keep
        self.lines: list[str] = []
        self.changed = 0.0
        """When it was last written, in unix seconds."""
        self._offset = 0
        self._rest = b""

    def read(self, limit: int = 1 << 16) -> bool:
        """Read what is new; whether anything was."""
        try:
            with open_own(self.path) as file:
                size = file.seek(0, 2)
                self.changed = os.fstat(file.fileno()).st_mtime
                if size < self._offset:
                    self._offset, self._rest, self.lines = 0, b"", []
                if size - self._offset > limit:
                    self._offset, self._rest = size - limit, b""
                file.seek(self._offset)
                chunk = file.read(limit)
        except OSError:
            # An absent log is an empty one, and one on a sick disk is not the news here:
            # the events of the same folder report that.
            return False
        if not chunk:
            return False
        self._offset += len(chunk)
        parts = (self._rest + chunk).split(b"\n")
        self._rest = parts.pop()[-LONGEST_LINE:]
        self.lines.extend(part.decode("utf-8", "replace") for part in parts)
        del self.lines[: -self.keep]
        return True


def read_object(path: Path, limit: int = 1 << 18) -> Record:
    """The JSON object in a small file; empty when absent, unreadable or no object."""
    data = read_bounded(path, limit)
    if data is None:
        return {}
    try:
        item: object = json.loads(data)
    except (ValueError, RecursionError):
        return {}  # not ours, or damaged: shown as if it were not there
    return cast("Record", item) if isinstance(item, dict) else {}
