"""Every screen and every key, driven as a person would."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import TYPE_CHECKING

import pytest
from fake_run import make_run

from azul_tui.config import find_preset, load_config
from azul_tui.runs.paths import RunPaths
from azul_tui.tui.app import AzulApp
from azul_tui.tui.painted_screen import PaintedScreen
from azul_tui.tui.picture import plain

if TYPE_CHECKING:
    from pathlib import Path

PLACES = "menu training runs checkpoints evaluate".split()
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three runs that tests only look at."""
    root = tmp_path_factory.mktemp("runs")
    make_run(root / "quick-1", 8, seed=2, state="finished", batch_size=64)
    make_run(root / "quick-2", 6, seed=3, state="stopped")
    make_run(root / "laptop", 15)
    return root


class Driver:
    """The app under test, and what its screen says."""

    def __init__(self, app, pilot):
        self.app = app
        self.pilot = pilot

    @property
    def text(self):
        screen = self.app.screen
        assert isinstance(screen, PaintedScreen)
        return plain(screen.shown_lines())

    async def press(self, *keys):
        for key in keys:
            await self.pilot.press(key)

    async def until(self, words, seconds=15.0):
        end = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < end, f"{words!r} did not appear in\n{self.text}"
            self.app.look_now()
            await asyncio.sleep(0.02)
        return self.text

    @property
    def kind(self):
        return type(self.app.screen).__name__


class Drive:
    """Open the app on a folder of runs, at the moment at which the fake runs end."""

    def __init__(self, root, attach=None, size=(120, 40), now=None, **options):
        self.now = now if now is not None else 1_700_000_000.0 + 15 * 90
        paths = RunPaths(root / attach) if attach else None
        self.app = AzulApp(
            root, attach=paths, clock=lambda: self.now, tick_s=1.0, ascii_only=False, **options
        )
        self.size = size

    async def __aenter__(self):
        self.context = self.app.run_test(size=self.size)
        pilot = await self.context.__aenter__()
        driver = Driver(self.app, pilot)
        await pilot.pause()
        return driver

    async def __aexit__(self, *error):
        await self.context.__aexit__(*error)


def quick():
    """The preset that the chosen entry starts from."""
    return load_config(find_preset("quick"))


def requests(run: Path):
    return [json.loads(p.read_text()) for p in sorted((run / "control").glob("*.json"))]


# -- places


async def test_number_keys_reach_every_place(runs):
    async with Drive(runs) as d:
        for key, mode in zip("12345", PLACES, strict=True):
            await d.press(key)
            assert d.app.current_mode == mode
            title = mode.capitalize()
            assert f"[{key} {title}]" in d.text


async def test_the_palette_reaches_places_and_keys(runs):
    async with Drive(runs, "laptop") as d:
        await d.until("loss")
        commands = {c.title for c in d.app.get_system_commands(d.app.screen)}
        assert {"Go to Runs", "Checkpoint now", "All keys", "Leave"} <= commands
        await d.press("ctrl+p")
        assert d.kind == "CommandsScreen"
        await d.press(*"checkp")
        assert "Checkpoint now" in d.text
        assert "Go to Runs" not in d.text
        await d.press("ctrl+u", *"go runs", "enter")
        assert d.app.current_mode == "runs"
        await d.press("ctrl+p", "escape")
        assert d.kind == "RunsScreen"


@pytest.mark.parametrize("place", "12345")
async def test_help_lists_the_bindings_of_the_screen(runs, place):
    async with Drive(runs, "laptop") as d:
        await d.press(place)
        words = [d.app.screen.describe(b) for b in d.app.screen.own_bindings()]
        await d.press("question_mark")
        assert d.kind == "KeysScreen"
        listed = d.text
        while d.app.screen.first < 30:
            d.app.screen.action_move(10)
            listed += d.text
            if d.app.screen.first == 0:
                break
            seen = d.app.screen.first
            d.app.screen.action_move(1)
            listed += d.text  # drawing it brings the first line back to what there is
            if d.app.screen.first == seen:
                break
        missing = [word for word in words if word[:20] not in listed]
        assert not missing
        await d.press("escape")
        assert d.kind != "KeysScreen"


async def test_leaving_a_run_of_somebody_else_asks_nothing(runs):
    async with Drive(runs, "laptop") as d:
        await d.until("loss")
        await d.press("q")
        await d.pilot.pause()
        assert d.app.return_code == 0


# -- training


async def test_training_shows_whether_it_lives_learns_and_does_what(runs):
    async with Drive(runs, "laptop") as d:
        text = await d.until("step 1,500")
        assert "iteration 15/100" in text
        assert "left 1 h 12 min" in text
        assert "● self-play" in text
        assert "total" in text
        assert "171/256 games" in text
        assert "last move  R from 2 to line 3   value +0.31" in text
        assert "iteration 15 done" in text
        assert "learn rate 1.0e-3" in text
        assert "greedy" in text


