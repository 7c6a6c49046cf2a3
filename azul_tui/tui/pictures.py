"""Pictures of the real screens for the README: `make pictures RUNS=checkpoints`.

`python -m azul_tui.tui.pictures RUNS FOLDER` opens the app on the newest run of the folder
RUNS without a terminal, goes from place to place and writes one SVG each into FOLDER.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from azul_tui.runs.paths import RunPaths
from azul_tui.tui.app import AzulApp
from azul_tui.tui.follow import newest_run
from azul_tui.tui.screens.checkpoints import CheckpointsScreen
from azul_tui.tui.screens.place import PictureScreen
from azul_tui.tui.svg import picture_svg

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

SIZE = (120, 40)
PLACES: dict[str, tuple[str, ...]] = {
    "training": ("2",),
    "menu": ("1",),
    "runs": ("3", "space", "space"),
    "checkpoints": ("4",),
}
"""Name of the picture, keys that lead to it."""


async def take_pictures(
    runs: Path, *, names: tuple[str, ...] = (), clock: Callable[[], float]
) -> dict[str, str]:
    """The pictures as SVG, by name.

    Args:
        runs: The folder in which runs live; its newest run is looked at.
        names: Which ones; empty takes all.
        clock: Gives unix time.
    """
    newest = newest_run(runs)
    attach = RunPaths(newest) if newest is not None else None
    app = AzulApp(runs, attach=attach, ascii_only=False, clock=clock)
    app.depth, app.patterns = "full", False
    taken: dict[str, str] = {}
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        if app.feed is not None:
            app.feed.read_all()
        for name, keys in PLACES.items():
            if names and name not in names:
                continue
            await pilot.press(*keys)
            await _settle(app, pilot)
            screen = app.screen
            assert isinstance(screen, PictureScreen)
            taken[name] = picture_svg(screen.shown_lines(), f"azul-tui: {name}", SIZE[0])
    return taken


async def _settle(app: AzulApp, pilot: Pilot[int]) -> None:
    """Wait until what is read in the background is on the screen."""
    for _ in range(100):
        await pilot.pause(0.05)
        screen = app.screen
        rows = screen.index.rows if isinstance(screen, CheckpointsScreen) and screen.index else []
        if isinstance(screen, CheckpointsScreen) and len(screen.verified) < len(rows):
            screen.list_again()
            continue
        break
    await pilot.pause(2.5 * app.tick_s)  # the processor's share needs two looks


def main(arguments: list[str]) -> int:
    """Take all pictures; the exit code."""
    import time

    if len(arguments) < 2:
        sys.stderr.write("usage: python -m azul_tui.tui.pictures RUNS FOLDER [NAME ...]\n")
        return 2
    os.environ.pop("NO_COLOR", None)
    runs, folder, *names = arguments
    taken = asyncio.run(take_pictures(Path(runs), names=tuple(names), clock=time.time))
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, svg in taken.items():
        path = Path(folder) / f"{name}.svg"
        path.write_text(svg, encoding="utf-8")
        sys.stdout.write(f"{path}  {len(svg.encode()) / 1000:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
