"""The list of a run's checkpoints: `checkpoints.json`, replaced as a whole.

It holds the SHA-256 of every file. While a file is being replaced it holds two, that of the old
and that of the new content: whenever the power fails, what lies there verifies.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from typing import TYPE_CHECKING, Final, cast

from azul_tui.runs.files import open_own, read_bounded, write_bytes_atomically

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

MANIFEST_NAME: Final = "checkpoints.json"
BEST_NAME: Final = "best_model.pt"
_LARGEST_MANIFEST: Final = 1 << 24


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointRecord:
    """One checkpoint file as it was written."""

    file: str
    """Name in the run directory."""
    iteration: int
    score: float | None
    """Evaluation score of these weights, if they were evaluated."""
    timestamp: float
    """Unix seconds."""
    size: int
    """Bytes."""
    sha256: tuple[str, ...]
    """Digests that verify it, in hexadecimal; the last is the newest content's."""
    best_score: float | None = None
    """Best score of the run when this was written, this one's included."""


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def verify_listed(file: Path) -> bool | None:
    """Whether a file has a content that the list beside it names; None when it lists no such file.

    Reads the whole file: for a thread.

    Raises:
        OSError: It cannot be read, or is a link or no file.
    """
    with open_own(file) as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    # Listed after it was read: a file that is being replaced is listed with both contents.
    record = read_manifest(file.parent).get(file.name)
    return None if record is None else found in record.sha256


def read_manifest(folder: Path) -> dict[str, CheckpointRecord]:
    """Records by file name; an absent or damaged list reads as empty."""
    data = read_bounded(folder / MANIFEST_NAME, _LARGEST_MANIFEST)
    if data is None:
        return {}
    try:
        content: object = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    files = cast("dict[str, object]", content).get("files") if isinstance(content, dict) else None
    if not isinstance(files, list):
        return {}
    records = (_record_from(entry) for entry in cast("list[object]", files))
    return {record.file: record for record in records if record is not None}


def best_record(
    records: Mapping[str, CheckpointRecord], superseded: Collection[str] = ()
) -> CheckpointRecord | None:
    """The best weights of a run: `best_model.pt`, else the regular file with the best score.

    Of equal scores the latest; None before any checkpoint with a score.

    Args:
        records: The list, by file name.
        superseded: Files that count only when there is no other with a score.
    """
    if BEST_NAME in records:
        return records[BEST_NAME]
    scored = [record for record in records.values() if record.score is not None]
    valid = [record for record in scored if record.file not in superseded] or scored
    return max(valid, key=lambda record: (record.score or 0.0, record.iteration), default=None)


def write_manifest(folder: Path, records: Iterable[CheckpointRecord]) -> None:
    """Replace the list.

    Raises:
        OSError: The disk is full, read-only or refuses.
    """
    files = [dataclasses.asdict(record) for record in records]
    text = json.dumps({"format": "azul-tui checkpoints 1", "files": files}, indent=1)
    write_bytes_atomically(folder / MANIFEST_NAME, text.encode() + b"\n")


def _record_from(entry: object) -> CheckpointRecord | None:
    """A record, or None when a field is missing or of another type."""
    if not isinstance(entry, dict):
        return None
    fields = cast("Mapping[str, object]", entry)
    file, iteration, size = fields.get("file"), fields.get("iteration"), fields.get("size")
    digests = fields.get("sha256")
    if not isinstance(file, str) or "/" in file or not isinstance(digests, list):
        return None
    if type(iteration) is not int or type(size) is not int:
        return None
    timestamp = _number(fields.get("timestamp"))
    return CheckpointRecord(
        file=file,
        iteration=iteration,
        score=_number(fields.get("score")),
        timestamp=0.0 if timestamp is None else timestamp,
        size=size,
        sha256=tuple(item for item in cast("list[object]", digests) if isinstance(item, str)),
        best_score=_number(fields.get("best_score")),
    )


def _number(value: object) -> float | None:
    """A finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
