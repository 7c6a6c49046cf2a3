from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from azul_tui.errors import RunError, RunLockedError
from azul_tui.runs.events import encode_plain
from azul_tui.runs.lock import RunLock, lock_holder
from azul_tui.runs.machine import host_name
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import CRASHED_AFTER_S, Status, write_status

HOLD = """
import sys, time
from pathlib import Path
from azul_tui.runs.lock import RunLock
from azul_tui.runs.paths import RunPaths
lock = RunLock(RunPaths(Path(sys.argv[1]))).acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def paths(tmp_path):
    paths = RunPaths(tmp_path / "run")
    paths.create()
    return paths


@pytest.fixture
def holder(paths):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(paths.directory)], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def leave_behind(paths, **fields):
    mark = {"pid": 2**22 + 5, "host": host_name(), "birth": "", "since": 0.0, **fields}
    paths.lock.write_bytes(encode_plain(mark))


def test_a_second_writer_is_refused_by_pid_and_host(paths, holder):
    with pytest.raises(RunLockedError) as caught:
        RunLock(paths).acquire()
    assert f"process {holder.pid} on host {host_name()}" in str(caught.value)
    assert lock_holder(paths).process.pid == holder.pid


def test_a_lock_is_given_back_and_taken_again(paths):
    with RunLock(paths) as lock:
        assert lock.took_over is None
        assert lock_holder(paths).process.pid == os.getpid()
        with pytest.raises(RunLockedError):
            RunLock(paths).acquire()
    assert lock_holder(paths) is None
    with RunLock(paths) as lock:
        assert lock.took_over is None
    lock.release()


def test_the_lock_of_a_killed_process_is_taken_over_and_said_so(paths, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with RunLock(paths) as lock:
        assert lock.took_over.process.pid == holder.pid
        assert str(lock.took_over) == f"process {holder.pid} on host {host_name()}"


def test_another_machine_is_believed_until_it_has_been_silent(paths):
    leave_behind(paths, host="elsewhere", since=1000.0)
    write_status(paths.status, Status(heartbeat=2000.0))
    with pytest.raises(RunLockedError, match="on host elsewhere"):
        RunLock(paths, clock=lambda: 2000.0 + CRASHED_AFTER_S - 1).acquire()
    with RunLock(paths, clock=lambda: 2000.0 + CRASHED_AFTER_S + 1) as lock:
        assert lock.took_over.process.host == "elsewhere"


def test_without_locks_on_the_disk_the_name_in_the_file_decides(paths, monkeypatch):
    def unsupported(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("azul_tui.runs.lock.fcntl.flock", unsupported)
    leave_behind(paths, pid=os.getppid())
    with pytest.raises(RunLockedError, match=f"process {os.getppid()} on host"):
        RunLock(paths).acquire()
    leave_behind(paths)
    with RunLock(paths) as lock:
        assert lock.took_over is not None


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b'{"pid": "x"}', b'{"pid": -1, "host": "h"}']
)
def test_a_damaged_lock_file_locks_nobody_out(paths, content):
    paths.lock.write_bytes(content)
    with RunLock(paths) as lock:
        assert lock.took_over is None


def test_a_link_in_place_of_the_lock_is_not_followed(paths, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("kept")
    paths.lock.symlink_to(precious)
    with pytest.raises(RunError, match="cannot be made"):
        RunLock(paths).acquire()
    assert precious.read_text() == "kept"


def test_taking_and_giving_back_leaks_no_descriptors(paths):
    def descriptors():
        return len(list(Path("/dev/fd").iterdir()))

    with RunLock(paths):
        pass
    before = descriptors()
    for _ in range(50):
        with RunLock(paths), pytest.raises(RunLockedError):
            RunLock(paths).acquire()
    assert descriptors() == before


def test_of_many_at_once_one_gets_it(paths):
    program = HOLD.replace("time.sleep(60)", "time.sleep(2)")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(paths.directory)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(5)
    ]
    said = [process.communicate()[0] for process in processes]
    assert said.count(b"held\n") == 1
