"""The checkpoint files of one run on the disk, and the list of them: put there, kept, cleaned up.

A file is complete or absent, whatever happens, and nothing is deleted before what takes its
place has been read back and verifies.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from azul_tui.errors import CheckpointError
from azul_tui.runs.checkpoint_manifest import (
    CheckpointRecord,
    best_record,
    digest,
    read_manifest,
    write_manifest,
)
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.runs.text import plain_text
from azul_tui.training.checkpoint_file import decode_checkpoint, read_bytes
from azul_tui.training.checkpoints import BEST_NAME, checkpoint_name, numbered_checkpoints

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SUPERSEDED: Final = "superseded_"


class CheckpointShelf:
    """Files and manifest of one folder."""

    def __init__(self, folder: Path) -> None:
        """Make the folder if need be and read what is in it.

        Raises:
            OSError: The folder cannot be made.
        """
        self.folder: Path = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._records: dict[str, CheckpointRecord] = {
            name: record
            for name, record in read_manifest(folder).items()
            if (folder / name).is_file()
        }
        self._superseded: set[str] = set()

    @property
    def history(self) -> list[CheckpointRecord]:
        """The regular checkpoints that exist, oldest first."""
        regular = [record for record in self._records.values() if record.file != BEST_NAME]
        return sorted(regular, key=lambda record: record.iteration)

    @property
    def best_score(self) -> float | None:
        """Highest score that any of them knows of."""
        scores = [record.best_score for record in self._records.values()]
        return max((score for score in scores if score is not None), default=None)

    def best(self) -> CheckpointRecord | None:
        """`best_model.pt`, else the regular checkpoint with the best score, of equal the latest."""
        return best_record(self._records, self._superseded)

    def known(self, iteration: int) -> CheckpointRecord | None:
        """The regular checkpoint of an iteration."""
        return self._records.get(checkpoint_name(iteration))

    def put(self, record: CheckpointRecord, data: bytes) -> None:
        """Write one file so that its old or its new content verifies at any moment.

        Raises:
            OSError: The disk is full, read-only or refuses; what was there is still there.
            CheckpointError: What was written does not read back.
        """
        path = self.folder / record.file
        old = self._records.get(record.file)
        if old is not None:
            both = dataclasses.replace(record, sha256=(*old.sha256[-1:], *record.sha256))
            write_manifest(self.folder, {**self._records, record.file: both}.values())
        write_bytes_atomically(path, data)
        if digest(read_bytes(path)) != record.sha256[-1]:
            raise CheckpointError(
                f"{plain_text(str(path))}: does not read back as it was written; "
                "check the disk, older checkpoints were kept"
            )
        self._records[record.file] = record
        self._superseded.discard(record.file)

    def put_best(self, record: CheckpointRecord, data: bytes) -> None:
        """Write the content of a regular checkpoint as the best model, too; raises as `put`."""
        self.put(dataclasses.replace(record, file=BEST_NAME), data)

    def clean_up(self, newest: CheckpointRecord, keep_latest: int) -> None:
        """Delete what is neither new nor best, then bring the manifest up to date.

        Raises:
            OSError: The disk is full or refuses.
        """
        best = self.best()
        spare = self.history
        valid = [record for record in spare if record.file not in self._superseded]
        kept = {record.file for record in (newest, *valid[-keep_latest:])}
        if best is not None:
            kept.add(best.file)
        for record in spare:
            if record.file not in kept:
                (self.folder / record.file).unlink(missing_ok=True)
                del self._records[record.file]
        self._superseded &= set(self._records)
        for path in self.folder.glob(f"{_SUPERSEDED}*.pt"):
            path.unlink(missing_ok=True)
        write_manifest(self.folder, self._records.values())

    def retire_later(self, iteration: int) -> None:
        """Rename checkpoints after `iteration`, so that nobody goes on from them by mistake.

        They, and a best model among them, are deleted when the next one is saved.

        Raises:
            OSError: The disk refuses.
        """
        for number, path in numbered_checkpoints(self.folder):
            if number > iteration:
                path.replace(path.with_name(f"{_SUPERSEDED}{path.name}"))
                self._records.pop(path.name, None)
        best = self._records.get(BEST_NAME)
        if best is not None and best.iteration > iteration:
            self._superseded = {BEST_NAME}

    def adopt(self, iteration: int, best_score: float | None, save_best: bool) -> None:
        """Know a checkpoint that was renamed into place just before a process was killed.

        Args:
            iteration: Its number.
            best_score: Best score of the run when it was written.
            save_best: Write the best model, if it should be this one and is not.

        Raises:
            OSError: The disk is full or refuses.
        """
        path = self.folder / checkpoint_name(iteration)
        try:
            data = read_bytes(path)
            content = decode_checkpoint(data, plain_text(str(path)))
        except CheckpointError:  # the run goes on from a file that lies elsewhere
            return
        score: float | None = content["score"]
        record = CheckpointRecord(
            file=path.name,
            iteration=content["iteration"],
            score=score,
            timestamp=content["timestamp"],
            size=len(data),
            sha256=(digest(data),),
            best_score=best_score,
        )
        known = self._records.get(path.name)
        if known is None or known.sha256 != record.sha256:
            self._records[path.name] = record
            write_manifest(self.folder, self._records.values())
        if score is None or best_score is None or not is_best(content, best_score):
            return
        if save_best and not self._is_best(record):
            self.put_best(record, data)
            write_manifest(self.folder, self._records.values())

    def _is_best(self, record: CheckpointRecord) -> bool:
        """Whether the best model on the disk is this checkpoint; the list may be ahead of it."""
        try:
            return digest(read_bytes(self.folder / BEST_NAME)) == record.sha256[-1]
        except CheckpointError:
            return False


def is_best(content: Mapping[str, Any], best_score: float | None) -> bool:
    """Whether the weights of a checkpoint are the best: what it says itself, else by its score."""
    said = content["extra"].get("best")
    if isinstance(said, bool):
        return said
    return content["score"] is not None and (best_score is None or content["score"] >= best_score)
