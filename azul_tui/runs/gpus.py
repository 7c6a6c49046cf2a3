"""What NVIDIA GPUs are doing, as their driver tells through nvidia-ml-py, an optional package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
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
    uuid: str = ""


class GpuMeter:
    """Asks the driver; the package is imported at the first reading."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._tried = False

    def read(self) -> tuple[Gpu, ...]:
        """Every GPU that the driver knows, in its order."""
        if not self._tried:
            self._tried = True
            self._nvml = _load_nvml()
        nvml = self._nvml
        if nvml is None:
            return ()
        found: list[Gpu] = []
        try:
            for index in range(nvml.nvmlDeviceGetCount()):
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                memory = nvml.nvmlDeviceGetMemoryInfo(handle)
                found.append(
                    Gpu(
                        name=_text(nvml.nvmlDeviceGetName(handle)),
                        percent=_busy(nvml, handle),
                        used=int(memory.used),
                        total=int(memory.total),
                        watts=_watts(nvml, handle),
                        uuid=_text(nvml.nvmlDeviceGetUUID(handle)),
                    )
                )
        except nvml.NVMLError:
            self._nvml = None  # the driver went away; asking again would fail every second
        return tuple(found)

    def status(self, uuid: str = "") -> dict[str, object]:
        """Fields of a run's status on the GPU with that UUID, else on the first; {} without one."""
        found = self.read()
        if not found:
            return {}
        gpu = next((gpu for gpu in found if uuid and gpu.uuid.endswith(uuid)), found[0])
        return {
            "gpu_name": gpu.name,
            "gpu_percent": gpu.percent,
            "gpu_memory_used": gpu.used,
            "gpu_memory_total": gpu.total,
            "gpu_watts": gpu.watts,
        }


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


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
