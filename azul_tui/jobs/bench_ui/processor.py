"""How long a process computed, and how long it waited for a processor while it could have."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import psutil


class ProcessorTime(NamedTuple):
    """Of all threads of a process since it began."""

    computed_s: float
    waited_s: float
    """Ready to compute while others did; 0 where the kernel does not tell."""

    def since(self, before: ProcessorTime) -> ProcessorTime:
        """What was spent after `before`."""
        return ProcessorTime(self.computed_s - before.computed_s, self.waited_s - before.waited_s)


def processor_time(pid: int) -> ProcessorTime:
    """Of the living threads of process `pid`.

    Linux counts both in nanoseconds (`/proc/PID/task/TID/schedstat`, Documentation/scheduler/
    sched-stats.rst); elsewhere only the computing is known, in steps of 10 ms.
    """
    computed = waited = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            run_ns, wait_ns, _ = file.read_text(encoding="ascii").split()
        except OSError:
            continue  # a thread that has just ended
        computed += int(run_ns)
        waited += int(wait_ns)
    if computed:
        return ProcessorTime(computed / 1e9, waited / 1e9)
    times = psutil.Process(pid).cpu_times()
    return ProcessorTime(times.user + times.system, 0.0)
