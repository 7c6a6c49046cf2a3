"""Seconds of training, with pauses left out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Stopwatch:
    """Runs from the moment it is made, except inside `paused`."""

    def __init__(self, clock: Callable[[], float], before_s: float = 0.0) -> None:
        """Start from `before_s`, the seconds of earlier processes; `clock` gives seconds."""
        self._clock = clock
        self._started = clock() - before_s
        self._paused_at: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        now = self._clock() if self._paused_at is None else self._paused_at
        return now - self._started

    @contextmanager
    def paused(self) -> Generator[None]:
        """Stand still while inside; a pause within a pause is one pause."""
        if self._paused_at is not None:
            yield
            return
        self._paused_at = self._clock()
        try:
            yield
        finally:
            self._started += self._clock() - self._paused_at
            self._paused_at = None
