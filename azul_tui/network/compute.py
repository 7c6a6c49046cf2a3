"""What a run computes with: device, implementation, number formats and threads.

`resolve_compute` decides it once for a run. Workers, evaluations and the training step are handed
the value and decide nothing themselves; a checkpoint keeps it, and a resumed run passes it back.
"""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from azul_tui.network.devices import resolve_device, resolve_precision

if TYPE_CHECKING:
    from azul_tui.config import TrainingConfig
    from azul_tui.network.presets import NetworkDescription


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Compute:
    """How the numbers of a run are computed; the same value gives the same bits."""

    device: str
    """Where the network is evaluated and trained: "cpu", "cuda", "cuda:1", "mps"."""
    inference: str
    """Name of the implementation that evaluates the network."""
    inference_precision: str
    """"float32" or "bfloat16"."""
    training_precision: str
    """"float32" or "bfloat16" (autocast; weights stay float32)."""
    threads: int
    """Of torch where the network is trained; inference has one thread in each worker."""
    processor: str
    """Kind of the processor, or of the GPU that computes, on which this was decided."""
    torch: str
    """Version of torch with which this was decided."""

    def to_plain(self) -> dict[str, str | int]:
        """Plain types only; `from_plain` reads them back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, fields: object) -> Compute | None:
        """What `to_plain` wrote; None for anything else, as in files that do not name it."""
        if not isinstance(fields, Mapping):
            return None
        table = cast("Mapping[object, object]", fields)
        values: dict[str, str | int] = {}
        for field in dataclasses.fields(cls):
            value = table.get(field.name)
            if field.name == "threads":
                if type(value) is not int or not 1 <= value <= _MOST_THREADS:
                    return None
            elif not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
                return None
            values[field.name] = value
        return cls(**values)  # pyright: ignore[reportArgumentType] - checked above


def resolve_compute(
    config: TrainingConfig,
    description: NetworkDescription,
    *,
    threads: int = 1,
    remembered: Compute | None = None,
) -> Compute:
    """What a run with these settings computes with on this machine.

    Args:
        config: Its `device`, `inference_precision` and `training_precision` decide where they are
            not "auto"; `parallel_games` and `batch_size` are the batches that are timed.
        description: The network.
        threads: Of torch where the network is trained.
        remembered: What the checkpoint of a resumed run names. All of it that the settings leave
            open and this machine can do is kept, the number of threads included.

    Raises:
        ConfigError: This machine has no such device, or there is no such precision.
    """
    del description
    device = resolve_device(config.device)
    inference = resolve_precision(config.inference_precision, device)
    training = resolve_precision(config.training_precision, device)
    return Compute(
        device=str(device),
        inference="auto",
        inference_precision=str(inference).removeprefix("torch."),
        training_precision=str(training).removeprefix("torch."),
        threads=remembered.threads if remembered else threads,
        processor=processor_kind(),
        torch=str(torch.__version__),
    )


def processor_kind() -> str:
    """Maker's name of the processor with its generation, as exactly as the system tells it."""
    named = ("vendor_id", "cpu family", "model", "model name", "stepping")
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine() or "unknown"
    first = text.split("\n\n", maxsplit=1)[0].splitlines()
    pairs = [line.partition(":") for line in first]
    told = {key.strip(): value.strip() for key, _, value in pairs if key.strip() in named}
    words = [told[name] for name in named if name in told]
    return (" ".join(words) or platform.machine() or "unknown")[:_LONGEST_NAME]


_MOST_THREADS = 4096
_LONGEST_NAME = 200
