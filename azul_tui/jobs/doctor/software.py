"""Python, torch, numba and the other packages."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from typing import TYPE_CHECKING, Any, cast

from azul_tui import __version__
from azul_tui.jobs.doctor.finding import Finding, broken

if TYPE_CHECKING:
    from collections.abc import Iterator


def python() -> Iterator[Finding]:
    """This program and its interpreter."""
    where = f"{platform.system()} {platform.release()} {platform.machine()}"
    yield Finding("azul-tui", __version__)
    problem = ""
    if sys.maxsize < 2**32:
        problem = "this Python is a 32-bit build, for which there is no torch; install a 64-bit one"
    yield Finding("python", f"{platform.python_version()}, {where}", problem)


def torch() -> Iterator[Finding]:
    """Whether torch works and is new enough."""
    try:
        importlib.import_module("torch")
    except Exception as error:  # noqa: BLE001 - a broken build raises anything at all
        yield broken("torch", error)
        return
    version = importlib.metadata.version("torch")
    problem = ""
    if _version(version) < (2, 11):
        problem = f"torch {version} is older than 2.11; install a newer one: pip install -U torch"
    yield Finding("torch", version, problem)


def compute() -> Iterator[Finding]:
    """What training with the default settings computes with here, timed once and remembered."""
    try:
        from azul_tui.config import TrainingConfig
        from azul_tui.training.workers import compute_of

        told = compute_of(TrainingConfig()).told
    except Exception:  # noqa: BLE001 - what is broken is told by the checks of torch and numba
        return
    yield Finding("compute", told)


def numba() -> Iterator[Finding]:
    """Whether numba works."""
    try:
        import numba
    except Exception as error:  # noqa: BLE001 - a broken build raises anything at all
        yield broken("numba", error)
        return
    problem = ""
    if cast("Any", numba).config.DISABLE_JIT:
        problem = "NUMBA_DISABLE_JIT is set, so nothing is compiled and all is slow; unset it"
    yield Finding("numba", importlib.metadata.version("numba"), problem)


def packages() -> Iterator[Finding]:
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
    yield Finding("packages", ", ".join(versions), problem)


def _version(text: str) -> tuple[int, ...]:
    parts = text.split("+", maxsplit=1)[0].split(".")[:3]
    return tuple(int(part) for part in parts if part.isdigit())
