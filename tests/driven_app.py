"""The app in the process of the test, driven by keys and read as text."""

from __future__ import annotations

import asyncio
import time

from azul_tui.tui.picture import plain


class DrivenApp:
    """An app and the pilot that presses its keys."""

    def __init__(self, app, pilot=None):
        self.app = app
        self.pilot = pilot

    @property
    def screen(self):
        return self.app.screen

    @property
    def text(self):
        return plain(self.screen.shown_lines())

    async def press(self, *keys):
        for key in keys:
            await self.pilot.press(key)

    async def when(self, true, words, seconds=10.0):
        """Wait for what is called `words`."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"{words!r} did not come about in\n{self.text}"
            await asyncio.sleep(0.01)

    async def until(self, words, seconds=10.0):
        """The screen once `words` are on it."""
        await self.when(lambda: words in self.text, words, seconds)
        return self.text
