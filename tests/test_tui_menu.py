"""The menu: what a person finds there, changes and starts, and what becomes of it."""

from __future__ import annotations

import sys
import time
import tomllib

import pytest
from dashboard import NARROW, WIDE, a_run, check_picture, dashboard
from every_screen import rested
from fake_run import POSITION

from azul_tui.config import find_preset, load_config
from azul_tui.runs.events import EventLog
from azul_tui.tui.widgets.chart import Chart
from azul_tui.tui.widgets.form import Setting

QUICK_PRESET = find_preset("quick")


@pytest.fixture
def started(monkeypatch):
    """Command lines of the jobs that were started; each runs the script in `started.script`."""

    class Started(list):
        script = "import time; time.sleep(60)"

        def command(self, arguments):
            self.append(list(arguments))
            return [sys.executable, "-c", self.script, *arguments]

    jobs = Started()
    monkeypatch.setattr("azul_tui.jobs.start.job_command", jobs.command)
    return jobs


def say(text, code=0):
    return f"print({text!r}); raise SystemExit({code})"


async def choose(shown, job):
    shown.app.go_with("menu", job)
    await shown.until("see how it works")
    await shown.when(lambda: shown.screen.query_one("#forms").current == job, job)
    return shown.screen.forms[job]


def field_of(form, name):
    return next(s for s in form.query(Setting) if s.spec.name == name)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
async def test_the_menu_looks_as_it_should(tmp_path, size):
    async with dashboard(tmp_path, size=size) as shown:
        await shown.until("max_minutes")
        await check_picture(shown, f"menu-{size[0]}x{size[1]}")
        assert "Welcome." in shown.text
        if size is WIDE:
            await shown.press("question_mark")
            text = await shown.until("All keys here")
            keys = text.split("All keys here")[1]
            places = ("show it", "go to Training", "cursor up")
            at = [keys.find(words) for words in places if words in keys]
            assert at == sorted(at), "ours first, then the library's"
            assert "go to Training" in keys and "  start" in keys
            await shown.press("q")
            a_run(tmp_path, iterations=1)
    if size is WIDE:
        async with dashboard(tmp_path) as shown:
            assert "Welcome." not in await shown.until("max_iterations")


async def test_a_changed_setting_is_marked_checked_and_started_with(tmp_path, started):
    async with dashboard(tmp_path, clock=time.time) as shown:
        field = field_of(await choose(shown, "quick"), "max_iterations")
        field.field.focus()
        await shown.press("end", "ctrl+u", *"-3")
        await shown.until("max_iterations must be")
        await shown.press("enter")
        assert started == []
        await shown.press("end", "ctrl+u", "7")
        assert field.has_class("changed")
        await shown.press("enter")
        await shown.when(lambda: started, "start")
        assert "--set=max_iterations=7" in started[0]
        await shown.until("starting")
        assert shown.app.current_mode == "training"


async def test_a_preset_is_chosen_from_a_list_and_leaves_what_was_changed(tmp_path):
    async with dashboard(tmp_path) as shown:
        form = await choose(shown, "quick")
        field_of(form, "max_iterations").field.value = "7"
        field_of(form, "preset").field.focus()
        await shown.press("enter")
        await shown.until("three-players")
        await shown.press(*"smok", "enter")
        wanted = load_config(find_preset("smoke")).mcts_simulations
        await shown.when(lambda: form.base["mcts_simulations"] == wanted, "smoke")
        assert form.changes() == {"max_iterations": 7}
        assert shown.screen.focused is field_of(form, "preset").field
        await choose(shown, "losses")
        assert await choose(shown, "quick") is form, "made once"
        assert form.changes() == {"max_iterations": 7}
        shown.screen.query_one("#jobs").focus()
        await shown.press("u")
        assert not form.changes() and field_of(form, "max_iterations").field.value != "7"


