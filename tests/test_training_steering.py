"""A training that is steered while it goes on: by control files here, by signals in a process."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from tiny_training import alerts, overrides, records, resume, tiny, train

from azul_tui.config import load_config
from azul_tui.runs.control import drop_request
from azul_tui.runs.machine import host_name
from azul_tui.runs.paths import RunPaths
from azul_tui.runs.status import read_status
from azul_tui.training.resuming import find_resume_point

pytestmark = pytest.mark.timeout(300)  # processes have to start, on a busy machine

ENDLESS = {"max_iterations": 10_000, "eval_frequency": 0, "save_frequency": 10_000}


class Run:
    """A training without end, in a thread or in a process of its own."""

    def __init__(self, folder):
        self.paths = RunPaths(folder)
        self.process = None
        self.thread = None

    def begin_here(self):
        self.thread = threading.Thread(
            target=train, args=(self.paths.directory, tiny(**ENDLESS)), daemon=True
        )
        self.thread.start()
        return self

    def begin(self, *arguments, job="quick"):
        root = str(self.paths.directory.parent)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "azul_tui", "--run", job, "--dir", root, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        return self

    def wait_for(self, condition, seconds=100.0):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(FileNotFoundError):
                if found := condition():
                    return found
            if self.process is not None and self.process.poll() is not None:
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

    def status(self):
        return read_status(self.paths.status)

    def close(self):
        if self.thread is not None and self.thread.is_alive():
            drop_request(self.paths, "cancel")
            self.thread.join(100)
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()


@pytest.fixture
def start(tmp_path):
    started = []

    def make():
        started.append(Run(tmp_path / "run"))
        return started[-1]

    yield make
    for run in started:
        run.close()


def test_paused_looked_at_set_saved_and_resumed_and_stopped(start):
    run = start().begin_here()
    folder = run.paths.directory
    run.has("iteration", iteration=2)
    assert run.ask("pause")["accepted"]
    run.wait_for(lambda: run.status().state == "paused")
    assert run.has("phase", phase="paused")
    count, beat = len(records(folder, "step")), run.status().heartbeat
    run.wait_for(lambda: run.status().heartbeat > beat)
    assert len(records(folder, "step")) == count, "nothing is trained while it is paused"

    assert run.ask("checkpoint")["accepted"]
    assert (folder / run.has("checkpoint")["file"]).is_file(), "also while it is paused"

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
    assert run.status().state == "paused"

    assert run.ask("resume")["accepted"]
    run.wait_for(lambda: run.status().state == "running")
    run.wait_for(lambda: len(records(folder, "step")) > count)
    assert run.has("step", learning_rate=0.0005)
    run.wait_for(lambda: load_config(run.paths.config).mcts_simulations == 2)

    assert run.ask("stop")["accepted"]
    run.thread.join(100)
    assert run.status().state == "stopped"
    point = find_resume_point(folder)
    assert (point.config.learning_rate, point.config.mcts_simulations) == (0.0005, 2)
    assert point.progress.iteration == records(folder, "iteration")[-1]["iteration"]
    assert not point.progress.played, "stop finishes the iteration"
    assert list(run.paths.control.iterdir()) == []


def test_cancelled_it_saves_where_it_is_and_leaves(start):
    run = start().begin_here()
    run.has("iteration", iteration=2)
    drop_request(run.paths, "cancel")
    run.thread.join(100)
    assert run.status().state == "stopped"
    done = records(run.paths.directory, "iteration")[-1]["iteration"]
    assert find_resume_point(run.paths.directory).progress.iteration == done


def test_signals_save_and_leave_but_a_hang_up_does_not(start):
    run = start().begin("--name", "run", *overrides(**ENDLESS))
    run.has("iteration", iteration=2)
    run.process.send_signal(signal.SIGHUP)
    seen = len(records(run.paths.directory, "iteration"))
    run.wait_for(lambda: len(records(run.paths.directory, "iteration")) > seen)
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(100) == 143
    assert "Traceback" not in run.errors()
    assert run.status().state == "stopped"
    config = tiny(**ENDLESS).replace(max_iterations=seen + 2, self_play_workers=1)
    assert resume(run.paths.directory, config)["iterations"] >= seen + 1


def test_a_second_process_is_refused_by_pid_and_host_and_a_dead_one_s_lock_taken_over(start):
    run = start().begin("--name", "run", *overrides(**ENDLESS))
    run.has("iteration", iteration=1)
    run.ask("checkpoint")
    run.has("checkpoint")
    run.ask("pause")
    position = run.paths.events.stat().st_size
    second = start().begin("--set", 'run="run"', job="resume")
    assert second.process.wait(100) == 2
    told = second.errors()
    assert f"process {run.process.pid} on host {host_name()}" in told
    assert told.count("\n") == 1
    assert run.paths.events.stat().st_size >= position, "the log of the first is not cut"

    run.process.kill()
    run.process.wait()
    folder = run.paths.directory
    iterations = find_resume_point(folder).progress.iteration + 2
    resume(folder, tiny(**ENDLESS).replace(max_iterations=iterations))
    took = f"took over the lock of process {run.process.pid} on host {host_name()}"
    assert took in alerts(folder)[0]
