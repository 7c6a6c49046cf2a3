"""Self-play in worker processes: single-threaded, one evaluator each, independent of each other.

Two workers on two cores do close to twice one worker's games; threads that share a pool do not.
A worker that dies or falls silent is replaced, and plays its games again by their numbers.
"""

from __future__ import annotations

import atexit
import io
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
import traceback
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from azul_tui.errors import JobFailedError
from azul_tui.training.executors import InlineExecutor, SelfPlayTask
from azul_tui.training.self_play import GameBatch, SelfPlayProgress, merge_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from torch import Tensor

SILENT_AFTER_S: Final = 180.0
"""A worker that says nothing for so long hangs; a cold compile takes well under a minute."""
MOST_REPLACEMENTS: Final = 5
"""Workers replaced within one task before it is given up."""
_POLL_S: Final = 0.2
_ENDING_S: Final = 1.0
"""How long workers may take to leave by themselves; what they hold is not wanted any more."""
_READY: Final = "ready"


@dataclass(slots=True)
class _Worker:
    """One worker process, as its parent sees it."""

    process: SpawnProcess
    connection: Connection
    ready: bool = False
    """Whether it has started and reads its pipe; before that a task would only block the parent."""
    task: SelfPlayTask | None = None
    heard: float = 0.0
    progress: SelfPlayProgress | None = None
    batch: GameBatch | None = None
    sender: threading.Thread | None = None
    """Writes its share into the pipe."""


def _serve(connection: Connection, parent: int) -> None:
    """Life of a worker: answer tasks until the pipe closes, also in the middle of one.

    Signals of the terminal and of a cluster go to the parent, which decides; a worker leaves
    when its parent is gone.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    import torch

    torch.set_num_threads(1)
    executor = InlineExecutor()
    answer: object = _READY
    while True:
        try:
            connection.send(answer)
            packed = connection.recv_bytes()
            task: SelfPlayTask = connection.recv()
        except (EOFError, OSError):
            return
        try:
            weights: dict[str, Tensor] = torch.load(
                io.BytesIO(packed), map_location="cpu", weights_only=True
            )
            answer = executor.play(
                task,
                weights,
                on_progress=connection.send,
                should_stop=lambda: connection.poll() or os.getppid() != parent,
            )
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
            answer = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"


def _end_with_parent() -> None:
    """Leave when the parent is gone, also in the middle of loading and compiling."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _deliver(connection: Connection, weights: bytes, task: SelfPlayTask | None) -> None:
    """Send a worker its share; a pipe that is broken shows when listening."""
    try:
        connection.send_bytes(weights)
        connection.send(task)
    except OSError:
        return


def _let_go(worker: _Worker) -> None:
    """Close the pipe to a worker, once nothing is being written to it."""
    if worker.sender is not None:
        worker.sender.join()
    worker.connection.close()


