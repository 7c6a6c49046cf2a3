"""Who writes a run and what it is doing: status, lock and recorder, between containers as well."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from azul_tui.errors import RunError, RunLockedError
from azul_tui.runs.events import encode_plain
from azul_tui.runs.listing import refuse_live, run_to_resume, summarize
from azul_tui.runs.machine import (
    ProcessMark,
    host_name,
    is_alive,
    is_held,
    own_mark,
    process_birth,
)
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import (
    CRASHED_AFTER_S,
    STALLED_AFTER_S,
    Judgement,
    RunLock,
    RunRecorder,
    Status,
    judge,
    lock_holder,
    read_status,
    write_status,
    writer_lives,
)
from azul_tui.views.following import RunFeed
from azul_tui.views.resuming import why_not
from azul_tui.views.run_list import archive_run, delete_run, rename_run

NOBODY = 2**22 + 5
"""A number that no process has."""


@pytest.fixture
def paths(tmp_path):
    paths = RunPaths(tmp_path / "run")
    paths.create()
    return paths


# -- status.json


def test_what_is_written_is_read_back(paths):
    status = Status(name="x", state="paused", iteration=3, total_loss=0.5, left_s=None, pid=7)
    write_status(paths.status, status)
    assert read_status(paths.status) == status


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff", b"[" * 50_000, b" " * 70_000])
def test_a_damaged_status_reads_as_none(paths, content):
    paths.status.write_bytes(content)
    assert read_status(paths.status) is None


def test_values_that_do_not_fit_are_left_at_their_defaults_and_long_texts_are_cut(paths):
    odd = {
        "name": "\x1b[2Jx\u202e", "iteration": "7", "step": True, "total_loss": 10**30, "pid": 1.5,
        "best_score": 1, "left_s": None, "phase": None, "unknown": 3, "state": "of the future",
        "ending": "e" * 100_000,
    }  # fmt: skip
    paths.status.write_text(json.dumps(odd))
    assert read_status(paths.status) == Status(name="x", best_score=1.0, ending="e" * 199 + "…")


@pytest.mark.fuzz
def test_mutated_status_files_are_read_or_refused_but_never_raise(paths, fuzz):
    rng = fuzz.rng
    write_status(paths.status, Status(name="x", iteration=5, total_loss=1.5, host="h", phase="p"))
    good = paths.status.read_bytes()
    for _ in range(fuzz.rounds(500)):
        data = bytearray(good)
        for _ in range(rng.randint(1, 10)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        paths.status.write_bytes(data)
        status = read_status(paths.status)
        if status is not None:
            assert status.name.isprintable() and isinstance(status.iteration, int)
            judge(status, 1e9)


def test_a_live_process_is_running_and_stalled_when_it_is_silent():
    status = Status(**asdict(own_mark()), heartbeat=1000.0)
    assert judge(status, 1001.0).state == "running"
    assert not judge(status, 1000.0 + STALLED_AFTER_S).stalled
    silent = judge(status, 1001.0 + STALLED_AFTER_S)
    assert silent.stalled and silent.alive
    for state in ("finished", "stopped", "crashed"):
        assert judge(replace(status, state=state), 10**9).state == state


def test_a_run_whose_process_is_gone_has_crashed():
    process = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    birth = process_birth(process.pid)
    process.stdout.read()  # until it has ended
    while process_birth(process.pid) is not None:
        time.sleep(0.01)  # though nobody has waited for it yet
    process.communicate()
    status = Status(pid=process.pid, host=host_name(), birth=birth, heartbeat=1000.0)
    assert judge(status, 1000.5) == Judgement(
        "crashed", reason=f"its process {process.pid} is gone"
    )


def test_a_number_means_nothing_to_a_later_process_and_in_another_namespace():
    mark = own_mark()
    assert is_alive(mark) is True
    for other in (ProcessMark(mark.pid, mark.host, "another"), ProcessMark(0), ProcessMark(-1)):
        assert is_alive(replace(other, host=mark.host)) is False
    assert is_alive(ProcessMark(mark.pid, mark.host)) is True
    if mark.space:
        assert is_alive(replace(mark, space="pid:[1]")) is None
        assert is_alive(replace(mark, birth="00000000-1")) is None, "another kernel"


def test_on_another_machine_only_silence_tells():
    status = Status(pid=1, host="elsewhere", heartbeat=1000.0)
    assert judge(status, 1000.0 + CRASHED_AFTER_S - 1).state == "running"
    last = time.strftime("%Y-%m-%d %H:%M", time.localtime(1000.0))
    reason = f"nothing from elsewhere since {last}"
    assert judge(status, 1001.0 + CRASHED_AFTER_S) == Judgement("crashed", reason=reason)
    for never in (0.0, -1e300, 1e18):
        silent = judge(Status(pid=1, host="elsewhere", heartbeat=never), 2000.0)
        assert silent == Judgement("crashed", reason="nothing from elsewhere")


# -- the lock

HOLD = """
import sys, time
from pathlib import Path
from azul_tui.runs.status import RunLock
from azul_tui.runs.paths import RunPaths
lock = RunLock(RunPaths(Path(sys.argv[1]))).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def hold(paths):
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(paths.directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def leave_behind(paths, **fields):
    mark = {"pid": NOBODY, "host": host_name(), "birth": "", "since": 0.0, **fields}
    paths.lock.write_bytes(encode_plain(mark))


def test_a_second_writer_is_refused_by_pid_and_host_and_follows_a_killed_one(paths):
    holder = hold(paths)
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(RunLockedError, match=f"process {holder.pid} on host {host_name()}"):
        RunLock(paths).acquire()
    assert lock_holder(paths).pid == holder.pid
    holder.kill()
    holder.communicate()
    with RunLock(paths) as lock:
        assert str(lock.took_over) == f"process {holder.pid} on host {host_name()}"


def test_a_lock_is_given_back_and_taken_again_and_leaks_no_descriptors(paths):
    def descriptors():
        return len(list(Path("/dev/fd").iterdir()))

    before = descriptors()
    for _ in range(5):
        with RunLock(paths) as lock:
            assert lock.took_over is None
            assert lock_holder(paths).pid == os.getpid()
            with pytest.raises(RunLockedError):
                RunLock(paths).acquire()
        lock.release()
        assert lock_holder(paths) is None
    assert descriptors() == before


def test_of_many_at_once_one_gets_it(paths):
    processes = [hold(paths) for _ in range(4)]
    said = [process.stdout.readline() for process in processes]  # all have tried before one ends
    for process in processes:
        process.communicate()
    assert sorted(said) == [b"", b"", b"", b"held\n"]


def test_without_locks_on_the_disk_the_name_in_the_file_decides(paths, monkeypatch):
    def unsupported(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("azul_tui.runs.status.fcntl.flock", unsupported)
    leave_behind(paths, pid=os.getppid())
    with pytest.raises(RunLockedError, match=f"process {os.getppid()} on host"):
        RunLock(paths).acquire()
    leave_behind(paths)
    with RunLock(paths) as lock:
        assert lock.took_over is not None


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b'{"pid": "x"}', b'{"pid": -1, "host": "h"}', b'{"pid": 1}']
)
def test_a_damaged_lock_file_locks_nobody_out(paths, content):
    paths.lock.write_bytes(content)
    with RunLock(paths) as lock:
        assert lock.took_over is None


