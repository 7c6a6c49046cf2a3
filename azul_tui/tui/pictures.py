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

SIZE = (120, 40)
SETTLE_S = 3.0
"""What a place reads in the background has come by then; the processor's share needs two looks."""
PLACES: dict[str, tuple[str, ...]] = {
    "training": ("2",),
    "menu": ("1",),
    "runs": ("3", "space", "down", "space"),
    "checkpoints": ("4",),
    "play": ("6",),
    "analyse": ("7",),
}
"""Name of the picture, keys that lead to it."""


async def take_pictures(runs: Path, names: tuple[str, ...] = ()) -> dict[str, str]:
    """The screenshots as SVG, by name.

    Args:
        runs: The folder in which runs live; its newest run is looked at.
        names: Which ones; empty takes all.
    """
    recent = recent_runs(runs)
    attach = recent[0][0] if recent else None
    app = AzulApp(runs, attach=attach, ascii_only=False, theme="azul-dark")
    taken: dict[str, str] = {}
    async with app.run_test(size=SIZE) as pilot:
        for name, keys in PLACES.items():
            if names and name not in names:
                continue
            for key in keys:
                await pilot.press(key)
            await pilot.pause(SETTLE_S)
            taken[name] = app.export_screenshot(title=f"azul-tui: {name}")
    return taken


def main(arguments: list[str]) -> int:
    """Take all pictures; the exit code."""
    if len(arguments) < 2:
        sys.stderr.write("usage: python -m azul_tui.tui.pictures RUNS FOLDER [NAME ...]\n")
        return 2
    os.environ.pop("NO_COLOR", None)
    runs, folder, *names = arguments
    taken = asyncio.run(take_pictures(Path(runs), tuple(names)))
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, svg in taken.items():
        path = Path(folder) / f"{name}.svg"
        path.write_text(svg, encoding="utf-8")
        sys.stdout.write(f"{path}  {len(svg.encode()) / 1000:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
