"""Games played by workers of this machine, merged by number."""

from __future__ import annotations

import io
import multiprocessing
import multiprocessing.connection
import os
import signal
import subprocess
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol, cast

import numpy as np

from azul_tui.child_process import python_command, python_environment, working_folder
from azul_tui.config import create_training_config
from azul_tui.config.setting import check_instance, check_int
from azul_tui.errors import JobFailedError
from azul_tui.game.constants import action_count, state_size, value_count
from azul_tui.network import AzulNetwork, NetworkEvaluator, create_azul_network
from azul_tui.network.compute import resolve_device
from azul_tui.runs.machine import usable_cores, usable_memory
from azul_tui.training.game_records import GameBatch, SelfPlayProgress, merge_batches
from azul_tui.training.self_play import SelfPlay, play_settings, search_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection

    import numpy.typing as npt
    from torch import Tensor

    from azul_tui.config import TrainingConfig
    from azul_tui.network.compute import Compute
    from azul_tui.runs.machine import Memory


# -- what a run wants of a machine: memory of its parts, and how many workers fit
#
# The figures are measured ones (EXPERIMENTS.md): private memory of processes with the small and the
# large network, 64 to 2,048 games in lockstep and 16 to 128 simulations a move.

MOST_WORKERS: Final = 16
"""Started unasked: beyond these a loop that waits for all of them gains next to nothing."""
MOST_WORKERS_ON_A_GPU: Final = 8
"""A guess, not measured: all share the GPU and search on a core each meanwhile."""

_PROCESS_BYTES: Final = 450 * 10**6
"""Of any process that plays or learns: Python, torch and compiled kernels."""
_PLACE_BYTES: Final = 500 * 10**3
"""Of a game under way, with its tree and samples, in the worst case that was measured."""


def buffer_bytes(config: TrainingConfig) -> int:
    """Memory of the replay buffer once it is full."""
    players = config.num_players
    targets = value_count(players)
    # As bytes, float16 and float32: a position, its policy, its outcome.
    return config.buffer_capacity * (state_size(players) + 2 * action_count(players) + 4 * targets)


def worker_bytes(config: TrainingConfig) -> int:
    """Memory of one worker process."""
    return _PROCESS_BYTES + config.parallel_games * _PLACE_BYTES


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
    wanted = buffer_bytes(config) + workers * worker_bytes(config)
    if wanted <= memory.available:
        return ""
    setting = "buffer_capacity"
    if buffer_bytes(config) < wanted // 2:
        setting = "self_play_workers" if workers > 1 else "parallel_games"
    return (
        f"this run will want {wanted / 1e9:.1f} GB of memory, {buffer_bytes(config) / 1e9:.1f} of "
        f"them for its {config.buffer_capacity:,} positions, and {memory.available / 1e9:.1f} GB "
        f"are available{' in this container' if memory.limited else ''}; lower {setting}"
    )


# -- who plays the self-play games: weights and game numbers in, samples out
#
# `SelfPlayExecutor` is the border behind which anything may stand: this process, worker processes,
# one day a cluster. A game depends on the run's seed, its number and the weights alone, so who
# plays it, and in which order, changes nothing.

_PLACES = 256


@dataclass(frozen=True, slots=True)
class SelfPlayTask:
    """Games to play with one version of the weights."""

    version: int
    """Iteration whose weights these are."""
    numbers: npt.NDArray[np.int64]
    """`(N,)` game numbers."""
    config: TrainingConfig
    """Settings in force; simulations may change while a run is live."""
    compute: Compute | None = None
    """What the network is evaluated with; None leaves it to `config` and, where that says "auto",
    to what timing found on this machine. A run always names it: workers time nothing."""

    def share(self, index: int, of: int) -> SelfPlayTask:
        """The games of worker `index` of `of`."""
        return replace(self, numbers=self.numbers[index::of])


