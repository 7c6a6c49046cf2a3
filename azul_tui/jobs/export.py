"""Job export: the weights of a checkpoint as safetensors, for programs that are not this one.

What is written are the weights that play (the averaged ones where a run averages), with the
network's description as metadata. Optimizer, random streams and history stay behind.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azul_tui.config import stored_config
from azul_tui.errors import JobError
from azul_tui.jobs.describe import in_bytes
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.runs.paths import is_shipped, named_path
from azul_tui.runs.text import plain_text
from azul_tui.training.checkpoint import load_network
from azul_tui.training.checkpoint_players import find_checkpoint

if TYPE_CHECKING:
    from azul_tui.jobs.start import JobContext


def _beside(checkpoint: Path) -> Path:
    """Where the file goes when nobody says: beside the checkpoint, of the shipped player here."""
    output = checkpoint.with_suffix(".safetensors")
    return Path(f"{checkpoint.parent.name}_{output.name}") if is_shipped(checkpoint) else output


def run(context: JobContext) -> dict[str, Any]:
    """Write the file and say where it is.

    Raises:
        CheckpointError: The checkpoint cannot be loaded.
        JobError: The output cannot be written.
    """
    from safetensors.torch import save

    path = find_checkpoint(context.text("checkpoint"), context.runs_root)
    output = named_path(context.text("output") or str(_beside(path)))
    network, settings = load_network(path)
    for note in stored_config(settings, place=plain_text(str(path)))[1]:
        context.warn(note)
    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    metadata = {
        "format": "pt",
        "source": path.name,
        "network": json.dumps(dataclasses.asdict(network.description)),
    }
    data = save(tensors, metadata)
    shown = plain_text(str(output), 300)
    try:
        write_bytes_atomically(output, data)
    except OSError as error:
        raise JobError(
            f"{shown} cannot be written: {error.strerror or error}; name another with --set output="
        ) from None
    parameters = sum(value.numel() for value in network.parameters())
    context.reporter.say(
        f"{len(tensors)} tensors, {parameters:,} parameters, {in_bytes(len(data))}"
    )
    context.reporter.say(f"written: {shown}")
    return {"file": str(output), "bytes": len(data), "parameters": parameters}
