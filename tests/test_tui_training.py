"""The training place, as somebody sees and uses it."""

from __future__ import annotations

import json

import pytest
from dashboard import NARROW, WIDE, a_run, check_picture, dashboard

from azul_tui.tui.widgets.chart import Chart
from azul_tui.tui.widgets.log import GrowingLog

RUN = "laptop-1122"


def requests_of(root, name=RUN):
    files = sorted((root / name / "control").glob("*.json"))
    return [json.loads(file.read_text())["request"] for file in files]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
@pytest.mark.parametrize("state", ["running", "crashed"])
async def test_a_run_looks_as_it_should(tmp_path, size, state):
    run = a_run(tmp_path)
    if state == "crashed":
        run.status("running", heartbeat=run.t - 100_000)
    async with dashboard(tmp_path, size=size, attach=RUN, now=run.t + 3) as shown:
        await shown.until("step 3,700")
        await shown.until("iteration 37 done")
        await check_picture(shown, f"training-{state}-{size[0]}x{size[1]}")


async def test_without_a_run_it_says_how_to_get_one(tmp_path):
    async with dashboard(tmp_path) as shown:
        await shown.press("2")
        await shown.until("No run is open.")


async def test_before_the_first_record_it_says_what_happens_and_after_a_crash_what_was(tmp_path):
    run = a_run(tmp_path, iterations=0)
    run.event("compile", done=3, total=24, name="search", seconds=2.0)
    run.status(phase="compile")
    async with dashboard(tmp_path, attach=RUN, now=run.t) as shown:
        await shown.until("compiling the rules, 3 of 24")
    run = a_run(tmp_path, "crashed", iterations=36)
    run.say("MemoryError: cannot allocate the replay buffer")
    run.status("running", heartbeat=run.t - 100_000)
    async with dashboard(tmp_path, size=NARROW, attach="crashed", now=run.t) as shown:
        await shown.until("MemoryError: cannot allocate")
        await shown.until("r resumes from checkpoint_iter_000035.pt")


async def test_keys_that_steer_leave_their_requests(tmp_path):
    run = a_run(tmp_path)
    async with dashboard(tmp_path, attach=RUN, now=run.t) as shown:
        await shown.until("p pause")
        await shown.click_words("p pause")
        await shown.until("pausing")
        await shown.press("c", "s", "x")
        await shown.until("Cancel this run now?")
        await shown.press("y")
        asked = ["pause", "checkpoint", "stop", "cancel"]
        await shown.when(lambda: requests_of(tmp_path) == asked, "four requests")


async def test_a_live_setting_is_checked_and_sent(tmp_path):
    run = a_run(tmp_path)
    async with dashboard(tmp_path, attach=RUN, now=run.t) as shown:
        await shown.until("e edit settings")
        await shown.press("e", *"learning_rate", "enter")
        await shown.until("OK")
        await shown.press("end", "ctrl+u", *"no", "enter")
        await shown.until("must be")
        await shown.press("end", "ctrl+u", *"0.002", "enter")
        await shown.when(lambda: requests_of(tmp_path) == ["set"], "set")


async def test_the_wheel_zooms_where_the_pointer_is_and_a_click_reads_values(tmp_path):
    run = a_run(tmp_path)
    async with dashboard(tmp_path, attach=RUN, now=run.t) as shown:
        await shown.until("step 3,700")
        chart = shown.screen.query_one("#main", Chart)
        await shown.pilot.click("#main", offset=(40, 8))
        await shown.until("at step")
        await shown.press("plus", "plus")
        await shown.until("zoomed")
        left, right = chart.drawing.window
        assert left < chart.view.cursor < right
        await shown.press("l")
        assert chart.drawing.log_y
        await shown.press("0")
        assert chart.view.span is None


async def test_every_chart_can_be_written(tmp_path):
    run = a_run(tmp_path, iterations=6)
    async with dashboard(tmp_path, attach=RUN, now=run.t) as shown:
        await shown.until("step 600")
        await shown.press("d", "w", "W")
        folder = tmp_path / RUN
        for name in ("csv", "txt", "svg"):
            files = list(folder.glob(f"chart-*.{name}"))
            assert files and files[0].stat().st_size > 300


async def test_the_log_scrolls_back_and_stays_there(tmp_path):
    run = a_run(tmp_path)
    async with dashboard(tmp_path, attach=RUN, now=run.t) as shown:
        await shown.until("iteration 37 done")
        log = shown.screen.query_one(GrowingLog)
        log.scroll_home(animate=False)
        await shown.until("training starts")
        run.say("one more line")
        shown.app.look_now()
        await shown.when(lambda: shown.app.feed.log.lines[-1] == "one more line", "the line")
        await shown.pilot.pause()
        assert log.scroll_y == 0 and "training starts" in shown.text


async def test_hostile_text_is_shown_as_it_is(tmp_path):
    run = a_run(tmp_path, iterations=6)
    run.say("[red]not markup[/red] [@click=app.quit]x[/] \x1b[2J\x1b]0;title\x07")
    run.event("alert", level="error", text="[b]loss[/b] is \x1b[31mbad")
    async with dashboard(tmp_path, attach=RUN, now=run.t) as shown:
        text = await shown.until("[red]not markup[/red]")
        assert "[b]loss[/b] is bad" in text


async def test_any_size_is_survived(tmp_path):
    run = a_run(tmp_path, iterations=6)
    async with dashboard(tmp_path, attach=RUN, now=run.t) as shown:
        await shown.until("step 600")
        for size in ((1, 1), (19, 5), (60, 20), (300, 90)):
            await shown.pilot.resize_terminal(*size)
            await shown.press("enter", "escape", "b", "escape", "f", "escape")
        await shown.pilot.resize_terminal(120, 40)
        await shown.until("step 600")


async def test_a_theme_that_was_changed_elsewhere_is_seen_when_one_comes_back(tmp_path):
    run = a_run(tmp_path)
    async with dashboard(tmp_path, attach=RUN, now=run.t) as shown:
        await shown.until("self-play")
        dark = shown.screen.query_one("#progress").background_colors[0]
        await shown.press("1")
        shown.app.theme = "azul-light"
        await shown.press("2")
        assert shown.screen.query_one("#progress").background_colors[0] != dark


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
async def test_a_chart_the_board_and_the_log_can_have_the_whole_screen(tmp_path, size):
    run = a_run(tmp_path)
    width, height = size
    async with dashboard(tmp_path, size=size, attach=RUN, now=run.t) as shown:
        await shown.until("step 3,700")
        await shown.press("enter")
        await shown.until("esc back")
        main = shown.screen.query_one("#main", Chart)
        await shown.when(lambda: main.size == (width, height - 3), "the chart fills it")
        await shown.press("tab")
        await shown.until("score  random")
        await shown.press("q", "b")
        await shown.until("last move  R from 2 to line 3")
        assert not main.region
        await shown.press("b", "f")
        await shown.until("iteration 24 done")
        await shown.press("escape")
        await shown.when(lambda: bool(main.region), "all of it is back")
        assert "esc back" not in shown.text
