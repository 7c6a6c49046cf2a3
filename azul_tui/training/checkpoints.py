"""ModelCheckpointManager: what a run saves, keeps, cleans up and loads again."""

from __future__ import annotations

import dataclasses
import math
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from azul_tui.errors import CheckpointError
from azul_tui.network.azul_network import AzulNetwork
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.runs.text import plain_text
from azul_tui.training.checkpoint_file import (
    FORMAT,
    check_optimizer_state,
    decode_checkpoint,
    description_of,
    encode_checkpoint,
    read_bytes,
)
from azul_tui.training.checkpoint_manifest import (
    CheckpointRecord,
    digest,
    read_manifest,
    write_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch

BEST_NAME: Final = "best_model.pt"
_SUPERSEDED: Final = "superseded_"
_PATTERN: Final = re.compile(r"checkpoint_iter_(\d{6,9})\.pt")


def checkpoint_name(iteration: int) -> str:
    """`checkpoint_iter_000005.pt`."""
    return f"checkpoint_iter_{iteration:06d}.pt"


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """The content of a checkpoint file, verified; keys as in `checkpoint_file`.

    The digest in the manifest beside it must match, if one lists the file.

    Raises:
        CheckpointError: One sentence that names the file and what is wrong with it.
    """
    path = Path(path)
    name = plain_text(str(path))
    data = read_bytes(path)
    record = read_manifest(path.parent).get(path.name)
    if record is not None and digest(data) not in record.sha256:
        raise CheckpointError(f"{name}: is damaged (its SHA-256 is not the one in the manifest)")
    return decode_checkpoint(data, name)


def load_network(path: str | Path) -> tuple[AzulNetwork, dict[str, Any]]:
    """The network of a checkpoint, rebuilt from its description, and its run's settings.

    It is on the CPU and ready to play. Averaged weights are preferred when the run played with
    them (`extra["acting_state"]`). Without settings (`extra["config"]`) the second is empty.

    Raises:
        CheckpointError: See `read_checkpoint`.
    """
    content = read_checkpoint(path)
    extra: dict[str, Any] = content["extra"]
    network = AzulNetwork(description_of(content))
    network.load_state_dict(extra.get("acting_state") or content["model_state"])
    settings = extra.get("config")
    known = cast("dict[str, Any]", settings) if isinstance(settings, dict) else {}
    return network.eval(), known


def newest_valid(save_dir: str | Path) -> tuple[Path, list[tuple[str, str]]]:
    """The newest checkpoint of a run that verifies, and `(name, why)` of those passed over.

    Regular checkpoints come first, the highest iteration before others; then the best model.

    Raises:
        CheckpointError: There is none that verifies.
    """
    folder = Path(save_dir)
    found = [(int(match[1]), file) for file in _files(folder) if (match := _matches(file))]
    candidates = [file for _, file in sorted(found, reverse=True)]
    skipped: list[tuple[str, str]] = []
    for path in [*candidates, folder / BEST_NAME]:
        try:
            read_checkpoint(path)
        except CheckpointError as error:
            if path in candidates or path.exists():
                skipped.append((path.name, str(error).removeprefix(f"{plain_text(str(path))}: ")))
        else:
            return path, skipped
    reasons = "; ".join(f"{name} {why}" for name, why in skipped[:3]) or "it has none"
    raise CheckpointError(f"{plain_text(str(folder))}: no checkpoint can be loaded ({reasons})")


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
            OSError: The folder cannot be made.
        """
        self.save_dir: Path = Path(save_dir)
        self.save_frequency: int = max(1, save_frequency)
        self.keep_latest: int = max(1, keep_latest)
        self.save_best: bool = save_best
        self._clock: Callable[[], float] = clock
        self.save_dir.mkdir(parents=True, exist_ok=True)
        self._records: dict[str, CheckpointRecord] = {
            name: record
            for name, record in read_manifest(self.save_dir).items()
            if (self.save_dir / name).is_file()
        }
        self._superseded: set[str] = set()
        scores = [record.best_score for record in self._records.values()]
        self.best_score: float | None = max(
            (score for score in scores if score is not None), default=None
        )
        """Highest score saved so far; None before the first evaluation."""

    @property
    def checkpoint_history(self) -> list[CheckpointRecord]:
        """The regular checkpoints that exist, oldest first."""
        regular = [record for record in self._records.values() if record.file != BEST_NAME]
        return sorted(regular, key=lambda record: record.iteration)

    def should_save_checkpoint(self, iteration: int) -> bool:
        """Whether `iteration` is one of every `save_frequency`; 0 is not."""
        return iteration > 0 and iteration % self.save_frequency == 0

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
            ValueError: The score is not finite or the iteration negative.
        """
        if iteration < 0 or (score is not None and not math.isfinite(score)):
            raise ValueError(f"cannot save iteration {iteration} with the score {score}")
        timestamp = self._clock()
        data = encode_checkpoint(
            {
                "format": FORMAT,
                "iteration": iteration,
                "network": model.description.as_dict(),
                "model_state": model.state_dict(),
                "optimizer_state": None if optimizer is None else optimizer.state_dict(),
                "stats": stats,
                "score": score,
                "timestamp": timestamp,
                "extra": extra or {},
            }
        )
        best = score is not None and (self.best_score is None or score >= self.best_score)
        record = CheckpointRecord(
            file=checkpoint_name(iteration),
            iteration=iteration,
            score=score,
            timestamp=timestamp,
            size=len(data),
            sha256=(digest(data),),
            best_score=score if best else self.best_score,
        )
        self._replace(record, data)
        if best:
            self.best_score = score
            if self.save_best:
                self._replace(dataclasses.replace(record, file=BEST_NAME), data)
        self._clean_up(record)
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
            CheckpointError: The file is refused or does not fit; nothing was changed.
        """
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
        record = self._best_record()
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
        for path in _files(self.save_dir):
            match = _matches(path)
            if match is not None and int(match[1]) > iteration:
                path.replace(path.with_name(f"{_SUPERSEDED}{path.name}"))
                self._records.pop(path.name, None)
        best = self._records.get(BEST_NAME)
        if best is not None and best.iteration > iteration:
            self._superseded = {BEST_NAME}
        resumed = self._records.get(checkpoint_name(iteration))
        self.best_score = best_score
        if best_score is None and resumed is not None:
            self.best_score = resumed.best_score
        self._adopt(self.save_dir / checkpoint_name(iteration))

    def _adopt(self, path: Path) -> None:
        """Know a checkpoint that was renamed into place just before a process was killed."""
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
            best_score=self.best_score,
        )
        known = self._records.get(path.name)
        if known is None or known.sha256 != record.sha256:
            self._records[path.name] = record
            write_manifest(self.save_dir, self._records.values())
        if score is None or self.best_score is None or score < self.best_score:
            return
        if self.save_best and not self._is_best(record):
            self._replace(dataclasses.replace(record, file=BEST_NAME), data)
            write_manifest(self.save_dir, self._records.values())

    def _is_best(self, record: CheckpointRecord) -> bool:
        """Whether the best model on the disk is this checkpoint; the list may be ahead of it."""
        try:
            return digest(read_bytes(self.save_dir / BEST_NAME)) == record.sha256[-1]
        except CheckpointError:
            return False

    def _replace(self, record: CheckpointRecord, data: bytes) -> None:
        """Write one file so that its old or its new content verifies at any moment."""
        path = self.save_dir / record.file
        old = self._records.get(record.file)
        if old is not None:
            both = dataclasses.replace(record, sha256=(*old.sha256[-1:], *record.sha256))
            write_manifest(self.save_dir, {**self._records, record.file: both}.values())
        write_bytes_atomically(path, data)
        if digest(read_bytes(path)) != record.sha256[-1]:
            raise CheckpointError(
                f"{plain_text(str(path))}: does not read back as it was written; "
                "check the disk, older checkpoints were kept"
            )
        self._records[record.file] = record
        self._superseded.discard(record.file)

    def _clean_up(self, newest: CheckpointRecord) -> None:
        """Delete what is neither new nor best, then bring the manifest up to date."""
        best = self._best_record()
        spare = self.checkpoint_history
        valid = [record for record in spare if record.file not in self._superseded]
        kept = {record.file for record in (newest, *valid[-self.keep_latest :])}
        if best is not None:
            kept.add(best.file)
        for record in spare:
            if record.file not in kept:
                (self.save_dir / record.file).unlink(missing_ok=True)
                del self._records[record.file]
        self._superseded &= set(self._records)
        for path in self.save_dir.glob(f"{_SUPERSEDED}*.pt"):
            path.unlink(missing_ok=True)
        write_manifest(self.save_dir, self._records.values())

    def _best_record(self) -> CheckpointRecord | None:
        """See `get_best_checkpoint`; of equal scores the latest."""
        if BEST_NAME in self._records:
            return self._records[BEST_NAME]
        scored = [record for record in self.checkpoint_history if record.score is not None]
        valid = [record for record in scored if record.file not in self._superseded] or scored
        return max(valid, key=lambda record: (record.score or 0.0, record.iteration), default=None)


def _files(folder: Path) -> list[Path]:
    """Files of a folder; none when it cannot be listed."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _matches(file: Path) -> re.Match[str] | None:
    return _PATTERN.fullmatch(file.name)
