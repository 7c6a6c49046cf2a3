"""Processor, memory and GPU of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One graphics processor: shares in percent, memory in bytes, power in watts."""

    name: str
    percent: float | None
    """None where the driver does not tell, as for a part of a divided device."""
    used: int
    total: int
    watts: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the machine is doing: processor in percent of all cores, memory in bytes."""

    cpu_percent: float | None
    """None at the first reading: a share needs two."""
    memory_used: int
    memory_total: int
    disk_free: int | None = None
    gpus: tuple[Gpu, ...] = ()


class Meter:
    """Reads the machine; modules are imported at the first reading."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._nvml_tried = False
        self._cpu_asked = False

    def read(self, folder: str = "/") -> Usage:
        """The usage since the last call."""
        import psutil

        memory = psutil.virtual_memory()
        try:
            free: int | None = psutil.disk_usage(folder).free
        except OSError:
            free = None  # the folder does not exist yet
        busy = psutil.cpu_percent(None)
        first, self._cpu_asked = not self._cpu_asked, True
        return Usage(
            cpu_percent=None if first else busy,
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            disk_free=free,
            gpus=self._gpus(),
        )

    def _gpus(self) -> tuple[Gpu, ...]:
        if not self._nvml_tried:
            self._nvml_tried = True
            self._nvml = _load_nvml()
        nvml = self._nvml
        if nvml is None:
            return ()
        found: list[Gpu] = []
        try:
            for index in range(nvml.nvmlDeviceGetCount()):
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                memory = nvml.nvmlDeviceGetMemoryInfo(handle)
                name = nvml.nvmlDeviceGetName(handle)
                found.append(
                    Gpu(
                        name=str(name.decode() if isinstance(name, bytes) else name),
                        percent=_busy(nvml, handle),
                        used=int(memory.used),
                        total=int(memory.total),
                        watts=_watts(nvml, handle),
                    )
                )
        except nvml.NVMLError:
            self._nvml = None  # the driver went away; asking again would fail every second
        return tuple(found)


def _busy(nvml: Any, handle: Any) -> float | None:
    try:
        return float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    except nvml.NVMLError:
        return None  # a part of a divided device has no share of its own


def _watts(nvml: Any, handle: Any) -> float | None:
    try:
        return float(nvml.nvmlDeviceGetPowerUsage(handle)) / 1000
    except nvml.NVMLError:
        return None  # some devices do not measure it


def _load_nvml() -> Any:
    """The driver's interface; None without the package or without a driver."""
    from pathlib import Path

    if not Path("/dev/nvidiactl").exists():
        return None
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml
