"""What the engine says: one JSON object a line, from whichever thread."""

from __future__ import annotations

import json
import select
import threading
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping


class Voice:
    """Standard output as a stream of whole records."""

    def __init__(self, output: TextIO) -> None:
        """Speak on `output`."""
        self._output = output
        self._lock = threading.Lock()
        self.gone = False
        """Whether nobody listens any more."""

    def say(self, kind: str, fields: Mapping[str, object], *, answers: str | None) -> None:
        """One record; `answers` is the id of the command that it belongs to."""
        record: dict[str, object] = {"event": kind}
        if answers is not None:
            record["id"] = answers
        line = json.dumps({**record, **fields}, separators=(",", ":"), allow_nan=False)
        with self._lock:
            try:
                self._output.write(line + "\n")
                self._output.flush()
            except (OSError, ValueError):  # the pipe is closed
                self.gone = True

    def is_heard(self) -> bool:
        """Whether somebody can still read the other end."""
        if self.gone:
            return False
        look = select.poll()
        try:
            # Without events to wait for only the end of the reader is told.
            look.register(self._output.fileno(), 0)
        except (OSError, ValueError):  # no pipe at all
            return True
        return not any(event & (select.POLLERR | select.POLLHUP) for _, event in look.poll(0))