async def test_training_at_80x24_loses_nothing_important(runs):
    async with Drive(runs, "laptop", size=(80, 24)) as d:
        text = await d.until("step 1,500")
        for words in ("iteration 15/100", "left", "loss", "171/256 games", "iteration 15 done"):
            assert words in text
        await d.press("tab")
        assert "score  random" in d.text
        await d.press("b")
        assert "24 points" in d.text or "player 1" in d.text
        await d.press("escape")
        assert d.kind == "TrainingScreen"


async def test_steering_keys_leave_requests(tmp_path):
    run = make_run(tmp_path / "live", 3)
    async with Drive(tmp_path, "live", now=run.t) as d:
        await d.until("loss")
        await d.press("p", "c", "s")
        asked = [r["request"] for r in requests(run.directory)]
        assert asked == ["pause", "checkpoint", "stop"]
        await d.press("x")
        assert "Cancel this run now?" in d.text
        await d.press("n")
        assert len(requests(run.directory)) == 3
        await d.press("x", "y")
        assert requests(run.directory)[-1]["request"] == "cancel"
        run.status("paused")
        await d.until("paused")
        await d.press("p")
        assert requests(run.directory)[-1]["request"] == "resume"


async def test_live_settings_are_checked_sent_and_answered(tmp_path):
    run = make_run(tmp_path / "live", 3)
    async with Drive(tmp_path, "live", now=run.t) as d:
        await d.until("loss")
        await d.press("e")
        assert "learning_rate" in d.text
        form = d.app.screen.form
        names = [spec.name for spec in form.shown()]
        assert all(spec.live for spec in form.shown())
        form.chosen = names.index("learning_rate")
        await d.press("enter")
        await d.press("end", *["backspace"] * 12, "x")
        assert "must be a number" in d.text or "learning_rate" in d.text
        await d.press("enter")
        assert d.kind == "PromptScreen", "a refused value is not sent"
        await d.press("backspace", *"0.0005", "enter")
        sent = requests(run.directory)[-1]
        assert (sent["request"], sent["key"], sent["value"]) == ("set", "learning_rate", 0.0005)
        run.event(
            "setting",
            key="learning_rate",
            old=0.001,
            new=0.0005,
            iteration=3,
            takes_effect="with iteration 4",
        )
        await d.until("takes effect with iteration 4")
        await d.press("escape")
        assert d.kind == "TrainingScreen"
        assert "◆" in d.text


async def test_alerts_stay_until_seen(tmp_path):
    run = make_run(tmp_path / "live", 3)
    async with Drive(tmp_path, "live", now=run.t) as d:
        run.event("alert", level="error", text="the disk is full: training waits for room")
        await d.until("the disk is full")
        await d.press("tab", "l")
        assert "the disk is full" in d.text
        await d.press("a")
        assert "the disk is full" not in d.text


async def test_a_stall_and_a_crash_say_so_and_the_way_back(tmp_path):
    run = make_run(tmp_path / "live", 6)
    async with Drive(tmp_path, "live", now=run.t + 60) as d:
        await d.until("no news for 1 min")
    async with Drive(tmp_path, "live", now=run.t + 600) as d:
        text = await d.until("crashed")
        assert "r resumes from checkpoint_iter_000005.pt" in text
        assert "resume from the last checkpoint" in text


async def test_a_run_that_compiles_says_so_instead_of_an_empty_frame(tmp_path):
    run = make_run(tmp_path / "new", 0)
    run.event("compile", done=3, total=12, name="select", seconds=2.0)
    run.status(phase="compile", done=None, total=None)
    async with Drive(tmp_path, "new", now=run.t) as d:
        await d.until("compiling the rules, 3 of 12 (select), only the first time")


async def test_chart_keys_change_the_view_and_survive_new_data(tmp_path):
    run = make_run(tmp_path / "live", 6)
    async with Drive(tmp_path, "live", now=run.t) as d:
        await d.until("step 600")
        await d.press("l")
        assert "log y" in d.text
        await d.press("l", "right_square_bracket")
        assert "smooth 0.97" in d.text
        await d.press("left_square_bracket", "left_square_bracket")
        assert "smooth 0.8" in d.text
        await d.press("plus", "plus", "left")
        assert "zoomed, held" in d.text
        window = d.app.screen.view.window((1.0, 600.0))
        run.one_iteration()
        await d.until("step 700")
        assert d.app.screen.view.window((1.0, 700.0)) == window
        await d.press("0", "v")
        assert "at step" in d.text
        before = d.text
        await d.press("left")
        assert d.text != before
        await d.press("v", "o", "L", "n", "i")
        assert "outliers hidden" in d.text
        assert "iteration 7" in d.text
        await d.press("i")
        assert d.app.screen.view.x_kind == "time"


