"""Who plays changes nothing; what goes wrong in a worker costs no game and leaves no process.

Starting a worker takes seconds, most of them torch's import: they are shared where that can be.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np
import psutil
import pytest
import torch
from tiny_training import alerts, state_of, tiny, train

from azul_tui.config import TrainingConfig
from azul_tui.errors import JobError, JobFailedError
from azul_tui.network import create_azul_network
from azul_tui.runs.machine import Memory
from azul_tui.training import workers
from azul_tui.training.game_records import GameBatch
from azul_tui.training.self_play import InlineExecutor, SelfPlayTask
from azul_tui.training.workers import WorkerExecutor, create_executor, worker_count

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
TASK = SelfPlayTask(np.arange(20, 30), CONFIG)
LONG = SelfPlayTask(np.arange(100_000), CONFIG)


def weights_of(players=2, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return create_azul_network("small", players).state_dict()


WEIGHTS = weights_of()


def play(task, weights=WEIGHTS):
    return InlineExecutor().play(task, weights)


@pytest.fixture(scope="module")
def expected():
    return play(TASK)


@pytest.fixture(scope="module")
def shared():
    """Two workers for the whole file, and what they complained of."""
    faults = []
    executor = WorkerExecutor(2, faults.append)
    yield executor, faults
    executor.close()


def assert_same(one, other):
    np.testing.assert_array_equal(one.states, other.states)
    np.testing.assert_array_equal(one.policies, other.policies)
    np.testing.assert_array_equal(one.outcomes, other.outcomes)
    np.testing.assert_array_equal(one.samples, other.samples)
    assert one.games == other.games
    assert one.tally.games == other.tally.games
    assert one.tally.simulations == other.tally.simulations
    assert one.tally.entropy == pytest.approx(other.tally.entropy)


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


def test_a_game_depends_on_its_number_and_the_weights_alone(expected):
    alone = play(SelfPlayTask(np.array([27]), CONFIG))
    assert alone.games[0] == expected.games[7]
    first = int(expected.samples[:7].sum())
    rows = slice(first, first + int(expected.samples[7]))
    np.testing.assert_array_equal(alone.policies, expected.policies[rows])
    other = play(SelfPlayTask(np.array([27]), CONFIG), weights_of(seed=1))
    assert other.games[0] != alone.games[0]


def test_workers_play_the_games_of_one_process_and_only_the_task_counts(shared, expected):
    """Not the weights and settings before it, nor whether there are games for every worker."""
    executor, faults = shared
    inline = InlineExecutor()
    changed = SelfPlayTask(np.arange(4), CONFIG.replace(mcts_simulations=9, seed=6))
    few, none = (SelfPlayTask(np.arange(count), CONFIG) for count in (1, 0))
    three = SelfPlayTask(np.arange(2), CONFIG.replace(num_players=3, parallel_games=3))
    for task, weights in (
        (TASK, WEIGHTS),
        (changed, weights_of(seed=2)),
        (TASK, WEIGHTS),
        (few, WEIGHTS),
        (none, WEIGHTS),
        (three, weights_of(3)),
    ):
        fresh = expected if task is TASK else play(task, weights)
        assert_same(inline.play(task, weights), fresh)
        assert_same(executor.play(task, weights), fresh)
    assert faults == []


def test_an_inline_executor_stops_when_asked():
    executor, asked = InlineExecutor(), []
    assert executor.play(LONG, WEIGHTS, should_stop=lambda: not asked.append(1)) is None
    assert asked
    assert isinstance(executor.play(TASK, WEIGHTS), GameBatch)


# What goes wrong


def test_killed_workers_are_replaced_and_their_games_are_played_again(shared):
    """One is dead before the task comes, the other dies over it."""
    executor, faults = shared
    executor.play(TASK, WEIGHTS)
    faults.clear()
    os.kill(executor.pids[0], signal.SIGKILL)
    games = 1_500  # seconds of work, and progress is told twice a second
    seen, killed = [], []

    def kill_once(progress):
        seen.append(progress)
        if not killed:
            killed.append(executor.pids[1])
            os.kill(killed[0], signal.SIGKILL)

    batch = executor.play(SelfPlayTask(np.arange(games), CONFIG), WEIGHTS, kill_once)
    assert killed, "the games were over before the worker could be killed"
    assert all(0 <= progress.games <= games for progress in seen)
    assert [game.number for game in batch.games] == list(range(games))
    assert batch.tally.games == games
    sentence = "a self-play worker ended with code -9; it was replaced and its games are played"
    assert faults == [f"{sentence} again"] * 2
    assert not psutil.pid_exists(killed[0])
    assert len(executor.pids) == 2
    some = play(SelfPlayTask(np.arange(40), CONFIG))
    assert batch.games[:40] == some.games
    np.testing.assert_array_equal(batch.policies[: len(some.policies)], some.policies)


def test_stopping_answers_at_once_and_leaves_no_process(shared):
    """Also when a worker dies at the same moment, and when workers are only starting."""
    executor, _ = shared
    executor.play(TASK, WEIGHTS)
    found = [psutil.Process(pid) for pid in executor.pids]
    asked = []

    def should_stop():
        asked.append(1)
        if len(asked) == 3:
            found[0].kill()
        return len(asked) >= 3

    assert executor.play(LONG, WEIGHTS, should_stop=should_stop) is None
    assert len(asked) == 3
    assert_gone(found)
    assert executor.pids == []
    assert executor.play(LONG, WEIGHTS, should_stop=lambda: True) is None
    assert not psutil.Process().children()

    def fail():
        raise RuntimeError("the terminal is gone")

    with pytest.raises(RuntimeError, match="the terminal is gone"):
        executor.play(LONG, WEIGHTS, should_stop=fail)
    assert executor.pids == []
    assert not psutil.Process().children(), "it would answer the next task with this one's games"


def test_a_failure_in_a_worker_is_one_sentence_also_where_the_current_folder_was_deleted(
    tmp_path, monkeypatch, expected
):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    monkeypatch.setattr(workers, "MOST_REPLACEMENTS", 0)
    executor = WorkerExecutor(1)
    assert_same(executor.play(TASK, WEIGHTS), expected)
    damaged = {name: tensor for name, tensor in WEIGHTS.items() if "value" not in name}
    with pytest.raises(JobFailedError, match="KeyError") as failure:
        executor.play(TASK, damaged)
    text = str(failure.value)
    assert "\n" not in text
    assert "Traceback" not in text
    assert any("Traceback" in note for note in failure.value.__notes__), "kept for whoever looks"
    assert executor.pids == []


def test_workers_that_fail_to_start_are_given_up_in_a_sentence_that_says_what_would_do(monkeypatch):
    monkeypatch.setattr(workers, "MOST_REPLACEMENTS", 1)
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


def test_a_worker_that_hangs_in_a_training_is_replaced_and_the_run_ends_the_same(
    tmp_path, monkeypatch
):
    config = tiny(max_iterations=3, eval_frequency=0, afterstate_samples=4)
    train(tmp_path / "straight", config)
    hit = []

    def strike(record):
        """Stop a worker while it waits for the second iteration's games."""
        if record["event"] == "iteration" and record["iteration"] == 1:
            hit.append(psutil.Process().children()[0].pid)
            os.kill(hit[0], signal.SIGSTOP)
            monkeypatch.setattr(workers, "SILENT_AFTER_S", 2.0)
        elif record["event"] == "alert":
            monkeypatch.setattr(workers, "SILENT_AFTER_S", 180.0)  # the next one has to start

    train(tmp_path / "run", config.replace(self_play_workers=2), listener=strike)
    assert len(hit) == 1
    told = alerts(tmp_path / "run")
    assert "said nothing" in told[0]
    assert "its games are played again" in told[0]
    assert state_of(tmp_path / "run") == state_of(tmp_path / "straight")
    assert not psutil.Process().children()


