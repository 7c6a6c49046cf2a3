"""What is left on the terminal after the dashboard has gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_run import make_run
from test_tui_screens import Drive

from azul_tui.runs.paths import RunPaths
from azul_tui.tui.goodbye import goodbye, told


class Job:
    """A process that the dashboard started."""

    returncode = None

    def __init__(self):
        self.ended = False

    def poll(self):
        return 0 if self.ended else None

    def terminate(self):
        self.ended = True


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("", "night goes on training; come back with: azul-tui --attach night\n"),
        ("d", "night goes on training; come back with: azul-tui --attach night\n"),
        ("s", "night stops after this iteration and saves; look at it with"),
        ("c", "night is cancelled, its checkpoints stay; look at it with"),
    ],
)
def test_one_line_says_what_goes_on_and_the_way_back(answer, words):
    assert words in told(["night"], answer, Path("checkpoints"), {})


def test_the_way_back_names_the_folder_where_it_is_not_the_usual_one():
    assert "--attach night --dir '/my runs'" in told(["night"], "", Path("/my runs"), {})
    assert "--dir" not in told(["night"], "", Path("/runs"), {"AZUL_TUI_DIR": "/runs"})
    assert told([], "", Path("/runs"), {}) == ""


async def test_a_run_that_was_looked_at_and_goes_on_is_named(tmp_path):
    run = make_run(tmp_path / "live", 3)
    async with Drive(tmp_path, "live", now=run.t) as d:
        await d.until("loss")
        await d.press("q")
    assert goodbye(d.app).startswith("live goes on training")


async def test_a_finished_run_needs_no_word(tmp_path):
    run = make_run(tmp_path / "done", 3, state="finished")
    async with Drive(tmp_path, "done", now=run.t) as d:
        await d.until("loss")
        await d.press("q")
    assert goodbye(d.app) == ""


async def test_a_job_that_reads_no_requests_is_ended_by_a_signal(tmp_path):
    run = make_run(tmp_path / "live", 3)
    async with Drive(tmp_path, now=run.t) as d:
        jobs = {"live": "train", "bench-1": "bench"}
        d.app.processes = {name: Job() for name in jobs}
        d.app.job_names = jobs
        d.app.job_paths = {name: RunPaths(tmp_path / name) for name in jobs}
        await d.press("q")
        await d.until("still running")
        assert max(len(line) for line in d.text.splitlines()) <= 120
        await d.press("s")
    assert d.app.processes["bench-1"].ended
    assert not d.app.processes["live"].ended
    assert list((tmp_path / "live" / "control").glob("*-stop.json"))
    assert goodbye(d.app).startswith("live stops after this iteration")