async def test_the_full_chart_keeps_the_view(runs):
    async with Drive(runs, "laptop") as d:
        await d.until("step 1,500")
        await d.press("enter")
        assert d.kind == "FullChartScreen"
        await d.press("l", "tab")
        assert "score" in d.text
        await d.press("escape")
        assert "log y" in d.text


async def test_a_chart_is_written_as_data_text_and_picture(tmp_path):
    run = make_run(tmp_path / "live", 4)
    async with Drive(tmp_path, "live", now=run.t) as d:
        await d.until("step 400")
        await d.press("d", "w", "W")
        await d.pilot.pause()
    lines = (run.directory / "chart-loss.csv").read_text().splitlines()
    assert lines[0] == "curve,step,value,low,high"
    assert len(lines) == 1 + 3 * 400
    assert "loss" in (run.directory / "chart-loss.txt").read_text()
    assert (run.directory / "chart-loss.svg").read_text().startswith("<svg")


# -- menu


async def test_the_menu_has_the_eleven_entries_and_says_what_they_do(runs):
    async with Drive(runs) as d:
        text = d.text
        for number, title in (
            (0, "All component demos"),
            (1, "Loss functions"),
            (5, "Self-play data generation"),
            (6, "Quick training"),
            (8, "Full training"),
            (10, "Evaluate a trained model"),
        ):
            assert re.search(rf" {title} +{number} ", text)
        assert re.search("▸ Quick training +6 ", text)
        assert "under two minutes" in text


async def test_a_digit_that_is_no_place_says_how_entries_are_chosen(runs):
    async with Drive(runs) as d:
        assert "--run" in d.text, "what the numbers of the entries are for"
        await d.press("0")
        await d.until("arrows choose an entry")
        assert d.app.current_mode == "menu"


async def test_the_first_start_explains_itself(tmp_path):
    async with Drive(tmp_path / "nothing") as d:
        assert "Welcome." in d.text
        await d.press("3")
        assert "There are no runs yet." in d.text
        await d.press("4")
        assert "There are no checkpoints yet." in d.text or "pretrained" in d.text
        await d.press("2")
        assert "No run is looked at." in d.text


async def test_a_form_checks_marks_and_undoes(runs):
    async with Drive(runs) as d:
        await d.press("tab", "slash", *"batch_size", "enter")
        assert "batch_size" in d.text
        assert "network_config" not in d.text
        await d.press("enter", "end", *["backspace"] * 6, *"-3")
        assert "batch_size must be" in d.text
        await d.press("backspace", "backspace", *"96", "enter")
        assert "1 changed" in d.text
        assert "*batch_size" in d.text
        assert f"was {quick().batch_size}" in d.text
        await d.press("u")
        assert "changed" not in d.text


async def test_presets_and_choices_cycle(runs):
    async with Drive(runs) as d:
        assert "quick preset" in d.text
        await d.press("t")
        assert "quick preset" not in d.text
        await d.press("tab", "slash", *"network_config", "enter", "space")
        assert "1 changed" in d.text


async def test_settings_are_saved_as_toml(runs, tmp_path):
    path = tmp_path / "mine.toml"
    async with Drive(runs) as d:
        await d.press("S")
        await d.press("end", *["backspace"] * 20)
        d.app.screen.line.insert(str(path))
        await d.press("enter")
        await d.pilot.pause()
    assert load_config(path) == quick()


# -- runs


async def test_runs_are_listed_filtered_and_sorted(runs):
    async with Drive(runs) as d:
        await d.press("3")
        text = await d.until("laptop")
        assert text.index("laptop") < text.index("quick-1")
        assert "finished" in text
        await d.press("slash", *"quick fin")
        await d.press("enter")
        assert "1 of 3" in d.text
        assert "quick-2" not in d.text.split("┌")[0]
        await d.press("escape", "s", "s", "S")
        assert "size▲" in d.text or "▲" in d.text


async def test_marked_runs_are_overlaid_and_compared(runs):
    async with Drive(runs) as d:
        await d.press("3")
        await d.until("laptop")
        await d.press("space", "space", "space")
        text = await d.until("settings that differ")
        assert "batch_size" in text
        assert "max_iterations" not in text.split("settings that differ")[1]
        title = next(line for line in text.splitlines() if "total loss" in line)
        assert all(name in title for name in ("laptop", "quick-1", "quick-2"))
        await d.press("tab", "tab", "tab")
        assert "score" in d.text
        await d.press("u")
        assert "settings that differ" not in d.text


async def test_enter_attaches(runs):
    async with Drive(runs) as d:
        await d.press("3")
        await d.until("laptop")
        await d.press("enter")
        assert d.app.current_mode == "training"
        await d.until("step 1,500")
        assert d.app.feed.name == "laptop"


