"""Disks that refuse: what is held, said, tried again and given up, and what is written beside.

Small file systems, limits on file sizes and read-only mounts are real; what cannot be had that way
is refused by the function that writes.
"""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from fingerprint import fingerprint
from tiny_training import StopAt, alerts, overrides, records, resume, tiny, train

from azul_tui.cli import main
from azul_tui.runs.control import drop_request
from azul_tui.runs.events import EventLog
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import read_status
from azul_tui.training import checkpoint, replay, run
from azul_tui.training.checkpoint import newest_valid
from azul_tui.training.game_records import write_games
from azul_tui.training.self_play import SelfPlay
from azul_tui.training.workers import SelfPlayPhase

PATIENCE_S = 60.0
GOES_ON = "writing works again, the run goes on"
linux = pytest.mark.skipif(sys.platform != "linux", reason="tmpfs and bind mounts are Linux's")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Looks often and tries again soon."""
    monkeypatch.setattr(run, "RETRY_EVERY_S", 0.2)
    monkeypatch.setattr(run, "POLL_EVERY_S", 0.0)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The uninterrupted run on a disk without whims."""
    folder = tmp_path_factory.mktemp("runs") / "straight"
    train(folder)
    return folder


def full(path="somewhere/file"):
    return OSError(errno.ENOSPC, "No space left on device", str(path))


def at(kind, act, iteration=1):
    """A listener that acts once, at a record of an iteration."""
    waiting = [act]

    def listen(record):
        if record["event"] == kind and record.get("iteration", iteration) == iteration and waiting:
            waiting.pop()()

    return listen


def both(*listeners):
    def listen(record):
        for listener in listeners:
            listener(record)

    return listen


# Real disks


def mounted(*command):
    done = subprocess.run(["mount", *command], capture_output=True, check=False)
    if os.geteuid() != 0 or done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.decode()}")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 40 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted("-t", "tmpfs", "-o", "size=40m", "tmpfs", str(place))
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place):
    """Use every byte that is left."""
    for size in (1 << 16, 1):
        with (place / "filler").open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(size))


@linux
def test_a_full_disk_pauses_the_run_and_room_lets_it_go_on(straight, small_disk):
    folder, seen = small_disk / "run", []

    def make_room():
        seen.append(read_status(RunPaths(folder).status).state)
        seen.append(newest_valid(folder).path.name)
        (small_disk / "filler").unlink()

    filling = at("checkpoint", lambda: fill(small_disk))
    train(folder, listener=both(filling, at("alert", make_room)))
    assert seen == ["paused", "checkpoint_iter_000001.pt"]
    told = alerts(folder)
    assert "No space left on device" in told[0] and "\n" not in told[0]
    assert told[-1] == GOES_ON
    assert read_status(RunPaths(folder).status).state == "finished"
    assert fingerprint(folder) == fingerprint(straight)


@linux
def test_a_disk_that_is_full_from_the_start_is_one_sentence(small_disk, capsys):
    fill(small_disk)
    assert main(["--run", "quick", "--dir", str(small_disk), "--name", "x", *overrides()]) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "No space left" in errors


@linux
def test_a_limit_on_the_size_of_files_is_outlasted_too(straight, tmp_path):
    """The same as a quota: small files can be written, a checkpoint cannot."""
    folder, before = tmp_path / "run", resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    limited = at("iteration", lambda: limit(1 << 20))
    try:
        train(folder, listener=both(limited, at("alert", lambda: limit(before[0]))))
    finally:
        limit(before[0])
    assert "checkpoint_iter_000001.pt: cannot be written (File too large)" in alerts(folder)[0]
    assert fingerprint(folder) == fingerprint(straight)


@linux
def test_a_run_on_a_read_only_mount_can_be_ended_and_gone_on_with(straight, tmp_path):
    folder, stop = tmp_path / "run", StopAt(10**9)
    place = str(folder)

    def lay():
        mounted("--bind", place, place)
        for _ in range(500):  # a file that is just being written keeps it busy
            command = ["mount", "-o", "remount,bind,ro", place]
            if not subprocess.run(command, capture_output=True, check=False).returncode:
                return
            time.sleep(0.02)

    def leave():
        stop.left = 0

    try:
        listener = both(at("self_play", lay, iteration=2), at("alert", leave))
        assert train(folder, listener=listener, should_stop=stop)["stopped"]
        assert "Read-only file system); the run waits and tries again" in alerts(folder)[0]
        newest_valid(folder)
    finally:
        subprocess.run(["umount", "-l", place], capture_output=True, check=False)
    resume(folder)
    assert fingerprint(folder) == fingerprint(straight)


# What is written beside training


def refusing(monkeypatch, module, name, files, times):
    """Refuse some files so many times; the refusals that are left."""
    write, left = getattr(module, name), [times]

    def refuse(path, *rest, **options):
        if left[0] and path.name in files:
            left[0] -= 1
            raise full(path)
        return write(path, *rest, **options)

    monkeypatch.setattr(module, name, refuse)
    return left


WRITES = [
    (checkpoint, "write_bytes_atomically", "checkpoint_iter_00000{}.pt"),
    (replay, "write_atomically", "iter_00000{}.npz"),
    (run, "write_games", None),
]


@pytest.mark.parametrize(("module", "name", "file"), WRITES)
def test_a_disk_that_refuses_pauses_the_run_until_it_does_not(
    straight, tmp_path, monkeypatch, module, name, file
):
    names = {"games"} if file is None else {file.format(2)}
    left = refusing(monkeypatch, module, name, names, 3)
    train(tmp_path / "run")
    assert left == [0]
    told = alerts(tmp_path / "run")
    assert len(told) == 2
    assert "No space left on device); the run waits and tries again until it can" in told[0]
    assert told[1] == GOES_ON
    assert fingerprint(tmp_path / "run") == fingerprint(straight)


