"""A checkpoint as a file: written whole, verified, read with `weights_only`."""

from __future__ import annotations

import dataclasses
import io
import math
import pickletools
import re
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import torch
from torch import Tensor

from azul_tui.config import WEIGHTS
from azul_tui.errors import AzulError, CheckpointError, NewerCheckpointError
from azul_tui.game.observation import observation_scales
from azul_tui.network.model import NetworkDescription, build_network, tensor_of
from azul_tui.runs.checkpoint_manifest import BEST_NAME, digest, read_manifest
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azul_tui.network.model import AzulNetwork


# -- the content of a checkpoint file, written from and read back into plain types and tensors
#
# A file may come from a stranger or from a failing disk. Nothing of it is believed: it must be a
# regular file of bounded size, a zip archive without compression whose checksums hold, a pickle
# that names nothing but tensors, and a description whose network has exactly the weights that the
# file holds. All of that is checked before a tensor is allocated, and torch loads the rest with
# `weights_only=True`. What does not pass is refused with one sentence.
#
# | key | content |
# |---|---|
# | `format` | `FORMAT` |
# | `iteration` | finished iterations |
# | `network` | `NetworkDescription.as_dict()` |
# | `model_state`, `optimizer_state` | state dicts; the second may be None |
# | `stats`, `extra` | tables of plain values and tensors |
# | `score`, `timestamp` | evaluation score or None; unix seconds |
#
# Play needs the network, its weights (in a run that averages `extra["acting_state"]`) and
# `extra["playing"]`; everything else in `extra` is training's, `config` above all, and no word of
# it
# keeps a network from playing. What this version does not know is left out, and `unknown_entries`
# names it.

FORMAT: Final = "azul-tui checkpoint 1"
_ANY_FORMAT: Final = re.compile(r"azul-tui checkpoint [1-9][0-9]{0,8}")
_TABLES: Final = ("network", "model_state", "stats", "extra")
_KEYS: Final = ("format", "iteration", *_TABLES, "optimizer_state", "score", "timestamp")
LARGEST_FILE: Final = 1 << 30
"""Bytes; the largest preset takes 30 MB with its optimizer."""
_DEEPEST: Final = 24


def encode_plain(copied: object) -> bytes:
    """The bytes of what `plain` returned; nothing is copied again and no tensor computed with."""
    stream = io.BytesIO()
    torch.save(copied, stream)
    return stream.getvalue()


def plain(value: object) -> object:
    """`value` with tensors on the CPU, numpy numbers as Python's, paths as text.

    A tensor that occurs twice (an optimizer's state, say) is copied, and later saved, once.

    Raises:
        TypeError: Something else is in it, which `weights_only` loading would refuse.
    """
    copies: dict[int, Tensor] = {}

    def convert(item: object, depth: int) -> object:
        """One level deeper."""
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
            return {_plain_key(key): convert(below, depth + 1) for key, below in table.items()}
        if depth < _DEEPEST and isinstance(item, list | tuple):
            sequence = cast("list[object] | tuple[object, ...]", item)
            converted = [convert(below, depth + 1) for below in sequence]
            return converted if isinstance(item, list) else tuple(converted)
        raise TypeError(f"a checkpoint cannot hold {type(item).__name__}")

    return convert(value, 0)


def decode_checkpoint(data: bytes, name: str) -> dict[str, Any]:
    """The content of a checkpoint's bytes, all of it checked.

    Raises:
        CheckpointError: It is no checkpoint of this program, or it is damaged.
    """
    check_archive(data, name)
    outline = _load(data, name, "meta")
    description = _check_content(outline, len(data), name)
    content = _load(data, name, "cpu")
    scales = cast("Tensor", content["model_state"]["observation_scales"])
    if not torch.equal(scales, tensor_of(observation_scales(description.players))):
        raise CheckpointError(
            f"{name}: its network reads another form of observation; train one with this version"
        )
    return content


def read_bytes(path: Path) -> bytes:
    """The bytes of a file that could be a checkpoint.

    Raises:
        CheckpointError: It is absent, unreadable, too large, or no regular file.
    """
    name = plain_text(str(path))
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


def description_of(content: Mapping[str, Any]) -> NetworkDescription:
    """The network that a checkpoint's content describes."""
    return NetworkDescription.from_dict(content["network"])


def unknown_entries(content: Mapping[str, Any]) -> tuple[str, ...]:
    """What a checkpoint's tables hold that this version knows nothing of, by name."""
    described = {field.name for field in dataclasses.fields(NetworkDescription)}
    network = cast("Mapping[object, object]", content["network"])
    return (
        *(str(key) for key in content if key not in _KEYS),
        *(str(key) for key in network if key not in described),
    )


