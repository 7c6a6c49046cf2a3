"""What the process of the dashboard imports, and what it must not."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from fake_run import make_run
from azul_tui.runs.paths import RunPaths
from azul_tui.tui.app import AzulApp

async def main():
    root = Path({root!r})
    run = make_run(root / "run", 6)
    app = AzulApp(root, clock=lambda: run.t)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        early = "numpy" in sys.modules
        app.follow(root / "run")
        for key in ("2", "b", "escape", "e", "escape", "enter", "escape", "3", "4", "5", "1"):
            await pilot.press(key)
    from azul_tui.tui.once import run_text
    print(run_text(RunPaths(root / "run")))
    heavy = sorted(set(sys.modules) & {{"torch", "numba", "llvmlite", "scipy", "pyte"}})
    print("HEAVY", heavy, "EARLY", early)

asyncio.run(main())
"""


def test_the_dashboard_imports_neither_torch_nor_numba_and_numpy_after_the_first_paint(tmp_path):
    from pathlib import Path

    script = SCRIPT.format(tests=str(Path(__file__).parent), root=str(tmp_path / "runs"))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "HEAVY [] EARLY False" in done.stdout
    assert "best checkpoint checkpoint_iter_000005.pt" in done.stdout


def test_ascii_and_no_colour_are_chosen_from_the_environment(tmp_path, monkeypatch):
    from azul_tui.tui.app import AzulApp
    from azul_tui.tui.signs import locale_has_unicode

    assert locale_has_unicode({"LANG": "de_DE.UTF-8"})
    assert not locale_has_unicode({"LC_ALL": "C", "LANG": "de_DE.UTF-8"})
    assert not locale_has_unicode({"LANG": "de_DE.ISO-8859-1"})
    monkeypatch.setenv("AZUL_TUI_ASCII", "1")
    assert AzulApp(tmp_path).signs.ascii
    monkeypatch.setenv("NO_COLOR", "1")
    app = AzulApp(tmp_path)
    assert app.depth == "none"
    assert app.patterns


def test_roles_have_styles_at_every_depth():
    from azul_tui.tui.palette import depth_of, role_style

    assert depth_of("truecolor", no_color=False) == "full"
    assert depth_of("256", no_color=False) == "full"
    assert depth_of("standard", no_color=False) == "16"
    assert depth_of("truecolor", no_color=True) == "none"
    for role in ("", "series.0", "band.3", "tile.K", "wall.W", "unknown role"):
        assert role_style(role, "none").color is None
        assert role_style(role, "none").bgcolor is None
        for depth in ("full", "16"):
            assert role_style(role, depth) is not None
