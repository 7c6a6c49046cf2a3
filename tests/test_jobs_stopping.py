from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from azul_tui.jobs.start import ECHO_S, StopFlag, signals_set


def test_a_flag_remembers_the_first_signal():
    flag = StopFlag()
    assert not flag and flag.exit_code == 0
    flag.set(signal.SIGTERM)
    flag.set(signal.SIGINT)
    assert flag and flag.is_set() and flag.exit_code == 143


def test_a_stop_without_a_signal_is_a_normal_end():
    flag = StopFlag()
    flag.set()
    assert flag.is_set() and flag.exit_code == 0


def test_signals_set_the_flag_and_handlers_come_back(capfd):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)
    flag = StopFlag()
    with signals_set(flag, ignore_hangup=True):
        os.kill(os.getpid(), signal.SIGHUP)
        assert not flag.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert flag.signal == signal.SIGTERM
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)) == before
    assert "once more leaves at once" in capfd.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_leaves_at_once(number, code):
    program = """
import time
from azul_tui.jobs.start import StopFlag, signals_set
flag = StopFlag()
with signals_set(flag, ignore_hangup=False):
    print("ready", flush=True)
    while not flag.is_set():
        time.sleep(0.01)
    print("asked", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    for word in (b"ready\n", b"asked\n"):
        assert process.stdout.readline() == word
        process.send_signal(number)
        time.sleep(ECHO_S + 0.1)
    assert process.wait(timeout=10) == code
    process.stdout.close()


def test_a_signal_that_arrives_twice_at_once_is_one(monkeypatch):
    left = []
    monkeypatch.setattr("azul_tui.jobs.start.os._exit", left.append)
    flag = StopFlag()
    with signals_set(flag, ignore_hangup=False):
        os.kill(os.getpid(), signal.SIGTERM)  # what `timeout` does: to the child and its group
        os.kill(os.getpid(), signal.SIGTERM)
        assert flag.signal == signal.SIGTERM and not left
        os.kill(os.getpid(), signal.SIGINT)
        assert left == [130], "another signal is somebody else's wish"


def test_a_job_that_talks_with_a_person_is_interrupted_where_it_is(capfd):
    flag = StopFlag()
    with (
        signals_set(flag, ignore_hangup=False, interrupts=True),
        pytest.raises(KeyboardInterrupt),
    ):
        os.kill(os.getpid(), signal.SIGINT)
    assert flag.exit_code == 130
    assert "saving" not in capfd.readouterr().err, "there is nothing to finish and save"
