"""The state of a run as digests: two runs that are equal in all of them are the same run.

Left out is what belongs to a process or a clock: who trained, when, how fast, what was resumed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from torch import Tensor

from azul_tui.errors import CheckpointError
from azul_tui.runs.events import decode_lines
from azul_tui.runs.paths import RunPaths
from azul_tui.training.checkpoint import newest_valid, read_checkpoint
from azul_tui.training.replay import ReplayBuffer, restore_buffer
from azul_tui.training.resuming import progress_from_dict

if TYPE_CHECKING:
    from pathlib import Path

    from azul_tui.runs.events import Record

_RESULTS: Final = frozenset({"step", "self_play", "iteration", "evaluation", "gate", "rating"})
"""Records that say something of the run itself."""
_OF_A_CLOCK: Final = frozenset(
    {
        "t",
        "seconds",
        "held_s",
        "run_share",
        "games_per_s",
        "sims_per_s",
        "training_time",
        "self_play_time",
        "elapsed_s",
    }
)


def fingerprint(directory: Path) -> dict[str, str]:
    """SHA-256 by part of the run in `directory`.

    `weights`, `optimizer`, `training` (generators, averages), `progress`, `replay` (every
    position in the buffer), `best` (the best model), `games` (the sample of games) and `events`,
    what a reader of the log is left with.

    Raises:
        CheckpointError: The run has no checkpoint that verifies, or its buffer is incomplete.
    """
    paths = RunPaths(directory)
    content = read_checkpoint(newest_valid(directory)[0])
    extra = content["extra"]
    progress = progress_from_dict(extra["progress"])
    counted = progress.as_dict()
    del counted["elapsed_s"]
    players = int(content["network"]["players"])
    buffer = ReplayBuffer(int(extra["config"]["buffer_capacity"]), players)
    problems = restore_buffer(buffer, paths.replay, progress.shards, progress.samples_total)
    if problems:
        raise CheckpointError("; ".join(problems))
    best: object = None
    if paths.best_model.exists():
        model = read_checkpoint(paths.best_model)
        best = [model["iteration"], model["score"], model["model_state"]]
    games = sorted(paths.games.glob("*.jsonl"))
    return {
        "weights": _digest(content["model_state"]),
        "optimizer": _digest(content["optimizer_state"]),
        "training": _digest(extra["training"]),
        "progress": _digest(counted),
        "replay": _digest([array.tobytes() for array in buffer.newest(buffer.capacity)]),
        "best": _digest(best),
        "games": _digest([[file.name, file.read_bytes()] for file in games]),
        "events": _digest(lasting_records(paths)),
    }


def lasting_records(paths: RunPaths) -> list[Record]:
    """The results in an event log, without what a later line says otherwise.

    After `resumed` what was said of later iterations and steps is void; of what is said twice the
    last holds.
    """
    lasting: dict[tuple[object, ...], Record] = {}
    for record in decode_lines(paths.events.read_bytes())[0]:
        kind, at = record["event"], (record.get("iteration", 0), record.get("step", 0))
        if kind == "resumed":
            lasting = {
                key: earlier
                for key, earlier in lasting.items()
                if key[0] <= at[0] and key[1] <= at[1]
            }
        elif kind in _RESULTS:
            plain = {key: value for key, value in record.items() if key not in _OF_A_CLOCK}
            lasting[*at, kind, str(record.get("opponent"))] = plain
    return [lasting[key] for key in sorted(lasting)]


def _digest(value: object) -> str:
    """SHA-256 of plain values and tensors, whatever order tables were filled in."""
    digest = hashlib.sha256()

    def take(item: Any) -> None:
        if isinstance(item, Tensor):
            tensor = item.detach().cpu().contiguous()
            digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
            if tensor.numel():  # one without elements may have strides that no other type takes
                digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
        elif isinstance(item, bytes):
            digest.update(item)
        elif isinstance(item, Mapping):
            table = cast("Mapping[object, object]", item)
            for key in sorted(table, key=repr):
                digest.update(f"{key!r}:".encode())
                take(table[key])
        elif isinstance(item, list | tuple):
            digest.update(b"[")
            for below in cast("list[object]", item):
                take(below)
            digest.update(b"]")
        else:
            digest.update(json.dumps(item).encode() + b",")

    take(value)
    return digest.hexdigest()
