"""What stands on the screen is so: results, states, names, commands, sizes, on every place."""

from __future__ import annotations

import json
import re

import pytest
from every_screen import LATER, RUN, SCREENS, go, opened, rested, tour
from test_tui_evaluate import a_match, tally
from textual import events
from textual.widgets import Input

pytestmark = pytest.mark.timeout(180)


def requests_of(root, run=RUN):
    files = sorted((root / run / "control").glob("*.json"))
    return [json.loads(file.read_text())["request"] for file in files]


# -- results and states


async def test_what_runs_keeps_its_own_settings_whatever_the_form_says_later(world, jobs):
    async with opened(world, "menu") as shown:
        shown.app.go_with("menu", "sampling")
        await shown.until("--run sampling")
        in_form = re.compile(r"│ (\w+) +(\d+) ")
        await shown.when(lambda: in_form.search(shown.text), "its form")
        await rested(shown)  # a form that is still being laid out moves under the mouse
        setting = in_form.search(shown.text)
        x, y = await shown.hands.find(f" {setting[1]} ")
        await shown.hands.click(x + 38, y)
        await shown.when(lambda: isinstance(shown.app.focused, Input), "the field's cursor")
        await shown.press("end", "ctrl+u", "7", "enter")
        text = await shown.until("settings: ")
        assert f"{setting[1]}=7" in text
        assert f"--set={setting[1]}=7" in jobs[0]
        await shown.press("escape")
        await rested(shown)
        await shown.hands.click(x + 38, y)
        await shown.when(lambda: isinstance(shown.app.focused, Input), "the field's cursor")
        await shown.press("end", "ctrl+u", "9")
        await shown.press("ctrl+p", *"showbatch")
        await rested(shown)
        await shown.press("enter")
        assert f"{setting[1]}=7" in await shown.until("settings: ")
        assert len(jobs) == 1


@pytest.mark.parametrize(
    ("keys", "words", "request_"),
    [("p", "pausing", "pause"), ("s", "stopping", "stop"), ("x y", "cancelling", "cancel")],
)
async def test_what_was_asked_of_a_run_is_named_at_once(world, keys, words, request_):
    async with opened(world, "training") as shown:
        await shown.press(*keys.split())
        await shown.until(words)
        for place in ("runs", "menu", "evaluate"):
            await go(shown, place)
            assert words in shown.text.splitlines()[0], place
        assert requests_of(world) == [request_]


@pytest.mark.parametrize("name", ["training", "runs", "checkpoints"])
async def test_nothing_resumes_twice(world, jobs, name):
    """However often one asks, and wherever."""
    async with opened(world, name, attach="my long run") as shown:
        await shown.when(lambda: shown.app.run_now().state == "stopped", "its state")
        await shown.press(*["down"] * (name == "runs"))
        await rested(shown)
        await shown.press("r")
        await rested(shown)
        if name != "training":
            await shown.until("Resume my long run")
            assert jobs == []
            await shown.press("y")
        await shown.when(lambda: jobs, "start")
        await shown.until("resuming")
        for place in ("training", "runs"):
            await go(shown, place)
            await shown.press("r")
            await rested(shown)
            await shown.press("y" if place == "runs" else "shift+f12")
            await rested(shown)
        assert len(jobs) == 1


@pytest.mark.parametrize(
    ("job", "title"), [("evaluate", "Evaluate a trained model"), ("bench", "Benchmark")]
)
async def test_a_job_that_goes_on_is_found_by_the_next_dashboard(world, job, title):
    a_match(world, 99, tally(), t=LATER - 5, state="running", job=job)
    async with opened(world, "menu") as shown:
        shown.app.go_with("menu", job)
        await shown.until(f"{title} is running")
        await shown.press("o")
        await shown.until("130" if job == "evaluate" else "● running")


# -- names, messages, commands


async def test_a_checkpoint_has_one_name_everywhere(world):
    name = f"{RUN} iteration 5"
    wrong = []
    async with opened(world, "menu") as shown:
        for screen, keys in (
            ("checkpoints", ["down"] * 2),
            ("setup", []),
            ("evaluate", ["a"]),
            ("analyse", ["m"]),
            ("analyse", ["escape", "c"]),
            ("replay", []),
        ):
            await go(shown, screen)
            for key in keys:
                await shown.press(key)
                await rested(shown)
            if name not in shown.text or ("5.pt" in shown.text and screen != "checkpoints"):
                wrong.append((screen, keys, shown.text))
            await shown.press("escape", "escape")
        await shown.press("ctrl+p", *f"{RUN}iteration")
        await shown.until(name)
    assert not wrong, "\n".join(f"{a} {b}\n{c}" for a, b, c in wrong)


async def test_messages_come_in_one_place(world):
    async with opened(world, "menu") as shown:
        async for name in tour(shown, SCREENS):
            shown.app.clear_notifications()
            await shown.press("ctrl+z")
            x, y = await shown.hands.find("no shell waits")
            assert x > 55 and y > 30, name


# -- sizes, colours


SMALL = {
    "menu": ["1", "Loss functions", "Quick training", "Start", "enter start"],
    "training": ["iteration 6/100", "6%", "loss", "step 600", "self-play", "iteration 6 done"],
    "runs": ["laptop-1122", "my long run", "night-1", "● running", "6/100"],
    "checkpoints": ["laptop-1122", "night-1", "pretrained"],
    "evaluate": ["greedy", "60.8%", "g start"],
    "setup": ["pretrained", "alphabeta", "Deal", "enter deal"],
    "play": ["take from", "your turn", "pretrained", "-3"],
    "analyse": ["player 1", "W 2>F", "value"], "board": ["centre", "player 1", "-3", "last move"],
    "games": ["iteration 4", "iteration 3"], "replay": ["centre", "move 0 of"],
    "editor": ["player 1", "centre", "it can be"],
    "question": ["Cancel this run now?", "y  yes", "n  no"],
    "leave": ["is still running", "d  detach", "n  stay"],
    "pick": ["Change a setting", "learning_rate"], "keys": ["All keys here"],
}  # fmt: skip


async def test_sixty_by_twenty_loses_nothing_that_matters(world):
    missing = []
    async with opened(world, "menu", size=(60, 20)) as shown:
        async for name in tour(shown, SMALL):
            missing += [(name, words) for words in SMALL[name] if words not in shown.text]
            if name in SCREENS and not all(f"{n} " in shown.text.splitlines()[0] for n in "123456"):
                missing.append((name, shown.text.splitlines()[0]))
    assert not missing, "\n".join(map(str, missing))


async def test_two_hundred_fast_keys_and_a_long_paste_do_no_harm(world):
    async with opened(world, "menu") as shown:
        for name in ("pick", "value", "question", "keys", "analyse", "checkpoints", "runs"):
            await go(shown, name)
            for key in ("down", "up", "enter", "enter", "escape", "down", "m", "escape") * 8:
                shown.app.post_message(events.Key(key, key if len(key) == 1 else None))
            shown.app.post_message(events.Paste("R 2>3 " * 20_000))
            await rested(shown)
            while shown.screen.is_modal:
                await shown.press("escape")
            shown.app.action_place("menu")
        await go(shown, "training")
        assert shown.app.is_running
