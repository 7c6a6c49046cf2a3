"""Lists of runs: their state, their ratings, which of them resumes, and links to elsewhere."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from fake_run import START, make_run

from azul_tui.cli import main
from azul_tui.errors import CheckpointError, JobError, RunError, RunLockedError
from azul_tui.runs.events import EventLog, EventTail, last_records
from azul_tui.runs.listing import (
    LADDER_RATINGS_FILE,
    RATINGS_FILE,
    RatingRow,
    checkpoint_files,
    list_runs,
    more_iterations,
    newest_run,
    read_ratings,
    refuse_live,
    run_to_resume,
    summarize,
    write_ratings,
)
from azul_tui.runs.machine import own_mark
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import RunLock, Status, lock_holder, read_status, write_status
from azul_tui.views.checkpoint_list import CheckpointIndex, verify_file
from azul_tui.views.following import LogTail, RunFeed, read_object

NOW = START + 10_000


def make(root, name, **fields):
    paths = RunPaths(root / name)
    paths.create()
    write_status(paths.status, Status(name=name, **fields))
    return paths


def test_the_newest_sign_of_life_is_first_by_whatever_clock(tmp_path):
    alive = asdict(own_mark())
    make(tmp_path, "old", state="finished", heartbeat=100.0)
    make(tmp_path, "live", state="running", heartbeat=990.0, iteration=5, best_score=0.7, **alive)
    make(tmp_path, "dead", heartbeat=500.0, **{**alive, "pid": 2**22 + 1})
    runs = list_runs(tmp_path, 1000.0)
    assert [(run.name, run.state) for run in runs] == [
        ("live", "running"), ("dead", "crashed"), ("old", "finished"),
    ]  # fmt: skip
    assert runs[0].status.best_score == 0.7
    for now in (0.0, 800.0, 1e10):
        assert newest_run(tmp_path, now).name == "live"
    with pytest.raises(RunError, match="--run quick makes the first one"):
        newest_run(tmp_path / "absent", 0.0)


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


def test_a_run_that_was_stopped_before_it_trained_again_keeps_its_losses(tmp_path):
    run = make_run(tmp_path / "again", 3)
    run.status("stopped", total_loss=None, policy_loss=None, value_loss=None)
    status = summarize(RunPaths(tmp_path / "again"), run.t).status
    assert status.total_loss == pytest.approx(status.policy_loss + status.value_loss, abs=1e-3)


def test_empty_and_hostile_folders_are_listed_harmlessly(tmp_path):
    (tmp_path / "x").mkdir()
    (run,) = list_runs(tmp_path, 1e10)
    assert (run.state, run.size_bytes) == ("empty", 0)
    (tmp_path / "\x1b[2J\u202eevil").mkdir()
    folder = tmp_path / ("x" * 200)
    folder.mkdir()
    (folder / "status.json").mkdir()
    (folder / "events.jsonl").symlink_to("/dev/zero")
    names = [run.name for run in list_runs(tmp_path, 1.0)]
    assert all(name.isprintable() and len(name) <= 64 for name in names)
    assert len(names) == 3


# -- which run `resume` means when nobody names one


def test_the_newest_run_with_work_left_is_resumed(tmp_path):
    with pytest.raises(RunError, match="--run quick"):
        run_to_resume(tmp_path, {}, NOW)
    make_run(tmp_path / "half", 3, state="stopped")
    make_run(tmp_path / "whole", 8).status("finished", max_iterations=8)
    assert run_to_resume(tmp_path, {}, NOW).name == "half"
    assert run_to_resume(tmp_path, {"max_iterations": 20}, NOW).name == "whole"
    assert run_to_resume(tmp_path, {"max_iterations": 5}, NOW).name == "half"


@pytest.mark.parametrize(
    ("state", "planned", "told", "change"),
    [
        ("finished", 8, r"has finished its 8 .*run=run .*max_iterations=16", {"max_iterations": 9}),
        ("finished", 100, r"as long as it was asked to.* max_minutes", {"max_minutes": 0.0}),
        ("running", 100, "run is going on already", None),
    ],
)
def test_a_run_without_work_is_told_what_would_give_it_some(tmp_path, state, planned, told, change):
    make_run(tmp_path / "run", 8).status(state, max_iterations=planned)
    now = NOW if state == "finished" else START + 8 * 90
    with pytest.raises(JobError, match=told):
        run_to_resume(tmp_path, {}, now)
    if change is not None:
        assert run_to_resume(tmp_path, change, now).name == "run"
    paths = RunPaths(tmp_path / "run")
    with RunLock(paths), pytest.raises(RunLockedError, match="--attach run"):
        refuse_live(paths)
    refuse_live(paths)


def test_more_iterations():
    assert [more_iterations(*pair) for pair in ((6, 6), (3, 8), (9, 6))] == [12, 8, 18]


# -- ratings

OWN = (
    RatingRow("iteration 20", 700.0, 650.0, 750.0, 400, 0.8, 20),
    RatingRow("iteration 10", 500.0, 450.0, 550.0, 400, 0.7, 10),
    RatingRow("random", 0.0, -90.0, 90.0, 400, 0.01),
)
LADDER = (
    RatingRow("planner", 900.0, 850.0, 950.0, 400, 0.9),
    RatingRow("laptop/checkpoint_iter_000015@100", 800.0, 750.0, 850.0, 400, 0.8, 15),
    RatingRow("laptop/checkpoint_iter_000010@100", 610.0, 560.0, 660.0, 400, 0.6, 10),
    RatingRow("random", 0.0, -40.0, 40.0, 400, 0.01),
)


@pytest.mark.parametrize("ladder_first", [True, False])
def test_ratings_of_training_and_ladder_are_kept_apart_and_read_together(tmp_path, ladder_first):
    paths = RunPaths(tmp_path)
    assert read_ratings(paths) == ()
    both = [(OWN, RATINGS_FILE), (LADDER, LADDER_RATINGS_FILE)]
    for rows, file in both[:: -1 if ladder_first else 1]:
        write_ratings(paths, rows, anchor="random", players=2, fitted=1.0, file=file)
    assert read_ratings(paths) == (LADDER[0], LADDER[1], *OWN), "the ladder adds what is missing"
    write_ratings(paths, OWN, anchor="greedy", players=2, fitted=2.0)
    assert read_ratings(paths) == OWN, "told from another player"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"ratings": [{}]}', '{"ratings": [{"name": "a", "elo": "x"}]}', "[" * 100_000],
)
def test_damaged_ratings_read_as_none_and_names_are_harmless(tmp_path, text):
    paths = RunPaths(tmp_path)
    (tmp_path / RATINGS_FILE).write_text(text)
    assert read_ratings(paths) == ()
    row = RatingRow("a\x1b[2Jb", 0.0, 0.0, 0.0, 1, 0.5)
    write_ratings(paths, [row], anchor="a", players=2, fitted=1.0)
    assert read_ratings(paths)[0].name == "ab"


# -- links in a run's folder: nothing outside is read or written through them


@pytest.fixture
def outside(tmp_path):
    """Files of somebody, which would be understood if they were read."""
    run = make_run(tmp_path / "private" / "other", 5, state="finished")
    run.say("a private line")
    paths = RunPaths(run.directory)
    write_ratings(paths, OWN, anchor="random", players=2, fitted=1.0)
    paths.lock.write_text(json.dumps({"pid": 1, "host": "private"}))
    return paths


@pytest.fixture
def linked(outside, tmp_path):
    """A run whose files are links to them."""
    paths = RunPaths(tmp_path / "runs" / "run")
    paths.directory.mkdir(parents=True)
    for file in outside.directory.iterdir():
        if file.is_file():
            (paths.directory / file.name).symlink_to(file)
    return paths


def test_nothing_is_read_or_written_through_a_link(linked, outside, capsys):
    readers = {
        "status": read_status, "events": last_records, "live": read_object,
        "log": lambda path: LogTail(path).read(),
    }  # fmt: skip
    for name, read in readers.items():
        assert read(getattr(outside, name)), name
        assert not read(getattr(linked, name)), name
    assert read_ratings(outside) and not read_ratings(linked)
    assert lock_holder(outside) and not lock_holder(linked)
    with pytest.raises(OSError, match="symbolic links"):
        EventTail(linked.events).read()
    feed = RunFeed(linked.directory)
    assert feed.read_all(2.0).records == 0
    assert "cannot be read" in feed.problem
    assert summarize(linked, 0.0).status.iteration == 0
    assert main(["--list", "--dir", str(linked.directory.parent)]) == 0
    assert "running" not in capsys.readouterr().out
    before = outside.events.read_bytes()
    with pytest.raises(RunError, match="cannot be written"):
        EventLog(linked.events)
    assert outside.events.read_bytes() == before


def test_a_checkpoint_that_is_a_link_is_neither_listed_nor_verified_nor_gone_on_from(
    linked, outside
):
    from azul_tui.training.checkpoint import newest_valid

    (number, file) = checkpoint_files(outside)[0]
    assert number == 5
    assert verify_file(file) == ""
    assert checkpoint_files(linked) == []
    assert "is a link" in verify_file(linked.checkpoint(5))
    index = CheckpointIndex(linked.directory.parent)
    index.refresh()
    assert not [row for row in index.rows if row.run == "run"]
    with pytest.raises(CheckpointError, match=r"checkpoint_iter_000005\.pt is a link"):
        newest_valid(linked.directory)
