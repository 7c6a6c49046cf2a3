"""Checkpoints: written whole, kept or cleaned up, verified, and read with `weights_only`.

A file may come from a stranger or from a failing disk, and nothing of it is believed: it must be a
regular file of bounded size, a zip archive without compression whose checksums hold, tensors and
plain values for `weights_only`, and a description whose network has exactly the weights that the
file holds. What does not pass is refused with one sentence; what passed is trusted from there on.

| key | content |
|---|---|
| `format` | `FORMAT` |
| `iteration` | finished iterations, or the one under way |
| `network` | `NetworkDescription.as_dict()` |
| `model_state`, `optimizer_state` | state dicts; the second may be None |
| `stats`, `extra` | tables of plain values and tensors |
| `score`, `timestamp` | evaluation score or None; unix seconds |

Play needs the network, its weights (in a run that averages `extra["acting_state"]`) and
`extra["playing"]`; everything else in `extra` is training's, `config` above all, and no word of it
keeps a network from playing. What this version does not know is left out and named.
"""

from __future__ import annotations

import dataclasses
import io
import re
import stat
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, cast

import msgspec
import numpy as np
import torch
from torch import Tensor

from azul_tui.config import WEIGHTS
from azul_tui.config.setting import check_float, check_instance, check_int, check_path
from azul_tui.errors import AzulError, CheckpointError, NewerCheckpointError
from azul_tui.game.observation import observation_scales
from azul_tui.network.model import AzulNetwork, NetworkDescription, build_network, tensor_of
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORMAT: Final = "azul-tui checkpoint 1"
_ANY_FORMAT: Final = re.compile(r"azul-tui checkpoint [1-9][0-9]{0,8}")
_FILE: Final = re.compile(r"checkpoint_iter_(\d{6,9})\.pt")
LARGEST_FILE: Final = 1 << 30
"""Bytes; the largest preset takes 30 MB with its optimizer."""
_LARGEST_PICKLE: Final = 1 << 24
_MOST_MEMBERS: Final = 4096
_DEEPEST: Final = 24

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Finite = Annotated[float, msgspec.Meta(ge=-1e300, le=1e300)]


class _Content(msgspec.Struct):
    """The types of what a checkpoint holds; what is in the tables is checked apart."""

    format: str
    iteration: _Count
    network: dict[Any, Any]
    model_state: dict[Any, Any]
    optimizer_state: Any
    stats: dict[Any, Any]
    score: _Finite | None
    timestamp: _Finite
    extra: dict[Any, Any]


# -- writing


def plain(value: object) -> Any:
    """`value` with tensors on the CPU, numpy numbers as Python's, paths as text.

    A tensor that occurs twice (an optimizer's state, say) is copied, and later saved, once.

    Raises:
        TypeError: Something else is in it, which `weights_only` loading would refuse.
    """
    copies: dict[int, Tensor] = {}

    def convert(item: object, depth: int) -> object:
        if item is None or isinstance(item, bool):
            return item
        for kind in (int, float, str):
            if isinstance(item, kind):
                return kind(item)  # one of torch's or numpy's own kinds would be refused
        if isinstance(item, Tensor):
            if id(item) not in copies:
                # A view would bring all of its storage along.
                copies[id(item)] = item.detach().cpu().clone()
            return copies[id(item)]
        if isinstance(item, np.generic):
            return cast("object", item.item())
        if isinstance(item, Path):
            return str(item)
        if depth < _DEEPEST and isinstance(item, Mapping):
            table = cast("Mapping[object, object]", item)
            if all(isinstance(key, str | int) for key in table):
                return {key: convert(below, depth + 1) for key, below in table.items()}
            raise TypeError("a checkpoint's tables have names or numbers as keys")
        if depth < _DEEPEST and isinstance(item, list | tuple):
            converted = [convert(below, depth + 1) for below in cast("list[object]", item)]
            return converted if isinstance(item, list) else tuple(converted)
        raise TypeError(f"a checkpoint cannot hold {type(item).__name__}")

    return convert(value, 0)


def encode(copied: object) -> bytes:
    """The bytes of what `plain` returned."""
    stream = io.BytesIO()
    torch.save(copied, stream)
    return stream.getvalue()


# -- reading