async def test_another_run_to_resume_is_picked_from_a_list_and_shows_its_values(tmp_path, started):
    for name, rate in (("day-1", 0.0077), ("night-1", 0.0033)):
        a_run(tmp_path, name, 3, learning_rate=rate).status("stopped")
    async with dashboard(tmp_path, clock=time.time) as shown:
        form = await choose(shown, "resume")
        other = {"day-1": "night-1", "night-1": "day-1"}[form.values["run"]]
        await shown.press("tab", "tab", "enter")
        await shown.until("type to filter")
        await shown.press(*other, "enter")
        rate = {"day-1": 0.0077, "night-1": 0.0033}[other]
        await shown.when(lambda: form.values["learning_rate"] == rate, other)
        field_of(form, "mcts_simulations").field.value = "8"
        shown.screen.query_one("#jobs").focus()
        await shown.press("enter")
        await shown.when(lambda: started, "start")
        assert {f'--set=run="{other}"', "--set=mcts_simulations=8"} <= set(started[0])


async def test_folded_groups_hold_every_setting(tmp_path):
    async with dashboard(tmp_path) as shown:
        form = await choose(shown, "train")
        for group in form.query("Collapsible"):
            group.collapsed = False
        await shown.when(lambda: len(form.query(Setting)) == len(form.specs), "all fields")


async def test_hours_of_work_are_asked_about_and_so_is_leaving_while_they_run(tmp_path, started):
    async with dashboard(tmp_path) as shown:
        await shown.until("max_minutes")
        await shown.click_words("Full training")
        await shown.until("Full training   hours")
        await rested(shown)  # its form takes the place of the one before
        await shown.click_words("Start  ")
        await shown.until("it takes hours")
        await shown.press("n")
        await rested(shown)
        assert started == []
        await shown.press("enter")
        await shown.until("it takes hours")
        await shown.press("y")
        await shown.when(lambda: started, "start")
        await shown.press("ctrl+q")
        await shown.until("is still running")
        await shown.press("n", "q")
        await shown.until("is still running")
        await shown.press("d")
        await shown.when(lambda: shown.app.return_code is not None, "end")


async def test_what_a_demo_made_stays_when_it_ended_elsewhere(tmp_path, started):
    gate = tmp_path / "gate"
    started.script = (
        f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)\n"
        "print('policy loss 4.21')"
    )
    async with dashboard(tmp_path, clock=time.time) as shown:
        await choose(shown, "losses")
        await shown.press("enter", "3")
        await shown.until("[3 Runs]")
        gate.touch()
        job = shown.app.jobs.latest("losses")
        await shown.when(lambda: not job.running, "its end")
        await shown.until("Loss functions finished")
        await shown.press("1", "1")
        await shown.until("has ended; o shows what it made")
        await shown.press("o")
        text = await shown.until("policy loss 4.21")
        assert "finished" in text and "x cancel" not in text


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["120x40", "80x24"])
async def test_what_a_demo_makes_is_drawn_beside_its_output(tmp_path, started, size):
    async with dashboard(tmp_path, size=size, clock=time.time) as shown:
        await choose(shown, "components")
        await shown.press("enter")
        log = EventLog(shown.app.jobs.latest("components").paths.events)
        log.append("part", name="losses", title="Loss functions", state="done", seconds=2.0)
        log.append("temperature", temperature=0.1, policy_loss=3.6)
        log.append("batch", outcome_bins=[[-1.0, 0.0], [0.0, 1.0]], outcome_histogram=[9, 7])
        for iteration in (5, 10, 15):
            losses = {"policy_loss": 2.0, "value_loss": 0.5, "total_loss": 3.0 - iteration / 10}
            log.append("iteration", iteration=iteration, **losses)
        log.append("move", game=0, number=1, told="R from 1 to line 2", position=POSITION)
        for words in ("Loss functions", "3.600 nats", "-1.0 to +0.0"):
            await shown.until(words)
            shown.screen.query_one("#made").scroll_relative(y=4, animate=False)
        shown.screen.query_one("#made").scroll_end(animate=False)
        await shown.until("last move  R from 1 to line 2")
        chart = shown.screen.query_one(Chart)
        assert chart.view.x_kind == "iteration", "no step is numbered: all would lie at 0"
        made = shown.screen.query_one("#made")
        bottom = max(child.virtual_region.bottom for child in made.children if child.display)
        assert made.virtual_size.height == bottom
        assert all(child.outer_size.height > 2 for child in made.children if child.display)


