"""Where a network runs and in which number format."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Final, cast

import torch

from azul_tui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEVICES: Final = ("auto", "cpu", "cuda", "mps")
PRECISIONS: Final = ("auto", "float32", "bfloat16")


def resolve_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" is CUDA where there is one, else the processor.

    "auto" never picks MPS: networks of this size spend more time on its launches than a
    processor takes to evaluate them.

    Raises:
        ConfigError: The name is unknown or this machine has no such device.
    """
    kind = name.partition(":")[0]
    if kind == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if kind not in DEVICES:
        raise ConfigError(f"device must be one of {', '.join(DEVICES)}, got {name!r}")
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available[kind]:
        raise ConfigError(
            f"device is {name!r} but this machine's torch {torch.__version__} finds none; "
            "use device = 'auto' or 'cpu'"
        )
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device {name!r} is not a device: use 'cuda' or 'cuda:0'") from error


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    capabilities = _cpu_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """float32 or bfloat16; "auto" is bfloat16 where the hardware has it.

    Raises:
        ConfigError: The name is unknown.
    """
    if name not in PRECISIONS:
        raise ConfigError(f"precision must be one of {', '.join(PRECISIONS)}, got {name!r}")
    if name == "auto":
        return torch.bfloat16 if has_bfloat16(device) else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def _cpu_capabilities() -> Mapping[str, object]:
    """What torch knows of this processor; its interface for that is younger than torch 2.11."""
    report = getattr(torch.cpu, "get_capabilities", None)
    if report is not None:
        return cast("Mapping[str, object]", report())
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return {}
    check = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return {"avx512_bf16": check is not None and check()}
