"""Processor time until the first screen, beside that of an empty app of the same library."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

from azul_tui.jobs.bench_ui.terminal import dashboard, terminal

if TYPE_CHECKING:
    from pathlib import Path

STARTS = 5
EMPTY_APP = (
    "from textual.app import App\n"
    "from textual.widgets import Static\n"
    "class Empty(App):\n"
    "    def compose(self):\n"
    "        yield Static('READY')\n"
    "Empty().run()\n"
)


def measure_first_paint(folder: Path) -> dict[str, float]:
    """Processor seconds until the first screen, ours and what an empty app does not take."""
    ours: list[float] = []
    empty: list[float] = []
    for _ in range(STARTS + 1):
        with terminal([sys.executable, "-P", "-c", EMPTY_APP]) as app:
            app.read_until("READY", 20)
            empty.append(app.processor_time().computed_s)
        with terminal(dashboard(folder)) as app:
            app.read_until("Training", 20)
            ours.append(app.processor_time().computed_s)
    # The first start of each may have compiled bytecode.
    own, other = statistics.median(ours[1:]), statistics.median(empty[1:])
    return {"first_paint_over_empty_s": own - other, "first_paint_s": own}
