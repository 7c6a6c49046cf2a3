from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from azul_tui.runs.machine import ProcessMark, host_name, is_alive, own_mark, process_birth
from azul_tui.runs.status import (
    CRASHED_AFTER_S,
    STALLED_AFTER_S,
    Judgement,
    Status,
    StatusWriter,
    judge,
    read_status,
    write_status,
)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def path(tmp_path):
    return tmp_path / "status.json"


def test_what_is_written_is_read_back(path):
    status = Status(name="x", state="paused", iteration=3, total_loss=0.5, left_s=None, pid=7)
    write_status(path, status)
    assert read_status(path) == status


def test_status_is_written_at_most_once_a_second_but_a_new_state_at_once(path):
    clock = Clock()
    writer = StatusWriter(path, name="x", job="train", clock=clock)
    assert writer.update(iteration=1)
    clock.now += 0.5
    assert not writer.update(iteration=2)
    assert read_status(path).iteration == 1
    clock.now += 0.6
    assert writer.update()
    assert read_status(path).iteration == 2
    assert writer.update(state="paused")
    assert writer.update(force=True)
    clock.now -= 500
    assert writer.update(), "a clock that was set back must not silence the heartbeat"
    assert read_status(path).heartbeat == clock.now
    assert read_status(path).pid == os.getpid()


def test_a_misspelt_field_is_refused(path):
    with pytest.raises(AttributeError):
        StatusWriter(path).update(iterations=3)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"3", b"\xff\xff", b'{"state": "exploded"}', b"[" * 50_000, b" " * 70_000],
)
def test_a_damaged_status_reads_as_none(path, content):
    path.write_bytes(content)
    assert read_status(path) is None


def test_values_of_the_wrong_kind_are_left_at_their_defaults(path):
    path.write_text(
        json.dumps(
            {
                "name": "\x1b[2Jx\u202e",
                "iteration": "7",
                "step": True,
                "total_loss": 10**30,
                "best_score": 1,
                "left_s": None,
                "phase": None,
                "unknown": 3,
                "pid": 1.5,
            }
        ).replace('"best_score": 1', '"best_score": 1, "policy_loss": NaN')
    )
    assert read_status(path) == Status(name="x", best_score=1.0)


def test_a_finished_run_stays_finished_however_old():
    for state in ("finished", "stopped", "crashed"):
        assert judge(Status(state=state), 10**9).state == state


def test_a_live_process_is_running_and_stalled_when_it_is_silent():
    mark = own_mark()
    status = Status(pid=mark.pid, host=mark.host, birth=mark.birth, heartbeat=1000.0)
    assert judge(status, 1001.0).state == "running"
    assert not judge(status, 1000.0 + STALLED_AFTER_S).stalled
    silent = judge(status, 1001.0 + STALLED_AFTER_S)
    assert silent.stalled and silent.alive


def test_a_run_whose_process_is_gone_has_crashed():
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    birth = process_birth(process.pid)
    process.wait()
    status = Status(pid=process.pid, host=host_name(), birth=birth or "", heartbeat=1000.0)
    judgement = judge(status, 1000.5)
    assert judgement.state == "crashed"
    assert "is gone" in judgement.reason


def test_a_number_that_another_process_got_since_is_not_the_writer():
    mark = own_mark()
    assert is_alive(mark) is True
    assert is_alive(ProcessMark(mark.pid, mark.host, "another")) is False
    assert is_alive(ProcessMark(mark.pid, mark.host, "")) is True
    assert is_alive(ProcessMark(0, mark.host, "")) is False
    assert is_alive(ProcessMark(-1, mark.host, "")) is False


def test_a_process_that_nobody_has_waited_for_counts_as_gone():
    process = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    process.stdout.read()  # until it has ended
    while process_birth(process.pid) is not None:
        pass
    process.wait()
    process.stdout.close()


def test_on_another_machine_only_silence_tells():
    status = Status(pid=1, host="elsewhere", heartbeat=1000.0)
    assert judge(status, 1000.0 + CRASHED_AFTER_S - 1).state == "running"
    judgement = judge(status, 1000.0 + CRASHED_AFTER_S + 1)
    last = time.strftime("%Y-%m-%d %H:%M", time.localtime(1000.0))
    assert judgement == Judgement("crashed", reason=f"nothing from elsewhere since {last}")
    for never in (0.0, -1e300):
        silent = judge(Status(pid=1, host="elsewhere", heartbeat=never), 2000.0)
        assert silent == Judgement("crashed", reason="nothing from elsewhere")


@pytest.mark.fuzz
def test_mutated_status_files_are_read_or_refused_but_never_raise(path, fuzz):
    rng = fuzz.rng
    write_status(path, Status(name="x", iteration=5, total_loss=1.5, host="h", phase="p"))
    good = path.read_bytes()
    for _ in range(fuzz.rounds(1000)):
        data = bytearray(good)
        for _ in range(rng.randint(1, 10)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        status = read_status(path)
        if status is not None:
            assert status.name.isprintable() and isinstance(status.iteration, int)
            judge(status, 1e9)
