"""Job `doctor`: what this machine offers, and in words what is wrong with it.

Every check looks at one thing and returns a `Finding`, or None where another check says more. None
changes anything; two write a few bytes into a nameless file to see whether they can.
"""

from __future__ import annotations

import importlib.metadata
import locale
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from azul_tui import __version__
from azul_tui.config import TrainingConfig, find_preset, load_config, preset_names
from azul_tui.jobs.reporter import in_bytes
from azul_tui.runs.machine import (
    allowed_cores,
    cache_place,
    core_quota,
    cores_below,
    speak_with,
    usable_memory,
)
from azul_tui.runs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from azul_tui.jobs.start import JobContext
    from azul_tui.runs.machine import CachePlace

LEAST_MEMORY_BYTES: Final = 2 * 10**9
LEAST_FREE_BYTES: Final = 2 * 10**9
SMALLEST_TERMINAL: Final = (60, 20)


class Finding(NamedTuple):
    """What one check found."""

    subject: str
    told: str
    problem: str = ""
    """What is wrong and what would help; keeps something from working."""
    advice: str = ""
    """What could be better; everything works without it."""


def doctor(context: JobContext) -> dict[str, Any]:
    """Print every finding, then what is wrong; `ok` is False when anything is."""
    speak_with(lambda _: None)  # it is told here, as a finding
    reporter = context.reporter
    findings: list[Finding] = []
    # Only a dashboard wants records in a folder: its terminal counts.
    for finding in _look(context.runs_root, of_dashboard=context.directory != context.runs_root):
        findings.append(finding)
        reporter.say(f"{finding.subject:<13} {finding.told}")
        reporter.record("finding", **finding._asdict())
    problems = [finding.problem for finding in findings if finding.problem]
    advice = [finding.advice for finding in findings if finding.advice]
    reporter.say()
    for number, problem in enumerate(problems, start=1):
        reporter.say(f"problem {number}: {problem}")
    for line in advice:
        reporter.say(f"advice: {line}")
    if not problems:
        reporter.say("Everything that training and the dashboard need is here.")
    return {
        "ok": not problems,
        "findings": {finding.subject: finding.told for finding in findings},
        "problems": problems,
        "advice": advice,
    }


def _look(root: Path, *, of_dashboard: bool) -> Iterator[Finding]:
    yield Finding("azul-tui", __version__)
    where = f"{platform.system()} {platform.release()} {platform.machine()}"
    yield Finding("python", f"{platform.python_version()}, {where}")
    yield cache(cache_place())
    found = torch()
    yield found
    torch_works = found.told != BROKEN
    yield numba()
    if torch_works:
        yield from compute()
    yield packages()
    if torch_works:
        yield processor()
        yield threads(os.environ)
        yield memory()
        yield from gpus()
    yield terminal(os.environ, of_dashboard=of_dashboard)
    yield runs_folder(root)


# -- software

BROKEN: Final = "does not work"


def _broken(subject: str, error: Exception) -> Finding:
    why = plain_text(f"{type(error).__name__}: {error}", 200)
    return Finding(subject, BROKEN, f"{subject} does not work ({why}); install it again")


def _version(text: str) -> tuple[int, ...]:
    parts = text.split("+", maxsplit=1)[0].split(".")[:3]
    return tuple(int(part) for part in parts if part.isdigit())


def torch() -> Finding:
    """Whether torch works and is new enough."""
    try:
        importlib.import_module("torch")
    except Exception as error:  # noqa: BLE001 - a broken build raises anything at all
        return _broken("torch", error)
    version = importlib.metadata.version("torch")
    problem = ""
    if _version(version) < (2, 11):
        problem = f"torch {version} is older than 2.11; install a newer one: pip install -U torch"
    return Finding("torch", version, problem)


def numba() -> Finding:
    """Whether numba works."""
    try:
        import numba
    except Exception as error:  # noqa: BLE001 - a broken build raises anything at all
        return _broken("numba", error)
    problem = ""
    if cast("Any", numba).config.DISABLE_JIT:
        problem = "NUMBA_DISABLE_JIT is set, so nothing is compiled and all is slow; unset it"
    return Finding("numba", importlib.metadata.version("numba"), problem)


def compute() -> Iterator[Finding]:
    """What training with the default settings computes with here, timed once and remembered."""
    try:
        from azul_tui.training.workers import compute_of

        yield Finding("compute", compute_of(TrainingConfig()).summary)
    except Exception:  # noqa: BLE001 - what is broken is told by the checks of torch and numba
        return


def packages() -> Finding:
    """The other packages that the program needs."""
    versions: list[str] = []
    missing: list[str] = []
    for name in ("numpy", "textual", "plotext", "tomli-w", "psutil", "safetensors"):
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    problem = ""
    if missing:
        problem = f"missing are {', '.join(missing)}; install azul-tui again"
    elif _version(importlib.metadata.version("plotext")) >= (6,):
        problem = "plotext 6 is another program; pip install 'plotext>=5.3.2,<6'"
    return Finding("packages", ", ".join(versions), problem)


# -- hardware


def processor() -> Finding:
    """Cores that this process may use, and how many workers that makes."""
    from azul_tui.training.workers import fitting_workers

    everything = os.cpu_count() or 1
    allowed, quota, cores = allowed_cores(), core_quota(), cores_below(Path("/"))
    told = f"{everything} cores" if allowed == everything else f"{allowed} of {everything} cores"
    if quota is not None and quota < allowed:
        told += f", {quota:.3g} of them at a time (control group)"
    elif allowed < everything:
        told += " usable"
    advice = ""
    if quota is not None and quota < 1:
        advice = f"this container may use {quota:.2g} of a core, on which training is slow"
    workers = fitting_workers(TrainingConfig(), cores, usable_memory(), gpu=False)
    told += f"; a training starts {workers} worker{'s' * (workers != 1)}"
    return Finding("processor", told, advice=advice)


