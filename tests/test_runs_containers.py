"""Two namespaces of processes on one disk, under one host name: two containers, say."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace

import pytest

from azul_tui.errors import RunError, RunLockedError
from azul_tui.runs.events import encode_plain
from azul_tui.runs.listing import refuse_live, run_to_resume, summarize
from azul_tui.runs.lock import RunLock, writer_lives
from azul_tui.runs.machine import is_alive, is_held, own_mark
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import CRASHED_AFTER_S, Status, read_status, write_status
from azul_tui.views.following import RunFeed
from azul_tui.views.resuming import why_not
from azul_tui.views.run_list import archive_run, delete_run, rename_run

TRAIN = """
import sys, time
from pathlib import Path
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.recorder import RunRecorder
with RunRecorder(RunPaths(Path(sys.argv[1])), job="train") as recorder:
    recorder.record("run_started", name="run")
    print("trains", flush=True)
    while True:
        recorder.status(phase="training", iteration=3)
        time.sleep(0.1)
"""
LOOK = """
import sys, time
from pathlib import Path
from azul_tui.errors import AzulError
from azul_tui.runs.events import encode_plain
from azul_tui.runs.listing import summarize
from azul_tui.runs.lock import RunLock
from azul_tui.runs.paths import RunPaths
from azul_tui.views.run_list import delete_run
paths = RunPaths(Path(sys.argv[1]))
print(summarize(paths, time.time()).state)
for deed in (lambda: RunLock(paths).acquire(), lambda: delete_run(paths, time.time())):
    try:
        deed()
        print("did it")
    except AzulError:
        print("refused")