def check_optimizer_state(state: object, parameters: list[Tensor], name: str) -> None:
    """Refuse an optimizer state that does not belong to `parameters`.

    Raises:
        CheckpointError: A table is missing or a tensor has another shape.
    """
    shapes = [tuple(parameter.shape) for parameter in parameters]
    fitting = False
    if isinstance(state, Mapping):
        table = cast("Mapping[str, Any]", state)
        moments, groups = table.get("state"), table.get("param_groups")
        if isinstance(moments, Mapping) and isinstance(groups, list):
            tables = cast("list[Mapping[str, object]]", groups)
            numbers = [group.get("params") for group in tables if isinstance(group, dict)]
            fitting = numbers == [list(range(len(shapes)))] and _moments_fit(
                cast("Mapping[object, object]", moments), shapes
            )
    if not fitting:
        raise CheckpointError(f"{name}: its optimizer state is not that of this network")


def _moments_fit(moments: Mapping[object, object], shapes: list[tuple[int, ...]]) -> bool:
    """Whether every tensor of the optimizer's state has its parameter's shape, or none."""
    if moments and set(moments) != set(range(len(shapes))):
        return False
    for number, entry in moments.items():
        if not isinstance(number, int) or not isinstance(entry, Mapping):
            return False
        for item in cast("Mapping[object, object]", entry).values():
            if isinstance(item, Tensor) and tuple(item.shape) not in ((), shapes[number]):
                return False
    return True


def _plain_key(key: object) -> str | int:
    if isinstance(key, str | int):
        return key
    raise TypeError(f"a checkpoint's tables have names or numbers as keys, not {key!r}")


def _load(data: bytes, name: str, device: str) -> dict[str, Any]:
    """What torch makes of the bytes; on "meta" shapes without memory."""
    try:
        content = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
    except Exception as error:  # noqa: BLE001 - torch raises many kinds at damaged input
        reason = type(error).__name__
        raise CheckpointError(f"{name}: is damaged or holds more than weights ({reason})") from None
    table = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    found = table.get("format")
    if found == FORMAT:
        return table
    if isinstance(found, str) and _ANY_FORMAT.fullmatch(found):
        raise NewerCheckpointError(
            f"{name}: a newer version of azul-tui wrote it ({found!r}, and this one reads "
            f"{FORMAT!r}); update azul-tui, or name another checkpoint"
        )
    raise CheckpointError(f"{name}: is no checkpoint of this program ({FORMAT!r})")


def _check_content(content: Mapping[str, Any], size: int, name: str) -> NetworkDescription:
    """Types of all keys, and the shapes of the weights; no tensor has memory yet.

    Raises:
        CheckpointError: Naming the key.
    """
    for key in _KEYS:
        if key not in content:
            raise CheckpointError(f"{name}: has no {key!r}")
    for key in _TABLES:
        if not isinstance(content[key], dict):
            raise CheckpointError(f"{name}: {key!r} is not a table")
    numbers = [content["timestamp"], 0.0 if content["score"] is None else content["score"]]
    finite = all(isinstance(number, int | float) and math.isfinite(number) for number in numbers)
    iteration = content["iteration"]
    if not finite or type(iteration) is not int or iteration < 0:
        raise CheckpointError(f"{name}: its iteration, score or timestamp is not a number")
    bytes_named = 0
    for tensor in _tensors_in(content, name):
        bytes_named += tensor.numel() * tensor.element_size()
        if tensor.layout != torch.strided or not tensor.is_contiguous() or bytes_named > size:
            raise CheckpointError(f"{name}: holds tensors larger than the file; not loaded")
    try:
        description = NetworkDescription.from_dict(content["network"])
    except AzulError as error:
        raise CheckpointError(f"{name}: describes no network ({error})") from None
    check_model_state(content["model_state"], description, name)
    acting = cast("dict[str, object]", content["extra"]).get("acting_state")
    if acting is not None:
        check_model_state(acting, description, name)
    return description


def check_model_state(state: object, description: NetworkDescription, name: str) -> None:
    """Refuse weights that are not exactly those of the described network.

    Raises:
        CheckpointError: Naming the first difference.
    """
    with torch.device("meta"):
        expected = build_network(description).state_dict()
    weights: Mapping[str, object] = {}
    if isinstance(state, Mapping):
        weights = cast("Mapping[str, object]", state)
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


# -- whether some bytes are an archive of tensors and nothing else, before anything is unpacked
#
# torch writes a zip archive without compression: a pickle that says what there is, and one member
# a tensor. A pickle is a program; this one may only build tensors. It is read here, never run.