def open_checkpoint(path: Path) -> tuple[dict[str, Any], CheckpointRecord]:
    """The verified content of a checkpoint file, keys as above, and the record of the file.

    The digest in the manifest beside it must match, if one lists the file.

    Raises:
        CheckpointError: One sentence that names the file and what is wrong with it.
    """
    name = plain_text(str(path))
    data = _read_bytes(path, name)
    listed = read_manifest(path.parent).get(path.name)
    if listed is not None and digest(data) not in listed.sha256:
        raise CheckpointError(f"{name}: is damaged (its SHA-256 is not the one in the manifest)")
    content = _decode(data, name)
    return content, _record(path.name, content, data, listed.best_score if listed else None)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """The verified content of a checkpoint file; raises as `open_checkpoint`."""
    return open_checkpoint(Path(path))[0]


class NewestValid(NamedTuple):
    """The newest checkpoint of a run that verifies."""

    path: Path
    content: dict[str, Any]
    record: CheckpointRecord
    skipped: list[tuple[str, str]]
    """`(name, why)` of those passed over."""


def newest_valid(save_dir: str | Path) -> NewestValid:
    """Regular checkpoints come first, the highest iteration before others; then the best model.

    Raises:
        CheckpointError: There is none that verifies.
        NewerCheckpointError: The newest is of a newer version, and a run that went on from an
            older one would give it up; whoever wants that names the older file.
    """
    folder = Path(save_dir)
    skipped: list[tuple[str, str]] = []
    for _, path in [*sorted(_numbered(folder), reverse=True), (0, folder / BEST_NAME)]:
        if path.is_symlink():
            skipped.append((path.name, "is a link, and those of a run's folder are not followed"))
            continue
        try:
            return NewestValid(path, *open_checkpoint(path), skipped)
        except NewerCheckpointError:
            raise
        except CheckpointError as error:
            if path.name != BEST_NAME or path.exists():
                skipped.append((path.name, str(error).removeprefix(f"{plain_text(str(path))}: ")))
    reasons = "; ".join(f"{name} {why}" for name, why in skipped[:3]) or "it has none"
    raise CheckpointError(f"{plain_text(str(folder))}: no checkpoint can be loaded ({reasons})")


def load_network(path: str | Path) -> tuple[AzulNetwork, dict[str, Any]]:
    """The network of a checkpoint, rebuilt from its description, and its run's settings.

    It is on the CPU and ready to play. Averaged weights are preferred when the run played with
    them (`extra["acting_state"]`). The settings are as they were stored, in whichever version:
    those that play needs (`extra["playing"]`) before training's (`extra["config"]`). What decides
    the network is left out of them, for it is there already, and entries that this version does
    not know are among them.

    Raises:
        CheckpointError: See `open_checkpoint`.
    """
    content = read_checkpoint(path)
    extra: dict[str, Any] = content["extra"]
    network = build_network(NetworkDescription.from_dict(content["network"]))
    network.load_state_dict(extra.get("acting_state") or content["model_state"])
    settings = stored_settings(content, "config", "playing")
    return network.eval(), {key: item for key, item in settings.items() if key not in WEIGHTS}


def stored_settings(content: Mapping[str, Any], *tables: str) -> dict[str, Any]:
    """Settings in these tables of a checkpoint's `extra`, a later table before an earlier one.

    What else the checkpoint holds that this version knows nothing of is among them by its name,
    so that it is told of with the settings that are unknown.
    """
    described = {field.name for field in dataclasses.fields(NetworkDescription)}
    settings: dict[str, Any] = {
        **{str(key): None for key in content if key not in _Content.__struct_fields__},
        **{str(key): None for key in content["network"] if key not in described},
    }
    for name in tables:
        table = content["extra"].get(name)
        if isinstance(table, dict):
            settings |= cast("dict[str, Any]", table)
    return settings


def check_optimizer_state(state: Any, parameters: list[Tensor], name: str) -> None:
    """Refuse an optimizer state that does not belong to `parameters`.

    Raises:
        CheckpointError: A table is missing or a tensor has another shape.
    """
    shapes = [tuple(parameter.shape) for parameter in parameters]
    try:
        fitting = [group["params"] for group in state["param_groups"]] == [
            list(range(len(shapes)))
        ] and set(state["state"]) in (set(), set(range(len(shapes))))
        for number, entry in state["state"].items() if fitting else ():
            tensors = [item for item in entry.values() if isinstance(item, Tensor)]
            fitting &= all(tuple(item.shape) in ((), shapes[number]) for item in tensors)
    except (TypeError, KeyError, AttributeError):
        fitting = False
    if not fitting:
        raise CheckpointError(f"{name}: its optimizer state is not that of this network")


