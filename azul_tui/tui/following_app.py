"""An app that follows a run: reads what is new of it, and leaves requests for it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from azul_tui.tui.frame import run_words
from azul_tui.tui.messages import JobEnded, RunAdvanced, RunSwitched
from azul_tui.tui.painted_app import PaintedApp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azul_tui.runs.paths import RunPaths
    from azul_tui.runs.status import Judgement
    from azul_tui.tui.following.feed import RunFeed
    from azul_tui.tui.machine import Usage
    from azul_tui.tui.picture import Line

TICK_S = 1.0
SLICE_S = 0.012
"""Seconds of reading between two looks at the keyboard."""


class FollowingApp(PaintedApp):
    """An app that looks at one run at a time.

    Args:
        runs_root: The folder in which runs live.
        attach: The run to look at first; None for none.
        ascii_only: Draw with ASCII; None asks the locale.
        clock: Gives unix time.
        tick_s: Seconds between two looks at the run directory.
    """

    def __init__(
        self,
        runs_root: Path,
        *,
        attach: RunPaths | None = None,
        ascii_only: bool | None = None,
        clock: Callable[[], float] = time.time,
        tick_s: float = TICK_S,
    ) -> None:
        super().__init__(ascii_only=ascii_only)
        self.runs_root = runs_root
        self.clock = clock
        self.tick_s = tick_s
        self.feed: RunFeed | None = None
        self.usage: Usage | None = None
        self.alerts_seen = 0
        self._attach_at_start = attach
        self._meter: Any = None
        self._wake = asyncio.Event()

    def follow(self, directory: Path) -> None:
        """Look at the run in `directory` from now on."""
        from azul_tui.tui.following.feed import RunFeed

        if self.feed is not None and self.feed.directory == directory:
            return
        self.feed = RunFeed(directory)
        self.alerts_seen = 0
        self._tell(RunSwitched(self.feed.name))
        self.look_now()

    def look_now(self) -> None:
        """Look at the run directory without waiting for the next second."""
        self._wake.set()

    @property
    def opening(self) -> str:
        """The run that will be looked at once the first screen stands; empty when there is none."""
        return self._attach_at_start.name if self._attach_at_start is not None else ""

    def judgement(self) -> Judgement | None:
        """What the followed run's status means now."""
        return self.feed.state(self.clock()) if self.feed is not None else None

    def run_words(self) -> Line:
        """The run that is looked at, for the top line."""
        feed = self.feed
        if feed is None:
            return ()
        alerts = max(0, len(feed.data.alerts) - self.alerts_seen)
        return run_words(feed.name, self.judgement(), feed.status, self.signs, alerts)

    async def _follow_runs(self) -> None:
        """Read what is new once a second, in slices that leave the keyboard alone."""
        ticks = 0
        while True:
            self._wake.clear()
            feed = self.feed
            changed = False
            if feed is not None:
                changed = feed.tick(SLICE_S)
                drawn = self.clock()
                while not feed.at_end and feed is self.feed:
                    await asyncio.sleep(0)
                    feed.tick(SLICE_S)
                    if self.clock() - drawn > 0.5:
                        drawn = self.clock()
                        self._tell(RunAdvanced(changed=True))
                if ticks % 2 == 0 and self.current_mode == "training":
                    self._read_meter()
            ticks += 1
            self._tell(RunAdvanced(changed))
            wait_s = 0.1 if feed is not None and feed.is_sampled else self.tick_s
            try:
                await asyncio.wait_for(self._wake.wait(), wait_s)
            except TimeoutError:
                continue

    def _read_meter(self) -> None:
        if self._meter is None:
            from azul_tui.tui.machine import Meter

            self._meter = Meter()
        self.usage = self._meter.read(str(self.runs_root))

    def _tell(self, message: RunAdvanced | RunSwitched | JobEnded) -> None:
        """Hand a message to the screens that can be seen."""
        for screen in self.screen_stack[-2:]:
            screen.post_message(message)

    def has_runs(self) -> bool:
        """Whether anything was ever trained here."""
        from azul_tui.runs.paths import run_folders

        return bool(run_folders(self.runs_root))

    def request(self, request: str, *, key: str = "", value: Any = None) -> None:
        """Leave a request for the followed run; says in words when that is not possible."""
        from azul_tui.errors import AzulError
        from azul_tui.runs.control import drop_request

        if self.feed is None:
            self.notify("no run is looked at", severity="warning")
            return
        try:
            drop_request(self.feed.paths, request, key=key, value=value)
        except AzulError as error:
            self.notify(str(error), severity="error", markup=False)