def test_a_link_in_place_of_the_lock_is_not_followed(paths, tmp_path):
    assert is_held(paths.lock) is False, "there is none"
    paths.lock.symlink_to(tmp_path / "elsewhere")
    assert is_held(paths.lock) is None
    with pytest.raises(RunError, match="cannot be made"):
        RunLock(paths).acquire()
    assert not (tmp_path / "elsewhere").exists()


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


@pytest.mark.parametrize("wrong_s", [0.0, -3600.0, 3600.0])
def test_another_machine_is_listened_to_before_its_run_is_taken(paths, wrong_s):
    """By a wrong clock its heartbeats look an hour old, or are of the future, but they go on."""
    now = 10_000.0
    status = Status(name="run", host="elsewhere", pid=1, heartbeat=now + wrong_s, state="running")
    write_status(paths.status, status)
    leave_behind(paths, pid=1, host="elsewhere", since=100.0)
    beats = 0

    def sleep(_seconds):
        nonlocal beats
        beats += 1
        write_status(paths.status, replace(status, heartbeat=status.heartbeat + beats))

    with pytest.raises(RunLockedError, match="on host elsewhere"):
        RunLock(paths, clock=lambda: now, sleep=sleep).acquire()
    assert beats == (1 if wrong_s else 0), "one of just now is believed at once"
    later = now + 2 * CRASHED_AFTER_S
    assert summarize(paths, later).state == "crashed"
    with RunLock(paths, clock=lambda: later, sleep=lambda _: None) as lock:
        assert lock.took_over.host == "elsewhere"


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