class SelfPlayExecutor(Protocol):
    """Plays games; close it when done."""

    def play(
        self,
        task: SelfPlayTask,
        weights: Mapping[str, Tensor],
        on_progress: Callable[[SelfPlayProgress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> GameBatch | None:
        """The samples of all games in order of number, or None when stopped.

        Args:
            task: What to play.
            weights: State of the network that plays, on the CPU.
            on_progress: Told now and then how far all games together are.
            should_stop: Asked often; the games under way are dropped once it says True.

        Raises:
            JobFailedError: The games could not be played.
        """
        ...

    def close(self) -> None:
        """Let go of processes and memory."""
        ...


class InlineExecutor:
    """Plays in this process, on its device."""

    def __init__(self) -> None:
        """Nothing is allocated before the first task."""
        self._config: TrainingConfig | None = None
        self._evaluator: NetworkEvaluator | None = None
        self._self_play: SelfPlay | None = None
        self._made_from: tuple[object, ...] = ()

    def play(
        self,
        task: SelfPlayTask,
        weights: Mapping[str, Tensor],
        on_progress: Callable[[SelfPlayProgress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> GameBatch | None:
        """See `SelfPlayExecutor.play`."""
        self_play = self._prepare(task, weights)
        return self_play.play(task.numbers, on_progress=on_progress, should_stop=should_stop)

    def close(self) -> None:
        """Forget the network and the trees."""
        self._config = self._evaluator = self._self_play = None

    def _prepare(self, task: SelfPlayTask, weights: Mapping[str, Tensor]) -> SelfPlay:
        """Evaluator and trees for the task, made again only when it asks for others."""
        config = task.config
        made_from = (
            config.network_config,
            config.num_players,
            config.parallel_games,
            task.compute or (config.device, config.inference_precision),
        )
        if self._evaluator is None or self._made_from != made_from:
            self._config = self._self_play = None
            self._evaluator = _new_evaluator(config, task.compute)
            self._made_from = made_from
        self._evaluator.load_weights(weights)
        if self._self_play is None or self._config != config:
            self._self_play = SelfPlay(
                self._evaluator,
                search_settings(config),
                play_settings(config),
                config.num_players,
                afterstate_samples=(
                    config.afterstate_samples if config.chance == "afterstate" else 0
                ),
            )
            self._config = config
        return self._self_play


def _new_evaluator(config: TrainingConfig, compute: Compute | None) -> NetworkEvaluator:
    """For self-play with `compute`, else with what `config` says and timing finds."""
    network = create_azul_network(config.network_config, config.num_players)
    if compute is None:
        return NetworkEvaluator(
            network, config.parallel_games, config.device, config.inference_precision
        )
    return NetworkEvaluator(
        network,
        config.parallel_games,
        compute.device,
        compute.inference_precision,
        compute.inference,
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
    if workers == 1:
        return InlineExecutor()
    from azul_tui.training.workers import WorkerExecutor

    return WorkerExecutor(workers, on_fault)


def self_play_games(
    model: AzulNetwork,
    games: int,
    *,
    simulations: int = 32,
    seed: int = 0,
    on_progress: Callable[[SelfPlayProgress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> GameBatch | None:
    """Let a network play games against itself in this process, for a loop of one's own.

    Args:
        model: The network; not changed.
        games: How many.
        simulations: Simulations a move.
        seed: Decides the games together with the weights.
        on_progress: Told now and then how far it is.
        should_stop: Asked often; True drops the games.

    Returns:
        States, policies and outcomes for `ReplayBuffer.add`, or None when stopped.

    Raises:
        ConfigError: An argument is of the wrong type or out of range.
    """
    check_instance("model", model, AzulNetwork)
    games = check_int("games", games, 1)
    config = create_training_config(
        num_players=model.description.players,
        network_config=model.description.preset,
        mcts_simulations=simulations,
        parallel_games=min(games, _PLACES),
        seed=seed,
        device="cpu",
    )
    weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    return InlineExecutor().play(
        SelfPlayTask(0, np.arange(games), config), weights, on_progress, should_stop
    )


# -- self-play in worker processes: single-threaded, one evaluator each, independent of each other
#
# Two workers on two cores do close to twice one worker's games; threads that share a pool do not.
# A worker that dies or falls silent is replaced, and plays its games again by their numbers.
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


class WorkerExecutor:
    """Shares the games of a task among worker processes."""

    def __init__(self, workers: int, on_fault: Callable[[str], None] | None = None) -> None:
        """Remember how many; processes start with the first task."""
        self._count = workers
        self._on_fault = on_fault
        self._workers: list[_Worker] = []
        self._weights = b""

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
        self._weights = _packed(weights)
        try:
            return self._play(task, on_progress, should_stop)
        except BaseException:
            # Workers still at it would answer the next task with the games of this one.
            self.close()
            raise

    def close(self) -> None:
        """End every worker, whatever it is doing: what it holds is not wanted any more."""
        for worker in self._workers:
            worker.process.kill()
        while self._workers:
            self._workers.pop().end()

    def _play(
        self,
        task: SelfPlayTask,
        on_progress: Callable[[SelfPlayProgress], None] | None,
        should_stop: Callable[[], bool] | None,
    ) -> GameBatch | None:
        """`play` with the weights that have been packed."""
        while len(self._workers) < self._count:
            self._workers.append(_Worker())
        for index, worker in enumerate(self._workers):
            worker.hand_out(self._weights, task.share(index, self._count))
        replacements = 0
        while any(worker.batch is None for worker in self._workers):
            if should_stop is not None and should_stop():
                self.close()
                return None
            for index in self._listen():
                fault = self._workers[index].hear()
                if fault is None:
                    continue
                replacements += 1
                if replacements > MOST_REPLACEMENTS:
                    raise _failure(replacements, fault)
                self._replace(index, fault)
            if on_progress is not None:
                self._report(on_progress)
        return merge_batches([worker.batch for worker in self._workers if worker.batch])

    def _listen(self) -> list[int]:
        """Workers that have said something, died, or been silent for too long."""
        busy = [index for index, worker in enumerate(self._workers) if worker.batch is None]
        ready = multiprocessing.connection.wait(
            [self._workers[index].connection for index in busy], timeout=_POLL_S
        )
        now = time.monotonic()
        return [
            index
            for index in busy
            if self._workers[index].connection in ready
            or now - self._workers[index].heard > SILENT_AFTER_S
        ]

    def _replace(self, index: int, fault: str) -> None:
        """Put a new worker in the place of a failed one; it gets the same games."""
        failed = self._workers[index]
        failed.end()
        if self._on_fault is not None:
            first_line = fault.splitlines()[0]
            self._on_fault(f"{first_line}; it was replaced and its games are played again")
        self._workers[index] = _Worker()
        if failed.task is not None:
            self._workers[index].hand_out(self._weights, failed.task)

    def _report(self, on_progress: Callable[[SelfPlayProgress], None]) -> None:
        """All workers' progress as one."""
        seen = [worker.progress for worker in self._workers if worker.progress is not None]
        done = [worker.batch.tally for worker in self._workers if worker.batch is not None]
        if not seen:
            return
        running = [
            worker.progress
            for worker in self._workers
            if worker.progress is not None and worker.batch is None
        ]
        first = running[0] if running else seen[0]
        on_progress(
            SelfPlayProgress(
                games=sum(item.games for item in running) + sum(item.games for item in done),
                simulations=sum(item.simulations for item in running)
                + sum(item.simulations for item in done),
                position=first.position,
                number=first.number,
                moves=first.moves,
                last_action=first.last_action,
                value=first.value,
            )
        )


class _Worker:
    """One worker process, as its parent sees it."""

    def __init__(self) -> None:
        """Start it."""
        ours, theirs = multiprocessing.Pipe()
        # typeshed has a name of its own for what Pipe returns.
        self.connection: Connection = cast("Connection", ours)
        self.task: SelfPlayTask | None = None
        self.heard: float = time.monotonic()
        self.progress: SelfPlayProgress | None = None
        self.batch: GameBatch | None = None
        self._sender: threading.Thread | None = None
        # A blocked signal stays blocked in the process that starts here, from its first moment on.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_THE_PARENT)
        try:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                python_command(__name__),
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

    def hand_out(self, weights: bytes, task: SelfPlayTask) -> None:
        """Send it its share, from a thread: one that starts or hangs does not read."""
        self.task = task
        self.batch = None
        self.progress = None
        self.heard = time.monotonic()
        self._sender = threading.Thread(target=self._send, args=((weights, task),), daemon=True)
        self._sender.start()

    def hear(self) -> str | None:
        """Take in one message; returns what is wrong with the worker, if anything."""
        if not self.connection.poll():
            return f"a self-play worker said nothing for {SILENT_AFTER_S:.0f} s"
        try:
            message: object = self.connection.recv()
        except (EOFError, OSError):
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=1.0)
            return f"a self-play worker ended with code {self.process.returncode}"
        self.heard = time.monotonic()
        if isinstance(message, SelfPlayProgress):
            self.progress = message
        elif isinstance(message, GameBatch):
            self.batch = message
        else:
            return f"a self-play worker failed: {message}"
        return None

    def end(self) -> None:
        """End it at once, and close the pipe when nothing is being written to it any more."""
        self.process.kill()
        self.process.wait()
        if self._sender is not None:
            self._sender.join()
        self.connection.close()

    def _send(self, share: tuple[bytes, SelfPlayTask]) -> None:
        with suppress(OSError):  # a pipe that is broken shows when listening
            self.connection.send(share)


def _failure(replacements: int, fault: str) -> JobFailedError:
    """The end of a task whose workers keep failing; the worker's traceback comes as a note."""
    first_line, *rest = fault.splitlines()
    error = JobFailedError(
        f"self-play workers failed {replacements} times in one iteration (self_play_workers=1 "
        f"plays without them); the last: {first_line}"
    )
    if rest:
        error.add_note("\n".join(rest))
    return error


def serve() -> None:
    """Life of a worker: answer tasks until its parent is gone, also in the middle of one."""
    parent = os.getppid()
    threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()
    connection = multiprocessing.connection.Connection(0)
    executor: SelfPlayExecutor | None = None
    answer: object
    while True:
        try:
            packed, task = cast("tuple[bytes, SelfPlayTask]", connection.recv())
            executor = executor or _single_threaded_executor()
            answer = executor.play(
                task, _unpacked(packed), on_progress=connection.send, should_stop=connection.poll
            )
        except EOFError:
            os._exit(0)  # at once: torch takes a second for its own way out
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
            answer = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        try:
            connection.send(answer)
        except OSError:
            os._exit(0)


def _single_threaded_executor() -> SelfPlayExecutor:
    import torch

    from azul_tui.training.workers import InlineExecutor

    torch.set_num_threads(1)
    return InlineExecutor()


def _packed(weights: Mapping[str, Tensor]) -> bytes:
    import torch

    file = io.BytesIO()
    torch.save(dict(weights), file)
    return file.getvalue()


def _unpacked(data: bytes) -> dict[str, Tensor]:
    import torch

    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def _end_with(parent: int) -> None:
    """Leave when the parent is gone, also in the middle of loading and compiling.

    The end of the pipe would not do: a process that the parent forked may hold it open.
    """
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_S)
    os._exit(1)


if __name__ == "__main__":
    serve()
