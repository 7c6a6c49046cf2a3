"""The content of a checkpoint file, written from and read back into plain types and tensors.

A file may come from a stranger or from a failing disk. Nothing of it is believed: it must be a
regular file of bounded size, a zip archive without compression whose checksums hold, a pickle
that names nothing but tensors, and a description whose network has exactly the weights that the
file holds. All of that is checked before a tensor is allocated, and torch loads the rest with
`weights_only=True`. What does not pass is refused with one sentence.

| key | content |
|---|---|
| `format` | `FORMAT` |
| `iteration` | finished iterations |
| `network` | `NetworkDescription.as_dict()` |
| `model_state`, `optimizer_state` | state dicts; the second may be None |
| `stats`, `extra` | tables of plain values and tensors |
| `score`, `timestamp` | evaluation score or None; unix seconds |

Play needs the network, its weights (in a run that averages `extra["acting_state"]`) and
`extra["playing"]`; everything else in `extra` is training's, `config` above all, and no word of it
keeps a network from playing. What this version does not know is left out, and `unknown_entries`
names it.
"""

from __future__ import annotations

import dataclasses
import io
import math
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import torch
from torch import Tensor

from azul_tui.errors import AzulError, CheckpointError, NewerCheckpointError
from azul_tui.game.observation import observation_scales
from azul_tui.network.building import build_network
from azul_tui.network.presets import NetworkDescription
from azul_tui.network.tensors import tensor_of
from azul_tui.runs.text import plain_text
from azul_tui.training.checkpoint_archive import check_archive

if TYPE_CHECKING:
    from collections.abc import Iterator

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
