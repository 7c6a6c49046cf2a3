"""Following a run: one worker that reads what is new and tells the shown screens."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from azul_tui.tui.messages import RunAdvanced, RunSwitched

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from azul_tui.tui.app import AzulApp
    from azul_tui.views.following import RunFeed
    from azul_tui.views.progress import Meter
    from azul_tui.views.words import Spans

REFRESH_S, REFRESH_OVER_SSH_S = 1.0, 2.0
SLICE_S = 0.012
"""Seconds of reading between two looks at the keyboard."""
SHOWN_WHILE_READING_S = 1.0
CATCHING_UP_S = 0.1


def refresh_s(asked: float | None) -> float:
    """Seconds between two looks at a run: as asked, else fewer looks over a slow line."""
    if asked is not None:
        return asked
    return REFRESH_OVER_SSH_S if os.environ.get("SSH_CONNECTION") else REFRESH_S


class Follower:
    """Reads one run at a time, every so many seconds; the app hands its messages on."""

    def __init__(self, app: AzulApp, every_s: float) -> None:
        self.every_s = every_s
        self.feed: RunFeed | None = None
        self.usage: Sequence[Spans] = ()
        self._app = app
        self._meter: Meter | None = None
        self._wake = asyncio.Event()

    def follow(self, directory: Path) -> None:
        """Look at the run in `directory` from now on."""
        from azul_tui.views.following import RunFeed

        if self.feed is None or self.feed.directory != directory:
            self.feed = RunFeed(directory)
            self._app.tell(RunSwitched(self.feed.name))
        self.look_now()

    def forget(self) -> None:
        """Look at no run: the one that was looked at is gone."""
        self.feed = None
        self._app.tell(RunSwitched(""))

    def look_now(self) -> None:
        """Look without waiting."""
        self._wake.set()

    async def work(self) -> None:
        """Read in slices that leave the keyboard alone; sleep while there is no run."""
        while True:
            self._wake.clear()
            feed = self.feed
            if feed is None:
                await self._wake.wait()
                continue
            changed, shown = feed.tick(SLICE_S), self._app.clock()
            while not feed.at_end and feed is self.feed:
                await asyncio.sleep(0)
                feed.tick(SLICE_S)
                if self._app.clock() - shown > SHOWN_WHILE_READING_S:
                    shown = self._app.clock()
                    self._app.tell(RunAdvanced(changed=True))
            if self._app.current_mode == "training":
                self._read_meter()
            self._app.tell(RunAdvanced(changed))
            wait_s = CATCHING_UP_S if feed.is_sampled else self.every_s
            try:
                await asyncio.wait_for(self._wake.wait(), wait_s)
            except TimeoutError:
                continue

    def _read_meter(self) -> None:
        from azul_tui.views.progress import Meter

        self._meter, run = self._meter or Meter(), self._app.run_now()
        self.usage = self._meter.read(run.status) if run is not None and run.active else ()