async def test_a_job_that_failed_says_why(tmp_path, started):
    started.script = say("azul-tui: batch_size is too large", code=2)
    async with dashboard(tmp_path, clock=time.time) as shown:
        await choose(shown, "losses")
        await shown.press("enter", "3")
        await shown.until("exit code 2: batch_size is too")


async def test_a_training_that_is_killed_while_it_loads_is_told_as_ended(tmp_path, started):
    started.script = "import os; print('loading torch', flush=True); os.kill(os.getpid(), 9)"
    async with dashboard(tmp_path, clock=time.time) as shown:
        await choose(shown, "quick")
        await shown.press("enter")
        text = await shown.until("killed by SIGKILL")
        assert "crashed" in text


async def test_resume_shows_the_runs_own_values_and_names_it(tmp_path, started):
    run = a_run(tmp_path, "night-1", 6, state="stopped", learning_rate=0.00321)
    run.status("stopped")
    async with dashboard(tmp_path, clock=time.time) as shown:
        form = await choose(shown, "resume")
        assert form.base["run"] == "night-1" and form.base["learning_rate"] == 0.00321
        await shown.press("enter")
        await shown.when(lambda: started, "resume")
        assert any("night-1" in argument for argument in started[0])
        await shown.until("resuming")
        await shown.press("r")
        assert len(started) == 1, "a run that is being resumed is not resumed again"
    a_run(tmp_path, "done", 5, max_iterations=5).status("finished", max_iterations=5)
    async with dashboard(tmp_path, attach="done", clock=time.time) as shown:
        await shown.until("finished")
        await shown.press("r")
        await shown.until("How many more iterations?")
        await shown.press("end", "ctrl+u", "4", "enter")
        await shown.when(lambda: len(started) == 2, "resume")
        assert "--set=max_iterations=9" in started[1]


async def test_settings_are_saved_as_a_file_that_config_takes(tmp_path):
    async with dashboard(tmp_path) as shown:
        await choose(shown, "quick")
        await shown.press("s")
        await shown.until("Save these settings as")
        await shown.press("end", "ctrl+u", *str(tmp_path / "mine"), "enter")
        await shown.until("saved;")
        values = tomllib.loads((tmp_path / "mine.toml").read_text())
        assert values["mcts_simulations"] == load_config(QUICK_PRESET).mcts_simulations


async def test_the_palette_finds_jobs_places_runs_and_keys(tmp_path):
    a_run(tmp_path, "night-1", 6)
    async with dashboard(tmp_path) as shown:
        await shown.press("ctrl+p")
        for typed, found in (
            ("sampl", "Start: Batch sampling"),
            ("gorun", "Go to Runs"),
            ("night", "Run night-1"),
            ("iteration 5", "Checkpoint night-1 iteration 5"),
        ):
            await shown.press(*("space" if char == " " else char for char in typed))
            await shown.until(found)
            await shown.press("end", "ctrl+u")
        await shown.press("escape")


async def test_a_theme_is_kept_for_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    async with dashboard(tmp_path) as shown:
        shown.app.theme = "nord"
        await shown.pilot.pause(0.2)
    async with dashboard(tmp_path, theme=None) as shown:
        assert shown.app.theme == "nord"


UNKNOWN = "warp_factor"


async def test_stored_settings_of_another_version_are_told(tmp_path):
    run = a_run(tmp_path, "night-1", 5, state="stopped", warp_factor=9)
    run.status("stopped")
    async with dashboard(tmp_path, attach="night-1") as shown:
        await shown.until("stopped")
        await choose(shown, "resume")
        await shown.until(UNKNOWN)
    async with dashboard(tmp_path) as shown:
        await shown.press("4")
        await shown.until("iteration 5")
        await shown.press("R")
        await shown.until("new_run   ")
        await shown.until(UNKNOWN)
    run.status("running")
    async with dashboard(tmp_path, attach="night-1", now=run.t) as shown:
        await shown.until("self-play")
        await shown.press("e")
        await shown.until("Change a setting")
        await shown.until(UNKNOWN)