SCRIPT = """
import os, signal, sys, time
import numpy as np
from azul_tui.config import TrainingConfig
from azul_tui.network import create_azul_network
from azul_tui.training.self_play import SelfPlayTask
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
executor.play(SelfPlayTask(games, config), weights, on_progress, should_stop)
"""


@pytest.mark.parametrize("way", ["forgetful", "killed", "killed while they start"])
def test_a_program_that_leaves_its_workers_behind_ends_and_so_do_they(way, tmp_path):
    """No close at the end of a script must not hang it; a killed parent takes its workers along."""
    script = tmp_path / "program.py"
    script.write_text(SCRIPT)
    root = Path(workers.__file__).parents[2]
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


# Who is asked, and what is compiled before


def test_worker_counts(monkeypatch):
    monkeypatch.setattr(workers, "usable_cores", lambda: 6)
    monkeypatch.setattr(workers, "usable_memory", lambda: Memory(10**10, 10**10))
    assert worker_count(CONFIG.replace(self_play_workers=3)) == 3
    assert worker_count(CONFIG) == 6
    assert worker_count(CONFIG.replace(self_play_games_per_iteration=2)) == 2
    monkeypatch.setattr(workers, "usable_cores", lambda: 64)
    monkeypatch.setattr(workers, "usable_memory", lambda: Memory(10**11, 10**11))
    assert worker_count(CONFIG.replace(self_play_games_per_iteration=100)) == 16
    assert worker_count(CONFIG.replace(self_play_workers=40, parallel_games=1)) == 10
    assert isinstance(create_executor(CONFIG.replace(self_play_workers=1)), InlineExecutor)
    assert isinstance(create_executor(CONFIG.replace(self_play_workers=2)), WorkerExecutor)


def compile_something(players: int) -> None:
    assert numba.njit(lambda: players)() == players


def told_of(monkeypatch, *stages):
    told: list[tuple[int, int, str]] = []
    named = tuple(zip(("rules", "search", "network"), stages, strict=False))
    monkeypatch.setattr(workers, "STAGES", named)
    seconds = iter(range(100))
    took = workers.compile_kernels(
        2, lambda done, total, name, _: told.append((done, total, name)), lambda: next(seconds)
    )
    assert took > 0
    return told


def load(_players: int) -> None:
    """Everything is there."""


def test_an_empty_cache_is_told_from_the_first_stage_on(monkeypatch):
    told = told_of(monkeypatch, compile_something, compile_something)
    assert told == [(0, 2, "rules"), (1, 2, "search"), (2, 2, "done")]


def test_a_full_cache_is_not_mentioned_however_long_it_loads(monkeypatch):
    assert told_of(monkeypatch, load) == []
    assert workers.compile_kernels(2, print) > 0  # the real ones may be compiled here
    told = []
    workers.compile_kernels(2, lambda *report: told.append(report))
    assert told == [], "compiled a moment ago"


def test_what_a_new_release_changed_is_told_from_its_stage_on(monkeypatch):
    told = told_of(monkeypatch, load, compile_something, load)
    assert told == [(1, 3, "search"), (2, 3, "network"), (3, 3, "done")]
