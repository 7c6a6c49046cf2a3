"""The list of a run's checkpoints: `checkpoints.json`, replaced as a whole.

It holds the SHA-256 of every file. While a file is being replaced it holds two, that of the old
and that of the new content: whenever the power fails, what lies there verifies.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from azul_tui.runs.files import open_own, read_bounded, write_bytes_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MANIFEST_NAME: Final = "checkpoints.json"
BEST_NAME: Final = "best_model.pt"
_LARGEST_MANIFEST: Final = 1 << 24


class CheckpointRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One checkpoint file as it was written."""

    file: Annotated[str, msgspec.Meta(pattern="^[^/]+$")]
    """Name in the run directory."""
    iteration: int
    score: float | None = None
    """Evaluation score of these weights, if they were evaluated."""
    timestamp: float = 0.0
    """Unix seconds."""
    size: int
    """Bytes."""
    sha256: tuple[str, ...]
    """Digests that verify it, in hexadecimal; the last is the newest content's."""
    best_score: float | None = None
    """Best score of the run when this was written, this one's included."""
    replay_from: str = ""
    """The first file in `replay/` that it needs; empty where that is not known."""


class _Manifest(msgspec.Struct):
    format: str = "azul-tui checkpoints 1"
    files: list[msgspec.Raw] = []


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
    """Records by file name; a damaged one is left out, an absent or damaged list reads as empty."""
    records: dict[str, CheckpointRecord] = {}
    try:
        data = read_bounded(folder / MANIFEST_NAME, _LARGEST_MANIFEST)
        entries = msgspec.json.decode(data or b"{}", type=_Manifest).files
    except (msgspec.DecodeError, RecursionError):
        return {}
    for entry in entries:
        try:
            record = msgspec.json.decode(entry, type=CheckpointRecord)
        except msgspec.DecodeError:
            continue
        records[record.file] = record
    return records


def best_record(records: Mapping[str, CheckpointRecord]) -> CheckpointRecord | None:
    """The best weights of a run: `best_model.pt`, else the regular file with the best score.

    Of equal scores the latest; None before any checkpoint with a score.
    """
    if BEST_NAME in records:
        return records[BEST_NAME]
    scored = [record for record in records.values() if record.score is not None]
    return max(scored, key=lambda record: (record.score or 0.0, record.iteration), default=None)


def write_manifest(folder: Path, records: Iterable[CheckpointRecord]) -> None:
    """Replace the list.

    Raises:
        OSError: The disk is full, read-only or refuses.
    """
    listed = _Manifest(files=[msgspec.Raw(msgspec.json.encode(record)) for record in records])
    text = msgspec.json.format(msgspec.json.encode(listed), indent=1)
    write_bytes_atomically(folder / MANIFEST_NAME, text + b"\n")
