"""What a person who knows other Textual apps expects, on every screen and box of this one."""

from __future__ import annotations

import asyncio

import pytest
from dashboard import NARROW, WIDE
from every_screen import (
    BOXES,
    EVERY,
    MODES,
    PLACES,
    RUN,
    SCREENS,
    copied,
    go,
    make_world,
    opened,
    quick_jobs,
    tour,
)
from fake_run import START
from textual.widgets import Input

pytestmark = pytest.mark.timeout(120)
LATER = START + 545


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    make_world(root)
    return root


@pytest.fixture
def world(made, tmp_path, monkeypatch):
    """A folder of runs, and a home of its own for what is kept or exported."""
    for variable in ("XDG_CONFIG_HOME", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    quick_jobs(monkeypatch)
    return copied(made, tmp_path / "runs")


# -- click


async def test_places_and_keys_are_clicks_on_every_screen(world):
    async with opened(world, "menu", now=LATER) as shown:
        async for name in tour(shown, SCREENS):
            rows = shown.text.splitlines()
            for word in rows[-1].split():
                at = rows[-1].index(f" {word}") + 1
                meta = shown.screen.get_style_at(at, len(rows) - 1).meta
                assert "@click" in meta, (name, word)
            for title in PLACES.values():
                meta = shown.screen.get_style_at(rows[0].index(title), 0).meta
                here = f"{title}]" in rows[0]
                assert here or "@click" in meta, (name, title)
            await shown.hands.click_words("all keys")
            await shown.until("All keys here")
            await shown.hands.click(1, 1)  # beside the box
            await shown.when(lambda: not shown.screen.is_modal, f"{name} without the box")


@pytest.mark.parametrize("size", [WIDE, NARROW, (60, 20)], ids=["120x40", "80x24", "60x20"])
async def test_a_click_leads_to_every_place(world, size):
    async with opened(world, "menu", size=size, now=LATER) as shown:
        for key in "3571264":
            await shown.hands.click_words(f" {key} ")
            await shown.when(lambda key=key: shown.app.current_mode == MODES[key], MODES[key])


@pytest.mark.parametrize("name", BOXES)
async def test_a_click_beside_a_box_leaves_it_and_does_nothing(world, name):
    async with opened(world, name, now=LATER) as shown:
        before = len(shown.app.jobs.running)
        await shown.hands.click(1, 38)
        await shown.when(lambda: EVERY[name][1] not in shown.text, "no box")
        assert not list((world / RUN / "control").iterdir())
        assert len(shown.app.jobs.running) == before and shown.app.is_running


@pytest.mark.parametrize(
    ("name", "words", "then"),
    [
        ("question", "n  ", "p pause"),
        ("value", "Cancel", "p pause"),
        ("pick", "learning_rate ", "learning_rate"),
        ("list", "three-players", "num_players                       3"),
        ("leave", "n  stay", "Loss functions   ● running"),
        ("setup", "Deal", "take from"),
        ("menu", "▶ self-play, 4", "▼ self-play, 4"),
        ("evaluate", "Swap", "B is"),
        ("games", "iteration 3, game", "4 : 2"),
        ("checkpoints", "night-1", "╭─ night-1 iteration 5"),
        ("runs", "best vs greedy", "best vs greedy▾"),
        ("checkpoints", "loss ", "loss▴"),
    ],
)
async def test_what_looks_like_a_button_a_row_or_a_title_is_one(world, name, words, then):
    async with opened(world, name, now=LATER) as shown:
        await shown.hands.click_words(words)
        await shown.until(then)


async def test_fields_take_clicks(world):
    async with opened(world, "menu", now=LATER) as shown:
        x, y = await shown.hands.find("learning_rate")
        await shown.hands.click(shown.text.splitlines()[y].index("0.002") + 2, y)
        await shown.press("9")
        await shown.until("0.9002")  # at the cell that was clicked
        await shown.hands.click_words("▶ learning, 17")
        await shown.until("▼ learning, 17")
        await shown.hands.click_words("small ")
        await shown.until("medium")
        await shown.press("escape")


# -- hover, tooltips


LIGHTS_UP = {
    "menu": ["Batch sampling", "Start  ", "▶ learning", "3 Runs", "start  "],
    "runs": ["night-1  ", "state  ", "r resume"],
    "checkpoints": ["night-1  ", "policy  "],
    "evaluate": ["Swap", "against greedy  ", "w swap"],
    "setup": ["alphabeta", "Deal"],
    "analyse": ["4.1%", "prior", "c compare"],
    "games": ["iteration 3"],
    "keys": [],
    "palette": ["Go to Runs"],
    "question": ["y  "],
    "value": ["Cancel"],
    "pick": ["learning_rate  "],
    "list": ["three-players"],
    "leave": ["d  detach"],
}


async def test_rows_buttons_titles_and_keys_light_up_under_the_pointer(world):
    dark = []
    async with opened(world, "menu", now=LATER) as shown:
        async for name in tour(shown, LIGHTS_UP):
            for words in LIGHTS_UP[name]:
                x, y = await shown.hands.find(words)
                await shown.hands.hover(60, 0)
                before = shown.hands.paint.splitlines()[y]
                await shown.hands.hover(x + 1, y)
                if shown.hands.paint.splitlines()[y] == before:
                    dark.append((name, words))
    assert not dark


@pytest.mark.parametrize(
    ("name", "setting", "told"),
    [
        ("menu", "mcts_simulations", "Takes a whole number"),
        ("evaluate", "games", "Takes"),
        ("setup", "you play", "Takes"),
        ("resume", "learning_rate", "Takes"),
    ],
)
async def test_a_settings_tooltip_is_its_help(world, name, setting, told):
    async with opened(world, name, now=LATER, tooltips=True) as shown:
        shown.app.TOOLTIP_DELAY = 0.01
        x, y = await shown.hands.find(f" {setting} ")
        await shown.hands.hover(x + 2, y)
        await shown.until(f"{setting}: ")
        await shown.until(told)
        await shown.hands.hover(60, 0)
        await shown.when(lambda: f"{setting}: " not in shown.text, "no tooltip")


# -- wheel


async def rolls(shown, words):
    """Whether the screen is another one after the wheel turned over `words`."""
    x, y = await shown.hands.find(words)
    await shown.hands.hover(x, y)
    before = shown.text
    for up in (True, False, True):
        await shown.hands.roll(x, y, 3, up=up)
        for _ in range(10):
            if shown.text != before:
                return True
            await asyncio.sleep(0.02)
    return False


ROLLS = {
    "menu": ["Batch sampling", "learning_rate"],
    "training": ["iteration 6 done"],
    "runs": ["my long run"],
    "checkpoints": ["my long run"],
    "evaluate": ["B  "],
    "setup": ["alphabeta"],
    "analyse": ["4.1%"],
    "log": ["iteration 6 done"],
    "games": ["iteration 4"],
    "replay": ["centre"],
    "resume": ["learning_rate"],
    "job": ["policy loss"],
    "keys": ["resume"],
    "palette": ["Go to Runs"],
    "pick": ["learning_rate  "],
}


async def test_the_wheel_scrolls_whatever_is_longer_than_its_place(world, monkeypatch):
    quick_jobs(monkeypatch, "[print('policy loss', i, flush=True) for i in range(90)]")
    for number in range(30):
        (world / f"run-{number}").symlink_to("night-1")
    still = []
    async with opened(world, "menu", size=NARROW, now=LATER) as shown:
        async for name in tour(shown, ROLLS):
            still += [(name, words) for words in ROLLS[name] if not await rolls(shown, words)]
    assert not still


@pytest.mark.parametrize(
    ("name", "title"), [("training", "─ loss"), ("chart", "─ loss"), ("runs", "─ total loss")]
)
async def test_the_wheel_over_a_chart_zooms(world, name, title):
    async with opened(world, name, now=LATER) as shown:
        x, y = await shown.hands.find(title)
        await shown.hands.roll(x + 20, y + 5, 2, up=True)
        await shown.until("zoomed")
        await shown.hands.roll(x + 20, y + 5, 4)
        await shown.when(lambda: "zoomed" not in shown.text, "the whole run")


# -- selection


COPIED = {
    "training": ["iteration 1 done", "policy entropy"],
    "log": ["iteration 1 done"],
    "job": ["policy loss 4.21"],
    "analyse": ["W from 2 to the floor", "W 2>F"],
    "runs": ["best score", "night-1"],
    "checkpoints": ["night-1"],
    "evaluate": ["A is laptop-1122"],
    "menu": ["Trains a small network"],
    "games": ["iteration 4, game"],
    "keys": ["look at it"],
}


async def test_texts_are_selected_by_the_mouse_and_copied(world):
    lost = []
    async with opened(world, "menu", now=LATER) as shown:
        async for name in tour(shown, COPIED):
            for words in COPIED[name]:
                x, y = await shown.hands.find(words)
                await shown.hands.drag((x, y), (x + len(words), y))
                shown.app.copy_to_clipboard("")
                await shown.press("ctrl+c")
                if words not in shown.app.clipboard:
                    lost.append((name, words, shown.app.clipboard))
                shown.screen.clear_selection()
    assert not lost