def _numbered(folder: Path) -> list[tuple[int, Path]]:
    """Regular checkpoints of a folder with their iterations; none when it cannot be listed."""
    try:
        files = list(folder.iterdir())
    except OSError:
        return []
    return [(int(match[1]), file) for file in files if (match := _FILE.fullmatch(file.name))]


def _record(
    file: str, content: Mapping[str, Any], data: bytes, best_score: float | None
) -> CheckpointRecord:
    """The manifest's record of a file that holds `content` as `data`."""
    replay_from = content["extra"].get("replay_from")
    return CheckpointRecord(
        file=file,
        iteration=content["iteration"],
        score=content["score"],
        timestamp=content["timestamp"],
        size=len(data),
        sha256=(digest(data),),
        best_score=best_score,
        replay_from=replay_from if isinstance(replay_from, str) else "",
    )


def _read_bytes(path: Path, name: str) -> bytes:
    """The bytes of a file that could be a checkpoint."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise CheckpointError(f"{name}: is not a file; name a checkpoint like best_model.pt")
        if status.st_size > LARGEST_FILE:
            size = f"{status.st_size:,} bytes"
            raise CheckpointError(f"{name}: is no checkpoint of this program ({size})")
        return path.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(f"{name}: there is no such file; --list shows the runs") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(f"{name}: cannot be read ({reason})") from None


def _decode(data: bytes, name: str) -> dict[str, Any]:
    """The content of a checkpoint's bytes, all of it checked."""
    _check_archive(data, name)
    try:
        content: Any = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - torch raises many kinds at damaged input
        reason = type(error).__name__
        raise CheckpointError(f"{name}: is damaged or holds more than weights ({reason})") from None
    found = cast("dict[str, Any]", content).get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        if isinstance(found, str) and _ANY_FORMAT.fullmatch(found):
            raise NewerCheckpointError(
                f"{name}: a newer version of azul-tui wrote it ({found!r}, and this one reads "
                f"{FORMAT!r}); update azul-tui, or name another checkpoint"
            )
        raise CheckpointError(f"{name}: is no checkpoint of this program ({FORMAT!r})")
    try:
        checked = msgspec.convert(content, _Content)
    except msgspec.ValidationError as error:
        raise CheckpointError(f"{name}: is damaged ({plain_text(str(error), 200)})") from None
    claimed = 0
    for tensor in _tensors_in(cast("object", content), name):
        claimed += tensor.numel() * tensor.element_size()
        if tensor.layout != torch.strided or not tensor.is_contiguous() or claimed > len(data):
            raise CheckpointError(f"{name}: holds tensors larger than the file; not loaded")
    try:
        description = NetworkDescription.from_dict(checked.network)
    except AzulError as error:
        raise CheckpointError(f"{name}: describes no network ({error})") from None
    _check_weights(checked.model_state, description, name)
    if checked.extra.get("acting_state") is not None:
        _check_weights(checked.extra["acting_state"], description, name)
    scales = cast("Tensor", checked.model_state["observation_scales"])
    if not torch.equal(scales, tensor_of(observation_scales(description.players))):
        raise CheckpointError(
            f"{name}: its network reads another form of observation; train one with this version"
        )
    return cast("dict[str, Any]", content)


def _check_weights(state: object, description: NetworkDescription, name: str) -> None:
    """Refuse weights that are not exactly those of the described network."""
    with torch.device("meta"):
        expected = build_network(description).state_dict()
    weights = cast("Mapping[str, object]", state if isinstance(state, Mapping) else {})
    for key, tensor in expected.items():
        found = weights.get(key)
        if not isinstance(found, Tensor):
            raise CheckpointError(f"{name}: the weights {key!r} are missing")
        if found.shape != tensor.shape or found.dtype != torch.float32:
            shapes = f"{tuple(found.shape)} instead of {tuple(tensor.shape)}"
            raise CheckpointError(f"{name}: the weights {key!r} are {shapes}")
    for key in weights:
        if key not in expected:
            raise CheckpointError(f"{name}: has unknown weights {plain_text(str(key))[:80]!r}")