_LARGEST_PICKLE: Final = 1 << 24
_MOST_MEMBERS: Final = 4096
_KNOWN_GLOBALS: Final = frozenset(
    {
        "torch._utils _rebuild_tensor_v2",
        "collections OrderedDict",
        "torch FloatStorage",
        "torch HalfStorage",
        "torch BFloat16Storage",
        "torch DoubleStorage",
        "torch LongStorage",
        "torch IntStorage",
        "torch ByteStorage",
        "torch BoolStorage",
    }
)
_REFUSED_OPCODES: Final = frozenset(
    {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD", "EXT1", "EXT2", "EXT4"}
)


def check_archive(data: bytes, name: str) -> None:
    """Refuse what is no plain zip archive of tensors, or a damaged one.

    Raises:
        CheckpointError: Saying of the file `name` what is wrong.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            pickles = [member for member in members if member.filename.endswith("/data.pkl")]
            if len(pickles) != 1 or len(members) > _MOST_MEMBERS:
                raise CheckpointError(f"{name}: is no checkpoint of this program")
            bomb = any(member.compress_type != zipfile.ZIP_STORED for member in members)
            total = sum(member.file_size for member in members)
            if bomb or total > len(data) or pickles[0].file_size > _LARGEST_PICKLE:
                raise CheckpointError(f"{name}: would unpack to more than it says; not loaded")
            broken = archive.testzip()
            if broken is not None:
                raise CheckpointError(f"{name}: is damaged (checksum of {plain_text(broken)})")
            program = archive.read(pickles[0])
    except CheckpointError:
        raise
    except Exception as error:  # zipfile raises a dozen kinds at damaged input
        raise CheckpointError(f"{name}: is no checkpoint, or it is damaged") from error
    _check_pickle(program, name)


def _check_pickle(program: bytes, name: str) -> None:
    """Refuse a pickle that names anything but tensors, without running it."""
    asked: object = None
    try:
        for opcode, argument, _ in pickletools.genops(program):
            if opcode.name in _REFUSED_OPCODES:
                asked = opcode.name
                break
            if opcode.name == "GLOBAL" and argument not in _KNOWN_GLOBALS:
                asked = argument
                break
    except Exception as error:  # noqa: BLE001 - pickletools raises many kinds at damaged input
        raise CheckpointError(f"{name}: is damaged ({type(error).__name__})") from None
    if asked is not None:
        wish = plain_text(str(asked))[:80]
        raise CheckpointError(f"{name}: holds code ({wish}), not only weights; not loaded")


# -- reading a run's checkpoints: one file, its network, or the newest that verifies

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
    them (`extra["acting_state"]`). The settings are as they were stored, in whichever version:
    those that play needs (`extra["playing"]`) before training's (`extra["config"]`). What decides
    the network is left out of them, for it is there already, and entries that this version does
    not know are among them.

    Raises:
        CheckpointError: See `read_checkpoint`.
    """
    content = read_checkpoint(path)
    extra: dict[str, Any] = content["extra"]
    network = build_network(description_of(content))
    network.load_state_dict(extra.get("acting_state") or content["model_state"])
    settings: dict[str, Any] = dict.fromkeys(unknown_entries(content))
    for table in (extra.get("config"), extra.get("playing")):
        if isinstance(table, dict):
            settings |= cast("dict[str, Any]", table)
    return network.eval(), {key: item for key, item in settings.items() if key not in WEIGHTS}


def newest_valid(save_dir: str | Path) -> tuple[Path, list[tuple[str, str]]]:
    """The newest checkpoint of a run that verifies, and `(name, why)` of those passed over.

    Regular checkpoints come first, the highest iteration before others; then the best model.

    Raises:
        CheckpointError: There is none that verifies.
        NewerCheckpointError: The newest is of a newer version, and a run that went on from an
            older one would give it up; whoever wants that names the older file.
    """
    folder = Path(save_dir)
    candidates = [file for _, file in sorted(numbered_checkpoints(folder), reverse=True)]
    skipped: list[tuple[str, str]] = []
    for path in [*candidates, folder / BEST_NAME]:
        if path.is_symlink():
            skipped.append((path.name, "is a link, and those of a run's folder are not followed"))
            continue
        try:
            read_checkpoint(path)
        except NewerCheckpointError:
            raise
        except CheckpointError as error:
            if path in candidates or path.exists():
                skipped.append((path.name, str(error).removeprefix(f"{plain_text(str(path))}: ")))
        else:
            return path, skipped
    reasons = "; ".join(f"{name} {why}" for name, why in skipped[:3]) or "it has none"
    raise CheckpointError(f"{plain_text(str(folder))}: no checkpoint can be loaded ({reasons})")


def numbered_checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """Regular checkpoints of a folder with their iterations; none when it cannot be listed."""
    try:
        files = list(folder.iterdir())
    except OSError:
        return []
    return [(int(match[1]), file) for file in files if (match := _PATTERN.fullmatch(file.name))]
