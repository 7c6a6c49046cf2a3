"""The main screens as pictures of text, compared with those that somebody looked at.

`UPDATE_SNAPSHOTS=1 pytest tests/test_tui_snapshots.py` writes them anew; look at the
difference before keeping it.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from fake_run import make_run

from azul_tui.runs.paths import RunPaths
from azul_tui.tui.app import AzulApp
from azul_tui.tui.machine import Usage
from azul_tui.tui.picture import plain

SNAPSHOTS = Path(__file__).parent / "snapshots"
SIZES = [(80, 24), (120, 40)]
NOW = 1_700_000_000.0 + 37 * 90 + 1
SCREENS = {
    # The first entry: its few settings do not change with every new training setting.
    "menu": ["1", "pageup", "pageup"],
    "menu-settings": ["1", "pageup", "pageup", "tab", "down"],
    "training": ["2"],
    "training-chart": ["2", "enter", "l", "v"],
    "training-board": ["2", "b"],
    "runs": ["3", "space", "space"],
    "checkpoints": ["4"],
    "evaluate": ["5"],
    "play": ["6"],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    make_run(root / "quick-1121", 8, seed=2, state="finished", batch_size=64)
    make_run(root / "laptop-1122", 37)
    for file in root.rglob("*.pt"):
        os.utime(file, (NOW - 600 - len(file.name), NOW - 600 + int(file.stem[-6:])))
    return root


@pytest.mark.parametrize("ascii_only", [False, True], ids=["unicode", "ascii"])
@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])
@pytest.mark.parametrize("name", SCREENS)
async def test_the_screen_looks_as_it_did(root, name, size, ascii_only, monkeypatch):
    usage = Usage(cpu_percent=97.0, memory_used=3_100_000_000, memory_total=24_000_000_000)
    monkeypatch.setattr(AzulApp, "_read_meter", lambda self: setattr(self, "usage", usage))
    # What is shipped changes with every release.
    monkeypatch.setattr(
        "azul_tui.tui.checkpoints.shipped.pretrained_directory", lambda *_: root / "nothing-shipped"
    )
    monkeypatch.setattr("azul_tui.runs.listing._sizes", lambda _folder: (14_000_000, 7))
    app = AzulApp(
        root,
        attach=RunPaths(root / "laptop-1122"),
        clock=lambda: NOW,
        tick_s=60.0,
        ascii_only=ascii_only,
    )
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        while app.feed is None:  # opened after the first paint
            await pilot.pause(0.01)
        app.feed.read_all()
        app.usage = usage
        await pilot.press(*SCREENS[name])
        app.screen.on_screen_resume()
        if name == "checkpoints":
            while len(app.screen.verified) < len(app.screen.index.rows):
                app.screen.list_again()
                await asyncio.sleep(0.02)
        for feed in getattr(getattr(app.screen, "curves", None), "feeds", {}).values():
            feed.read_all()
        app.screen.redraw()
        text = plain(app.screen.shown_lines()) + "\n"
    kind = "-ascii" if ascii_only else ""
    path = SNAPSHOTS / f"{name}-{size[0]}x{size[1]}{kind}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS") or not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        assert os.environ.get("UPDATE_SNAPSHOTS"), f"{path} was absent; look at it and keep it"
    if ascii_only:
        assert text.isascii()
    assert text == path.read_text(encoding="utf-8")
