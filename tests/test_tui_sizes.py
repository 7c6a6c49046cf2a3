"""No size of a terminal ends the program, and what is drawn fits it."""

from __future__ import annotations

import pytest
from fake_run import make_run

from azul_tui.runs.paths import RunPaths
from azul_tui.tui.app import AzulApp
from azul_tui.tui.picture import line_width
from azul_tui.tui.screens.place import PictureScreen

pytestmark = pytest.mark.timeout(120)

SIZES = [(20, 5), (21, 6), (33, 9), (40, 12), (60, 20), (80, 24), (99, 27), (100, 29), (119, 31)]
SIZES += [(120, 40), (161, 45), (200, 60), (300, 100), (300, 5), (20, 100)]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    make_run(root / "one", 6, seed=2, state="finished")
    make_run(root / "two", 13)
    return root


async def test_every_place_at_every_size(root):
    now = 1_700_000_000.0 + 13 * 90
    app = AzulApp(
        root, attach=RunPaths(root / "two"), clock=lambda: now, tick_s=5.0, ascii_only=False
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        places = []
        for mode in ("menu", "training", "runs", "checkpoints", "evaluate", "play"):
            app.action_go(mode)
            await pilot.pause()
            places.append(app.screen)
        app.feed.read_all()
        for width, height in SIZES:
            for screen in places:
                assert isinstance(screen, PictureScreen)
                lines = screen.draw_all(width, height)
                assert len(lines) == height, (screen, width, height)
                assert {line_width(line) for line in lines} == {width}, (screen, width, height)


@pytest.mark.parametrize("size", [(20, 5), (60, 20), (300, 100)])
async def test_the_program_itself_at_the_extremes(root, size):
    now = 1_700_000_000.0 + 13 * 90
    app = AzulApp(root, attach=RunPaths(root / "two"), clock=lambda: now, tick_s=5.0)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for key in ("2", "enter", "escape", "b", "escape", "e", "escape", "question_mark"):
            await pilot.press(key)
        await pilot.press("escape", "3", "slash", "x", "escape", "4", "5", "1", "tab", "enter")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert app.is_running
