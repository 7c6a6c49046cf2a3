"""What a self-play worker does in its own process: answer tasks until its parent is gone.

It sends `READY`, then `SelfPlayProgress` and a `GameBatch` for each task, or a text that says what
went wrong.
"""

from __future__ import annotations

import io
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import traceback
from typing import TYPE_CHECKING, Final

from azul_tui.training.executors import InlineExecutor

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from torch import Tensor

    from azul_tui.training.executors import SelfPlayTask

READY: Final = "ready"


def serve(connection: Connection, parent: int) -> None:
    """Life of a worker: answer tasks until the pipe closes, also in the middle of one.

    Signals of the terminal and of a cluster go to the parent, which decides; a worker leaves
    when its parent is gone.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, name="parent", daemon=True).start()
    import torch

    torch.set_num_threads(1)
    executor = InlineExecutor()
    answer: object = READY
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


def end_with_parent() -> None:
    """Leave when the parent is gone, also in the middle of loading and compiling."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
