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
    from azul_tui.runs.recorder import RunRecorder

POLL_EVERY_S = 0.2
PAUSE_POLL_S = 0.1


class Steering:
    """Requests to one run, as far as they have been understood."""

    def __init__(
        self,
        recorder: RunRecorder,
        config: TrainingConfig,
        should_stop: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember where requests come from.

        Args:
            recorder: The run.
            config: Settings in force; replaced when one is set.
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
        self._recorder = recorder
        self._should_stop = should_stop
        self._clock = clock
        self._polled = -POLL_EVERY_S

    @property
    def leaving(self) -> bool:
        """Whether to save and leave as soon as possible."""
        return self.cancelled or self._should_stop()

    def interrupts(self) -> bool:
        """Poll, and say whether self-play must give up the games under way."""
        self.poll()
        return self.leaving or self.paused

    def poll(self) -> None:
        """Obey the requests that wait; looks at the folder a few times a second at most."""
        now = self._clock()
        if now - self._polled < POLL_EVERY_S:
            return
        self._polled = now
        for request in self._recorder.requests():
            self._obey(request)

    def wait_while_paused(self, sleep: Callable[[float], None] = time.sleep) -> float:
        """Stay here while paused; returns the seconds that took."""
        self.poll()
        if not self.paused or self.leaving:
            return 0.0
        started = self._clock()
        self._recorder.status(state="paused", phase="paused", left_s=None, force=True)
        self._recorder.record("phase", phase="paused", iteration=self.iteration)
        while self.paused and not self.leaving:
            sleep(PAUSE_POLL_S)
            self.poll()
            self._recorder.status()
        self._recorder.status(state="running", force=True)
        return self._clock() - started

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
        self._recorder.answer(request, accepted=True)

    def _set(self, request: ControlRequest) -> None:
        """Change one setting that may change while a run is live."""
        try:
            spec = training_setting(request.key)
            if not spec.live:
                raise ConfigError(f"{spec.name} cannot change while the run is live")
            value = spec.check(request.value)
            config = self.config.replace(**{spec.name: value})
        except ConfigError as error:
            self._recorder.answer(request, accepted=False, reason=str(error))
            return
        old = getattr(self.config, spec.name)
        self.config = config
        self._recorder.answer(request, accepted=True)
        self._recorder.record(
            "setting",
            key=spec.name,
            old=old,
            new=value,
            iteration=self.iteration,
            takes_effect="now" if spec.name == "learning_rate" else "next iteration",
        )