async def test_runs_are_renamed_archived_and_deleted_but_never_a_live_one(tmp_path):
    run = make_run(tmp_path / "live", 2)
    for name in ("one", "two"):
        make_run(tmp_path / name, 1, state="finished")
    async with Drive(tmp_path, now=run.t) as d:
        await d.press("3")
        await d.until("live")
        d.app.screen.chosen_key = "live"
        await d.press("delete")
        assert d.kind == "RunsScreen", "a live run is refused before anything is asked"
        d.app.screen.chosen_key = "one"
        await d.press("n", "end", "backspace", "slash")
        assert "may hold" in d.text or "letters" in d.text
        await d.press("backspace", *"xyz", "enter")
        await d.until("onxyz")
        assert (tmp_path / "onxyz").is_dir()
        d.app.screen.chosen_key = "two"
        await d.press("delete")
        assert "Delete two for good?" in d.text
        assert "kB" in d.text or "MB" in d.text
        await d.press("enter")
        assert (tmp_path / "two").is_dir(), "enter is the safe answer"
        await d.press("delete", "y")
        assert not (tmp_path / "two").exists()
        d.app.screen.chosen_key = "onxyz"
        await d.press("z", "y")
        assert (tmp_path / ".archive" / "onxyz").is_dir()
    assert (tmp_path / "live").is_dir()


# -- checkpoints


async def test_checkpoints_are_listed_with_what_is_known_of_them(runs):
    async with Drive(runs) as d:
        await d.press("4")
        text = await d.until("★")
        assert "laptop" in text
        assert "15 new" in text
        await d.until("✓")
        assert "greedy" in d.text
        assert "batch_size" in d.text


async def test_two_checkpoints_are_compared(runs):
    async with Drive(runs) as d:
        await d.press("4", "slash", *"laptop", "enter")
        await d.until(" of ")  # a checkpoint that the program ships may be in the list too
        await d.press("space", "down", "space")
        assert "compared" in d.text
        assert "score" in d.text.split("compared")[1]
        await d.press("u")
        assert "compared" not in d.text


async def test_a_damaged_checkpoint_is_named(tmp_path):
    run = make_run(tmp_path / "run", 5, state="finished")
    file = run.directory / "checkpoint_iter_000005.pt"
    file.write_bytes(file.read_bytes()[:-40])
    async with Drive(tmp_path, now=run.t) as d:
        await d.press("4")
        await d.until("damaged")


async def test_the_last_good_checkpoint_is_asked_about_twice(tmp_path):
    run = make_run(tmp_path / "run", 10, state="finished")
    files = sorted(run.directory.glob("*.pt"))
    assert len(files) == 2
    async with Drive(tmp_path, now=run.t) as d:
        await d.press("4")
        await d.until("✓")
        d.app.screen.chosen_key = str(files[0])
        await d.press("delete", "y")
        assert not files[0].exists()
        d.app.screen.chosen_key = str(files[1])
        await d.press("delete", "y")
        assert "last good checkpoint" in d.text
        await d.press("n")
        assert files[1].exists()
        await d.press("delete", "y", "y")
        assert not files[1].exists()


async def test_a_checkpoint_goes_to_evaluate(runs):
    async with Drive(runs) as d:
        await d.press("4")
        await d.until("★")
        await d.press("v")
        assert d.app.current_mode == "evaluate"
        assert "checkpoint_iter_" in d.text


# -- evaluate


async def test_evaluate_shows_the_score_in_words(tmp_path):
    make_run(tmp_path / "run", 1, state="finished")
    match = make_run(tmp_path / ".jobs" / "evaluate-1", 0)
    async with Drive(tmp_path, now=match.t) as d:
        d.app.evaluating = RunPaths(match.directory)
        await d.press("5")
        match.event(
            "evaluation",
            iteration=5,
            opponent="greedy",
            games=200,
            wins=123,
            draws=0,
            losses=77,
            score=0.615,
            low=0.567,
            high=0.663,
            margin=4.2,
            simulations=32,
        )
        text = await d.until("A is stronger")
        assert "61.5% (56.7 to 66.3), Elo +81" in text
        assert "A won 123" in text
        assert "would halve the interval" in text
        await d.press("down", "space")
        assert "opponent" in d.text


# -- hostile text


async def test_names_and_logs_from_strangers_are_harmless(tmp_path):
    nasty = "\x1b[31m[bold]\u202eevil\u0007" + "x" * 10_000
    run = make_run(tmp_path / "run", 2)
    run.say(nasty)
    run.event("alert", level="error", text=nasty)
    run.status(phase=nasty, unit=nasty)
    async with Drive(tmp_path, "run", now=run.t) as d:
        text = await d.until("evil")
        assert "\x1b" not in text
        assert "\u202e" not in text
        for place in "12345":
            await d.press(place)
            assert "\x1b" not in d.text
