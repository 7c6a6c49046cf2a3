"""Writing beside training: one write at a time, on a thread of its own.

The thread writes what was copied for it and touches nothing that training goes on changing. What
became of the write is found out by the trainer's thread when it asks: there the run's books are
kept, and there it is waited for a disk that refuses.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Aftermath = Callable[[], None]
    """What is left to do, on the trainer's thread, once something has been written."""

_HEARTBEAT_S: Final = 0.2


class Saver:
    """The thread that writes, as the trainer sees it."""

    def __init__(
        self,
        heartbeat: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is written yet.

        Args:
            heartbeat: Called now and then while the trainer waits for the thread.
            clock: Seconds.
        """
        self._heartbeat = heartbeat
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._write: Callable[[], Aftermath] | None = None
        self._aftermath: Aftermath | None = None
        self._error: BaseException | None = None
        self.seconds = 0.0
        """Seconds that the last write took that worked."""

    @property
    def busy(self) -> bool:
        """Whether something was begun and not yet put behind."""
        return self._write is not None

    @property
    def failed(self) -> bool:
        """Whether the thread has ended without having written what was begun."""
        running = self._thread is not None and self._thread.is_alive()
        return self.busy and not running and self._aftermath is None

    def begin(self, write: Callable[[], Aftermath]) -> None:
        """Write on the thread; what was begun before must be behind.

        Args:
            write: Called once, and again by `finish` if it failed.
        """
        if self.busy:
            raise RuntimeError("the last write has not been put behind")
        self._write = write
        self._thread = threading.Thread(target=self._run, name="saver", daemon=True)
        self._thread.start()

    def finish(self) -> Aftermath:
        """Wait until it is written; what is left to do then.

        A failure of the thread is raised here, once; the next call writes again, on the
        caller's thread. A call after it was written returns the same again.

        Raises:
            OSError: The disk is full or refuses.
            CheckpointError: What was written does not read back.
        """
        self.wait()
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if self._aftermath is None:
            self._attempt()
        if self._aftermath is None:
            raise RuntimeError("there is nothing to finish")
        return self._aftermath

    def wait(self) -> None:
        """Wait until the thread has ended, whatever became of it."""
        while self._thread is not None:
            self._thread.join(_HEARTBEAT_S)
            if self._thread.is_alive():
                self._heartbeat()
            else:
                self._thread = None

    def put_behind(self) -> None:
        """Forget what was begun: it is written, or given up."""
        self._write = self._aftermath = self._error = None

    def _run(self) -> None:
        """Life of the thread."""
        try:
            self._attempt()
        except BaseException as error:  # noqa: BLE001 - `finish` raises it where it can be told
            self._error = error

    def _attempt(self) -> None:
        """Write once."""
        if self._write is not None:
            began = self._clock()
            self._aftermath = self._write()
            self.seconds = self._clock() - began
