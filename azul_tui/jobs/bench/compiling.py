"""How long the first start on a machine compiles."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from azul_tui.child_process import python_command, python_environment
from azul_tui.errors import JobFailedError

if TYPE_CHECKING:
    from azul_tui.jobs.context import JobContext


def measure_compile(context: JobContext) -> dict[str, float]:
    """Seconds until every kernel is compiled with an empty cache, then with a full one."""
    del context
    with tempfile.TemporaryDirectory(prefix="azul-tui-bench-") as folder:
        cold, warm = _compile_s(folder), _compile_s(folder)
    return {"cold_compile_s": cold, "warm_compile_s": warm}


def _compile_s(cache: str) -> float:
    """Seconds in a fresh process whose cache lies in that folder."""
    done = subprocess.run(
        python_command("azul_tui.jobs.bench.compiling"),
        env={**python_environment(), "AZUL_TUI_CACHE": cache},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise JobFailedError(f"the kernels did not compile: {done.stderr.strip()[-300:]}")
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    from azul_tui.training.warm_up import compile_kernels

    def report(done: int, total: int, name: str, seconds: float) -> None:
        """Say nothing: the one figure is the output."""

    sys.stdout.write(f"{compile_kernels(2, report)}\n")
