"""Processor, threads, memory and GPUs."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azul_tui.config import TrainingConfig, find_preset, load_config, preset_names
from azul_tui.jobs.describe import in_bytes
from azul_tui.jobs.doctor.finding import Finding, broken
from azul_tui.runs.machine import allowed_cores, core_quota, cores_below, usable_memory
from azul_tui.runs.text import plain_text
from azul_tui.training.workers import MOST_WORKERS_ON_A_GPU, fitting_workers, least_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LEAST_MEMORY_BYTES = 2 * 10**9


def processor(root: Path = Path("/")) -> Iterator[Finding]:
    """Cores that this process may use, and how many workers that makes."""
    everything = os.cpu_count() or 1
    allowed, quota, cores = allowed_cores(), core_quota(root), cores_below(root)
    told = f"{everything} cores" if allowed == everything else f"{allowed} of {everything} cores"
    if quota is not None and quota < allowed:
        told += f", {quota:.3g} of them at a time (control group)"
    elif allowed < everything:
        told += " usable"
    advice = ""
    if quota is not None and quota < 1:
        advice = f"this container may use {quota:.2g} of a core, on which training is slow"
    workers = fitting_workers(TrainingConfig(), cores, usable_memory(root), gpu=False)
    told += f"; a training starts {workers} worker{'s' * (workers != 1)}"
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


def memory(root: Path = Path("/")) -> Iterator[Finding]:
    """Memory that is free, and the presets whose replay buffer it has no room for."""
    found = usable_memory(root)
    told = f"{in_bytes(found.available)} of {in_bytes(found.total)} free"
    if found.limited:
        told += " (control group)"
    problem = ""
    if found.available < LEAST_MEMORY_BYTES:
        problem = (
            f"only {in_bytes(found.available)} of memory are free and training wants "
            f"{in_bytes(LEAST_MEMORY_BYTES)}; end other programs or lower buffer_capacity"
        )
    wants = {name: least_bytes(load_config(find_preset(name))) for name in preset_names()}
    short = [f"{name} ({in_bytes(wants[name])})" for name in wants if wants[name] > found.available]
    advice = (
        f"memory is too small for the presets {', '.join(short)} unless buffer_capacity is lowered"
    )
    yield Finding("memory", told, problem, advice if short else "")


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
    if index == 0:
        told += f"; at most {MOST_WORKERS_ON_A_GPU} workers share it (a guess)"
    advice = ""
    try:
        importlib.metadata.version("nvidia-ml-py")
    except importlib.metadata.PackageNotFoundError:
        advice = "pip install nvidia-ml-py, and the dashboard shows what the GPU does"
    return Finding(subject, told, advice=advice)
