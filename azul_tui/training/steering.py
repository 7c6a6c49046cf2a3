"""What people ask of a run while it trains: signals and control requests.

`poll` is called often and cheaply; what was asked is then read from attributes at the places
where it can be obeyed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from azul_tui.config import training_setting
from azul_tui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from azul_tui.config import TrainingConfig
    from azul_tui.runs.control import ControlRequest
    from azul_tui.training.journal import Journal
    from azul_tui.training.stopwatch import Stopwatch

POLL_EVERY_S = 0.2
PAUSE_POLL_S = 0.1


class Steering:
    """Requests to one run, as far as they have been understood."""

    def __init__(
        self,
        journal: Journal,
        config: TrainingConfig,
        stopwatch: Stopwatch,
        should_stop: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember where requests come from.

        Args:
            journal: The run.
            config: Settings in force; replaced when one is set.
            stopwatch: Stands still while the run is paused.
            should_stop: Whether a signal asked this process to leave.
            clock: Seconds.
        """
        self.config = config
        self.iteration = 0
        """Iteration under way, for the records."""
        self.paused = False
        self.stop_after_iteration = False
        self.cancelled = False
        self.checkpoint_wanted = False
        self.watch: Callable[[], None] = lambda: None
        """Called with every look at the requests: something that wants to be looked at as often."""
        self._journal = journal
        self._stopwatch = stopwatch
        self._should_stop = should_stop
        self._clock = clock
        self._polled = -POLL_EVERY_S

    @property
    def leaving(self) -> bool:
        """Whether to save and leave as soon as possible."""
        return self.cancelled or self._should_stop()

    def gives_up(self) -> bool:
        """Poll, and say whether the process is to leave: for whoever waits for a disk."""
        self.poll()
        return self.leaving

    def interrupts(self) -> bool:
        """Poll, and say whether the games under way must be given up."""
        self.poll()
        return self.leaving or self.paused

    def poll(self) -> None:
        """Obey the requests that wait; looks at the folder a few times a second at most."""
        now = self._clock()
        if now - self._polled < POLL_EVERY_S:
            return
        self._polled = now
        self.watch()
        for request in self._journal.requests():
            self._obey(request)

    def wait_while_paused(
        self, phase: str, save: Callable[[], None], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Stay here while paused.

        Args:
            phase: What goes on afterwards, for the status.
            save: Writes a checkpoint, for somebody who asks for one meanwhile.
            sleep: Waits so many seconds.
        """
        self.poll()
        if not self.paused or self.leaving:
            return
        with self._stopwatch.paused():
            self._journal.record("phase", phase="paused", iteration=self.iteration)
            self._journal.status(state="paused", phase="paused", left_s=None, force=True)
            while self.paused and not self.leaving:
                if self.checkpoint_wanted:
                    save()
                sleep(PAUSE_POLL_S)
                self.poll()
                self._journal.status()
            self._journal.status(state="running", phase=phase, force=True)

    def _obey(self, request: ControlRequest) -> None:
        """Take one request in and answer it."""
        if request.request == "set":
            self._set(request)
            return
        if request.request == "pause":
            self.paused = True
        elif request.request == "resume":
            self.paused = False
        elif request.request == "stop":
            self.stop_after_iteration = True
            self.paused = False
        elif request.request == "cancel":
            self.cancelled = True
        elif request.request == "checkpoint":
            self.checkpoint_wanted = True
        self._journal.answer(request, accepted=True)

    def _set(self, request: ControlRequest) -> None:
        """Change one setting that may change while a run is live."""
        try:
            spec = training_setting(request.key)
            if not spec.live:
                raise ConfigError(f"{spec.name} cannot change while the run is live")
            value = spec.check(request.value)
            config = self.config.replace(**{spec.name: value})
        except ConfigError as error:
            self._journal.answer(request, accepted=False, reason=str(error))
            return
        old = getattr(self.config, spec.name)
        self.config = config
        self._journal.answer(request, accepted=True)
        self._journal.record(
            "setting",
            key=spec.name,
            old=old,
            new=value,
            iteration=self.iteration,
            takes_effect="now" if spec.name == "learning_rate" else "next iteration",
        )