"""
APART = ("unshare", "--pid", "--mount-proc", "--fork", "--kill-child")


def namespaces_work():
    try:
        return subprocess.run([*APART, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


apart = pytest.mark.skipif(
    not namespaces_work(), reason="needs Linux and the right to make namespaces of processes"
)


@pytest.fixture
def paths(tmp_path):
    paths = RunPaths(tmp_path / "run")
    paths.create()
    return paths


@pytest.fixture
def training(paths, request):
    command = [*request.param, sys.executable, "-c", TRAIN, str(paths.directory)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"trains\n"
    while read_status(paths.status) is None:
        time.sleep(0.05)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def assert_going_on(paths):
    now = time.time()
    assert summarize(paths, now).state == "running"
    assert summarize(paths, now + 10 * CRASHED_AFTER_S).state == "running", "the lock is held"
    assert writer_lives(paths) is True
    feed = RunFeed(paths.directory)
    feed.read_all()
    assert feed.state(now).state == "running"
    assert "is training already" in why_not(paths, now)
    with pytest.raises(RunLockedError):
        refuse_live(paths)
    with pytest.raises(RunLockedError):
        RunLock(paths).acquire()
    for deed in (delete_run, archive_run, lambda p, now: rename_run(p, "other", now)):
        with pytest.raises(RunError, match="is going on"):
            deed(paths, now)
    assert paths.events.is_file()


@apart
@pytest.mark.parametrize("training", [APART], indirect=True)
def test_a_training_in_another_container_is_going_on_until_it_is_killed(paths, training):
    assert read_status(paths.status).host == own_mark().host
    assert is_alive(read_status(paths.status).process) is None, "its number means nothing here"
    assert_going_on(paths)
    training.kill()
    training.wait()
    while is_held(paths.lock):  # the kernel takes an instant to end the namespace
        time.sleep(0.05)
    now = time.time()
    assert summarize(paths, now).state == "crashed", "at once, however fresh its heartbeat is"
    assert run_to_resume(paths.directory.parent, {}, now).directory == paths.directory
    assert why_not(paths, now) == ""
    refuse_live(paths)
    with RunLock(paths) as lock:
        assert lock.took_over is not None
    delete_run(paths, now)
    assert not paths.directory.exists()


@apart
@pytest.mark.parametrize("training", [()], indirect=True)
def test_a_container_sees_that_a_training_outside_is_going_on(paths, training):
    look = [*APART, sys.executable, "-c", LOOK, str(paths.directory)]
    seen = subprocess.run(look, capture_output=True, text=True, check=True).stdout.split("\n")
    assert seen[:3] == ["running", "refused", "refused"]
    assert_going_on(paths)
    training.kill()
    training.wait()
    seen = subprocess.run(look, capture_output=True, text=True, check=True).stdout.split("\n")
    assert seen[:2] == ["crashed", "did it"]


@pytest.mark.parametrize("training", [()], indirect=True)
def test_a_host_that_got_another_name_still_knows_its_training(paths, training, monkeypatch):
    monkeypatch.setattr("azul_tui.runs.machine.host_name", lambda: "renamed")
    assert_going_on(paths)
    training.kill()
    training.wait()
    assert summarize(paths, time.time()).state == "crashed"


@pytest.mark.parametrize("training", [()], indirect=True)
def test_a_file_of_before_namespaces_were_named_counts_by_its_lock(paths, training):
    # As an older version in another container would have left it: a number of no process here.
    old = replace(own_mark(), pid=2**22 + 7, space="")
    assert is_alive(old) is False
    assert is_alive(old, paths.lock) is True
    training.kill()
    training.wait()
    assert is_alive(old, paths.lock) is False


def test_a_number_means_nothing_in_another_namespace():
    mine = own_mark()
    if not mine.space:
        pytest.skip("this system has no namespaces of processes")
    assert is_alive(mine) is True
    assert is_alive(replace(mine, space="pid:[1]")) is None
    assert is_alive(replace(mine, birth="00000000-1")) is None, "another kernel: after a boot, say"


def test_whoever_looks_at_a_lock_does_not_keep_a_writer_out(paths):
    with RunLock(paths):
        pass
    over = threading.Event()

    def look():
        while not over.is_set():
            is_held(paths.lock)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(30):
            with RunLock(paths):
                assert is_held(paths.lock) is True
    finally:
        over.set()
        for looker in lookers:
            looker.join()


@pytest.mark.parametrize("wrong_s", [-3600.0, 3600.0])
def test_a_machine_with_a_wrong_clock_is_listened_to_before_its_run_is_taken(paths, wrong_s):
    """Its heartbeats look an hour old, or are of the future, but they go on."""
    now = 10_000.0
    status = Status(name="run", host="elsewhere", pid=1, heartbeat=now + wrong_s, state="running")
    write_status(paths.status, status)
    mark = b'{"pid": 1, "host": "elsewhere", "birth": "", "since": 100.0}\n'
    paths.lock.write_bytes(mark)
    beats = 0

    def sleep(_seconds):
        nonlocal beats
        beats += 1
        write_status(paths.status, replace(status, heartbeat=status.heartbeat + beats))

    with pytest.raises(RunLockedError, match="elsewhere"):
        RunLock(paths, clock=lambda: now, sleep=sleep).acquire()
    assert beats == 1
    assert summarize(paths, now).state == "crashed"
    with RunLock(paths, clock=lambda: now, sleep=lambda _: None) as lock:
        assert lock.took_over.process.host == "elsewhere"


def test_a_run_that_is_watched_lives_whatever_the_clock_of_its_machine_says(paths):
    now = time.time()
    status = Status(name="run", host="elsewhere", pid=1, heartbeat=now - 3600.0, state="running")
    write_status(paths.status, status)
    feed = RunFeed(paths.directory)
    feed.tick()
    assert feed.state(now).state == "crashed"
    write_status(paths.status, replace(status, heartbeat=now - 3599.0))
    feed.tick()
    assert feed.state(now).state == "running"
    assert feed.state(now + 2 * CRASHED_AFTER_S).state == "crashed"


def test_a_lock_that_cannot_be_read_says_nothing(paths, tmp_path):
    assert is_held(paths.lock) is False, "there is none"
    paths.lock.symlink_to(tmp_path / "elsewhere")
    assert is_held(paths.lock) is None
    assert not (tmp_path / "elsewhere").exists()


def test_a_run_that_is_just_beginning_is_not_deleted(paths):
    """Its lock is taken, and still names the process before it, which is gone."""
    mark = replace(own_mark(), pid=2**22 + 9)
    paths.lock.write_bytes(encode_plain(asdict(mark)))
    handle = os.open(paths.lock, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="is going on"):
            delete_run(paths, time.time())
    finally:
        os.close(handle)
    delete_run(paths, time.time())
