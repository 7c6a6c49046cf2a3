"""The games of an iteration: what this machine plays them with, its workers, what a run records.

Workers are processes with one thread and one evaluator each: two of them on two cores do close to
twice one worker's games; threads that share a pool do not. A worker that dies or falls silent is
replaced, and plays its games again by their numbers.
"""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import torch

from azul_tui.child_process import python_command, python_environment, working_folder
from azul_tui.errors import JobFailedError
from azul_tui.game.constants import state_size
from azul_tui.game.kernel import noticing_compilation
from azul_tui.game.notation import describe_move, format_position
from azul_tui.game.playout import random_games
from azul_tui.game.rules import clear_game, refill_canonical
from azul_tui.game.view import view_position
from azul_tui.network import NetworkEvaluator, create_azul_network, resolve_compute
from azul_tui.network.compute import choose_device, resolve_device, time_inference
from azul_tui.network.model import describe_network, tensor_of
from azul_tui.runs.files import write_bytes_atomically
from azul_tui.runs.machine import usable_cores, usable_memory
from azul_tui.search.search import ConstantEvaluator
from azul_tui.search.select import SearchSettings
from azul_tui.training.game_records import GameBatch, SelfPlayProgress, merge_batches
from azul_tui.training.replay import ReplayBuffer, bytes_per_position
from azul_tui.training.self_play import (
    CALLS_BETWEEN_REPORTS,
    InlineExecutor,
    PlaySettings,
    SelfPlay,
    SelfPlayTask,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection

    import numpy.typing as npt
    from torch import Tensor

    from azul_tui.config import TrainingConfig
    from azul_tui.network import Compute, NetworkDescription
    from azul_tui.runs.machine import Memory
    from azul_tui.training.run import TrainingRun
    from azul_tui.training.self_play import SelfPlayExecutor


# -- how many workers a machine has room for
#
# The figures are measured ones (EXPERIMENTS.md): private memory of processes with the small and the
# large network, 64 to 2,048 games in lockstep and 16 to 128 simulations a move.

MOST_WORKERS: Final = 16
"""Started unasked: beyond these a loop that waits for all of them gains next to nothing."""
MOST_WORKERS_ON_A_GPU: Final = 8
"""A guess, not measured: all share the GPU and search on a core each meanwhile."""
_PROCESS_BYTES: Final = 450 * 10**6
"""Of any process that plays or learns: Python, torch and compiled kernels."""
_SLOT_BYTES: Final = 500 * 10**3
"""Of a game under way, with its tree, in the worst case that was measured."""


def buffer_bytes(config: TrainingConfig) -> int:
    """Memory of the replay buffer once it is full."""
    return config.buffer_capacity * bytes_per_position(config.num_players)


def worker_bytes(config: TrainingConfig) -> int:
    """Memory of one worker process."""
    return _PROCESS_BYTES + config.parallel_games * _SLOT_BYTES


def least_bytes(config: TrainingConfig) -> int:
    """Memory of a run with one process, its buffer full."""
    return worker_bytes(config) + buffer_bytes(config)


def fitting_workers(config: TrainingConfig, cores: int, memory: Memory, *, gpu: bool) -> int:
    """Worker processes for `config` where nobody asks for a number, at least 1.

    Args:
        config: Settings of the run.
        cores: Usable ones.
        memory: Of the machine, as far as it may be used; the buffer is not filled yet.
        gpu: Whether a GPU evaluates the positions.
    """
    most = MOST_WORKERS_ON_A_GPU if gpu else MOST_WORKERS
    left = memory.available - buffer_bytes(config)
    return max(1, min(cores, most, left // worker_bytes(config)))


def memory_problem(config: TrainingConfig, workers: int, memory: Memory) -> str:
    """What will not fit into memory, in a sentence; "" when all will."""
    buffer = buffer_bytes(config)
    wanted = buffer + workers * worker_bytes(config)
    if wanted <= memory.available:
        return ""
    setting = "buffer_capacity"
    if buffer < wanted // 2:
        setting = "self_play_workers" if workers > 1 else "parallel_games"
    return (
        f"this run will want {wanted / 1e9:.1f} GB of memory, {buffer / 1e9:.1f} of "
        f"them for its {config.buffer_capacity:,} positions, and {memory.available / 1e9:.1f} GB "
        f"are available{' in this container' if memory.limited else ''}; lower {setting}"
    )


def worker_count(config: TrainingConfig, device: str = "") -> int:
    """Worker processes for `config`: as asked, else as many as cores, memory and GPU serve.

    Args:
        config: Settings of the run.
        device: Where the network is evaluated, once that is decided; "" goes by the settings.
    """
    wanted = config.self_play_workers or fitting_workers(
        config,
        usable_cores(),
        usable_memory(),
        gpu=resolve_device(device or config.device).type == "cuda",
    )
    return max(1, min(wanted, config.self_play_games_per_iteration))


def create_executor(
    config: TrainingConfig, on_fault: Callable[[str], None] | None = None, device: str = ""
) -> SelfPlayExecutor:
    """Inline for one worker, else worker processes.

    Args:
        config: Settings of the run.
        on_fault: Told, in one sentence, of a worker that had to be replaced, and of memory that
            will not do.
        device: See `worker_count`.
    """
    workers = worker_count(config, device)
    problem = memory_problem(config, workers, usable_memory())
    if problem and on_fault is not None:
        on_fault(problem)
    return InlineExecutor() if workers == 1 else WorkerExecutor(workers, on_fault)


# -- what a run computes with: `resolve_compute` for its settings, and whether a GPU is worth it
#
# A GPU is compared with the processor at what a run does most: real moves of self-play, its tree
# search included. Small networks are often faster on the processor, of which every worker has a
# core of its own while all of them share the GPU.

_MOST_THREADS: Final = 8
_PROBE_S: Final = 0.3
"""Seconds of self-play by which a device is judged."""


def compute_of(
    config: TrainingConfig, threads: int = 0, remembered: Compute | None = None
) -> Compute:
    """What a run with these settings computes with here; see `resolve_compute`.

    Args:
        config: Settings of the run.
        threads: Of torch for the learner; 0 leaves a core to whoever watches.
        remembered: What the checkpoint of a resumed run names.

    Raises:
        ConfigError: This machine has no such device.
    """
    description = describe_network(config.network_config, config.num_players, config.dropout)
    threads = threads or max(1, min(_MOST_THREADS, usable_cores() - 1))
    gpu = resolve_device(config.device)
    if config.device == "auto" and gpu.type != "cpu" and remembered is None:
        timing = choose_device(
            description,
            config.parallel_games,
            gpu,
            worker_count(config, str(gpu)),
            {
                "cpu": lambda: self_play_s(config, description, torch.device("cpu")),
                str(gpu): lambda: self_play_s(config, description, gpu),
            },
        )
        config = config.replace(device=torch.device(timing.chosen).type)
    return resolve_compute(config, description, threads=threads, remembered=remembered)


def self_play_s(
    config: TrainingConfig,
    description: NetworkDescription,
    device: torch.device,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds in which all workers together call the network once, playing on that device.

    One worker plays and is timed; the others are taken to be as fast, each on a core of its own. A
    GPU serves one at a time, so that there are never more calls than it can answer alone: a guess
    on the safe side, as calls of several processes overlap a little.
    """
    settings = config.replace(device=device.type)
    compute = resolve_compute(settings, description)
    asked: list[float] = []

    def enough() -> bool:
        asked.append(clock())
        return len(asked) > 2 and asked[-1] - asked[0] >= _PROBE_S

    games = np.arange(64 * config.parallel_games)
    weights = create_azul_network(config.network_config, config.num_players).state_dict()
    InlineExecutor().play(SelfPlayTask(games, settings, compute), weights, should_stop=enough)
    alone = (asked[-1] - asked[0]) / max(1, len(asked) - 1) / CALLS_BETWEEN_REPORTS
    shared = alone / worker_count(config, device.type)
    if device.type == "cpu":
        return shared
    found = time_inference(description, config.parallel_games, device, compute.inference_precision)
    return max(shared, found.seconds[found.chosen])


# -- compiling every kernel that training needs, before anything is timed or forked
#
# The first start on a machine takes some seconds; later ones load the kernels from disk.

CompileReport = Callable[[int, int, str, float], None]
"""`(done, total, name, seconds)`: stages done, the one that comes next, seconds so far."""


def _compile_rules(players: int) -> None:
    random_games(np.zeros(state_size(players), np.int8), players, 1, np.uint64(0))


def _compile_self_play(players: int) -> None:
    rules = PlaySettings(np.uint64(0), 2, 1, 1.0, 1.0, 4, 0.0, 1.0, afterstate_samples=1)
    self_play = SelfPlay(ConstantEvaluator(2, players), SearchSettings(), rules, players)
    batch = self_play.play(np.arange(1))
    assert batch is not None
    buffer = ReplayBuffer(16, players)
    buffer.add(batch.states[:8], batch.policies[:8], batch.outcomes[:8])
    buffer.sample(2, np.random.default_rng(0))


def _compile_players(players: int) -> None:
    from azul_tui.players.network import NetworkPlayer  # no worker needs them
    from azul_tui.players.registry import create_player

    states = np.zeros((1, state_size(players)), np.int8)
    clear_game(states[0], players)
    refill_canonical(states[0], np.uint64(0), np.zeros(1, np.uint64))
    evaluator = NetworkEvaluator(create_azul_network("small", players), 1, "cpu")
    for player in (
        NetworkPlayer(evaluator, 2, SearchSettings(), players),
        create_player("random", players),
        create_player("greedy", players),
    ):
        player.choose(states, np.zeros(1, np.uint64), True)


STAGES: Final = (
    ("rules", _compile_rules),
    ("search and self-play", _compile_self_play),
    ("network and players", _compile_players),
)


def compile_kernels(
    players: int, report: CompileReport, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Compile or load everything; returns the seconds it took.

    `report` is called once something is compiled, and then after each stage; never when all of
    it can be loaded, however long that takes on a busy machine.
    """
    started = clock()
    done, told = 0, False

    def tell() -> None:
        nonlocal told
        told = True
        name = STAGES[done][0] if done < len(STAGES) else "done"
        report(done, len(STAGES), name, clock() - started)

    with noticing_compilation(tell):
        for _, compile_stage in STAGES:
            compile_stage(players)
            done += 1
            if told:
                tell()
    return clock() - started


# -- worker processes, as their parent sees them
#
# A worker is this module run by `child_process`, so that it knows nothing of the program that
# trains, which may be a script without a guard, a notebook or a pipe. Its standard input is one end
# of a socket, where each pair of weights and task is answered by `SelfPlayProgress`, then a
# `GameBatch`, or a text that says what went wrong.

SILENT_AFTER_S: Final = 180.0
"""A worker that says nothing for so long hangs; a cold compile takes well under a minute."""
MOST_REPLACEMENTS: Final = 5
"""Workers replaced within one task before it is given up."""
_POLL_S: Final = 0.2
_PARENT_POLL_S: Final = 0.25
_FOR_THE_PARENT: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals of a terminal and of a cluster: the parent decides what follows from them."""

Weights = dict[str, "npt.NDArray[Any]"]


class WorkerExecutor:
    """Shares the games of a task among worker processes; see `SelfPlayExecutor`."""

    def __init__(self, workers: int, on_fault: Callable[[str], None] | None = None) -> None:
        """Remember how many; processes start with the first task."""
        self._count = workers
        self._on_fault = on_fault
        self._workers: list[_Worker] = []

    @property
    def pids(self) -> list[int]:
        """Process numbers of the workers there are."""
        return [worker.process.pid for worker in self._workers]

    def play(
        self,
        task: SelfPlayTask,
        weights: Mapping[str, Tensor],
        on_progress: Callable[[SelfPlayProgress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> GameBatch | None:
        """See `SelfPlayExecutor.play`."""
        arrays = {name: tensor.numpy() for name, tensor in weights.items()}
        finished = False
        try:
            while len(self._workers) < self._count:
                self._workers.append(_Worker())
            for index, worker in enumerate(self._workers):
                worker.hand_out(arrays, replace(task, numbers=task.numbers[index :: self._count]))
            faults = 0
            while busy := [worker for worker in self._workers if worker.batch is None]:
                if should_stop is not None and should_stop():
                    return None
                for worker in _wait_for(busy):
                    if fault := worker.hear():
                        faults += 1
                        self._replace(worker, fault, faults)
                if on_progress is not None:
                    self._report(on_progress)
            finished = True
            return merge_batches([worker.batch for worker in self._workers if worker.batch])
        finally:
            if not finished:  # workers still at it would answer the next task with these games
                self.close()

    def close(self) -> None:
        """End every worker, whatever it is doing: what it holds is not wanted any more."""
        for worker in self._workers:
            worker.process.kill()
        while self._workers:
            self._workers.pop().end()

    def _replace(self, failed: _Worker, fault: str, faults: int) -> None:
        """Put a new worker, with the same games, in the place of a failed one.

        Raises:
            JobFailedError: It is one too many; the worker's traceback comes as a note.
        """
        first_line, *rest = fault.splitlines()
        if faults > MOST_REPLACEMENTS:
            error = JobFailedError(
                f"self-play workers failed {faults} times in one iteration (self_play_workers=1 "
                f"plays without them); the last: {first_line}"
            )
            if rest:
                error.add_note("\n".join(rest))
            raise error
        failed.end()
        if self._on_fault is not None:
            self._on_fault(f"{first_line}; it was replaced and its games are played again")
        self._workers[self._workers.index(failed)] = worker = _Worker()
        worker.hand_out(*failed.share)

    def _report(self, on_progress: Callable[[SelfPlayProgress], None]) -> None:
        """All workers' progress as one, with the game of the first that still plays."""
        seen = [worker for worker in self._workers if worker.progress is not None]
        if not seen:
            return
        shown = min(seen, key=lambda worker: worker.batch is not None).progress
        assert shown is not None
        counts = [
            worker.batch.tally if worker.batch is not None else worker.progress
            for worker in self._workers
        ]
        on_progress(
            replace(
                shown,
                games=sum(count.games for count in counts if count),
                simulations=sum(count.simulations for count in counts if count),
            )
        )


class _Worker:
    """One worker process and what it has said of its share."""

    def __init__(self) -> None:
        """Start it."""
        ours, theirs = multiprocessing.Pipe()
        # typeshed has a name of its own for what Pipe returns.
        self.connection: Connection = cast("Connection", ours)
        self.progress: SelfPlayProgress | None = None
        self.batch: GameBatch | None = None
        self.share: tuple[Weights, SelfPlayTask]
        self.heard_s: float
        self._sender: threading.Thread | None = None
        # A blocked signal stays blocked in the process that starts here, from its first moment on.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_THE_PARENT)
        try:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                python_command(__name__, str(os.getpid())),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=working_folder(),
                env={**python_environment(), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            )
        except OSError as error:
            raise JobFailedError(
                f"a self-play worker cannot be started ({error.strerror}); "
                "self_play_workers=1 plays without them"
            ) from None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()

    def hand_out(self, weights: Weights, task: SelfPlayTask) -> None:
        """Send it its share, from a thread: one that starts or hangs does not read."""
        self.share = (weights, task)
        self.batch = self.progress = None
        self.heard_s = time.monotonic()
        self._sender = threading.Thread(target=self._send, daemon=True)
        self._sender.start()

    def hear(self) -> str:
        """Take in one message; returns what is wrong with the worker, if anything."""
        if not self.connection.poll():
            return f"a self-play worker said nothing for {SILENT_AFTER_S:.0f} s"
        try:
            message: object = self.connection.recv()
        except (EOFError, OSError):
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=1.0)
            return f"a self-play worker ended with code {self.process.returncode}"
        self.heard_s = time.monotonic()
        if isinstance(message, SelfPlayProgress):
            self.progress = message
        elif isinstance(message, GameBatch):
            self.batch = message
        else:
            return f"a self-play worker failed: {message}"
        return ""

    def end(self) -> None:
        """End it at once, and close the pipe when nothing is being written to it any more."""
        self.process.kill()
        self.process.wait()
        if self._sender is not None:
            self._sender.join()
        self.connection.close()

    def _send(self) -> None:
        with suppress(OSError):  # a pipe that is broken shows when listening
            self.connection.send(self.share)


def _wait_for(workers: list[_Worker]) -> list[_Worker]:
    """Those that have said something or died, after a moment, or been silent for too long."""
    ready = multiprocessing.connection.wait([each.connection for each in workers], _POLL_S)
    since_s = time.monotonic() - SILENT_AFTER_S
    return [each for each in workers if each.connection in ready or each.heard_s < since_s]


# -- a worker process, seen from inside


def serve(parent: int) -> None:
    """Answer tasks until the process `parent` is gone, also in the middle of one."""
    threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()
    torch.set_num_threads(1)
    connection = multiprocessing.connection.Connection(0)
    executor = InlineExecutor()
    answer: object
    while True:
        try:
            arrays, task = cast("tuple[Weights, SelfPlayTask]", connection.recv())
            weights = {name: tensor_of(array) for name, array in arrays.items()}
            answer = executor.play(
                task, weights, on_progress=connection.send, should_stop=connection.poll
            )
        except EOFError:
            os._exit(0)  # at once: torch takes a second for its own way out
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
            answer = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        try:
            connection.send(answer)
        except OSError:
            os._exit(0)


def _end_with(parent: int) -> None:
    """Leave when the parent is gone, also in the middle of compiling.

    The end of the pipe would not do: a process that the parent forked may hold it open.
    """
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_S)
    os._exit(1)


# -- the first half of an iteration: its games are played, kept and recorded

_SHOW_EVERY_S = 1.0


class SelfPlayPhase:
    """Plays the games of one iteration after another."""

    def __init__(self, run: TrainingRun, executor: SelfPlayExecutor) -> None:
        """Remember who plays."""
        self._run = run
        self._executor = executor
        self._shown_s = -_SHOW_EVERY_S
        self._began_s = 0.0
        self.seconds = 0.0
        """Seconds that the last iteration's games took; 0 when they were played before."""

    def play(self, iteration: int) -> bool:
        """Play the iteration's games into the buffer; False when leaving before they are in."""
        run = self._run
        config = run.config
        first = run.progress.games_total
        numbers = np.arange(first, first + config.self_play_games_per_iteration)
        task = SelfPlayTask(numbers, config, run.compute)
        weights = run.learner.acting_weights()
        batch: GameBatch | None = None
        while batch is None:
            run.wait_while_paused()
            if run.leaving:
                return False
            run.begin_phase("self-play", iteration)
            self._began_s = run.seconds
            batch = self._executor.play(
                task,
                weights,
                on_progress=lambda seen: self._show(seen, len(numbers)),
                should_stop=run.interrupts,
            )
        self.seconds = max(1e-9, run.seconds - self._began_s)
        if not run.saver.keep_games(iteration, batch):
            return False
        run.progress.begin_training(config.training_steps_per_iteration)
        self._record(iteration, batch, config.mcts_simulations)
        return True

    def _record(self, iteration: int, batch: GameBatch, simulations: int) -> None:
        """The games in numbers.

        Sums over games are rounded: their last bits depend on who played which game.
        """
        run, tally = self._run, batch.tally
        rates = self._rates(tally.games, tally.simulations, self.seconds)
        entropy = round(tally.entropy / max(1, tally.policies), 6)
        run.record(
            "self_play",
            iteration=iteration,
            games=tally.games,
            positions=len(batch.states),
            seconds=round(self.seconds, 3),
            **rates,
            mean_moves=tally.moves / max(1, tally.games),
            first_seat_share=round(tally.first_seat_wins / max(1, tally.games), 6),
            policy_entropy=entropy,
            games_total=run.progress.games_total,
            simulations=simulations,
        )
        run.status(
            games_total=run.progress.games_total,
            **rates,
            buffer_size=len(run.learner.buffer),
            buffer_capacity=run.learner.buffer.capacity,
            policy_entropy=entropy,
            mcts_simulations=simulations,
        )

    def _show(self, seen: SelfPlayProgress, games: int) -> None:
        """Status, and now and then `live.json` with the game to look at."""
        run = self._run
        now_s = run.seconds
        run.status(**self._rates(seen.games, seen.simulations, now_s - self._began_s))
        run.tell(seen.games, games, "games")
        if now_s - self._shown_s < _SHOW_EVERY_S:
            return
        self._shown_s = now_s
        players, last = run.config.num_players, seen.last_action
        live = {
            "game": seen.number,
            "move": seen.moves,
            "players": players,
            "position": format_position(view_position(np.frombuffer(seen.position, np.int8))),
            "last_move": describe_move(last, players) if last >= 0 else "",
            "value": seen.value,
        }
        data = json.dumps(live).encode() + b"\n"
        run.try_to(lambda: write_bytes_atomically(run.paths.live, data, durable=False))

    @staticmethod
    def _rates(games: int, simulations: int, seconds: float) -> dict[str, Any]:
        seconds = max(1e-9, seconds)
        return {"games_per_s": games / seconds, "sims_per_s": simulations / seconds}


if __name__ == "__main__":
    serve(int(sys.argv[1]))
