"""Pictures of the real screens for the README: `make pictures RUNS=checkpoints`.

`python -m azul_tui.tui.pictures RUNS FOLDER` opens the app on the newest run of the folder
RUNS without a terminal, goes from place to place and writes one SVG each into FOLDER.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from azul_tui.errors import AzulError
from azul_tui.runs.paths import RunPaths
from azul_tui.tui.app import AzulApp
from azul_tui.tui.following.feed import newest_run
from azul_tui.tui.screens.analyse import AnalyseScreen
from azul_tui.tui.screens.checkpoints import CheckpointsScreen
from azul_tui.tui.screens.place import PictureScreen
from azul_tui.tui.screens.play import PlayScreen
from azul_tui.tui.svg import picture_svg

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from azul_tui.tui.engine.process import SharedEngine

SIZE = (120, 40)
PLACES: dict[str, tuple[str, ...]] = {
    "training": ("2",),
    "menu": ("1",),
    "runs": ("3", "space", "space"),
    "checkpoints": ("4",),
    "play": ("6",),
    "analyse": ("f7", "7"),  # digits are moves while a game is on
}
"""Name of the picture, keys that lead to it."""
ANALYSED = (
    "azul2 r3 move:1 next:1 BYRK/BYKK/KKWW/BBYR/BYYK * bag:B3Y8R11K11W7 lid:B7Y3R4W8 "
    "12,-/-/-/-/R1,.YR../.BY../.WB../...B./.....,- "
    "13,-/-/-/-/K3,BY.../WB.../...Y./R.W../.....,-"
)
"""The position in the picture of the Analyse place: two greedy players begin their third round."""
PLAYED_MOVES = 11
"""Moves of the game in the picture of the Play place."""


async def take_pictures(
    runs: Path,
    *,
    names: tuple[str, ...] = (),
    clock: Callable[[], float],
    engine: SharedEngine | None = None,
) -> dict[str, str]:
    """The pictures as SVG, by name.

    Args:
        runs: The folder in which runs live; its newest run is looked at.
        names: Which ones; empty takes all.
        clock: Gives unix time.
        engine: Plays the game that is pictured; None starts one.
    """
    newest = newest_run(runs)
    attach = RunPaths(newest) if newest is not None else None
    app = AzulApp(runs, attach=attach, ascii_only=False, clock=clock)
    app.depth, app.patterns = "full", False
    app.engine = engine or app.engine
    app.keeps_games = False  # the game of the picture must not replace the reader's own
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
            if name == "play":
                await _play_a_while(app, pilot)
            if name == "analyse":
                await _look_at_a_position(app, pilot)
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


async def _play_a_while(app: AzulApp, pilot: Pilot[int]) -> None:
    """Play some moves as the opponent would, and take tiles in hand."""
    screen = app.screen
    assert isinstance(screen, PlayScreen)
    session = screen.session
    assert session is not None
    screen.setup.settings = replace(screen.setup.settings, seed=7)
    screen.action_deal()
    deadline = asyncio.get_running_loop().time() + 300.0
    while session.phase != "yours":
        if session.phase == "broken" or asyncio.get_running_loop().time() > deadline:
            raise AzulError(f"the game for the picture did not begin: {session.problem}")
        await pilot.pause(0.1)
    while session.game is not None and len(session.game.turns) < PLAYED_MOVES:
        await session.ask_hint()
        assert session.hint is not None
        await session.play(session.hint.move)
    if session.pick is not None:
        session.pick.take(*min(session.pick.takeable()))
    screen.redraw()
    await pilot.pause()


async def _look_at_a_position(app: AzulApp, pilot: Pilot[int]) -> None:
    """Analyse a position of the middle of a game to the end."""
    screen = app.screen
    assert isinstance(screen, AnalyseScreen)
    screen.read(ANALYSED)
    deadline = asyncio.get_running_loop().time() + 300.0
    while not screen.session.is_done:
        if screen.thinking.trouble or asyncio.get_running_loop().time() > deadline:
            raise AzulError(f"the position was not analysed: {screen.thinking.trouble}")
        await pilot.pause(0.1)
    screen.redraw()
    await pilot.pause()


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
