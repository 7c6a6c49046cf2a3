"""A real training in its own process, steered through control files and signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from tiny_training import overrides, records, resume, tiny

from azul_tui.config import load_config
from azul_tui.runs.control import drop_request
from azul_tui.runs.machine import host_name
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import judge, read_status
from azul_tui.training.resuming import find_resume_point

pytestmark = pytest.mark.timeout(300)  # processes have to start, on a busy machine

ENDLESS = {"max_iterations": 10_000, "eval_frequency": 0, "save_frequency": 10_000}


class Run:
    """One training process and its directory."""

    def __init__(self, root, *arguments, name="run", job="quick"):
        self.paths = RunPaths(root / name)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "azul_tui", "--run", job, "--dir", str(root), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def wait_for(self, condition, seconds=100.0):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(FileNotFoundError):
                if found := condition():
                    return found
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}: {self.errors()}")
            time.sleep(0.01)
        raise AssertionError("it never happened")

    def has(self, kind, **fields):
        """Wait for a record with these fields."""
        return self.wait_for(
            lambda: [
                record
                for record in records(self.paths.directory, kind)
                if fields.items() <= record.items()
            ]
        )[-1]

    def ask(self, request, **fields):
        """Ask for something and wait for the answer."""
        return self.has("control", id=drop_request(self.paths, request, **fields))

    def errors(self):
        return self.process.stderr.read().decode()

    def ends(self, seconds=100):
        return self.process.wait(seconds)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


@pytest.fixture
def start(tmp_path):
    started = []

    def begin(*arguments, **options):
        run = Run(tmp_path, *arguments, **options)
        started.append(run)
        return run

    yield begin
    for run in started:
        run.close()


@pytest.fixture
def run(start):
    """A training without end that is well under way."""
    begun = start("--name", "run", *overrides(**ENDLESS))
    begun.has("iteration", iteration=2)
    return begun


def test_paused_looked_at_set_saved_and_resumed_and_stopped(run):
    folder = run.paths.directory
    assert run.ask("pause")["accepted"]
    run.wait_for(lambda: read_status(run.paths.status).state == "paused")
    assert run.has("phase", phase="paused")
    count = len(records(folder, "step"))
    time.sleep(0.5)
    assert len(records(folder, "step")) == count, "nothing is trained while it is paused"
    beat = read_status(run.paths.status).heartbeat
    run.wait_for(lambda: read_status(run.paths.status).heartbeat > beat)

    assert run.ask("checkpoint")["accepted"]
    saved = run.has("checkpoint")
    assert (folder / saved["file"]).is_file(), "also while it is paused"

    assert run.ask("set", key="learning_rate", value=0.0005)["accepted"]
    assert run.has("setting", key="learning_rate")["takes_effect"] == "now"
    assert run.ask("set", key="mcts_simulations", value=2)["accepted"]
    for key, value, why in (
        ("batch_size", 4, "cannot change while the run is live"),
        ("learning_rate", 7.5, "learning_rate"),
        ("learnig_rate", 0.1, "learning_rate"),
    ):
        refused = run.ask("set", key=key, value=value)
        assert not refused["accepted"]
        assert why in refused["reason"]
    (run.paths.control / "rm -rf.sh").write_text("{}")
    assert run.has("control", request="")["accepted"] is False
    assert read_status(run.paths.status).state == "paused"

    assert run.ask("resume")["accepted"]
    run.wait_for(lambda: read_status(run.paths.status).state == "running")
    run.wait_for(lambda: len(records(folder, "step")) > count)
    assert run.has("step", learning_rate=0.0005)
    run.wait_for(lambda: load_config(run.paths.config).mcts_simulations == 2)

    assert run.ask("stop")["accepted"]
    assert run.ends() == 0
    status = read_status(run.paths.status)
    assert status.state == "stopped"
    point = find_resume_point(folder, None)
    assert (point.config.learning_rate, point.config.mcts_simulations) == (0.0005, 2)
    assert point.progress.iteration == records(folder, "iteration")[-1]["iteration"]
    assert not point.progress.partial, "stop finishes the iteration"
    assert list(run.paths.control.iterdir()) == []


def test_cancelled_it_saves_where_it_is_and_leaves(run):
    drop_request(run.paths, "cancel")
    assert run.ends() == 0
    assert read_status(run.paths.status).state == "stopped"
    done = records(run.paths.directory, "iteration")[-1]["iteration"]
    assert find_resume_point(run.paths.directory, None).progress.iteration == done


def test_a_signal_saves_and_leaves_and_a_hang_up_does_not(run):
    run.process.send_signal(signal.SIGHUP)
    seen = len(records(run.paths.directory, "iteration"))
    run.wait_for(lambda: len(records(run.paths.directory, "iteration")) > seen)
    run.process.send_signal(signal.SIGTERM)
    assert run.ends() == 143
    assert "Traceback" not in run.errors()
    assert read_status(run.paths.status).state == "stopped"
    config = tiny(**ENDLESS).replace(max_iterations=seen + 6, self_play_workers=1)
    assert resume(run.paths.directory, config)["iterations"] >= seen + 1


def test_a_second_signal_leaves_at_once_and_the_run_can_be_resumed(run):
    run.ask("checkpoint")
    run.has("checkpoint")
    run.ask("pause")
    os.kill(run.process.pid, signal.SIGSTOP)  # so that both signals wait for it together
    run.process.send_signal(signal.SIGTERM)
    run.process.send_signal(signal.SIGINT)
    os.kill(run.process.pid, signal.SIGCONT)
    assert run.ends() in {130, 143}
    status = read_status(run.paths.status)
    assert judge(status, time.time()).state in {"crashed", "stopped"}
    find_resume_point(run.paths.directory, None)


def test_a_second_process_is_refused_by_pid_and_host_and_a_dead_one_s_lock_taken_over(run, start):
    run.ask("checkpoint")
    run.has("checkpoint")
    run.ask("pause")
    position = run.paths.events.stat().st_size
    second = start("--set", 'run="run"', job="resume")
    assert second.ends() == 2
    told = second.errors()
    assert f"process {run.process.pid} on host {host_name()}" in told
    assert told.count("\n") == 1
    assert run.paths.events.stat().st_size >= position, "the log of the first is not cut"

    run.process.kill()
    run.process.wait()
    iterations = find_resume_point(run.paths.directory, None).progress.iteration + 2
    third = start("--set", 'run="run"', "--set", f"max_iterations={iterations}", job="resume")
    assert third.ends() == 0
    alerts = [record["text"] for record in records(run.paths.directory, "alert")]
    assert f"took over the lock of process {run.process.pid} on host {host_name()}" in alerts[0]
    json.dumps(alerts)
