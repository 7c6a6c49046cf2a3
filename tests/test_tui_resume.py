"""Going on with a run from the dashboard: at once, asked how far, or told why not."""

from __future__ import annotations

import pytest
from fake_run import START, make_run
from test_tui_screens import Drive

from azul_tui.runs.paths import RunPaths
from azul_tui.tui.forms.resume import free_name, name_problem, resume_form
from azul_tui.tui.going_on import plan_for, why_not

pytestmark = pytest.mark.timeout(60)
LATER = START + 100_000


@pytest.fixture
def started(monkeypatch):
    """Command lines that the dashboard would have started."""
    seen = []
    monkeypatch.setattr(
        "azul_tui.tui.app.AzulApp.start_job",
        lambda self, job, arguments, paths: seen.append((job, list(arguments), paths.name)),
    )
    return seen


def finished(root, name="done", iterations=10, **fields):
    run = make_run(root / name, iterations, max_iterations=iterations)
    run.status("finished", max_iterations=iterations, **fields)
    return run


async def test_a_finished_run_is_asked_how_many_iterations_more(tmp_path, started):
    finished(tmp_path)
    async with Drive(tmp_path, "done", now=LATER) as d:
        await d.until("more iterations")
        await d.press("r")
        await d.until("how many more iterations?")
        assert "done has finished its 10 iterations" in d.text
        await d.press("0")
        await d.until("above 0")
        await d.press("enter")
        assert not started
        await d.press("backspace", *"1,005", "enter")
        await d.until("done goes on")
    ((job, arguments, name),) = started
    assert (job, name) == ("resume", "done")
    assert '--set=run="done"' in arguments and "--set=max_iterations=1015" in arguments


async def test_the_short_question_leads_to_the_whole_form(tmp_path, started):
    finished(tmp_path)
    async with Drive(tmp_path, "done", now=LATER) as d:
        await d.until("more iterations")
        await d.press("r", "tab")
        await d.until("It has finished its 10 iterations")
        assert "was 10" in d.text and "20" in d.text
        await d.press("g")
        await d.until("done goes on")
    assert "--set=max_iterations=20" in started[0][1]


async def test_a_run_that_ended_by_the_clock_is_asked_for_minutes(tmp_path, started):
    run = make_run(tmp_path / "timed", 6, max_iterations=100, max_minutes=30.0)
    run.status("finished")
    async with Drive(tmp_path, "timed", now=LATER) as d:
        await d.until("more iterations")
        await d.press("r")
        await d.until("how many more minutes?")
        await d.press(*"12.5", "enter")
        await d.until("timed goes on")
    assert "--set=max_minutes=42.5" in started[0][1]


async def test_a_stopped_run_goes_on_at_once_and_says_so(tmp_path, started):
    make_run(tmp_path / "half", 6, state="stopped")
    async with Drive(tmp_path, now=LATER) as d:
        await d.press("3")
        await d.until("half")
        await d.press("r")
        await d.until("half goes on")
        assert d.app.current_mode == "training"
    assert started[0][2] == "half"


async def test_a_run_that_goes_on_says_so_instead_of_doing_nothing(tmp_path, started):
    run = make_run(tmp_path / "live", 6)
    async with Drive(tmp_path, "live", now=run.t) as d:
        await d.until("loss")
        assert "r resume" not in d.text.splitlines()[-1]
        await d.press("r")
        await d.until("live is going on;")
    assert not started


async def test_an_older_checkpoint_is_asked_about_before_what_came_after_is_given_up(
    tmp_path, started
):
    make_run(tmp_path / "half", 12, state="stopped")
    async with Drive(tmp_path, now=LATER) as d:
        await d.press("4")
        await d.until("10 new")
        while d.app.screen.chosen().iteration != 5:
            await d.press("down")
        await d.press("r")
        await d.until("It goes back to iteration 5")
        await d.press("escape")
        assert not started
        await d.press("r")
        await d.until("It goes back to iteration 5")
        await d.press("g")
        await d.until("half goes on from checkpoint_iter_000005.pt")
    assert any("checkpoint_iter_000005.pt" in word for word in started[0][1])


async def test_a_new_run_gets_a_name_and_settings(tmp_path, started):
    finished(tmp_path)
    async with Drive(tmp_path, now=LATER) as d:
        await d.press("4")
        await d.until("10 new")
        while d.app.screen.chosen().iteration != 10:
            await d.press("down")
        await d.press("R")
        await d.until("a new run from done")
        assert "done-2" in d.text
        await d.press("enter")
        await d.press(*["backspace"] * 6, *"done")
        await d.until("there is a run of that name")
        await d.press(*"3", "enter")
        await d.press("g")
        await d.until("done3 begins with the weights of done")
    ((_, arguments, name),) = started
    assert name == "done3"
    assert "--name=done3" in arguments and "--set=max_iterations=20" in arguments
    assert (tmp_path / "done3").is_dir()


def test_a_run_that_ended_by_the_clock_is_given_more_minutes(tmp_path):
    run = make_run(tmp_path / "timed", 6, max_iterations=100, max_minutes=30.0)
    run.status("finished")
    plan = plan_for(RunPaths(tmp_path / "timed"), None, LATER)
    assert resume_form(plan).changes == {"max_minutes": 60.0}


def test_a_run_that_was_interrupted_changes_nothing(tmp_path):
    make_run(tmp_path / "half", 6, state="stopped")
    plan = plan_for(RunPaths(tmp_path / "half"), None, LATER)
    assert not plan.finished
    assert resume_form(plan).changes == {}
    assert why_not(RunPaths(tmp_path / "half"), LATER) == ""


def test_the_next_free_name_is_offered(tmp_path):
    for name in ("night", "night-2", "quick-1122"):
        (tmp_path / name).mkdir()
    assert free_name(RunPaths(tmp_path / "night")) == "night-3"
    assert free_name(RunPaths(tmp_path / "night-2")) == "night-3"
    assert free_name(RunPaths(tmp_path / "quick-1122")) == "quick-1122-2"
    assert name_problem(tmp_path, "night") == "there is a run of that name"
    assert "must begin with" in (name_problem(tmp_path, "../x") or "")
    assert name_problem(tmp_path, "day") is None
