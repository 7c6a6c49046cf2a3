"""Saving beside training: who waits for whom, and that neither disk nor kill leaves a trace."""

from __future__ import annotations

import errno
import shutil
import threading
import time

import pytest
from fingerprint import fingerprint
from tiny_training import StopAt, alerts, records, resume, state_of, tiny, train

from azul_tui.runs.control import drop_request
from azul_tui.runs.paths import RunPaths
from azul_tui.training import checkpoint_manager, replay
from azul_tui.training.checkpoint import newest_valid, read_checkpoint
from azul_tui.training.journal import Journal
from azul_tui.training.saving import Saver

PATIENCE_S = 60.0


def nothing():
    """What is left to do after most writes here."""


def full(path="somewhere/file"):
    return OSError(errno.ENOSPC, "No space left on device", str(path))


# The thread


def test_a_write_does_not_hold_up_whoever_began_it():
    go, saver = threading.Event(), Saver(nothing)

    def write():
        assert threading.current_thread() is not threading.main_thread()
        assert go.wait(PATIENCE_S)
        return nothing

    saver.begin(write)
    assert saver.busy
    assert not saver.failed
    go.set()
    assert saver.finish() is nothing
    assert saver.finish() is nothing, "asked again, it is not written again"
    saver.put_behind()
    assert not saver.busy


def test_there_is_one_write_at_a_time():
    saver = Saver(nothing)
    saver.begin(lambda: nothing)
    saver.wait()
    with pytest.raises(RuntimeError, match="not been put behind"):
        saver.begin(lambda: nothing)


def test_a_failure_comes_back_to_whoever_began_it_and_the_next_call_writes_again():
    attempts, saver = [], Saver(nothing)

    def write():
        attempts.append(threading.current_thread())
        if len(attempts) < 3:
            raise full()
        return nothing

    saver.begin(write)
    saver.wait()
    assert saver.failed
    for _ in range(2):
        with pytest.raises(OSError, match="No space"):
            saver.finish()
        assert saver.failed
    assert saver.finish() is nothing
    assert not saver.failed
    assert attempts[0] is not threading.main_thread()
    assert attempts[1:] == [threading.main_thread()] * 2


def test_who_waits_for_a_slow_disk_still_shows_life():
    beats, go = [], threading.Event()

    def beat():
        beats.append(1)
        if len(beats) == 2:
            go.set()

    saver = Saver(beat)
    saver.begin(lambda: nothing if go.wait(PATIENCE_S) else None)
    assert saver.finish() is nothing
    assert len(beats) >= 2


def test_the_time_of_the_write_that_worked_is_known():
    ticks = iter([10.0, 12.5])
    saver = Saver(nothing, clock=lambda: next(ticks))
    saver.begin(lambda: nothing)
    saver.finish()
    assert saver.seconds == 2.5


# In a whole training


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Looks often and tries again soon."""
    monkeypatch.setitem(Journal.__init__.__kwdefaults__, "retry_every_s", 0.2)
    monkeypatch.setattr("azul_tui.training.trainer.POLL_EVERY_S", 0.0)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The uninterrupted run on a disk without whims."""
    folder = tmp_path_factory.mktemp("runs") / "straight"
    train(folder)
    return folder


def slowly(write, until):
    """The same write, which does not begin before `until` is set."""

    def wait(*arguments):
        assert until.wait(PATIENCE_S), "training waited for what should happen beside it"
        return write(*arguments)

    return wait


def test_games_are_played_while_a_checkpoint_is_written_and_the_log_does_not_tell(
    straight, tmp_path, monkeypatch
):
    playing = threading.Event()
    write = checkpoint_manager.write_bytes_atomically
    monkeypatch.setattr(checkpoint_manager, "write_bytes_atomically", slowly(write, playing))

    def listen(record):
        if record["event"] == "phase" and record["phase"] == "self-play":
            if record["iteration"] > 1:
                playing.set()
        elif record["event"] == "iteration" and record["iteration"] < 4:
            playing.clear()

    train(tmp_path / "run", listener=listen)
    assert fingerprint(tmp_path / "run") == fingerprint(straight)


def test_training_goes_on_while_the_games_are_written(straight, tmp_path, monkeypatch):
    training = threading.Event()
    write = replay.write_atomically
    monkeypatch.setattr(replay, "write_atomically", slowly(write, training))

    def listen(record):
        if record["event"] == "step":
            training.set()
        elif record["event"] == "iteration":
            training.clear()

    train(tmp_path / "run", listener=listen)
    assert fingerprint(tmp_path / "run") == fingerprint(straight)


def test_the_record_of_a_checkpoint_comes_once_the_next_games_are_played(straight):
    order = [
        (record["event"], record["iteration"])
        for record in records(straight)
        if record["event"] in {"iteration", "checkpoint", "self_play"}
    ]
    assert order[:7] == [
        ("self_play", 1),
        ("iteration", 1),
        ("checkpoint", 1),
        ("self_play", 2),
        ("iteration", 2),
        ("checkpoint", 2),
        ("self_play", 3),
    ]
    assert order[-1] == ("checkpoint", 4)
    assert all(record["held_s"] >= 0.0 for record in records(straight, "checkpoint"))


