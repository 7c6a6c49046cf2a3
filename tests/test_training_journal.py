"""Writing that outlasts a disk that refuses: what is held, said, tried again and given up."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from pathlib import Path

import pytest
import torch
from fingerprint import fingerprint
from tiny_training import alerts, records, resume, tiny, train

from azul_tui.errors import CheckpointError
from azul_tui.network.compute import time_inference
from azul_tui.network.model import describe_network
from azul_tui.runs.control import drop_request
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import RunRecorder, read_status
from azul_tui.training.game_records import write_games
from azul_tui.training.journal import RESERVE_BYTES, DiskReserve, Journal
from azul_tui.training.self_play import SelfPlay
from azul_tui.training.trainer import Stopwatch

SENTENCE = (
    "somewhere/file: cannot be written (No space left on device); "
    "the run waits and tries again until it can"
)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def paths(tmp_path):
    return RunPaths(tmp_path / "run")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def heard():
    return []


@pytest.fixture
def journal(paths, clock, heard):
    with RunRecorder(paths, job="train", listener=heard.append) as recorder:
        yield Journal(
            recorder,
            Stopwatch(clock),
            heard.append,
            retry_every_s=1.0,
            sleep=clock.sleep,
            clock=clock,
        )


def full(filename="somewhere/file"):
    return OSError(errno.ENOSPC, "No space left on device", filename)


def failing(times, error=full, result="done"):
    """A write that fails so many times, and then gives a result."""
    attempts = []

    def write():
        attempts.append(1)
        if len(attempts) <= times:
            raise error()
        return result

    return write


def test_what_works_is_done_at_once(journal, paths):
    assert journal.persistently(failing(0)) == "done"
    assert alerts(paths.directory) == []


def test_a_full_disk_pauses_the_run_with_one_clear_sentence(journal, paths, heard):
    states = []

    def watch():
        states.append(read_status(paths.status).state)
        return False

    journal.leaving = watch
    assert journal.persistently(failing(3)) == "done"
    assert set(states) == {"paused"}
    assert read_status(paths.status).state == "running"
    assert alerts(paths.directory) == [
        SENTENCE,
        "writing works again, the run goes on",
    ]
    assert [record["text"] for record in heard] == alerts(paths.directory)


def test_waiting_is_not_training_time(journal, clock):
    stopwatch = Stopwatch(clock)
    journal._stopwatch = stopwatch
    journal.persistently(failing(4))
    assert clock.now > 4.0
    assert stopwatch.seconds == 0.0


def test_a_listener_that_fails_is_no_disk_that_refuses(journal, paths):
    """Its fault must not have the record written a second time."""

    def fail(_):
        raise BrokenPipeError

    journal._listener = fail
    with pytest.raises(BrokenPipeError):
        journal.record("step", step=1)
    assert len(records(paths.directory)) == 1


def test_somebody_who_asks_to_leave_does_not_wait_for_room(journal, paths):
    journal.leaving = lambda: True
    assert journal.persistently(failing(99)) is None
    assert len(alerts(paths.directory)) == 1


def test_a_checkpoint_that_does_not_read_back_is_tried_again(journal, paths):
    write = failing(1, lambda: CheckpointError("x.pt: does not read back"))
    assert journal.persistently(write) == "done"
    assert alerts(paths.directory)[0].startswith("x.pt: does not read back; the run waits")


def test_records_come_in_order_and_once_when_the_log_itself_is_full(
    journal, paths, heard, monkeypatch
):
    append, left = journal._recorder.log.append, [4]

    def refusing(kind, **fields):
        if left[0]:
            left[0] -= 1
            raise full(str(paths.events))
        return append(kind, **fields)

    monkeypatch.setattr(journal._recorder.log, "append", refusing)
    requests = iter([lambda: journal.record("control", request="pause")])

    def ask_once():
        for request in requests:
            request()
            break
        return False

    journal.leaving = ask_once
    journal.record("step", step=1)
    journal.record("step", step=2)
    told = [(record["event"], record.get("step")) for record in records(paths.directory)]
    assert told == [
        ("step", 1),
        ("alert", None),
        ("control", None),
        ("alert", None),
        ("step", 2),
    ]
    assert sorted(record["event"] for record in heard) == sorted(kind for kind, _ in told)


def test_a_record_is_not_lost_to_whoever_listens_when_leaving_with_a_full_disk(
    journal, heard, monkeypatch
):
    def refusing(kind, **fields):
        raise full()

    monkeypatch.setattr(journal._recorder.log, "append", refusing)
    journal.leaving = lambda: True
    assert journal.record("step", step=1)["step"] == 1
    assert [record["event"] for record in heard] == ["alert", "step"]


def test_what_is_only_looked_at_is_left_out_and_complained_about_once(journal, paths):
    for _ in range(3):
        journal.show(failing(1))
    assert alerts(paths.directory) == [
        "somewhere/file: cannot be written (No space left on device); the run goes on without it"
    ]


def test_a_status_that_cannot_be_written_is_passed_over(journal, monkeypatch):
    def refuse(*_, **__):
        raise full()

    monkeypatch.setattr("azul_tui.runs.status.write_status", refuse)
    journal.status(force=True, step=3)


def test_a_request_that_cannot_be_removed_is_obeyed_once(journal, paths, monkeypatch):
    def refuse(_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("azul_tui.training.journal.remove_request", refuse)
    drop_request(paths, "pause")
    (request,) = journal.requests()
    journal.answer(request, accepted=True)
    assert journal.requests() == []
    assert len(records(paths.directory, "control")) == 1


def test_the_reserve_is_given_up_for_room_alone(tmp_path):
    reserve = DiskReserve(tmp_path)
    reserve.fill()
    reserve.spend(OSError(errno.EACCES, "Permission denied"))
    assert (tmp_path / ".reserve").stat().st_size == RESERVE_BYTES
    reserve.spend(full())
    assert not (tmp_path / ".reserve").exists()
    DiskReserve(tmp_path / "absent").fill()  # no room for a reserve is no reason to stop


# In a whole training


@pytest.fixture
def impatient(monkeypatch):
    """Tries again soon."""
    monkeypatch.setitem(Journal.__init__.__kwdefaults__, "retry_every_s", 0.2)


@pytest.fixture
def open_to_all():
    """A folder that another user may enter too; those of pytest belong to one."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def test_a_folder_that_becomes_unwritable_pauses_the_run_until_it_is_writable(
    tmp_path, open_to_all, impatient, monkeypatch
):
    """For real: permissions are taken away while it trains, and given back after a while."""
    folder = open_to_all / "run"
    train(tmp_path / "straight")  # which loads the kernels; another user may not read them
    config = tiny()  # and those of every way to evaluate, which may have been timed long ago
    network = describe_network(config.network_config)
    time_inference(network, config.parallel_games, torch.device("cpu"))
    monkeypatch.setattr("azul_tui.training.trainer.compile_kernels", lambda *_: 0.0)
    as_user = os.geteuid() == 0
    if as_user:  # nothing is forbidden to root
        os.seteuid(65_534)

    def forbid(record):
        if record["event"] == "iteration" and record["iteration"] == 2:
            (folder / "replay").chmod(0o555)
            folder.chmod(0o555)
            threading.Timer(0.7, allow).start()

    def allow():
        folder.chmod(0o777)
        (folder / "replay").chmod(0o777)

    try:
        train(folder, listener=forbid)
    finally:
        if as_user:
            os.seteuid(0)
    told = alerts(folder)
    assert "cannot be written (Permission denied); the run waits" in told[0]
    assert told[-1] == "writing works again, the run goes on"
    assert fingerprint(folder) == fingerprint(tmp_path / "straight")


