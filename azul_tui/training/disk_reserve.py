"""A small file that is given up when the disk is full, so that the run can still say so."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

RESERVE_BYTES: Final = 1 << 16
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT}


class DiskReserve:
    """`.reserve` in a run directory: room for an alert and a status on a disk without any."""

    def __init__(self, folder: Path) -> None:
        """Remember where; `fill` makes it."""
        self._path = folder / ".reserve"

    def fill(self) -> None:
        """Make the file if there is room; a disk that is full already goes without."""
        with suppress(OSError):
            if not self._path.is_file() or self._path.stat().st_size < RESERVE_BYTES:
                try:
                    self._path.write_bytes(bytes(RESERVE_BYTES))
                except OSError:
                    self._path.unlink(missing_ok=True)
                    raise

    def spend(self, error: OSError) -> None:
        """Give the room back, if room is what was missing."""
        if error.errno in _NO_ROOM:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
