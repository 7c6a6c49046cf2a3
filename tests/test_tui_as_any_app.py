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
    go,
    opened,
    quick_jobs,
    rested,
    tour,
)
from textual.app import App
from textual.widgets import Input

pytestmark = pytest.mark.timeout(120)


async def keys_and_places_are_clicks(shown, name):
    rows = shown.text.splitlines()
    for word in rows[-1].split() if name in SCREENS else ():
        at = rows[-1].index(f" {word}") + 1
        if "@click" not in shown.screen.get_style_at(at, len(rows) - 1).meta:
            yield word
    for title in PLACES.values() if name in SCREENS else ():
        here = f"{title}]" in rows[0]
        if not here and "@click" not in shown.screen.get_style_at(rows[0].index(title), 0).meta:
            yield title


async def tab_moves_a_focus_that_is_seen(shown, name):
    before, paint = shown.app.focused, shown.hands.paint
    if len(shown.screen.focus_chain) > 1 and name not in {"palette", "list"}:
        await shown.press("tab")
        await rested(shown)
        if shown.app.focused is before or shown.hands.paint == paint:
            yield before
        await shown.press("shift+tab")
        if shown.app.focused is not before:
            yield "shift+tab"


async def what_is_pointed_at_lights_up(shown, name):
    for words in LIGHTS_UP.get(name, ()):
        x, y = await shown.hands.find(words)
        await shown.hands.hover(60, 0)
        before = shown.hands.paint.splitlines()[y]
        await shown.hands.hover(x + 1, y)
        if shown.hands.paint.splitlines()[y] == before:
            yield words


async def texts_are_selected_and_copied(shown, name):
    for words in COPIED.get(name, ()):
        x, y = await shown.hands.find(words)
        await shown.hands.drag((x, y), (x + len(words), y))
        shown.app.copy_to_clipboard("")
        await shown.press("ctrl+c")
        if words not in shown.app.clipboard:
            yield words, shown.app.clipboard
        shown.screen.clear_selection()


async def control_keys_say_what_they_do(shown, name):
    for key, words in (
        ("ctrl+c", "ctrl+q"),
        ("ctrl+z", "no shell waits"),
        ("ctrl+q", "is still running"),
    ):
        shown.app.clear_notifications()
        await shown.press(key)
        await rested(shown)
        # In an input it copies; in a box the library gives no hint.
        copies = key == "ctrl+c" and (name in BOXES or isinstance(shown.app.focused, Input))
        if words not in shown.text and not copies:
            yield key
    await shown.press("n")
    await rested(shown)


LIGHTS_UP = {
    "menu": ["Batch sampling", "Start  ", "▶ learning", "3 Runs", "q leave"],
    "runs": ["night-1  ", "state  ", "r resume"], "checkpoints": ["night-1  ", "policy  "],
    "evaluate": ["Swap", "against random  ", "w swap"], "setup": ["alphabeta", "Deal"],
    "analyse": ["4.1%", "prior", "c compare"], "games": ["iteration 3"],
    "palette": ["Search for@7"], "question": ["y  yes"], "value": ["Cancel"],
    "pick": ["learning_rate  "], "list": ["three-players"], "leave": ["d  detach"],
}  # fmt: skip
COPIED = {
    "training": ["iteration 1 done", "policy entropy"], "log": ["iteration 1 done"],
    "job": ["policy loss 4.21"], "analyse": ["W from 2 to the floor", "W 2>F"],
    "runs": ["best score", "night-1"], "checkpoints": ["night-1"],
    "evaluate": ["A is laptop-1122"], "menu": ["Trains a small network"],
    "games": ["iteration 4, game"], "keys": ["look at it"],
}  # fmt: skip


async def test_every_screen_and_box_behaves_as_in_any_app(world):
    faults = []
    async with opened(world, "job") as shown:
        async for name in tour(shown):
            for aspect in (
                keys_and_places_are_clicks, tab_moves_a_focus_that_is_seen,
                what_is_pointed_at_lights_up, texts_are_selected_and_copied,
                control_keys_say_what_they_do,
            ):  # fmt: skip
                faults += [(name, aspect.__name__, fault) async for fault in aspect(shown, name)]
    assert not faults, "\n".join(map(str, faults))