def test_neither_status_nor_live_position_end_a_run(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise full()

    folder = tmp_path / "run"
    paths = RunPaths(folder)
    train(folder, tiny(max_iterations=1))
    monkeypatch.setattr("azul_tui.training.self_play_phase.write_bytes_atomically", refuse)
    play = SelfPlay.play
    monkeypatch.setattr(SelfPlay, "play", lambda *a, **k: play(*a, report_every_s=0.0, **k))
    monkeypatch.setattr("azul_tui.training.self_play_phase._SHOW_EVERY_S", -1.0)

    def status_refused(record):
        if record["event"] == "run_started":
            monkeypatch.setattr("azul_tui.runs.status.write_status", refuse)

    results = resume(folder, tiny(max_iterations=2), listener=status_refused)
    assert results["iterations"] == 2
    assert paths.checkpoint(2).is_file()
    assert sum("goes on without it" in text for text in alerts(folder)) == 1


def test_kept_games_wait_for_room_and_are_the_same_then(tmp_path, monkeypatch):
    train(tmp_path / "straight")
    refusals = [full()]

    def refuse_once(*arguments):
        if refusals:
            raise refusals.pop()
        return write_games(*arguments)

    monkeypatch.setattr("azul_tui.training.saving.write_games", refuse_once)
    folder = tmp_path / "run"
    train(folder)
    assert not refusals
    told = alerts(folder)
    assert "the run waits and tries again" in told[0]
    assert told[-1] == "writing works again, the run goes on"
    kept, expected = (RunPaths(root).games for root in (folder, tmp_path / "straight"))
    names = sorted(file.name for file in expected.iterdir())
    assert names and names == sorted(file.name for file in kept.iterdir())
    assert all((kept / name).read_bytes() == (expected / name).read_bytes() for name in names)
