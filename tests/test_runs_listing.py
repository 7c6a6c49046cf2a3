from __future__ import annotations

import pytest
from fake_run import make_run

from azul_tui.errors import RunError
from azul_tui.runs.events import EventLog
from azul_tui.runs.listing import checkpoint_files, list_runs, newest_run, summarize
from azul_tui.runs.machine import own_mark
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import Status, write_status


def make(root, name, **fields):
    paths = RunPaths(root / name)
    paths.create()
    write_status(paths.status, Status(name=name, **fields))
    return paths


def test_the_newest_sign_of_life_is_first(tmp_path):
    mark = own_mark()
    alive = {"pid": mark.pid, "host": mark.host, "birth": mark.birth}
    make(tmp_path, "old", state="finished", heartbeat=100.0)
    make(tmp_path, "live", state="running", heartbeat=990.0, iteration=5, best_score=0.7, **alive)
    make(tmp_path, "dead", state="running", heartbeat=500.0, pid=2**22 + 1, host=mark.host)
    runs = list_runs(tmp_path, 1000.0)
    assert [(run.name, run.state) for run in runs] == [
        ("live", "running"),
        ("dead", "crashed"),
        ("old", "finished"),
    ]
    assert runs[0].status.best_score == 0.7
    assert newest_run(tmp_path, 1000.0).name == "live"


def test_size_and_checkpoints_are_counted_and_links_are_not(tmp_path):
    paths = make(tmp_path, "x", state="finished", heartbeat=1.0)
    before = list_runs(tmp_path, 10.0)[0].size_bytes
    paths.checkpoint(5).write_bytes(b"x" * 1000)
    paths.checkpoint(10).write_bytes(b"x" * 1000)
    (paths.games / "g").write_bytes(b"x" * 500)
    (paths.directory / "link").symlink_to("/proc/self/fd")
    (run,) = list_runs(tmp_path, 10.0)
    assert run.size_bytes - before - 2500 < 100
    assert run.checkpoints == 2
    assert [iteration for iteration, _ in checkpoint_files(paths)] == [5, 10]


def test_a_run_whose_status_is_lost_is_told_from_its_last_events(tmp_path):
    paths = RunPaths(tmp_path / "x")
    paths.create()
    with EventLog(paths.events, clock=lambda: 50.0) as log:
        log.append("iteration", iteration=7, total_loss=1.5)
        log.append("checkpoint", iteration=7, file="checkpoint_iter_000007.pt")
    paths.status.write_bytes(b"garbage")
    (run,) = list_runs(tmp_path, 100.0)
    assert (run.state, run.status.iteration, run.status.total_loss) == ("stopped", 7, 1.5)
    assert run.status.last_checkpoint == "checkpoint_iter_000007.pt"
    assert run.changed == 50.0


def test_an_empty_folder_is_listed_as_empty(tmp_path):
    (tmp_path / "x").mkdir()
    (run,) = list_runs(tmp_path, 1e10)
    assert (run.state, run.size_bytes) == ("empty", 0)


def test_which_run_is_newest_does_not_depend_on_the_clock_of_the_reader(tmp_path):
    make(tmp_path, "a", state="finished", heartbeat=5000.0)
    make(tmp_path, "b", state="finished", heartbeat=6000.0)
    for now in (0.0, 5500.0, 1e10):
        assert newest_run(tmp_path, now).name == "b"


def test_no_runs_at_all_is_one_sentence(tmp_path):
    with pytest.raises(RunError, match="--run quick makes the first one"):
        newest_run(tmp_path, 0.0)


def test_hostile_names_and_files_are_listed_harmlessly(tmp_path):
    (tmp_path / "\x1b[2J\u202eevil").mkdir()
    folder = tmp_path / ("x" * 200)
    folder.mkdir()
    (folder / "status.json").mkdir()
    (folder / "events.jsonl").symlink_to("/dev/zero")
    names = [run.name for run in list_runs(tmp_path, 1.0)]
    assert all(name.isprintable() and len(name) <= 64 for name in names)
    assert len(names) == 2


def test_a_run_that_was_stopped_before_it_trained_again_keeps_its_losses(tmp_path):
    run = make_run(tmp_path / "again", 3)
    run.status("stopped", total_loss=None, policy_loss=None, value_loss=None)
    status = summarize(RunPaths(tmp_path / "again"), run.t).status
    assert status.total_loss is not None
    assert status.total_loss == pytest.approx(status.policy_loss + status.value_loss, abs=1e-3)