@pytest.mark.parametrize(("module", "name", "file"), WRITES[:2])
def test_left_with_a_disk_that_refuses_the_last_good_checkpoint_is_gone_on_from(
    straight, tmp_path, monkeypatch, module, name, file
):
    """Games that are on no disk are in no checkpoint either."""
    folder, stop = tmp_path / "run", StopAt(10**9)
    refusing(monkeypatch, module, name, {file.format(3)}, 10**9)

    def leave():
        stop.left = 0

    results = train(folder, listener=at("alert", leave), should_stop=stop)
    assert results["stopped"]
    assert results["last_checkpoint"] == "checkpoint_iter_000002.pt"
    assert newest_valid(folder).path.name == "checkpoint_iter_000002.pt"
    monkeypatch.undo()
    resume(folder)
    assert fingerprint(folder) == fingerprint(straight)


def slowly(monkeypatch, module, name):
    """The same write, which does not begin before the event that is returned is set."""
    write, go = getattr(module, name), threading.Event()

    def wait(*arguments, **options):
        assert go.wait(PATIENCE_S), "training waited for what should happen beside it"
        return write(*arguments, **options)

    monkeypatch.setattr(module, name, wait)
    return go


@pytest.mark.parametrize(
    ("module", "name", "proof"), [(*WRITES[0][:2], "self-play"), (*WRITES[1][:2], "training")]
)
def test_the_next_phase_begins_while_the_disk_is_still_slow(
    straight, tmp_path, monkeypatch, module, name, proof
):
    """A checkpoint is written beside the next games, games beside the training on them."""
    go = slowly(monkeypatch, module, name)

    def listen(record):
        if record["event"] == "phase":
            go.clear()
            # The first checkpoint is there when the second iteration plays, the last one when the
            # run ends, for which nobody plays any more.
            if record["phase"] == proof and (proof == "training" or record["iteration"] > 1):
                go.set()
        elif record["event"] == "iteration" and record["iteration"] == 4:
            go.set()

    train(tmp_path / "run", tiny(eval_frequency=0), listener=listen)
    train(tmp_path / "other", tiny(eval_frequency=0))
    assert fingerprint(tmp_path / "run") == fingerprint(tmp_path / "other")


# What is told


def test_records_come_in_order_and_once_when_the_log_itself_is_full(tmp_path, monkeypatch):
    folder, heard, left, append = tmp_path / "run", [], [3], EventLog.append

    def refuse(log, kind, **fields):
        if left[0] and (kind == "iteration" or left[0] < 3):
            left[0] -= 1
            if left[0] == 1:
                drop_request(RunPaths(folder), "checkpoint")  # comes while the run waits
            raise full(RunPaths(folder).events)
        return append(log, kind, **fields)

    monkeypatch.setattr(EventLog, "append", refuse)
    train(folder, tiny(max_iterations=1, eval_frequency=0), listener=heard.append)
    kinds = [record["event"] for record in records(folder)]
    begin = kinds.index("iteration")
    assert kinds[begin : begin + 4] == ["iteration", "alert", "control", "alert"]
    assert kinds.count("iteration") == 1
    assert sorted(record["event"] for record in heard) == sorted(kinds[:-1])


def test_what_is_only_looked_at_is_left_out_and_complained_about_once(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise full()

    def refuse_status(record):
        if record["event"] == "run_started":
            monkeypatch.setattr("azul_tui.runs.status.write_status", refuse)
            monkeypatch.setattr(f"{SelfPlayPhase.__module__}.write_bytes_atomically", refuse)

    play = SelfPlay.play
    monkeypatch.setattr(SelfPlay, "play", lambda *a, **k: play(*a, report_every_s=0.0, **k))
    monkeypatch.setattr(f"{SelfPlayPhase.__module__}._SHOW_EVERY_S", -1.0)
    folder = tmp_path / "run"
    assert train(folder, tiny(max_iterations=2), listener=refuse_status)["iterations"] == 2
    assert sum("goes on without it" in text for text in alerts(folder)) == 1


def test_a_request_that_cannot_be_removed_is_obeyed_once(tmp_path, monkeypatch):
    def refuse(_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(run, "remove_request", refuse)
    paths = RunPaths(tmp_path / "run")
    asking = at("step", lambda: drop_request(paths, "checkpoint"))
    train(paths.directory, tiny(max_iterations=1, eval_frequency=0), listener=asking)
    assert len(records(paths.directory, "control")) == 1


def test_the_reserve_is_given_up_for_room_alone(tmp_path, monkeypatch):
    reserve, seen = tmp_path / "run" / ".reserve", []
    for error in (full(), OSError(errno.EACCES, "Permission denied")):
        refusals = [error]

        def refuse(*arguments, refusals=refusals):
            if refusals:
                raise refusals.pop()
            return write_games(*arguments)

        monkeypatch.setattr(run, "write_games", refuse)
        watching = at("alert", lambda: seen.append(reserve.exists()))
        train(tmp_path / "run", tiny(max_iterations=1, eval_frequency=0), listener=watching)
        assert reserve.stat().st_size == run.RESERVE_BYTES, "it is made again"
        for file in (*(tmp_path / "run").glob("*.pt"), tmp_path / "run" / "checkpoints.json"):
            file.unlink()
    assert seen == [False, True]
