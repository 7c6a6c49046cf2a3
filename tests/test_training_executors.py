"""Who plays changes nothing; what goes wrong in a worker costs no game and leaves no process.

Starting a worker takes seconds, most of them torch's import: the workers of this file are shared.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from azul_tui.config import TrainingConfig
from azul_tui.errors import JobError, JobFailedError
from azul_tui.network import create_azul_network
from azul_tui.runs.machine import Memory
from azul_tui.training import workers as worker_room
from azul_tui.training.game_records import GameBatch, SelfPlayProgress
from azul_tui.training.workers import (
    InlineExecutor,
    SelfPlayTask,
    WorkerExecutor,
    create_executor,
    worker_count,
)

# A start takes two seconds of a processor, and the processor may be a busy one.
pytestmark = pytest.mark.timeout(300)

CONFIG = TrainingConfig(
    network_config="small",
    parallel_games=8,
    mcts_simulations=6,
    self_play_games_per_iteration=10,
    full_search_fraction=0.5,
    fast_simulations=2,
    value_target_mix=0.25,
    device="cpu",
    seed=5,
)
TASK = SelfPlayTask(0, np.arange(20, 30), CONFIG)
LONG = SelfPlayTask(0, np.arange(100_000), CONFIG)


def weights_of(players=2, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return create_azul_network("small", players).state_dict()


WEIGHTS = weights_of()


@pytest.fixture(scope="module")
def inline():
    executor = InlineExecutor()
    yield executor
    executor.close()


@pytest.fixture(scope="module")
def expected(inline):
    return inline.play(TASK, WEIGHTS)


@pytest.fixture(scope="module")
def shared():
    """Two workers for the whole file, and what they complained of."""
    faults = []
    executor = WorkerExecutor(2, faults.append)
    yield executor, faults
    executor.close()


@pytest.fixture
def workers(shared):
    executor, faults = shared
    faults.clear()
    assert len(executor.pids) in {0, 2}
    return executor, faults


def assert_same(one, other):
    np.testing.assert_array_equal(one.states, other.states)
    np.testing.assert_array_equal(one.policies, other.policies)
    np.testing.assert_array_equal(one.outcomes, other.outcomes)
    np.testing.assert_array_equal(one.samples, other.samples)
    assert one.games == other.games
    assert one.tally.games == other.tally.games
    assert one.tally.simulations == other.tally.simulations
    assert one.tally.entropy == pytest.approx(other.tally.entropy)


def processes(executor):
    return [psutil.Process(pid) for pid in executor.pids]


def ended(process):
    """Whether it is gone, or only waits for somebody to ask how it ended (init may be slow)."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def assert_gone(found, within_s=5.0):
    deadline = time.monotonic() + within_s
    while not all(map(ended, found)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [process for process in found if not ended(process)] == []


# Who plays changes nothing


def test_two_workers_play_the_games_of_one_process(workers, expected):
    executor, faults = workers
    assert_same(executor.play(TASK, WEIGHTS), expected)
    assert faults == []


def test_a_game_depends_on_its_number_and_the_weights_alone(inline, expected):
    alone = inline.play(SelfPlayTask(3, np.array([27]), CONFIG), WEIGHTS)
    assert alone.games[0] == expected.games[7]
    first = int(expected.samples[:7].sum())
    rows = slice(first, first + int(expected.samples[7]))
    np.testing.assert_array_equal(alone.policies, expected.policies[rows])
    other = inline.play(SelfPlayTask(3, np.array([27]), CONFIG), weights_of(seed=1))
    assert other.games[0] != alone.games[0]


def test_weights_and_settings_of_a_task_count_not_those_before(inline, workers, expected):
    executor, _ = workers
    changed = CONFIG.replace(mcts_simulations=9, seed=6)
    numbers = np.arange(4)
    new_weights = weights_of(seed=2)
    fresh = InlineExecutor().play(SelfPlayTask(1, numbers, changed), new_weights)
    assert_same(inline.play(SelfPlayTask(1, numbers, changed), new_weights), fresh)
    assert_same(executor.play(SelfPlayTask(1, numbers, changed), new_weights), fresh)
    assert_same(inline.play(TASK, WEIGHTS), expected)
    assert_same(executor.play(TASK, WEIGHTS), expected)


def test_one_executor_may_go_on_with_another_game_and_another_batch():
    executor = InlineExecutor()
    executor.play(SelfPlayTask(0, np.arange(2), CONFIG), WEIGHTS)
    three = CONFIG.replace(num_players=3, parallel_games=3)
    batch = executor.play(SelfPlayTask(0, np.arange(2), three), weights_of(3))
    assert batch.states.shape[1] == 128
    fresh = InlineExecutor().play(SelfPlayTask(0, np.arange(2), three), weights_of(3))
    assert_same(batch, fresh)


def test_fewer_games_than_workers(workers, inline):
    executor, faults = workers
    for count in (1, 0):
        task = SelfPlayTask(0, np.arange(count), CONFIG)
        assert_same(executor.play(task, WEIGHTS), inline.play(task, WEIGHTS))
    assert faults == []


def test_progress_of_all_workers_is_one(workers):
    executor, _ = workers
    seen = []
    task = SelfPlayTask(0, np.arange(2000), CONFIG)
    batch = executor.play(task, WEIGHTS, on_progress=seen.append)
    assert batch.tally.games == 2000
    assert seen
    assert all(isinstance(progress, SelfPlayProgress) for progress in seen)
    assert [progress.games for progress in seen] == sorted(progress.games for progress in seen)
    assert 0 < seen[-1].games <= 2000


# What goes wrong


def kill_once(executor, number):
    """A progress listener that kills a worker, the first time it is told anything."""
    killed = []

    def listen(progress):
        if not killed:
            killed.append(executor.pids[number])
            os.kill(killed[0], signal.SIGKILL)

    return listen, killed


def test_killed_workers_are_replaced_and_their_games_are_played_again(workers, inline):
    """One is dead before the task comes, the other dies over it."""
    executor, faults = workers
    executor.play(TASK, WEIGHTS)
    os.kill(executor.pids[0], signal.SIGKILL)
    games = 5_000  # seconds of work, and progress is told twice a second
    task = SelfPlayTask(0, np.arange(games), CONFIG)
    listen, killed = kill_once(executor, 1)
    batch = executor.play(task, WEIGHTS, on_progress=listen)
    assert killed, "the games were over before the worker could be killed"
    assert [game.number for game in batch.games] == list(range(games))
    assert batch.tally.games == games
    sentence = "a self-play worker ended with code -9; it was replaced and its games are played"
    assert faults == [f"{sentence} again"] * 2
    assert not psutil.pid_exists(killed[0])
    assert len(executor.pids) == 2
    some = inline.play(SelfPlayTask(0, np.arange(40), CONFIG), WEIGHTS)
    assert batch.games[:40] == some.games
    np.testing.assert_array_equal(batch.policies[: len(some.policies)], some.policies)


def test_stopping_answers_at_once_and_leaves_no_process(workers):
    """Also when a worker dies at the same moment."""
    executor, _ = workers
    executor.play(TASK, WEIGHTS)
    found = processes(executor)
    asked = []

    def should_stop():
        asked.append(time.monotonic())
        if len(asked) == 3:
            found[0].kill()
        return len(asked) >= 3

    assert executor.play(LONG, WEIGHTS, should_stop=should_stop) is None
    assert time.monotonic() - asked[-1] < 5.0
    assert_gone(found, 1.0)
    assert executor.pids == []
    started = time.monotonic()
    # Workers that are only starting do not hold it up either.
    assert executor.play(LONG, WEIGHTS, should_stop=lambda: True) is None
    assert time.monotonic() - started < 5.0
    assert not psutil.Process().children()


def test_an_error_of_the_listener_leaves_no_worker_at_work(workers):
    """Else the answer to the next task would be the one to this."""
    executor, _ = workers
    found = []

    def listen(progress):
        found.extend(processes(executor))
        raise RuntimeError("the terminal is gone")

    with pytest.raises(RuntimeError, match="the terminal is gone"):
        executor.play(LONG, WEIGHTS, on_progress=listen)
    assert len(found) == 2
    assert_gone(found)
    assert executor.pids == []


def test_a_failure_in_a_worker_is_one_sentence(workers, monkeypatch):
    executor, _ = workers
    monkeypatch.setattr(worker_room, "MOST_REPLACEMENTS", 0)
    damaged = {name: tensor for name, tensor in WEIGHTS.items() if "value" not in name}
    with pytest.raises(JobFailedError) as failure:
        executor.play(TASK, damaged)
    text = str(failure.value)
    assert "\n" not in text
    assert "Traceback" not in text
    assert "KeyError" in text
    assert any("Traceback" in note for note in failure.value.__notes__), "kept for whoever looks"
    assert executor.pids == []
    assert not psutil.Process().children()


def test_workers_play_where_the_current_folder_was_deleted(tmp_path, monkeypatch, expected):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    executor = WorkerExecutor(1)
    assert_same(executor.play(TASK, WEIGHTS), expected)
    executor.close()


def test_workers_that_fail_to_start_are_given_up_in_a_sentence_that_says_what_would_do(monkeypatch):
    monkeypatch.setattr(worker_room, "MOST_REPLACEMENTS", 1)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    faults = []
    executor = WorkerExecutor(1, faults.append)
    with pytest.raises(JobFailedError, match=r"failed 2 times in one iteration.*with code 1"):
        executor.play(TASK, WEIGHTS)
    assert len(faults) == 1
    assert executor.pids == []
    monkeypatch.setattr(sys, "executable", "/absent/python")
    with pytest.raises(JobFailedError, match=r"No such file or directory.*self_play_workers=1"):
        executor.play(TASK, WEIGHTS)
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(JobError, match=r"names no Python; .*self_play_workers=1"):
        executor.play(TASK, WEIGHTS)


SCRIPT = """
import os, signal, sys, time
import numpy as np
from azul_tui.config import TrainingConfig
from azul_tui.network import create_azul_network
from azul_tui.training.workers import SelfPlayTask
from azul_tui.training.workers import WorkerExecutor

config = TrainingConfig(network_config="small", parallel_games=4, mcts_simulations=2)
executor = WorkerExecutor(1)
weights = create_azul_network("small", 2).state_dict()
way = sys.argv[1]

def kill(progress=None):
    os.kill(os.getpid(), signal.SIGKILL)

games = np.arange(2 if way == "forgetful" else 100_000)
on_progress = kill if way == "killed" else None
asked = []

def kill_soon():  # workers take longer to start, and are to be seen from outside
    asked.append(time.monotonic())
    if asked[-1] - asked[0] > 0.3:
        kill()

should_stop = kill_soon if way == "killed while they start" else None
executor.play(SelfPlayTask(0, games, config), weights, on_progress, should_stop)
"""


@pytest.mark.parametrize("way", ["forgetful", "killed", "killed while they start"])
def test_a_program_that_leaves_its_workers_behind_ends_and_so_do_they(way, tmp_path):
    """No close at the end of a script must not hang it; a killed parent takes its workers along."""
    script = tmp_path / "program.py"
    script.write_text(SCRIPT)
    root = Path(worker_room.__file__).parents[2]
    program = subprocess.Popen(
        [sys.executable, str(script), way],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    parent = psutil.Process(program.pid)
    children = []
    deadline = time.monotonic() + 150
    while program.poll() is None and time.monotonic() < deadline:
        children = parent.children(recursive=True) or children
        time.sleep(0.05)
    program.kill()
    program.wait()
    program.stdout.close()
    assert time.monotonic() < deadline
    assert program.returncode == (0 if way == "forgetful" else -signal.SIGKILL)
    assert children
    assert_gone(children, 10.0)


# Who is asked


def test_worker_counts(monkeypatch):
    monkeypatch.setattr(worker_room, "usable_cores", lambda: 6)
    monkeypatch.setattr(worker_room, "usable_memory", lambda: Memory(10**10, 10**10))
    assert worker_count(CONFIG.replace(self_play_workers=3)) == 3
    assert worker_count(CONFIG) == 6
    assert worker_count(CONFIG.replace(self_play_games_per_iteration=2)) == 2
    monkeypatch.setattr(worker_room, "usable_cores", lambda: 64)
    monkeypatch.setattr(worker_room, "usable_memory", lambda: Memory(10**11, 10**11))
    assert worker_count(CONFIG.replace(self_play_games_per_iteration=100)) == 16
    assert worker_count(CONFIG.replace(self_play_workers=40, parallel_games=1)) == 10
    assert isinstance(create_executor(CONFIG.replace(self_play_workers=1)), InlineExecutor)
    assert isinstance(create_executor(CONFIG.replace(self_play_workers=2)), WorkerExecutor)


def test_an_inline_executor_stops_when_asked(inline):
    asked = []
    assert inline.play(LONG, WEIGHTS, should_stop=lambda: bool(asked.append(1)) or True) is None
    assert asked
    assert isinstance(inline.play(TASK, WEIGHTS), GameBatch)
