"""Which run `resume` means when nobody names one, and what a finished one is told."""

from __future__ import annotations

import pytest
from fake_run import START, make_run

from azul_tui.errors import JobError, RunError, RunLockedError
from azul_tui.runs.listing import more_iterations, refuse_live, run_to_resume
from azul_tui.runs.lock import RunLock
from azul_tui.runs.paths import RunPaths

NOW = START + 10_000


def test_a_finished_run_is_passed_over_for_an_older_one_that_was_stopped(tmp_path):
    make_run(tmp_path / "half", 3, state="stopped")
    make_run(tmp_path / "whole", 8).status("finished", max_iterations=8)
    assert run_to_resume(tmp_path, {}, NOW).name == "half"


def test_more_iterations_make_the_newest_finished_run_fit(tmp_path):
    make_run(tmp_path / "half", 3, state="stopped")
    make_run(tmp_path / "whole", 8).status("finished", max_iterations=8)
    assert run_to_resume(tmp_path, {"max_iterations": 20}, NOW).name == "whole"
    assert run_to_resume(tmp_path, {"max_iterations": 5}, NOW).name == "half"


def test_where_all_have_finished_the_newest_is_offered_more_iterations(tmp_path):
    make_run(tmp_path / "whole", 8).status("finished", max_iterations=8)
    with pytest.raises(JobError, match=r"whole has finished its 8 .*run=whole .*max_iterations=16"):
        run_to_resume(tmp_path, {}, NOW)


def test_a_run_that_goes_on_is_never_resumed(tmp_path):
    make_run(tmp_path / "live", 3)
    at = START + 3 * 90
    with pytest.raises(JobError, match="live is going on already"):
        run_to_resume(tmp_path, {}, at)
    paths = RunPaths(tmp_path / "live")
    with RunLock(paths), pytest.raises(RunLockedError, match="--attach live"):
        refuse_live(paths)
    refuse_live(paths)


def test_without_any_run_the_way_to_the_first_is_told(tmp_path):
    with pytest.raises(RunError, match="--run quick"):
        run_to_resume(tmp_path, {}, NOW)


def test_a_run_that_ended_by_the_clock_is_offered_minutes(tmp_path):
    make_run(tmp_path / "timed", 8, state="finished", max_iterations=100)
    with pytest.raises(JobError, match="max_minutes"):
        run_to_resume(tmp_path, {}, NOW)
    assert run_to_resume(tmp_path, {"max_minutes": 0.0}, NOW).name == "timed"


@pytest.mark.parametrize(("done", "planned", "more"), [(6, 6, 12), (3, 8, 8), (9, 6, 18)])
def test_more_iterations(done, planned, more):
    assert more_iterations(done, planned) == more