# -- click


@pytest.mark.parametrize("size", [WIDE, NARROW, (60, 20)], ids=["120x40", "80x24", "60x20"])
async def test_a_click_leads_to_every_place(world, size):
    async with opened(world, "menu", size=size) as shown:
        for key in "3571264":
            await shown.hands.click_words(f" {key} ")
            await shown.when(lambda key=key: shown.app.current_mode == MODES[key], MODES[key])


@pytest.mark.parametrize("name", BOXES)
async def test_a_click_beside_a_box_leaves_it_and_does_nothing(world, name):
    async with opened(world, name) as shown:
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
    async with opened(world, name) as shown:
        await shown.hands.click_words(words)
        await shown.until(then)


async def test_fields_take_clicks(world):
    async with opened(world, "menu") as shown:
        x, y = await shown.hands.find("learning_rate")
        await shown.hands.click(shown.text.splitlines()[y].index("0.002") + 2, y)
        await shown.press("9")
        await shown.until("0.9002")  # at the cell that was clicked
        await shown.hands.click_words("▶ learning, 17")
        await shown.until("▼ learning, 17")
        x, y = await shown.hands.find("start from")
        await shown.hands.click(x + 36, y)
        await shown.until("alphazero")
        await shown.press("escape")


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
    async with opened(world, name, tooltips=True) as shown:
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
    "menu": ["Batch sampling", "learning_rate"], "training": ["iteration 6 done"],
    "runs": ["my long run"], "checkpoints": ["my long run"], "evaluate": ["B  "],
    "setup": ["alphabeta"], "analyse": ["4.1%"], "log": ["iteration 6 done"],
    "games": ["game 9984"], "replay": ["centre"], "job": ["policy loss"],
    "keys": ["All keys here@5"],
    "palette": ["Search for@5"], "pick": ["learning_rate  "],
}  # fmt: skip


async def test_the_wheel_scrolls_whatever_is_longer_than_its_place(world, monkeypatch):
    quick_jobs(monkeypatch, "[print('policy loss', i, flush=True) for i in range(90)]")
    for number in range(30):
        (world / f"run-{number}").symlink_to("night-1")
        game = world / RUN / "games" / "iter_000003.jsonl"
        (game.parent / f"iter_{number + 5:06d}.jsonl").symlink_to(game)
    with (world / RUN / "log.txt").open("a") as log:
        log.write("iteration 6 done\n" * 90)
    still = []
    async with opened(world, "menu", size=NARROW) as shown:
        async for name in tour(shown, ROLLS):
            still += [(name, words) for words in ROLLS[name] if not await rolls(shown, words)]
    assert not still


@pytest.mark.parametrize(
    ("name", "title"), [("training", "─ loss"), ("chart", "─ loss"), ("runs", "─ total loss")]
)
async def test_the_wheel_over_a_chart_zooms(world, name, title):
    async with opened(world, name) as shown:
        x, y = await shown.hands.find(title)
        await shown.hands.roll(x + 20, y + 5, 2, up=True)
        await shown.until("zoomed")
        await shown.hands.roll(x + 20, y + 5, 4)
        await shown.when(lambda: "zoomed" not in shown.text, "the whole run")


# -- focus, inputs


INPUTS = ("3 slash", "7 slash", "7 i", "2 e enter", "6 slash", "1 s", "4 R", "7 e enter", "ctrl+p")


