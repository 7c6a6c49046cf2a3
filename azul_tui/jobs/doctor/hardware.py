"""Processor, threads, memory and GPUs."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azul_tui.jobs.describe import in_bytes
from azul_tui.jobs.doctor.finding import Finding, broken
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LEAST_MEMORY_BYTES = 2 * 10**9


def processor() -> Iterator[Finding]:
    """Cores that this process may use."""
    cores = _usable_cores()
    all_cores = os.cpu_count() or cores
    told = f"{cores} cores" if cores == all_cores else f"{cores} of {all_cores} cores usable"
    quota = _quota_cores()
    advice = ""
    if quota is not None and quota < cores:
        told += f", limited to {quota:g} at a time"
        advice = f"this container may use {quota:g} cores at a time; set self_play_workers to that"
    yield Finding("processor", told, advice=advice)


def threads(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Threads that torch would take, and the variables that say otherwise."""
    try:
        import torch
    except Exception:  # noqa: BLE001 - told by the check of torch
        return
    limits = [
        f"{name}={plain_text(environment[name], 20)}"
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY")
        if name in environment
    ]
    yield Finding("threads", ", ".join([f"{torch.get_num_threads()} for torch", *limits]))


def memory() -> Iterator[Finding]:
    """Memory that is free."""
    import psutil

    memory = psutil.virtual_memory()
    problem = ""
    if memory.available < LEAST_MEMORY_BYTES:
        problem = (
            f"only {in_bytes(memory.available)} of memory are free and training wants "
            f"{in_bytes(LEAST_MEMORY_BYTES)}; end other programs or lower buffer_capacity"
        )
    told = f"{in_bytes(memory.available)} of {in_bytes(memory.total)} free"
    yield Finding("memory", told, problem)


def gpus() -> Iterator[Finding]:
    """GPUs that torch can use, with their memory."""
    try:
        import torch
    except Exception:  # noqa: BLE001 - told by the check of torch
        return
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            yield _cuda_device(torch, index)
    elif torch.backends.mps.is_available():
        yield Finding("gpu", "Apple GPU (mps), shares the memory")
    else:
        problem = ""
        if Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi"):
            problem = (
                "an NVIDIA driver is here but this torch cannot use it; install a build of torch "
                "with CUDA, or a newer driver"
            )
        yield Finding("gpu", "none that torch can use; the processor trains", problem)


def _cuda_device(torch: Any, index: int) -> Finding:
    subject = "gpu" if index == 0 else f"gpu {index}"
    try:
        free, total = torch.cuda.mem_get_info(index)
        name = plain_text(str(torch.cuda.get_device_name(index)), 60)
        major, minor = torch.cuda.get_device_capability(index)
    except RuntimeError as error:
        return broken(subject, error)
    told = f"{name}, {in_bytes(free)} of {in_bytes(total)} free, capability {major}.{minor}"
    advice = ""
    try:
        importlib.metadata.version("nvidia-ml-py")
    except importlib.metadata.PackageNotFoundError:
        advice = "pip install nvidia-ml-py, and the dashboard shows what the GPU does"
    return Finding(subject, told, advice=advice)


def _usable_cores() -> int:
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _quota_cores() -> float | None:
    """The limit that a container sets on processor time, in cores (cgroup v2 cpu.max)."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return int(quota) / int(period)
    except (OSError, ValueError):  # no such file, or "max": no limit
        return None
