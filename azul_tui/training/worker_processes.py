"""Self-play in worker processes: single-threaded, one evaluator each, independent of each other.

Two workers on two cores do close to twice one worker's games; threads that share a pool do not.
A worker that dies or falls silent is replaced, and plays its games again by their numbers.
"""

from __future__ import annotations

import atexit
import io
import multiprocessing
import multiprocessing.connection
import time
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from azul_tui.errors import JobFailedError
from azul_tui.training.game_batch import GameBatch, SelfPlayProgress, merge_batches
from azul_tui.training.worker_handle import Worker, start_worker
from azul_tui.training.worker_life import READY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from azul_tui.training.executors import SelfPlayTask

SILENT_AFTER_S: Final = 180.0
"""A worker that says nothing for so long hangs; a cold compile takes well under a minute."""
MOST_REPLACEMENTS: Final = 5
"""Workers replaced within one task before it is given up."""
_POLL_S: Final = 0.2
_ENDING_S: Final = 1.0
"""How long workers may take to leave by themselves; what they hold is not wanted any more."""


class WorkerExecutor:
    """Shares the games of a task among worker processes."""

    def __init__(self, workers: int, on_fault: Callable[[str], None] | None = None) -> None:
        """Remember how many; processes start with the first task."""
        self._count = workers
        self._on_fault = on_fault
        self._workers: list[Worker] = []
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
            worker.let_go()
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
            self._workers.append(start_worker())
        for index, worker in enumerate(self._workers):
            numbers = task.numbers[index :: self._count]
            worker.hand_out(self._weights, replace(task, numbers=numbers))
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

    def _hear(self, worker: Worker) -> str | None:
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
        elif message == READY:
            worker.ready = True
            worker.send(self._weights)
        else:
            return f"a self-play worker failed: {message}"
        return None

    def _replace(self, index: int, fault: str) -> None:
        """Put a new worker in the place of a failed one; it gets the same games."""
        failed = self._workers[index]
        failed.process.kill()
        failed.process.join()
        failed.let_go()
        failed.process.close()
        if self._on_fault is not None:
            first_line = fault.splitlines()[0]
            self._on_fault(f"{first_line}; it was replaced and its games are played again")
        self._workers[index] = start_worker()
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
