"""Processor, memory and GPU of this machine."""

from __future__ import annotations

from dataclasses import dataclass

from azul_tui.runs.gpus import Gpu, GpuMeter
from azul_tui.runs.machine import usable_memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the machine is doing: processor in percent of all cores, memory in bytes."""

    cpu_percent: float | None
    """None at the first reading: a share needs two."""
    memory_used: int
    memory_total: int
    gpus: tuple[Gpu, ...]


class Meter:
    """Reads the machine; modules are imported at the first reading."""

    def __init__(self) -> None:
        self._gpus = GpuMeter()
        self._cpu_asked = False

    def read(self) -> Usage:
        """The usage since the last call."""
        import psutil

        memory, busy = usable_memory(), psutil.cpu_percent(None)
        cpu_percent, self._cpu_asked = busy if self._cpu_asked else None, True
        return Usage(
            cpu_percent=cpu_percent,
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            gpus=self._gpus.read(),
        )
