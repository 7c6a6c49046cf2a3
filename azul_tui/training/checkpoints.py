"""Reading a run's checkpoints: one file, its network, or the newest that verifies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from azul_tui.config import WEIGHTS
from azul_tui.errors import CheckpointError, NewerCheckpointError
from azul_tui.network.building import build_network
from azul_tui.runs.checkpoint_manifest import BEST_NAME, digest, read_manifest
from azul_tui.runs.text import plain_text
from azul_tui.training.checkpoint_file import (
    decode_checkpoint,
    description_of,
    read_bytes,
    unknown_entries,
)

if TYPE_CHECKING:
    from azul_tui.network.azul_network import AzulNetwork

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