def threads(environment: Mapping[str, str]) -> Finding:
    """Threads that torch would take, and the variables that say otherwise."""
    import torch

    limits = [
        f"{name}={plain_text(environment[name], 20)}"
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY")
        if name in environment
    ]
    return Finding("threads", ", ".join([f"{torch.get_num_threads()} for torch", *limits]))


def memory() -> Finding:
    """Memory that is free, and the presets whose replay buffer it has no room for."""
    from azul_tui.training.workers import least_bytes

    found = usable_memory()
    told = f"{in_bytes(found.available)} of {in_bytes(found.total)} free"
    if found.limited:
        told += " (control group)"
    problem = advice = ""
    if found.available < LEAST_MEMORY_BYTES:
        problem = (
            f"only {in_bytes(found.available)} of memory are free and training wants "
            f"{in_bytes(LEAST_MEMORY_BYTES)}; end other programs or lower buffer_capacity"
        )
    wants = {name: least_bytes(load_config(find_preset(name))) for name in preset_names()}
    short = [f"{name} ({in_bytes(wants[name])})" for name in wants if wants[name] > found.available]
    if short:
        names = ", ".join(short)
        advice = f"memory is too small for the presets {names} unless buffer_capacity is lowered"
    return Finding("memory", told, problem, advice)


def gpus() -> Iterator[Finding]:
    """GPUs that torch can use, with their memory."""
    import torch

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
    from azul_tui.training.workers import MOST_WORKERS_ON_A_GPU

    subject = "gpu" if index == 0 else f"gpu {index}"
    try:
        free, total = torch.cuda.mem_get_info(index)
        name = plain_text(str(torch.cuda.get_device_name(index)), 60)
        major, minor = torch.cuda.get_device_capability(index)
    except RuntimeError as error:
        return _broken(subject, error)
    told = f"{name}, {in_bytes(free)} of {in_bytes(total)} free, capability {major}.{minor}"
    if index == 0:
        told += f"; at most {MOST_WORKERS_ON_A_GPU} workers share it (a guess)"
    advice = ""
    try:
        importlib.metadata.version("nvidia-ml-py")
    except importlib.metadata.PackageNotFoundError:
        advice = "pip install nvidia-ml-py, and the dashboard shows what the GPU does"
    return Finding(subject, told, advice=advice)


# -- the terminal, and the folders in which things are kept


def terminal(environment: Mapping[str, str], *, of_dashboard: bool = False) -> Finding:
    """What can be drawn here: size, colours, characters; of a dashboard its size is known."""
    encoding = (sys.stdout.encoding or locale.getpreferredencoding(do_setlocale=False)).lower()
    unicode = "utf" in encoding
    advice = "" if unicode else "this terminal's encoding is not UTF-8; use --ascii or set LANG"
    drawing = "Unicode" if unicode else f"plain characters ({plain_text(encoding, 20)})"
    if not sys.stdout.isatty() and not of_dashboard:
        return Finding("terminal", f"none here (output goes to a file or a pipe), {drawing}")
    columns, rows = shutil.get_terminal_size()
    kind = environment.get("TERM", "")
    problem = ""
    if kind in {"", "dumb"}:
        problem = "TERM names no terminal that can be drawn on; set it, for example xterm-256color"
    elif not of_dashboard and (columns < SMALLEST_TERMINAL[0] or rows < SMALLEST_TERMINAL[1]):
        advice = f"{columns}x{rows} is small for the dashboard; 80x24 shows everything important"
    if environment.get("NO_COLOR"):
        colours = "no colours (NO_COLOR is set)"
    elif environment.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        colours = "16 million colours"
    else:
        colours = "256 colours" if "256" in kind else "16 colours"
    size = "the dashboard's" if of_dashboard else f"{columns}x{rows}"
    told = f"{plain_text(kind, 30)}, {size}, {colours}, {drawing}"
    return Finding("terminal", told, problem, advice)


def cache(found: CachePlace) -> Finding:
    """Where compiled code is kept: a folder that somebody named has to do, a default may not."""
    told = "none" if found.folder is None else f"in {plain_text(str(found.folder))}"
    problem = plain_text(found.problem, 500)
    if found.named or found.folder is None:
        return Finding("cache", told, problem)
    return Finding("cache", told, advice=problem)


def runs_folder(root: Path) -> Finding:
    """Whether runs can be written, and how much room they have."""
    root = root.absolute()
    place, target = plain_text(str(root)), root
    while not target.exists() and target != target.parent:  # the nearest one that exists
        target = target.parent
    problem = ""
    if not target.is_dir():
        problem = f"{plain_text(str(target))} is not a folder"
    else:
        try:
            with tempfile.TemporaryFile(dir=target) as file:
                file.write(b"azul-tui")
        except OSError as error:
            problem = f"{plain_text(str(target))} cannot be written ({error.strerror})"
    if problem:
        return Finding(
            "runs folder", place, f"{problem}; choose another with --dir or AZUL_TUI_DIR"
        )
    free = shutil.disk_usage(target).free
    if free < LEAST_FREE_BYTES:
        problem = (
            f"only {in_bytes(free)} are free where runs live and a night of training wants "
            f"{in_bytes(LEAST_FREE_BYTES)}; make room or choose another place with --dir"
        )
    return Finding("runs folder", f"{place}, writable, {in_bytes(free)} free", problem)
