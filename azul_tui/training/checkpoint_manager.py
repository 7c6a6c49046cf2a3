"""The checkpoints of a run: which are kept, which is best."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any, Final, cast

from azul_tui.config.setting import check_float, check_instance, check_int, check_path
from azul_tui.errors import CheckpointError
from azul_tui.network.model import AzulNetwork
from azul_tui.runs.checkpoint_manifest import (
    BEST_NAME,
    CheckpointRecord,
    best_record,
    digest,
    read_manifest,
    write_manifest,
)
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.runs.text import plain_text
from azul_tui.training.checkpoint import (
    FORMAT,
    check_optimizer_state,
    checkpoint_name,
    decode_checkpoint,
    description_of,
    encode_plain,
    numbered_checkpoints,
    plain,
    read_bytes,
    read_checkpoint,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import torch


# -- the checkpoint files of one run on the disk, and the list of them: put there, kept, cleaned up
#
# A file is complete or absent, whatever happens, and nothing is deleted before what takes its
# place has been read back and verifies.

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


# -- modelCheckpointManager: what a run saves, which of it it keeps, and how it is loaded again

Snapshot = dict[str, Any]
"""The content of a checkpoint, apart from everything that training goes on changing."""


class ModelCheckpointManager:
    """Saves checkpoints of one run, keeps the newest and the best, and loads them."""

    def __init__(
        self,
        save_dir: str | Path,
        save_frequency: int = 10,
        keep_latest: int = 5,
        save_best: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make the folder if need be and read what is in it.

        Args:
            save_dir: Folder of the run.
            save_frequency: Iterations between regular checkpoints.
            keep_latest: Regular checkpoints that clean-up leaves, the newest ones.
            save_best: Keep the weights with the best score as `best_model.pt`.
            clock: Unix seconds.

        Raises:
            ConfigError: An argument is of the wrong type or out of range.
            OSError: The folder cannot be made.
        """
        self.save_dir: Path = check_path("save_dir", save_dir)
        self.save_frequency: int = check_int("save_frequency", save_frequency, 1)
        self.keep_latest: int = check_int("keep_latest", keep_latest, 1)
        self.save_best: bool = save_best
        self._clock: Callable[[], float] = clock
        self._shelf = CheckpointShelf(self.save_dir)
        self.best_score: float | None = self._shelf.best_score
        """Score of the best weights so far; None before the first evaluation."""

    @property
    def checkpoint_history(self) -> list[CheckpointRecord]:
        """The regular checkpoints that exist, oldest first."""
        return self._shelf.history

    def should_save_checkpoint(self, iteration: int) -> bool:
        """Whether `iteration` is one of every `save_frequency`; 0 is not.

        Raises:
            ConfigError: It is no whole number of at least 0.
        """
        number = check_int("iteration", iteration, 0)
        return number > 0 and number % self.save_frequency == 0

    def save_checkpoint(
        self,
        model: AzulNetwork,
        optimizer: torch.optim.Optimizer | None,
        iteration: int,
        stats: Mapping[str, Any],
        score: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write a checkpoint, and the best model if `score` is no lower than any before.

        Files are complete or absent, whatever happens. Old ones are deleted once the new one,
        read back, verifies.

        Args:
            model: Its weights and description.
            optimizer: Its state, or None.
            iteration: Number in the file's name; an older file of that number is replaced.
            stats: Plain values about the iteration.
            score: Evaluation score, higher is better.
            extra: More plain values and tensors, kept under `extra`.

        Returns:
            The regular checkpoint's path.

        Raises:
            OSError: The disk is full, read-only or refuses; what was there is still there.
            CheckpointError: What was written does not read back.
            TypeError: `stats` or `extra` holds something that is neither plain nor a tensor.
            ConfigError: The score is no finite number, or the iteration no whole number from 0.
        """
        return self.write(self.snapshot(model, optimizer, iteration, stats, score, extra))

    def snapshot(
        self,
        model: AzulNetwork,
        optimizer: torch.optim.Optimizer | None,
        iteration: int,
        stats: Mapping[str, Any],
        score: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Snapshot:
        """Copies of everything that `save_checkpoint` would write, for `write`.

        Training may go on meanwhile. Raises TypeError and ConfigError as `save_checkpoint` does.
        """
        check_instance("model", model, AzulNetwork)
        iteration = check_int("iteration", iteration, 0)
        score = None if score is None else check_float("score", score)
        copied = plain(
            {
                "format": FORMAT,
                "iteration": iteration,
                "network": model.description.as_dict(),
                "model_state": model.state_dict(),
                "optimizer_state": None if optimizer is None else optimizer.state_dict(),
                "stats": stats,
                "score": score,
                "timestamp": self._clock(),
                "extra": extra or {},
            }
        )
        return cast("Snapshot", copied)

    def write(self, snapshot: Snapshot) -> Path:
        """Write what `snapshot` copied; see `save_checkpoint`.

        May run on a thread of its own, one call at a time, while nothing else here is called.

        Raises:
            OSError: The disk is full, read-only or refuses; what was there is still there.
            CheckpointError: What was written does not read back.
        """
        data = encode_plain(snapshot)
        score: float | None = snapshot["score"]
        best = score is not None and is_best(snapshot, self.best_score)
        record = CheckpointRecord(
            file=checkpoint_name(snapshot["iteration"]),
            iteration=snapshot["iteration"],
            score=score,
            timestamp=snapshot["timestamp"],
            size=len(data),
            sha256=(digest(data),),
            best_score=score if best else self.best_score,
        )
        self._shelf.put(record, data)
        if best:
            self.best_score = score
            if self.save_best:
                self._shelf.put_best(record, data)
        self._shelf.clean_up(record, self.keep_latest)
        return self.save_dir / record.file

    def load_checkpoint(
        self,
        path: str | Path,
        model: AzulNetwork | None = None,
        optimizer: torch.optim.Optimizer | None = None,
        device: str | torch.device = "cpu",
    ) -> dict[str, Any]:
        """Verify a checkpoint and bring it into `model` and `optimizer`, if given.

        Args:
            path: The file.
            model: Gets the weights; it must have the checkpoint's sizes.
            optimizer: Gets its state; it must be over that model's parameters.
            device: Where the weights in the returned content are placed.

        Returns:
            The content; keys as in `checkpoint_file`.

        Raises:
            ConfigError: `path` is no path, as where `get_best_checkpoint` found none.
            CheckpointError: The file is refused or does not fit; nothing was changed.
        """
        path = check_path("path", path)
        content = read_checkpoint(path)
        name = plain_text(str(path))
        found = description_of(content)
        if model is not None and model.description.shapes != found.shapes:
            raise CheckpointError(
                f"{name}: holds the network {found.summary}, not {model.description.summary}"
            )
        if optimizer is not None:
            parameters = [item for group in optimizer.param_groups for item in group["params"]]
            check_optimizer_state(content["optimizer_state"], parameters, name)
        if model is not None:
            model.load_state_dict(content["model_state"])
        if optimizer is not None:
            optimizer.load_state_dict(content["optimizer_state"])
        weights = content["model_state"].items()
        content["model_state"] = {key: tensor.to(device) for key, tensor in weights}
        return content

    def get_best_checkpoint(self) -> Path | None:
        """The best evaluated weights: `best_model.pt`, else the regular checkpoint that has them.

        None before any checkpoint with a score.
        """
        record = self._shelf.best()
        return None if record is None else self.save_dir / record.file

    def continue_from(self, iteration: int, best_score: float | None = None) -> None:
        """Go on after `iteration`, as if later checkpoints had never been.

        Later ones are renamed at once, so that nobody goes on from them by mistake, and deleted
        when the next one is saved. A best model that was not yet written is written now.

        Args:
            iteration: Number of the checkpoint that a run goes on from.
            best_score: Best score of the run when that checkpoint was written, itself included.

        Raises:
            OSError: The disk is full or refuses.
        """
        self._shelf.retire_later(iteration)
        resumed = self._shelf.known(iteration)
        self.best_score = best_score
        if best_score is None and resumed is not None:
            self.best_score = resumed.best_score
        self._shelf.adopt(iteration, self.best_score, self.save_best)