class WorkerExecutor:
    """Shares the games of a task among worker processes."""

    def __init__(self, workers: int, on_fault: Callable[[str], None] | None = None) -> None:
        """Remember how many; processes start with the first task."""
        self._count = workers
        self._on_fault = on_fault
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._weights = b""
        # Workers ignore the signal by which multiprocessing would end them at the program's exit,
        # and it would wait for them for ever.
        atexit.register(_close_at_exit, weakref.ref(self))

    def play(
        self,
        task: SelfPlayTask,
        weights: Mapping[str, Tensor],
        on_progress: Callable[[SelfPlayProgress], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> GameBatch | None:
        """See `SelfPlayExecutor.play`."""
        import torch

        packed = io.BytesIO()
        torch.save(dict(weights), packed)
        self._weights = packed.getvalue()
        try:
            return self._play(task, on_progress, should_stop)
        except BaseException:
            # Workers still at it would answer the next task with the games of this one.
            self.close()
            raise

    def close(self) -> None:
        """End every worker, whatever it is doing."""
        for worker in self._workers:
            if worker.sender is not None and worker.sender.is_alive():
                worker.process.kill()  # it does not read what it is sent
            _let_go(worker)
        deadline = time.monotonic() + _ENDING_S
        for worker in self._workers:
            if worker.ready:
                worker.process.join(timeout=max(0.0, deadline - time.monotonic()))
            worker.process.kill()
            worker.process.join()
            worker.process.close()
        self._workers.clear()

    def _play(
        self,
        task: SelfPlayTask,
        on_progress: Callable[[SelfPlayProgress], None] | None,
        should_stop: Callable[[], bool] | None,
    ) -> GameBatch | None:
        """`play` with the weights that have been packed."""
        while len(self._workers) < self._count:
            self._workers.append(self._start())
        for index, worker in enumerate(self._workers):
            numbers = task.numbers[index :: self._count]
            self._hand_out(worker, SelfPlayTask(task.version, numbers, task.config))
        replacements = 0
        while any(worker.batch is None for worker in self._workers):
            if should_stop is not None and should_stop():
                self.close()
                return None
            for index in self._listen():
                fault = self._hear(self._workers[index])
                if fault is None:
                    continue
                replacements += 1
                if replacements > MOST_REPLACEMENTS:
                    raise _failure(replacements, fault)
                self._replace(index, fault)
            if on_progress is not None:
                self._report(on_progress)
        return merge_batches([worker.batch for worker in self._workers if worker.batch])

    def _start(self) -> _Worker:
        """A new worker process."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve, args=(theirs, os.getpid()), name="self-play", daemon=True
        )
        with _SingleThreadedChildren():
            process.start()
        theirs.close()
        # typeshed has a name of its own for what Pipe returns.
        return _Worker(process, cast("Connection", ours))

    def _hand_out(self, worker: _Worker, task: SelfPlayTask) -> None:
        """Give a worker its share, or have it waiting until the worker is ready for it."""
        worker.task = task
        worker.batch = None
        worker.progress = None
        worker.heard = time.monotonic()
        if worker.ready:
            self._send(worker)

    def _send(self, worker: _Worker) -> None:
        """Send a worker that listens its share, from a thread: one that hangs does not read."""
        worker.sender = threading.Thread(
            target=_deliver, args=(worker.connection, self._weights, worker.task), daemon=True
        )
        worker.sender.start()

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

    def _hear(self, worker: _Worker) -> str | None:
        """Take in one message; returns what is wrong with the worker, if anything."""
        if not worker.connection.poll():
            return f"a self-play worker said nothing for {SILENT_AFTER_S:.0f} s"
        try:
            message: object = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join(timeout=1.0)
            return f"a self-play worker ended with code {worker.process.exitcode}"
        worker.heard = time.monotonic()
        if isinstance(message, SelfPlayProgress):
            worker.progress = message
        elif isinstance(message, GameBatch):
            worker.batch = message
        elif message == _READY:
            worker.ready = True
            self._send(worker)
        else:
            return f"a self-play worker failed: {message}"
        return None

    def _replace(self, index: int, fault: str) -> None:
        """Put a new worker in the place of a failed one; it gets the same games."""
        failed = self._workers[index]
        failed.process.kill()
        failed.process.join()
        _let_go(failed)
        failed.process.close()
        if self._on_fault is not None:
            first_line = fault.splitlines()[0]
            self._on_fault(f"{first_line}; it was replaced and its games are played again")
        self._workers[index] = self._start()
        if failed.task is not None:
            self._hand_out(self._workers[index], failed.task)

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


def _failure(replacements: int, fault: str) -> JobFailedError:
    """The end of a task whose workers keep failing; the worker's traceback comes as a note."""
    first_line, *rest = fault.splitlines()
    error = JobFailedError(
        f"self-play workers failed {replacements} times in one iteration; the last: {first_line}"
    )
    if rest:
        error.add_note("\n".join(rest))
    return error


def _close_at_exit(reference: weakref.ref[WorkerExecutor]) -> None:
    """Close an executor that its owner has forgotten."""
    executor = reference()
    if executor is not None:
        executor.close()


class _SingleThreadedChildren:
    """Processes started inside have one thread for matrix products."""

    _NAMES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")

    def __enter__(self) -> None:
        """Set the variables that the libraries read when they load."""
        self._before = {name: os.environ.get(name) for name in self._NAMES}
        os.environ.update(dict.fromkeys(self._NAMES, "1"))

    def __exit__(self, *_: object) -> None:
        """Put them back."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
