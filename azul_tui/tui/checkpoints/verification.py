"""Whether checkpoint files are whole, without loading one."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from azul_tui.runs.checkpoint_manifest import verify_listed
from azul_tui.runs.files import open_own
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from azul_tui.tui.checkpoints.row import CheckpointRow

GONE = "it is not there any more"


class Verification:
    """Which files were looked at, each once for as long as it stays the same."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        """What is wrong with a file, "" for a whole one; absent ones were not looked at."""
        self._stamps: dict[str, tuple[float, int]] = {}

    def look_at_next(self, rows: Iterable[CheckpointRow]) -> bool:
        """Verify the first of `rows` that was not looked at as it is now; whether one was."""
        for row in rows:
            stamp = (row.changed, row.size_bytes)
            if self._stamps.get(row.key) == stamp:
                continue
            wrong = verify_file(row.file)
            self._stamps[row.key] = stamp
            self.found[row.key] = wrong
            return True
        return False

    def forget(self, key: str) -> None:
        """Have a file looked at again."""
        self._stamps.pop(key, None)
        self.found.pop(key, None)


def verify_file(file: Path) -> str:
    """What is wrong with the file, in words; an empty text when it is whole.

    Its SHA-256 is held against the one that the list beside it has had since the file was
    written; where there is none, the container's own checksums are compared. The weights are
    not loaded. Reads the whole file: for a thread.
    """
    try:
        listed = verify_listed(file)
        if listed is None:
            return _verify_container(file)
    except FileNotFoundError:
        return GONE
    except OSError as error:
        if file.is_symlink():
            return "it is a link, and those of a run's folder are not followed"
        return f"it cannot be read ({plain_text(str(error.strerror or error), 80)})"
    return "" if listed else "it is damaged: its SHA-256 is not the one in the run's list"


def _verify_container(file: Path) -> str:
    """What is wrong with a file of which no digest is known.

    Raises:
        OSError: It cannot be read, or is a link or no file.
    """
    try:
        with open_own(file) as content, zipfile.ZipFile(content) as archive:
            bad = archive.testzip()
            names = archive.namelist()
    except zipfile.BadZipFile:
        return "it is no checkpoint, or its end is missing"
    except (RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        return f"it cannot be read ({plain_text(str(error), 80)})"
    if bad is not None:
        return f"its part {plain_text(bad, 60)} is damaged"
    if not any(name.endswith("data.pkl") for name in names):
        return "it holds no weights"
    return ""
