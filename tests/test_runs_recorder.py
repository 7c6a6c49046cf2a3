from __future__ import annotations

import json

import pytest

from azul_tui.errors import RunLockedError
from azul_tui.runs.events import encode_plain
from azul_tui.runs.machine import host_name
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.recorder import RunRecorder
from azul_tui.runs.status import read_status


@pytest.fixture
def paths(tmp_path):
    return RunPaths(tmp_path / "run")


def kinds(paths):
    return [json.loads(line)["event"] for line in paths.events.read_text().splitlines()]


def test_records_status_and_lock_of_a_run_that_ends_well(paths):
    heard = []
    with RunRecorder(paths, job="train", listener=heard.append) as recorder:
        recorder.record("phase", phase="self-play", iteration=1)
        recorder.status(force=True, iteration=1, phase="self-play")
        status = read_status(paths.status)
        assert (status.state, status.iteration, status.job, status.name) == (
            "running", 1, "train", "run",
        )  # fmt: skip
        with pytest.raises(RunLockedError), RunRecorder(paths, job="train"):
            pass
    assert read_status(paths.status).state == "finished"
    assert kinds(paths) == ["phase"]
    assert [record["event"] for record in heard] == ["phase"]


def test_a_run_that_raises_has_crashed_and_one_that_stopped_has_stopped(paths):
    with pytest.raises(KeyError), RunRecorder(paths, job="train"):
        raise KeyError
    assert read_status(paths.status).state == "crashed"
    with RunRecorder(paths, job="train") as recorder:
        recorder.status(state="stopped")
    assert read_status(paths.status).state == "stopped"


def test_a_run_interrupted_in_somebodys_own_program_has_stopped(paths):
    with pytest.raises(KeyboardInterrupt), RunRecorder(paths, job="train"):
        raise KeyboardInterrupt
    assert read_status(paths.status).state == "stopped"


def test_a_stale_lock_is_taken_over_and_said_so(paths):
    paths.create()
    mark = {"pid": 2**22 + 5, "host": host_name(), "birth": "", "since": 0.0}
    paths.lock.write_bytes(encode_plain(mark))
    with RunRecorder(paths, job="train"):
        pass
    (alert,) = (json.loads(line) for line in paths.events.read_text().splitlines())
    assert "took over the lock of process" in alert["text"]


def test_a_resume_keeps_the_log_up_to_its_checkpoint(paths):
    with RunRecorder(paths, job="train") as recorder:
        recorder.record("a")
        position = recorder.log.position
        recorder.record("b")
    with RunRecorder(paths, job="resume", keep=position) as recorder:
        recorder.record("c")
    assert kinds(paths) == ["a", "c"]
