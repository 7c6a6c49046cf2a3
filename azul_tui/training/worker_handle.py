"""One self-play worker as its parent sees it: started, handed its share, let go."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from azul_tui.training import worker_life

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from azul_tui.training.executors import SelfPlayTask
    from azul_tui.training.game_batch import GameBatch, SelfPlayProgress


@dataclass(slots=True)
class Worker:
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

    def hand_out(self, weights: bytes, task: SelfPlayTask) -> None:
        """Give it its share, or have that waiting until it is ready."""
        self.task = task
        self.batch = None
        self.progress = None
        self.heard = time.monotonic()
        if self.ready:
            self.send(weights)

    def send(self, weights: bytes) -> None:
        """Send it its share, from a thread: one that hangs does not read."""
        self.sender = threading.Thread(
            target=_deliver, args=(self.connection, weights, self.task), daemon=True
        )
        self.sender.start()

    def let_go(self) -> None:
        """Close the pipe to it, once nothing is being written to it."""
        if self.sender is not None:
            self.sender.join()
        self.connection.close()


def start_worker() -> Worker:
    """A new worker process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=worker_life.serve, args=(theirs, os.getpid()), name="self-play", daemon=True
    )
    with _SingleThreadedChildren():
        process.start()
    theirs.close()
    # typeshed has a name of its own for what Pipe returns.
    return Worker(process, cast("Connection", ours))


def _deliver(connection: Connection, weights: bytes, task: SelfPlayTask | None) -> None:
    """Send a worker its share; a pipe that is broken shows when listening."""
    try:
        connection.send_bytes(weights)
        connection.send(task)
    except OSError:
        return


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
