"""Self-play in worker processes: single-threaded, one evaluator each, independent of each other.

Two workers on two cores do close to twice one worker's games; threads that share a pool do not.
A worker that dies or falls silent is replaced, and plays its games again by their numbers.

A worker is this module run by `child_process`, so that it knows nothing of the program that
trains, which may be a script without a guard, a notebook or a pipe. Its standard input is one end
of a socket, where each pair of weights and task is answered by `SelfPlayProgress`, then a
`GameBatch`, or a text that says what went wrong.
"""

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
from typing import TYPE_CHECKING, Final, cast

from azul_tui.child_process import python_command, python_environment, working_folder
from azul_tui.errors import JobFailedError
from azul_tui.training.game_batch import GameBatch, SelfPlayProgress, merge_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection

    from torch import Tensor

    from azul_tui.training.executors import SelfPlayExecutor, SelfPlayTask

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

    from azul_tui.training.executors import InlineExecutor

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