@pytest.mark.parametrize(
    ("module", "name"),
    [(checkpoint_manager, "write_bytes_atomically"), (replay, "write_atomically")],
)
def test_a_disk_that_refuses_what_is_written_beside_pauses_the_run_until_it_does_not(
    straight, tmp_path, monkeypatch, module, name
):
    write, refusals = getattr(module, name), [3]

    def refusing(path, *rest):
        if refusals[0] and path.name in {"checkpoint_iter_000002.pt", "iter_000002.npz"}:
            refusals[0] -= 1
            raise full(path)
        return write(path, *rest)

    monkeypatch.setattr(module, name, refusing)
    train(tmp_path / "run")
    told = alerts(tmp_path / "run")
    assert len(told) == 2
    assert "No space left on device); the run waits" in told[0]
    assert told[1] == "writing works again, the run goes on"
    assert fingerprint(tmp_path / "run") == fingerprint(straight)


def test_a_failure_beside_is_told_while_games_are_played_and_not_when_they_are_over(
    tmp_path, monkeypatch
):
    write = checkpoint_manager.write_bytes_atomically
    refused, folder = threading.Event(), tmp_path / "run"

    def refusing(path, data):
        if path.name == "checkpoint_iter_000001.pt" and not refused.is_set():
            refused.set()
            raise full(path)
        return write(path, data)

    monkeypatch.setattr(checkpoint_manager, "write_bytes_atomically", refusing)

    def listen(record):  # the games do not begin before the thread has failed
        if record["event"] == "phase" and record["iteration"] == 2:
            assert refused.wait(PATIENCE_S)
            time.sleep(0.5)  # on a busy machine what was raised takes a moment to end the thread

    train(folder, listener=listen)
    kinds = [record["event"] for record in records(folder)]
    assert kinds.index("alert") < kinds.index("checkpoint")
    assert kinds[kinds.index("alert") - 1] == "phase"


@pytest.mark.parametrize(
    ("module", "name", "refused"),
    [
        (checkpoint_manager, "write_bytes_atomically", "checkpoint_iter_000003.pt"),
        (replay, "write_atomically", "iter_000003.npz"),
    ],
)
def test_left_with_a_disk_that_refuses_the_last_good_checkpoint_is_gone_on_from(
    straight, tmp_path, monkeypatch, module, name, refused
):
    """Games that are on no disk are in no checkpoint either."""
    write, folder, stop = getattr(module, name), tmp_path / "run", StopAt(10**9)

    def refusing(path, *rest):
        if path.name == refused:
            raise full(path)
        return write(path, *rest)

    def listen(record):
        if record["event"] == "alert":
            stop.left = 0

    monkeypatch.setattr(module, name, refusing)
    results = train(folder, listener=listen, should_stop=stop)
    assert results["stopped"]
    assert results["last_checkpoint"] == "checkpoint_iter_000002.pt"
    assert newest_valid(folder)[0].name == "checkpoint_iter_000002.pt"
    monkeypatch.undo()
    resume(folder)
    assert fingerprint(folder) == fingerprint(straight)


def test_stopped_after_an_iteration_and_resumed_even_the_milestones_are_the_same(
    straight, tmp_path
):
    folder = tmp_path / "run"

    def listen(record):
        if record["event"] == "self_play" and record["iteration"] == 2:
            drop_request(RunPaths(folder), "stop")

    assert train(folder, listener=listen)["stopped"]
    assert records(folder, "checkpoint")[-1]["iteration"] == 2, "leaving waits for the writer"
    resume(folder)
    assert fingerprint(folder) == fingerprint(straight)


@pytest.mark.parametrize("event", ["phase", "checkpoint", "self_play", "step"])
def test_killed_at_any_record_after_a_checkpoint_the_log_is_the_same(straight, tmp_path, event):
    """The run ends with an exception at the first such record of the third iteration."""
    folder = shutil.copytree(straight, tmp_path / "run")
    paths = RunPaths(folder)
    position = read_checkpoint(paths.checkpoint(3))["extra"]["log_position"]
    paths.checkpoint(4).unlink()
    with paths.events.open("r+b") as file:
        file.truncate(position)

    def listen(record):
        if record["event"] == event and record.get("iteration", 0) >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resume(folder, listener=listen)
    resume(folder)
    assert fingerprint(folder) == fingerprint(straight)


def test_somebody_who_asks_for_a_checkpoint_is_told_of_it_at_once(tmp_path):
    folder = tmp_path / "run"

    def listen(record):
        if record["event"] == "step" and record["step"] == 2:
            drop_request(RunPaths(folder), "checkpoint")

    train(folder, tiny(max_iterations=2, save_frequency=50, eval_frequency=0), listener=listen)
    kinds = [record["event"] for record in records(folder)]
    answer = kinds.index("control")
    assert "checkpoint" in kinds[answer : answer + 3]


def test_a_resume_with_other_limits_owes_the_record_no_less(straight, tmp_path):
    """The save that remembers the new settings stands before the record that is still to come."""
    folder = shutil.copytree(straight, tmp_path / "run")
    paths = RunPaths(folder)
    position = read_checkpoint(paths.checkpoint(3))["extra"]["log_position"]
    paths.checkpoint(4).unlink()
    with paths.events.open("r+b") as file:
        file.truncate(position)
    with pytest.raises(KeyboardInterrupt):
        resume(folder, tiny(keep_latest_checkpoints=3), listener=interrupt)
    resume(folder)
    assert [record["iteration"] for record in records(folder, "checkpoint")] == [1, 2, 3, 4]
    assert state_of(folder) == state_of(straight)


def interrupt(record):
    """As a kill in the middle of the next games."""
    if record["event"] == "phase":
        raise KeyboardInterrupt
