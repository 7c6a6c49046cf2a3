"""What it costs to follow a run at 1 Hz, to do nothing, and to open a run of a million steps."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from azul_tui.jobs.bench_ui.synthetic import SyntheticRun, write_steps
from azul_tui.jobs.bench_ui.terminal import dashboard, terminal
from azul_tui.runs.paths import RunPaths

if TYPE_CHECKING:
    from pathlib import Path

STEADY_S = 20.0
IDLE_S = 5.0
MILLION = 1_000_000
OPENINGS = 3


def measure_following(folder: Path) -> dict[str, float]:
    """Cost of following one run at 1 Hz with the whole training screen, and of idling."""
    run = SyntheticRun(RunPaths(folder / "steady"), steps=8000)
    with terminal(dashboard(folder, "steady")) as app:
        app.read_until("loss", 20)
        for _ in range(4):
            run.second()
            app.drain(1.0)
        before, written, started = app.processor_time(), app.bytes, time.perf_counter()
        while time.perf_counter() - started < STEADY_S:
            run.second()
            app.drain(1.0)
        seconds = time.perf_counter() - started
        cpu_percent = app.processor_time().since(before).computed_s / seconds * 100
        bytes_per_s = (app.bytes - written) / seconds
        resident = app.process.memory_info().rss / 1e6
    run.status.update(force=True, state="finished")
    with terminal(dashboard(folder)) as app:
        app.read_until("Training", 20)
        app.drain(3.0)
        before, written = app.processor_time(), app.bytes
        app.drain(IDLE_S)
        idle_bytes = app.bytes - written
        idle_cpu = app.processor_time().since(before).computed_s / IDLE_S * 100
    return {
        "cpu_percent_1hz": cpu_percent,
        "bytes_per_s_1hz": bytes_per_s,
        "rss_mb_1hz": resident,
        "idle_bytes": float(idle_bytes),
        "idle_cpu_percent": idle_cpu,
    }


def measure_million(folder: Path) -> dict[str, float]:
    """From the start of the program to the newest of a million steps on the screen."""
    write_steps(RunPaths(folder / "million"), MILLION)
    times: list[float] = []
    resident = 0.0
    for _ in range(OPENINGS):
        with terminal(dashboard(folder, "million")) as app:
            times.append(app.read_until("1,000,000", 30))
            app.drain(2.0)
            resident = max(resident, app.process.memory_info().rss / 1e6)
    return {"open_1m_s": statistics.median(times), "rss_mb": resident}
