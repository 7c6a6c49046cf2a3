"""The registry, what a start says before the job itself can, and how a job is told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import types

import pytest

from azul_tui.cli import main
from azul_tui.errors import JobError
from azul_tui.jobs import start
from azul_tui.jobs.registry import GROUP_TITLES, find_job, job_settings, jobs
from azul_tui.jobs.start import StopFlag, signals_set
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import read_status

MENU = [
    "all", "losses", "sampling", "step", "checkpoints", "selfplay", "quick", "components", "train",
    "resume", "evaluate",
]  # fmt: skip


def test_the_menu_has_the_numbers_of_the_specification():
    assert {spec.number: spec.name for spec in jobs() if spec.number is not None} == dict(
        enumerate(MENU)
    )
    for number, name in enumerate(MENU):
        assert find_job(str(number)) is find_job(name)


@pytest.mark.parametrize(
    ("text", "told"), [("trian", "train"), ("11", "unknown job"), ("", "unknown job")]
)
def test_an_unknown_job_is_refused(text, told):
    with pytest.raises(JobError, match=told):
        find_job(text)


def test_every_job_is_described_and_every_setting_accepts_its_own_default():
    names = [spec.name for spec in jobs()]
    assert len(set(names)) == len(names)
    for spec in jobs():
        assert spec.group in GROUP_TITLES
        assert spec.description.count(". ") == 1 and spec.description.endswith("."), spec.name
        assert spec.title and spec.duration
        settings = job_settings(spec)
        assert len({setting.name for setting in settings}) == len(settings), spec.name
        for setting in settings:
            assert setting.check(setting.default) == setting.default
            assert setting.help.endswith(".")


@pytest.mark.parametrize("spec", jobs(), ids=lambda spec: spec.name)
def test_every_entry_is_there(spec):
    assert callable(start.resolve_name(f"azul_tui.jobs.{spec.entry}"))


def test_jobs_that_train_take_the_training_settings():
    assert {spec.name for spec in jobs() if spec.trains} == {"quick", "train", "resume"}
    assert {spec.name for spec in jobs() if spec.makes_run} == {"quick", "train"}
    assert "learning_rate" in {setting.name for setting in job_settings(find_job("resume"))}


SAID = "loading torch"


@pytest.fixture
def heard(monkeypatch, capsys):
    """What was said by the time that the job is asked for, which does nothing here."""
    seen = {}

    def resolve(entry):
        seen["entry"] = entry
        seen["said"] = capsys.readouterr().out
        if "folder" in seen:
            seen["phase"] = read_status(RunPaths(seen["folder"]).status).phase
        return lambda context: {}

    monkeypatch.setattr(start, "resolve_name", resolve)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    return seen


def test_torch_is_announced_before_it_is_loaded(heard, tmp_path, monkeypatch):
    assert main(["--run", "quick", "--dir", str(tmp_path)]) == 0
    assert heard["entry"] == "azul_tui.jobs.training:train"
    assert heard["said"].startswith(SAID)
    assert main(["--run", "engine", "--dir", str(tmp_path)]) == 0
    assert SAID not in heard["said"], "it needs none"
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    assert main(["--run", "quick", "--dir", str(tmp_path)]) == 0
    assert SAID not in heard["said"], "it is there"


def test_the_dashboard_reads_it_in_the_status_of_a_job(heard, tmp_path):
    heard["folder"] = tmp_path / "job"
    heard["folder"].mkdir()
    assert main(["--run", "losses", "--dir", str(tmp_path), "--record", str(tmp_path / "job")]) == 0
    assert heard["phase"] == SAID


def test_a_flag_remembers_the_first_signal():
    flag = StopFlag()
    assert not flag.is_set() and flag.exit_code == 0
    flag.set()
    assert flag.is_set() and flag.exit_code == 0, "a stop without a signal is a normal end"
    flag.set(signal.SIGTERM)
    flag.set(signal.SIGINT)
    assert flag.exit_code == 143


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


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [(signal.SIGINT, signal.SIGTERM, 143), (signal.SIGTERM, signal.SIGINT, 130)],
)
def test_a_second_signal_leaves_at_once(first, second, code):
    program = """
import signal
from azul_tui.jobs.start import StopFlag, signals_set
flag = StopFlag()
with signals_set(flag, ignore_hangup=False):
    print("ready", flush=True)
    while not flag.is_set():
        signal.pause()
    print("asked", flush=True)
    while True:
        signal.pause()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    for word, number in ((b"ready\n", first), (b"asked\n", second)):
        assert process.stdout.readline() == word
        process.send_signal(number)
    assert process.wait(timeout=60) == code
    process.stdout.close()


def test_the_same_signal_again_is_an_echo_only_within_a_second(monkeypatch):
    left, now = [], [0.0]
    monkeypatch.setattr(start.os, "_exit", left.append)
    monkeypatch.setattr(start.time, "monotonic", lambda: now[0])
    with signals_set(StopFlag(), ignore_hangup=False):
        os.kill(os.getpid(), signal.SIGTERM)
        now[0] = start.ECHO_S + 0.1
        os.kill(os.getpid(), signal.SIGTERM)
        assert left == [143]


def test_a_signal_that_arrives_twice_at_once_is_one(monkeypatch):
    left = []
    monkeypatch.setattr(start.os, "_exit", left.append)
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
