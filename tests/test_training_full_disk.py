"""Disks that really refuse: a small file system, a limit on file sizes, a read-only mount."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from tiny_training import alerts, overrides, records, resume, state_of, tiny, train

from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import read_status
from azul_tui.training.checkpoint import newest_valid

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="tmpfs and prlimit are Linux's"),
    pytest.mark.timeout(300),  # processes that start one after the other, on a busy machine
]

SMALL_BYTES = 40 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 40 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system can only be mounted by root outside a container")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


class ReadOnly:
    """Lays a read-only mount over a folder and takes it away again.

    Files that are open keep being written, as after a network disk was mounted anew.
    """

    def __init__(self, place):
        self.place = str(place)
        self.laid = False

    def lay(self):
        self._call("mount", "--bind", self.place, self.place)
        self.laid = True
        for patience in reversed(range(500)):  # a file that is just being written keeps it busy
            try:
                self._call("mount", "-o", "remount,bind,ro", self.place)
                return
            except OSError:
                if not patience:
                    raise
                time.sleep(0.02)

    def take_away(self):
        if self.laid:
            self._call("umount", "-l", self.place)
            self.laid = False

    def _call(self, *command):
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise OSError(f"{' '.join(command)}: {done.stderr.decode()}")


@pytest.fixture
def read_only(tmp_path):
    """`read_only(folder)`: a mount that can be laid over it."""
    mounts = []

    def over(folder):
        mounts.append(ReadOnly(folder))
        return mounts[-1]

    trial = ReadOnly(tmp_path)
    try:
        if os.geteuid() != 0:
            pytest.skip("only root may mount")
        trial.lay()
    except OSError as error:
        pytest.skip(f"nothing can be mounted here: {error}")
    finally:
        trial.take_away()
    yield over
    for mount in mounts:
        mount.take_away()


def start(root, *arguments, limit=None):
    """A training as a person starts it."""

    def limited():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    command = [sys.executable, "-m", "azul_tui", "--run", "quick", "--dir", str(root)]
    return subprocess.Popen(
        [*command, "--name", "run", *(arguments or overrides())],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=limited,
    )


def wait_for(condition, process, seconds=100.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError):
            if condition():
                return
        if process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}: {process.stderr.read()}")
        time.sleep(0.02)
    process.kill()
    raise AssertionError("it never happened")


def fill(place):
    """Use every byte that is left."""
    with (place / "filler").open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    with (place / "filler").open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x")


def test_a_full_disk_pauses_the_run_and_room_lets_it_go_on(small_disk, tmp_path):
    straight = tmp_path / "straight"
    train(straight)
    folder = small_disk / "run"
    process = start(small_disk)
    try:
        wait_for(lambda: records(folder, "checkpoint"), process)
        fill(small_disk)
        wait_for(lambda: alerts(folder), process)
        wait_for(lambda: read_status(RunPaths(folder).status).state == "paused", process)
        assert "No space left on device" in alerts(folder)[0]
        assert alerts(folder)[0].count("\n") == 0
        newest_valid(folder)
        (small_disk / "filler").unlink()
        assert process.wait(100) == 0, process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert alerts(folder)[-1] == "writing works again, the run goes on"
    assert state_of(folder) == state_of(straight)


def test_a_full_disk_does_not_keep_a_run_from_being_ended(small_disk):
    folder = small_disk / "run"
    process = start(small_disk)
    try:
        wait_for(lambda: records(folder, "checkpoint"), process)
        fill(small_disk)
        wait_for(lambda: alerts(folder), process)
        process.terminate()
        assert process.wait(100) == 143
        assert b"Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    newest_valid(folder)


def test_a_disk_that_is_full_from_the_start_is_one_sentence(small_disk):
    fill(small_disk)
    process = start(small_disk)
    errors = process.communicate(timeout=100)[1].decode()
    assert process.returncode == 2
    assert errors.count("\n") == 1
    assert "No space left" in errors


def test_a_limit_on_the_size_of_files_is_outlasted_too(tmp_path):
    """The same as a quota: small files can be written, a checkpoint cannot."""
    straight = tmp_path / "straight"
    train(straight)
    folder = tmp_path / "run"
    process = start(tmp_path, limit=1 << 20)
    try:
        wait_for(lambda: alerts(folder), process)
        assert "checkpoint_iter_000001.pt" in alerts(folder)[0]
        assert "File too large" in alerts(folder)[0]
        assert read_status(RunPaths(folder).status).state == "paused"
        assert not RunPaths(folder).checkpoint(1).exists()
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert process.wait(100) == 0, process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert state_of(folder) == state_of(straight)


def test_a_read_only_mount_pauses_the_run_and_a_writable_one_lets_it_go_on(read_only, tmp_path):
    settings = {"max_iterations": 8}
    straight, folder = tmp_path / "straight", tmp_path / "run"
    train(straight, tiny(**settings))
    process = start(tmp_path, *overrides(**settings))
    try:
        wait_for(lambda: records(folder, "self_play"), process)
        mount = read_only(folder)
        mount.lay()
        wait_for(lambda: alerts(folder), process)
        assert "Read-only file system); the run waits and tries again" in alerts(folder)[0]
        assert alerts(folder)[0].count("\n") == 0
        length = len(records(folder))
        time.sleep(1.0)
        assert len(records(folder)) == length, "it waits"
        assert process.poll() is None
        mount.take_away()
        assert process.wait(100) == 0, process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert alerts(folder)[-1] == "writing works again, the run goes on"
    assert state_of(folder) == state_of(straight)


def test_a_run_on_a_read_only_mount_can_be_ended_and_gone_on_with(read_only, tmp_path):
    folder = tmp_path / "run"
    process = start(tmp_path)
    try:
        wait_for(lambda: records(folder, "checkpoint"), process)
        mount = read_only(folder)
        mount.lay()
        wait_for(lambda: alerts(folder), process)
        process.terminate()
        assert process.wait(100) == 143
        assert b"Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    newest_valid(folder)
    mount.take_away()
    resume(folder)
    train(tmp_path / "straight")
    assert state_of(folder) == state_of(tmp_path / "straight")
