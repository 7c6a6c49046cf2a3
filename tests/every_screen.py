"""Every screen and box of the dashboard over one folder of runs, and what a person's hands do."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager

from dashboard import WIDE, a_run, dashboard, screen_text
from fake_engine import FakeEngine
from fake_run import START
from recorded_example import write_example_game
from test_tui_evaluate import a_match, result
from test_tui_games import RulesWithoutNetworks
from textual import events

RUN, LATER = "laptop-1122", START + 545
PLACES = {"1": "Menu", "2": "Training", "3": "Runs", "4": "Checkpoints", "5": "Evaluate",
          "6": "Play", "7": "Analyse"}  # fmt: skip
MODES = {key: title.lower() for key, title in PLACES.items()}
SCREENS = {
    "menu": ("1", "--run quick"),
    "training": ("2", "[2 Train"),
    "runs": ("3", "state "),
    "checkpoints": ("4", "whole "),
    "evaluate": ("5", "next match"),
    "setup": ("6", "enter deal"),
    "play": ("6 enter", "take from"),
    "analyse": ("7", "B C>1"),
    "chart": ("2 enter", "esc back"),
    "board": ("2 b", "last move"),
    "log": ("2 f", "esc back"),
    "games": ("2 g", "games of"),
    "replay": ("2 g enter", "2 mistakes"),
    "editor": ("7 e", "g look at it"),
    "resume": ("4 R", "new_run "),
    "job": ("job", "policy loss"),
}
BOXES = {
    "keys": ("3 question_mark", "All keys here"),
    "palette": ("3 ctrl+p", "Search for commands"),
    "question": ("2 x", "Cancel this run now?"),
    "value": ("2 e enter", "OK"),
    "pick": ("2 e", "Change a setting"),
    "leave": ("job ctrl+q", "still running"),
    "list": ("1 presets", "three-players"),
}
"""Keys that lead there, and words that show it."""
EVERY = SCREENS | BOXES


class Engine(FakeEngine):
    """Whatever a place asks of an engine, answered in this process."""

    def __init__(self):
        super().__init__()
        self.rules = RulesWithoutNetworks()

    async def ask(self, *commands, on_record=None):
        of_games = commands[0].split()[0] in {"games", "game", "review"}
        return await (self.rules if of_games else super()).ask(*commands, on_record=on_record)


def make_world(root):
    """Three runs with games and a match, as others left them."""
    run = a_run(root, RUN, 6)
    for number in (3, 4):
        write_example_game(run.directory / "games" / f"iter_{number:06d}.jsonl", seed=number)
    a_run(root, "night-1", 5, seed=1, state="finished", max_iterations=5)
    a_run(root, "my long run", 5, seed=2, state="stopped", batch_size=512)
    for number in range(1, 13):
        a_match(root, number, result(seed=number), t=run.t - 3600 * number)
    return run


class Hands:
    """A mouse that moves, rolls and drags by cells of the screen."""

    def __init__(self, shown):
        self.shown, self.app = shown, shown.app

    @property
    def paint(self):
        """The screen with its colours."""
        return screen_text(self.app, styles=True)

    async def find(self, words):
        """Cell of the first place where the screen shows `words`; `words@5` is 5 lines below."""
        words, _, below = words.partition("@")
        rows = (await self.shown.until(words)).splitlines()
        return next(
            (row.index(words), y + int(below or 0)) for y, row in enumerate(rows) if words in row
        )

    async def send(self, kind, x, y, button=0):
        self.app.post_message(kind(None, x, y, 0, 0, button, False, False, False, x, y))
        await self.shown.pilot.pause()

    async def hover(self, x, y):
        await self.send(events.MouseMove, x, y)

    async def roll(self, x, y, turns=1, *, up=False):
        for _ in range(turns):
            await self.send(events.MouseScrollUp if up else events.MouseScrollDown, x, y)

    async def click(self, x, y, times=1):
        # As a terminal tells it. The pilot's own click names the screen as what was clicked.
        for _ in range(times):
            await self.send(events.MouseDown, x, y, button=1)
            await self.send(events.MouseUp, x, y, button=1)

    async def click_words(self, words):
        await self.shown.rested()
        x, y = await self.find(words)
        await self.click(x + len(words.rstrip()) // 2, y)

    async def drag(self, start, end):
        await self.send(events.MouseDown, *start, button=1)
        await self.send(events.MouseMove, *end, button=1)
        await self.send(events.MouseUp, *end, button=1)

    async def paste(self, text):
        self.app.post_message(events.Paste(text))
        await self.shown.pilot.pause()


@asynccontextmanager
async def opened(root, name, *, size=WIDE, **options):
    """The dashboard at one of the screens."""
    options = {"attach": RUN, "now": LATER} | options
    async with dashboard(root, size=size, **options) as shown:
        shown.app.engine = Engine()
        shown.hands = Hands(shown)
        await go(shown, name)
        yield shown


async def tour(shown, names=EVERY):
    """Go from screen to screen."""
    for name in names:
        await go(shown, name)
        yield name
        for _ in EVERY[name][0].split()[1:] or (name == "job") * [""]:
            await shown.press("escape")


async def go(shown, name):
    """From wherever one is to that screen, by its keys."""
    app, (keys, words) = shown.app, EVERY[name]
    if app.feed is not None:
        await shown.when(lambda: app.feed.at_end, "the run is read")
    for key in keys.split():
        if key == "job":
            app.go_with("menu", "losses")
            await shown.until("--run losses")
            await shown.hands.click_words("Start  ")
            await shown.until("policy loss")
            continue
        if key == "presets":
            await shown.until("learning_rate  ")
            await rested(shown)
            x, y = await shown.hands.find("preset  ")
            await shown.hands.click(x + 36, y)
            continue
        here = " ".join(keys.split()[: keys.split().index(key) + 1])
        on_the_way = [words for way, words in SCREENS.values() if way == here]
        if key not in PLACES:
            await shown.press(key)
        elif key == "1":
            app.go_with("menu", "quick")
        elif app.current_mode != MODES[key]:
            app.action_place(MODES[key])
        for each in on_the_way:
            await shown.until(each)
    await shown.until(words)
    await rested(shown)


async def rested(shown):
    """Once nothing has changed for a moment."""
    await shown.rested()


def quick_jobs(monkeypatch, script="print('policy loss 4.21', flush=True); time.sleep(600)"):
    """Jobs run `script` instead; the list of their command lines."""
    started = []

    def command(arguments):
        started.append(list(arguments))
        return [sys.executable, "-c", f"import time; {script}", *arguments]

    monkeypatch.setattr("azul_tui.jobs.start.job_command", command)
    return started
