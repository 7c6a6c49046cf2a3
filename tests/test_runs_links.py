"""Links in a run's folder: nothing outside is read through them, nothing outside is written."""

from __future__ import annotations

import json

import pytest
from fake_run import make_run

from azul_tui.cli import main
from azul_tui.errors import CheckpointError, RunError
from azul_tui.runs.events import EventLog, EventTail, last_records
from azul_tui.runs.listing import checkpoint_files, summarize
from azul_tui.runs.lock import lock_holder
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.ratings import RATINGS_FILE, read_ratings
from azul_tui.runs.status import read_status
from azul_tui.views.checkpoint_list import CheckpointIndex, verify_file
from azul_tui.views.following import LogTail, RunFeed, read_object


@pytest.fixture
def outside(tmp_path):
    """Files of somebody, which would be understood if they were read."""
    run = make_run(tmp_path / "private" / "other", 5, state="finished")
    run.say("a private line")
    paths = RunPaths(run.directory)
    rows = [{"name": "private", "elo": 5, "low": 1, "high": 9, "games": 3, "score": 0.5}]
    (paths.directory / RATINGS_FILE).write_text(json.dumps({"ratings": rows}))
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


def test_nothing_is_read_through_a_link(linked, outside, capsys):
    assert read_status(outside.status) is not None
    assert read_status(linked.status) is None
    assert last_records(outside.events)
    assert last_records(linked.events) == []
    with pytest.raises(OSError, match="symbolic links"):
        EventTail(linked.events).read()
    assert LogTail(outside.log).read()
    assert not LogTail(linked.log).read()
    assert read_object(outside.live)
    assert not read_object(linked.live)
    assert read_ratings(outside)
    assert read_ratings(linked) == ()
    assert lock_holder(outside) is not None
    assert lock_holder(linked) is None
    feed = RunFeed(linked.directory)
    assert feed.read_all(2.0).records == 0
    assert "cannot be read" in feed.problem
    assert summarize(linked, 0.0).status.iteration == 0
    assert main(["--list", "--dir", str(linked.directory.parent)]) == 0
    assert "running" not in capsys.readouterr().out


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


def test_nothing_is_written_through_a_link(linked, outside):
    before = outside.events.read_bytes()
    with pytest.raises(RunError, match="cannot be written"):
        EventLog(linked.events)
    assert outside.events.read_bytes() == before


@pytest.mark.parametrize("name", ["control", "games", "replay"])
def test_a_folder_inside_that_is_a_link_is_refused_in_one_sentence(tmp_path, name):
    paths = RunPaths(tmp_path / "runs" / "run")
    paths.directory.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (paths.directory / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=f"{name}: is a link, and what a run writes stays"):
        paths.create()
