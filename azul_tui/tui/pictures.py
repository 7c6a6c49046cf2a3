"""Pictures of the real screens for the README: `make pictures RUNS=checkpoints`.

`python -m azul_tui.tui.pictures RUNS FOLDER [NAME ...]` opens the app on the newest run of the
folder RUNS without a terminal, goes from place to place and writes the app's own screenshots.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from azul_tui.tui.app import AzulApp
from azul_tui.views.run_list import recent_runs

SETTLE_S = 3.0
"""What a place reads in the background has come by then; the processor's share needs two looks."""
PICTURES = {
    "training": ("2",),
    "menu": ("1",),
    "runs": ("3", "space", "down", "space"),
    "checkpoints": ("4",),
    "play": ("6",),
    "analyse": ("7",),
}
"""Keys that lead to what each shows."""


async def take_pictures(runs: Path, folder: Path, names: list[str]) -> None:
    """Write the pictures of these names, or all, into `folder` as SVG."""
    recent = recent_runs(runs)
    attach = recent[0][0] if recent else None
    app = AzulApp(runs, attach=attach, ascii_only=False, theme="azul-dark")
    async with app.run_test(size=(120, 40)) as pilot:
        for name in names or PICTURES:
            await pilot.press(*PICTURES[name])
            await pilot.pause(SETTLE_S)
            app.save_screenshot(f"{name}.svg", str(folder))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python -m azul_tui.tui.pictures RUNS FOLDER [NAME ...]")
    os.environ.pop("NO_COLOR", None)
    asyncio.run(take_pictures(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