async def test_inputs_are_edited_as_everywhere(world):
    wrong = []
    async with opened(world, "menu") as shown:
        for name in INPUTS:
            for key in name.split():
                if key in MODES:
                    await go(shown, MODES[key] if key != "6" else "setup")
                else:
                    await shown.press(key)
                    await rested(shown)
            field, mode = shown.app.focused, shown.app.current_mode
            if not isinstance(field, Input):
                wrong.append((name, field))
                continue
            for keys_, value in (
                (("end", "ctrl+u"), ""),
                (("R", "space", "2", "4", "space", "3"), "R 24 3"),
                (("ctrl+w",), "R 24 "),
                (("left", "left", "ctrl+k"), "R 2"),
                (("ctrl+a", "B", "ctrl+e", "5"), "BR 25"),
                (("shift+left", "shift+left", "7"), "BR 7"),
                (("shift+home", "ctrl+c", "end", "ctrl+v"), "BR 7BR 7"),
            ):
                await shown.press(*keys_)
                if field.value != value:
                    wrong.append((name, keys_, field.value))
            await shown.hands.paste("24,-/Y2")
            if not field.value.endswith("24,-/Y2") or shown.app.current_mode != mode:
                wrong.append((name, "paste", field.value))
            await shown.press("end", "ctrl+u", "escape", "escape")
            await rested(shown)
    assert not wrong


# -- palette, themes


async def palette(shown, typed):
    await shown.press("ctrl+p", *("space" if char == " " else char for char in typed))
    await rested(shown)
    await shown.press("enter")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("runnight", "night-1  ✓ finished"),
        ("chnight iter", "╭─ night-1 iteration 5"),
        ("goplay", "against pretrained"),
        ("stbench", "azul-tui --run bench"),
        ("pause", "pausing"),
        ("allkeys", "All keys here"),
    ],
)
async def test_the_palette_leads_to_runs_checkpoints_places_jobs_and_keys(world, typed, words):
    async with opened(world, "training") as shown:
        await palette(shown, typed)
        await shown.until(words)


async def test_a_theme_is_chosen_in_the_palette_and_kept_between_starts(world):
    async with opened(world, "training") as shown:
        await palette(shown, "theme")
        await shown.until("nord")
        await shown.press(*"nord")
        await rested(shown)
        await shown.press("enter")
        await shown.when(lambda: shown.app.theme == "nord", "nord")
        await rested(shown)
    async with opened(world, "training", theme=None) as shown:
        assert shown.app.theme == "nord"


async def test_a_screenshot_is_taken_by_the_palette(world, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(tmp_path))
    async with opened(world, "training") as shown:
        await palette(shown, "screenshot")
        await shown.when(lambda: list(tmp_path.rglob("*.svg")), "a picture")


# -- toasts, leaving


async def test_errors_stay_until_they_are_dismissed_and_news_go(world, monkeypatch):
    told = []

    def notify(app, message, *, timeout=None, severity="information", **options):
        told.append((severity, timeout if timeout is not None else app.NOTIFICATION_TIMEOUT))
        return library(app, message, timeout=timeout, severity=severity, **options)

    library = App.notify
    monkeypatch.setattr(App, "notify", notify)
    async with opened(world, "menu") as shown:
        await shown.hands.click_words("learning_rate")
        await shown.press("tab")
        for name, setting in (("menu", "max_iterations"), ("evaluate", "games"), ("setup", "seed")):
            await go(shown, name)
            x, y = await shown.hands.find(f" {setting} ")
            await shown.hands.click(x + 38 if name == "menu" else x + 20, y)
            await shown.press("end", "ctrl+u", *"-x", "enter")
            await shown.until(f"{setting} must be")
        await go(shown, "runs")
        await shown.press("delete")  # of the run that goes on
        await shown.until("the run laptop-1122 is going on")
        await shown.press("o")
        await shown.until("scores against")
        await shown.hands.click_words("the run laptop-1122 is")
        await shown.when(lambda: "is going on" not in shown.text, "it dismissed")
    assert len([severity for severity, _ in told if severity == "error"]) >= 3
    assert all((seconds >= 600) == (severity == "error") for severity, seconds in told), told


@pytest.mark.parametrize("name", ["palette", "value", "editor", "play"])
async def test_ctrl_q_leaves_from_any_depth(world, name):
    async with opened(world, name) as shown:
        await shown.press("ctrl+q")
        await shown.when(lambda: shown.app.return_code == 0, "end")
