"""Key press to repaint, in all places, while a real training takes every core.

A press is timed until the end of the frame that shows what the key asks for, not until the
first byte. The processor time of the dashboard is measured with it: it says what the
dashboard costs, whatever else the machine does, and the time that its threads were ready and
waited says what share of the latency is other processes' work.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, NamedTuple

from azul_tui.errors import JobFailedError
from azul_tui.jobs.bench_ui.terminal import dashboard, terminal
from azul_tui.runs.launch import job_arguments, job_command, launch
from azul_tui.runs.paths import new_run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from azul_tui.jobs.bench_ui.terminal import Terminal
    from azul_tui.runs.paths import RunPaths

ROUNDS = 6
BEGIN_S = 300
"""The first training on a machine compiles the rules, and other work may delay it."""


class Press(NamedTuple):
    """A key, and the words by which its effect is known."""

    key: bytes
    text: str
    shows: bool = True


TOUR = (
    Press(b"1", "[1 Menu]"),
    Press(b"\x1b[B", "Full training"),
    Press(b"3", "[3 Runs]"),
    Press(b"/", "show runs that contain"),
    Press(b"k", "filter k"),
    Press(b"\x7f", "filter k", shows=False),
    Press(b"\x1b", "show runs that contain", shows=False),
    Press(b"4", "[4 Checkpoints]"),
    Press(b"5", "[5 Evaluate]"),
    Press(b"6", "[6 Play]"),
    Press(b"7", "[7 Analyse]"),
    Press(b"?", "all keys ─"),
    Press(b"\x1b", "all keys ─", shows=False),
    Press(b"2", "[2 Training]"),
    Press(b"l", "log y"),
    Press(b"l", "log y", shows=False),
    Press(b"v", " at step "),
    Press(b"v", " at step ", shows=False),
    Press(b"+", "zoomed"),
    Press(b"0", "zoomed", shows=False),
    Press(b"\x10", "commands ─"),
    Press(b"\x1b", "commands ─", shows=False),
    Press(b"?", "all keys ─"),
    Press(b"?", "all keys ─", shows=False),
    Press(b"x", "Cancel this run now?"),
    Press(b"n", "Cancel this run now?", shows=False),
    Press(b"e", "settings of a run that goes on"),
    Press(b"\x1b", "settings of a run that goes on", shows=False),
)
"""Through the places, into boxes, prompts and charts, and back."""


def measure_keys(folder: Path) -> dict[str, float]:
    """Wall and processor time a key press in milliseconds, 50th and 95th percentile.

    Raises:
        JobFailedError: The training ended, or the dashboard did not answer most of the keys.
    """
    paths = new_run(folder, "keys")
    overrides = ["max_iterations=1000", "eval_frequency=0"]
    arguments = job_arguments(
        "train", root=folder, run_name=paths.name, config="quick", overrides=overrides
    )
    job = launch(job_command(arguments), paths)
    try:
        with terminal(dashboard(folder, paths.name)) as app:
            app.read_until("Training", 20)
            _wait_for_work(paths, job, app)
            wall, computed, waited = _tour(app)
    finally:
        job.kill()
        job.wait()
    return {
        "key_p95_ms": percentile(wall, 0.95),
        "key_p50_ms": percentile(wall, 0.50),
        "key_cpu_ms_p95": percentile(computed, 0.95),
        "key_cpu_ms_p50": percentile(computed, 0.50),
        "key_wait_ms_p50": percentile(waited, 0.50),
        "key_presses": float(len(wall)),
    }


def _tour(app: Terminal) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds a press: until its frame is complete, computed, and waited while ready.

    Computed and waited are those of all threads until the dashboard is silent again, so that
    what a key does after its frame counts as well.
    """
    wall: list[float] = []
    computed: list[float] = []
    waited: list[float] = []
    missed: list[str] = []
    for number in range(ROUNDS + 1):
        for press in TOUR:
            app.settle()
            before = app.processor_time()
            seconds = app.press(press.key, press.text, shows=press.shows)
            app.settle()
            spent = app.processor_time().since(before)
            if number == 0:
                continue  # the first visit of a place imports what it needs
            if not math.isfinite(seconds):
                missed.append(press.text)
                continue
            wall.append(seconds * 1000)
            computed.append(spent.computed_s * 1000)
            waited.append(spent.waited_s * 1000)
    if len(missed) > len(wall) // 10:
        words = ", ".join(sorted(set(missed)))
        raise JobFailedError(f"the dashboard did not answer keys that ask for: {words}")
    return wall, computed, waited


def percentile(values: list[float], share: float) -> float:
    """The smallest of `values` that at least `share` of them do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _wait_for_work(paths: RunPaths, job: subprocess.Popen[bytes], app: Terminal) -> None:
    """Wait until the training plays or learns."""
    end = time.perf_counter() + BEGIN_S
    while time.perf_counter() < end:
        app.drain(1.0)
        if job.poll() is not None:
            raise JobFailedError(f"the training beside the dashboard ended: see {paths.log}")
        try:
            status = paths.status.read_text(encoding="utf-8")
        except OSError:
            continue  # not written yet
        if '"self-play"' in status or '"training"' in status:
            app.drain(2.0)
            return
    raise JobFailedError(f"the training beside the dashboard did not begin within {BEGIN_S} s")
