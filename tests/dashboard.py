"""The dashboard in the process of a test: a folder of runs, an app, a pilot, and its pictures."""

from __future__ import annotations

import asyncio
import os
import re
import time
from contextlib import asynccontextmanager
from itertools import zip_longest
from pathlib import Path

from fake_run import START, make_run
from textual import events
from textual.geometry import Size

from azul_tui.runs.paths import RunPaths
from azul_tui.tui.app import AzulApp

SNAPSHOTS = Path(__file__).parent / "snapshots"
WIDE, NARROW = (120, 40), (80, 24)
os.environ.setdefault("XDG_CONFIG_HOME", os.devnull)  # no theme is kept for the developer


class Dashboard:
    """An app that runs, and what a person does with it."""

    def __init__(self, app, pilot):
        self.app = app
        self.pilot = pilot

    @property
    def screen(self):
        return self.app.screen

    @property
    def text(self):
        """What the screen shows, line by line."""
        return screen_text(self.app)

    async def press(self, *keys):
        for key in keys:
            await self.pilot.press(key)
        await self.pilot.pause()

    async def type(self, text):
        """Letters one after the other, as fast as they come."""
        for char in text:
            self.app.post_message(events.Key({" ": "space"}.get(char, char), char))
        await self.pilot.pause()

    async def resize(self, width, height):
        """Another size, waiting until the screen in front has it, not for every widget."""
        size = self.app._driver._size = Size(width, height)
        self.app.post_message(events.Resize(size, size))
        await self.when(lambda: self.screen.size == size, size)
        await asyncio.sleep(0.01)

    async def click_words(self, words, *, line=None):
        """Click the first place where the screen shows `words`, once nothing moves any more."""
        await self.rested()
        for y, row in enumerate(self.text.splitlines()):
            if words in row and line in {None, y}:
                await self.pilot.click(offset=(row.index(words) + len(words) // 2, y))
                await self.pilot.pause()
                return
        raise AssertionError(f"{words!r} is not on\n{self.text}")

    async def rested(self):
        """Wait until nothing has changed for a moment: what is laid out moves under the mouse."""
        before = ""
        while before != (before := self.text):
            await self.pilot.pause(0.05)

    async def when(self, true, words, seconds=30.0):
        """Wait for what is called `words`."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"{words!r} did not come about in\n{self.text}"
            await asyncio.sleep(0.02)

    async def until(self, words, seconds=30.0):
        """The screen once `words` are on it."""
        await self.when(lambda: words in self.text, words, seconds)
        return self.text


def screen_text(app, *, styles=False):
    """The screen as plain text, or with its colours, from the library's own picture of it."""
    from rich.console import Console

    width, height = app.size
    with Path(os.devnull).open("w") as nowhere:
        console = Console(
            width=width, height=height, file=nowhere, record=True, force_terminal=True,
            color_system="truecolor", legacy_windows=False,
        )  # fmt: skip
        console.print(app.screen._compositor.render_update(full=True))
        return console.export_text(styles=styles)


@asynccontextmanager
async def dashboard(root, *, size=WIDE, attach=None, now=START, **options):
    """The app over the runs in `root`; `attach` names the run that is looked at."""
    paths = RunPaths(root / attach) if attach else None
    options.setdefault("theme", "azul-dark")
    options.setdefault("ascii_only", False)
    clock, tooltips = options.pop("clock", lambda: now), options.pop("tooltips", False)
    app = AzulApp(root, attach=paths, clock=clock, **options)
    app.read_meter = lambda: None  # this machine's figures differ at every look
    try:
        async with app.run_test(size=size, notifications=True, tooltips=tooltips) as pilot:
            await pilot.pause()
            yield Dashboard(app, pilot)
    finally:
        for job in app.jobs.running:
            if job.process is not None:
                job.process.kill()
                job.process.wait()


def a_run(root, name="laptop-1122", iterations=37, **options):
    """A seeded run in `root`; see `fake_run`."""
    return make_run(root / name, iterations, **options)


async def check_picture(shown, name):
    """The whole screen, once it rests, as it was when somebody last found it right.

    `NEW_PICTURES=1` takes the present one.
    """
    before, end = "", time.monotonic() + 20
    while before != (before := shown.text) and time.monotonic() < end:
        await asyncio.sleep(0.4)
        await shown.pilot.pause()
    svg = shown.app.export_screenshot(title=name)
    file = SNAPSHOTS / f"{name}.svg"
    if os.environ.get("NEW_PICTURES"):
        SNAPSHOTS.mkdir(exist_ok=True)
        file.write_text(svg, encoding="utf-8")
    kept = pieces(file.read_text(encoding="utf-8"))
    other = [pair for pair in zip_longest(kept, pieces(svg)) if pair[0] != pair[1]]
    assert not other, f"{file} and the screen differ in {len(other)} pieces, first {other[:4]}"


def pieces(svg):
    """Texts and grounds of a picture with their colours; the names of its classes are chance."""
    styles = dict(re.findall(r"\.terminal-\d+-(r\d+) \{([^}]*)\}", svg))
    plain = re.sub(r"terminal-\d+-(r\d+)", lambda found: styles.get(found[1], ""), svg)
    return re.findall(r"<(?:text|rect)[^>]*>[^<]*", re.sub(r"terminal-\d+", "terminal", plain))
