"""The training screen at sizes and moments that others do not cover."""

from __future__ import annotations

import pytest
from fake_run import START, make_run
from test_tui_screens import Drive

pytestmark = pytest.mark.timeout(60)


async def test_a_finished_run_shows_no_work_under_way_on_a_small_screen(tmp_path):
    """A bar of `starting 200/200` would be the last phase's, which is over."""
    run = make_run(tmp_path / "done", 10)
    run.status("finished", phase="", done=200, total=200, unit="games", max_iterations=10)
    async with Drive(tmp_path, "done", size=(60, 20), now=START + 9e4) as d:
        text = await d.until("finished")
        assert "starting" not in text
        assert "200/200" not in text


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_a_run_that_begins_says_starting(tmp_path, size):
    run = make_run(tmp_path / "new", 0)
    run.status(phase="", done=None, total=None)
    async with Drive(tmp_path, "new", size=size, now=run.t) as d:
        await d.until("loss")
        assert "finished" not in d.text


async def test_a_crash_shows_its_whole_last_line_cut_between_words(tmp_path):
    run = make_run(tmp_path / "dead", 6)
    run.say("azul_tui.errors.DivergedError: " + " ".join(f"word{n:02d}" for n in range(20)))
    run.status("crashed", phase="")
    async with Drive(tmp_path, "dead", size=(80, 24), now=run.t) as d:
        text = await d.until("word19")
        assert all(f"word{n:02d}" in text for n in range(20))


async def test_one_run_is_one_run(tmp_path):
    run = make_run(tmp_path / "only", 3)
    async with Drive(tmp_path, now=run.t) as d:
        await d.press("3")
        await d.until("only")
        assert "1 runs" not in d.text