def test_a_run_that_is_just_beginning_is_not_deleted(paths):
    """Its lock is taken, and still names the process before it, which is gone."""
    leave_behind(paths)
    with paths.lock.open("r+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="is going on"):
            delete_run(paths, time.time())
    delete_run(paths, time.time())


# -- two namespaces of processes on one disk, under one host name: two containers, say

TRAIN = """
import sys, time
from pathlib import Path
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import RunRecorder
with RunRecorder(RunPaths(Path(sys.argv[1])), job="train") as recorder:
    recorder.record("run_started", name="run")
    recorder.status(force=True, phase="training", iteration=3)
    print("trains", flush=True)
    while True:
        recorder.status()
        time.sleep(0.1)
"""
LOOK = """
import sys, time
from pathlib import Path
from azul_tui.errors import AzulError
from azul_tui.runs.listing import summarize
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import RunLock
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
def training(paths, request):
    command = [*request.param, sys.executable, "-c", TRAIN, str(paths.directory)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"trains\n"
    yield process
    process.kill()
    process.communicate()


def assert_going_on(paths):
    now = time.time()
    assert summarize(paths, now).state == "running"
    assert summarize(paths, now + 10 * CRASHED_AFTER_S).state == "running", "the lock is held"
    assert writer_lives(paths) is True
    feed = RunFeed(paths.directory)
    feed.read_all()
    assert feed.state(now).state == "running"
    assert "is training already" in why_not(paths, now)
    for deed in (refuse_live, lambda paths: RunLock(paths).acquire()):
        with pytest.raises(RunLockedError):
            deed(paths)
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
def test_a_container_sees_that_a_training_outside_is_going_on(paths, training, monkeypatch):
    look = [*APART, sys.executable, "-c", LOOK, str(paths.directory)]
    seen = subprocess.run(look, capture_output=True, text=True, check=True).stdout.split("\n")
    assert seen[:3] == ["running", "refused", "refused"]
    # As an older version in another container would have left it: a number of no process here.
    old = replace(own_mark(), pid=NOBODY, space="")
    assert (is_alive(old), is_alive(old, paths.lock)) == (False, True)
    monkeypatch.setattr("azul_tui.runs.machine.host_name", lambda: "renamed")
    assert_going_on(paths)
    monkeypatch.undo()
    training.kill()
    training.wait()
    assert is_alive(old, paths.lock) is False
    seen = subprocess.run(look, capture_output=True, text=True, check=True).stdout.split("\n")
    assert seen[:2] == ["crashed", "did it"]


# -- the recorder


def kinds(paths):
    return [json.loads(line)["event"] for line in paths.events.read_text().splitlines()]


def test_status_is_written_at_most_once_a_second_but_a_new_state_at_once(paths):
    now = 1000.0
    with RunRecorder(paths, job="train", clock=lambda: now) as recorder:
        assert read_status(paths.status).pid == os.getpid()
        now += 0.5
        assert not recorder.status(iteration=2)
        assert read_status(paths.status).iteration == 0
        now += 0.6
        assert recorder.status()
        assert read_status(paths.status).iteration == 2
        assert recorder.status(state="paused")
        assert recorder.status(force=True)
        now -= 500
        assert recorder.status(), "a clock that was set back must not silence the heartbeat"
        assert read_status(paths.status).heartbeat == now
        with pytest.raises(AttributeError):
            recorder.status(iterations=3)


def test_records_status_and_lock_of_a_run_that_ends_well(paths):
    heard = []
    with RunRecorder(paths, job="train", listener=heard.append) as recorder:
        recorder.record("phase", phase="self-play", iteration=1)
        status = read_status(paths.status)
        assert (status.state, status.job, status.name) == ("running", "train", "run")
        with pytest.raises(RunLockedError), RunRecorder(paths, job="train"):
            pass
    assert read_status(paths.status).state == "finished"
    with RunRecorder(paths, job="resume") as recorder:
        recorder.record("again")
    assert kinds(paths) == ["phase", "again"]
    assert [record["event"] for record in heard] == ["phase"]


@pytest.mark.parametrize(
    ("raised", "state"), [(KeyError, "crashed"), (KeyboardInterrupt, "stopped")]
)
def test_how_a_run_ended_is_its_state(paths, raised, state):
    with pytest.raises(raised), RunRecorder(paths, job="train"):
        raise raised
    assert read_status(paths.status).state == state
    with RunRecorder(paths, job="train") as recorder:
        recorder.status(state="stopped")
    assert read_status(paths.status).state == "stopped"


def test_a_stale_lock_is_taken_over_and_said_so(paths):
    leave_behind(paths)
    with RunRecorder(paths, job="train"):
        pass
    (alert,) = (json.loads(line) for line in paths.events.read_text().splitlines())
    assert "took over the lock of process" in alert["text"]