def _tensors_in(value: object, name: str) -> Iterator[Tensor]:
    """Every tensor, each object visited once: references may repeat or even form a circle."""
    seen: set[int] = set()
    waiting: list[object] = [value]
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Tensor):
            yield item
        elif isinstance(item, dict):
            waiting += cast("dict[object, object]", item).values()
        elif isinstance(item, list | tuple):
            waiting += cast("list[object]", item)
        elif item is not None and not isinstance(item, bool | int | float | str):
            kind = plain_text(type(item).__name__)
            raise CheckpointError(f"{name}: holds {kind}, which no checkpoint does")


def _check_archive(data: bytes, name: str) -> None:
    """Refuse what is no plain zip archive, as torch writes one, or a damaged one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            pickles = [member for member in members if member.filename.endswith("/data.pkl")]
            if len(pickles) != 1 or len(members) > _MOST_MEMBERS:
                raise CheckpointError(f"{name}: is no checkpoint of this program")
            compressed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
            total = sum(member.file_size for member in members)
            if compressed or total > len(data) or pickles[0].file_size > _LARGEST_PICKLE:
                raise CheckpointError(f"{name}: would unpack to more than it says; not loaded")
            if (broken := archive.testzip()) is not None:
                raise CheckpointError(f"{name}: is damaged (checksum of {plain_text(broken)})")
    except CheckpointError:
        raise
    except Exception as error:  # zipfile raises a dozen kinds at damaged input
        raise CheckpointError(f"{name}: is no checkpoint, or it is damaged") from error


# -- what a run keeps: the newest checkpoints and the best
#
# A file is complete or absent, whatever happens, and nothing is deleted before what takes its
# place has been read back and verifies.

_SUPERSEDED: Final = "superseded_"

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

        Every `save_frequency` iterations a regular checkpoint is due, of which clean-up leaves the
        `keep_latest` newest; `save_best` keeps the weights with the best score as `best_model.pt`.

        Raises:
            ConfigError: An argument is of the wrong type or out of range.
            OSError: The folder cannot be made.
        """
        self.save_dir: Path = check_path("save_dir", save_dir)
        self.save_frequency: int = check_int("save_frequency", save_frequency, 1)
        self.keep_latest: int = check_int("keep_latest", keep_latest, 1)
        self.save_best: bool = save_best
        self._clock: Callable[[], float] = clock
        self.save_dir.mkdir(parents=True, exist_ok=True)
        listed = read_manifest(self.save_dir)
        self._records: dict[str, CheckpointRecord] = {
            name: record for name, record in listed.items() if (self.save_dir / name).is_file()
        }
        scores = [record.best_score for record in self._records.values()]
        self.best_score: float | None = max((s for s in scores if s is not None), default=None)
        """Score of the best weights so far; None before the first evaluation."""

    @property
    def checkpoint_history(self) -> list[CheckpointRecord]:
        """The regular checkpoints that exist, oldest first."""
        regular = [record for record in self._records.values() if record.file != BEST_NAME]
        return sorted(regular, key=lambda record: record.iteration)

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

        Files are complete or absent, whatever happens; an older one of that iteration is replaced.
        Those too many are deleted once the new one, read back, verifies.

        Args:
            model: Its weights and description.
            optimizer: Its state, or None.
            iteration: Number in the file's name, whose path is returned.
            stats: Plain values about the iteration.
            score: Evaluation score, higher is better.
            extra: More plain values and tensors.

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
        return plain(
            {
                "format": FORMAT,
                "iteration": check_int("iteration", iteration, 0),
                "network": model.description.as_dict(),
                "model_state": model.state_dict(),
                "optimizer_state": None if optimizer is None else optimizer.state_dict(),
                "stats": stats,
                "score": None if score is None else check_float("score", score),
                "timestamp": self._clock(),
                "extra": extra or {},
            }
        )

    def write(self, snapshot: Snapshot) -> Path:
        """Write what `snapshot` copied; raises OSError and CheckpointError as `save_checkpoint`.

        It may run on a thread of its own while nothing else here is called. The weights are the
        best if `extra["best"]` says so; where it says nothing, by their score.
        """
        data = encode(snapshot)
        score: float | None = snapshot["score"]
        best = score is not None and snapshot["extra"].get(
            "best", self.best_score is None or score >= self.best_score
        )
        file = f"checkpoint_iter_{snapshot['iteration']:06d}.pt"
        record = _record(file, snapshot, data, score if best else self.best_score)
        self._put(record, data)
        if best:
            self.best_score = score
            if self.save_best:
                self._put(msgspec.structs.replace(record, file=BEST_NAME), data)
        self._clean_up(record.file)
        return self.save_dir / record.file

    def load_checkpoint(
        self,
        path: str | Path,
        model: AzulNetwork | None = None,
        optimizer: torch.optim.Optimizer | None = None,
        device: str | torch.device = "cpu",
    ) -> dict[str, Any]:
        """Verify a checkpoint and bring it into `model` and `optimizer`, if given.

        Returns the content, keys as at the top of the file, with its weights on `device`.

        Raises:
            ConfigError: `path` is no path, as where `get_best_checkpoint` found none.
            CheckpointError: The file is refused or does not fit; nothing was changed.
        """
        path = check_path("path", path)
        content = read_checkpoint(path)
        name = plain_text(str(path))
        found = NetworkDescription.from_dict(content["network"])
        if model is not None and model.description.shapes != found.shapes:
            raise CheckpointError(
                f"{name}: holds the network {found.summary}, not {model.description.summary}"
            )
        if optimizer is not None:
            parameters = [item for group in optimizer.param_groups for item in group["params"]]
            check_optimizer_state(content["optimizer_state"], parameters, name)
            optimizer.load_state_dict(content["optimizer_state"])
        if model is not None:
            model.load_state_dict(content["model_state"])
        weights = content["model_state"].items()
        content["model_state"] = {key: tensor.to(device) for key, tensor in weights}
        return content

    def get_best_checkpoint(self) -> Path | None:
        """The best evaluated weights: `best_model.pt`, else the regular checkpoint that has them.

        None before any checkpoint with a score.
        """
        record = best_record(self._records)
        return None if record is None else self.save_dir / record.file

    def continue_from(
        self, resumed: CheckpointRecord, best_score: float | None = None, *, best: bool = False
    ) -> None:
        """Go on after a checkpoint of this run, as if later ones had never been.

        Later ones are renamed at once, so that nobody goes on from them by mistake, and deleted
        when the next one is saved. A process may have been killed before it listed the file, or
        wrote the best model made of it: both is made good.

        Args:
            resumed: As `open_checkpoint` found it.
            best_score: Best score of the run when it was written, its own included.
            best: Whether its weights were the best.

        Raises:
            OSError: The disk is full or refuses.
        """
        for number, path in _numbered(self.save_dir):
            if number > resumed.iteration:
                path.replace(path.with_name(f"{_SUPERSEDED}{path.name}"))
                self._records.pop(path.name, None)
        self.best_score = resumed.best_score if best_score is None else best_score
        if resumed.file == BEST_NAME:
            return
        self._records[resumed.file] = msgspec.structs.replace(resumed, best_score=self.best_score)
        if best and self.save_best:
            data = (self.save_dir / resumed.file).read_bytes()
            self._put(msgspec.structs.replace(resumed, file=BEST_NAME, best_score=best_score), data)
        write_manifest(self.save_dir, self._records.values())

    def _put(self, record: CheckpointRecord, data: bytes) -> None:
        """Write one file so that its old or its new content verifies at any moment."""
        path = self.save_dir / record.file
        old = self._records.get(record.file)
        if old is not None:
            both = msgspec.structs.replace(record, sha256=(*old.sha256[-1:], *record.sha256))
            write_manifest(self.save_dir, {**self._records, record.file: both}.values())
        write_bytes_atomically(path, data)
        name = plain_text(str(path))
        if digest(_read_bytes(path, name)) != record.sha256[-1]:
            raise CheckpointError(
                f"{name}: does not read back as it was written; "
                "check the disk, older checkpoints were kept"
            )
        self._records[record.file] = record

    def _clean_up(self, newest: str) -> None:
        """Delete what is neither new nor best, then bring the manifest up to date."""
        history, best = self.checkpoint_history, best_record(self._records)
        kept = {newest, *(record.file for record in history[-self.keep_latest :])}
        if best is not None:
            kept.add(best.file)
        for record in history:
            if record.file not in kept:
                (self.save_dir / record.file).unlink(missing_ok=True)
                del self._records[record.file]
        for path in self.save_dir.glob(f"{_SUPERSEDED}*.pt"):
            path.unlink(missing_ok=True)
        write_manifest(self.save_dir, self._records.values())
